import Architectures
import Checkpoints
import JSON
import Layers
import Tensors
import TestSupport
import Testing
import Transformers

/// Changes at run time against the same changes written into a checkpoint.
@Suite struct OverlayTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let fixture: String
    let role: Role
    /// The stored tensor, and the first of its outputs that belong to the role.
    let tensor: String
    var offset = 0
    /// Rows that lie together, and from one run to the next, where the tensor holds several roles in turn.
    var run = Int.max
    var stride = 0
    /// The tensor's row of a row of the role.
    func place(_ row: Int) -> Int { offset + row / run * stride + row % run }
    var testDescription: String { "\(fixture) \(role)" }
  }

  static let cases = [
    Case(fixture: "llama", role: .block(1, .gate), tensor: "model.layers.1.mlp.gate_proj.weight", offset: 0),
    Case(
      fixture: "llama-bf16", role: .block(2, .down), tensor: "model.layers.2.mlp.down_proj.weight", offset: 0),
    Case(
      fixture: "llama-f16", role: .block(0, .key), tensor: "model.layers.0.self_attn.k_proj.weight", offset: 0
    ),
    Case(
      fixture: "llama-biases", role: .block(1, .up), tensor: "model.layers.1.mlp.up_proj.weight", offset: 0),
    Case(fixture: "llama", role: .head, tensor: "lm_head.weight", offset: 0),
    Case(fixture: "gpt2", role: .block(1, .up), tensor: "transformer.h.1.mlp.c_fc.weight", offset: 0),
    Case(
      fixture: "gpt2-bf16", role: .block(0, .value), tensor: "transformer.h.0.attn.c_attn.weight", offset: 72),
    Case(fixture: "phi3", role: .block(1, .gate), tensor: "model.layers.1.mlp.gate_up_proj.weight"),
    Case(
      fixture: "phi3-tied-bf16", role: .block(0, .up), tensor: "model.layers.0.mlp.gate_up_proj.weight",
      offset: 52),
    Case(
      fixture: "gpt_neox", role: .block(1, .value),
      tensor: "gpt_neox.layers.1.attention.query_key_value.weight", offset: 32, run: 16, stride: 48),
    Case(
      fixture: "gpt_neox-sequential-f16", role: .block(0, .query),
      tensor: "gpt_neox.layers.0.attention.query_key_value.weight", run: 16, stride: 48),
    Case(
      fixture: "falcon-grouped", role: .block(1, .key),
      tensor: "transformer.h.1.self_attention.query_key_value.weight", offset: 18, run: 6, stride: 30),
    Case(
      fixture: "falcon-alibi", role: .block(0, .up), tensor: "transformer.h.0.mlp.dense_h_to_4h.weight"),
    Case(
      fixture: "bloom-heads8-bf16", role: .block(0, .query),
      tensor: "transformer.h.0.self_attention.query_key_value.weight", run: 5, stride: 15),
    Case(fixture: "gemma2", role: .block(2, .down), tensor: "model.layers.2.mlp.down_proj.weight"),
    Case(
      fixture: "olmo2", role: .block(0, .attentionOutput), tensor: "model.layers.0.self_attn.o_proj.weight"),
    Case(fixture: "openai-gpt", role: .block(1, .up), tensor: "transformer.h.1.mlp.c_fc.weight"),
    Case(fixture: "granite", role: .head, tensor: "lm_head.weight"),
    Case(fixture: "phi", role: .head, tensor: "lm_head.weight"),
    Case(fixture: "opt-projected", role: .headProjection, tensor: "model.decoder.project_out.weight"),
  ]

  /// Writes the fixture's checkpoint with some rows of a role replaced.
  private func edited(_ item: Case, rows: [Int], weights: Tensor, in folder: TemporaryFolder) throws -> Model
  {
    let fixture = try ParityFixture(item.fixture)
    let items = try fixture.tensors.map { spec in
      let tensor = spec.tensor(seed: fixture.seed)
      if spec.name == item.tensor {
        let transposed = item.fixture.hasPrefix("gpt2") || item.fixture.hasPrefix("openai-gpt")
        let inputs = try #require(weights.shape.last)
        let size = spec.dtype.size
        for (number, row) in rows.enumerated() {
          for k in 0..<inputs {
            let place = transposed ? k * spec.shape[1] + item.place(row) : item.place(row) * inputs + k
            (tensor.storage.base + place * size).copyMemory(
              from: weights.pointer + (number * inputs + k) * size, byteCount: size)
          }
        }
      }
      return SafetensorsWriter.Item(spec.name, tensor)
    }
    let path = folder.file("edited")
    try RandomCheckpoint.write([], seed: 0, config: try #require(fixture.configs["rope_theta"]), to: path)
    try SafetensorsWriter.write(items, to: path + "/model.safetensors")
    return try Model(folder: path)
  }

  @Test(arguments: cases)
  func rowsEqualTheWrittenCheckpoint(item: Case) throws {
    let fixture = try ParityFixture(item.fixture)
    let folder = try TemporaryFolder()
    let base = try fixture.model("rope_theta", in: folder)
    let rows = [0, 3, 7, 11]
    let inputs = try base.linear(item.role).inputs
    let dtype = try #require(fixture.tensors.first?.dtype)
    let weights = RandomTensor("new rows", [rows.count, inputs], scale: 0.5, dtype: dtype).tensor(seed: 9)
    let overlay = Overlay([.rows(role: item.role, rows: rows, weights: weights)])
    let written = try edited(item, rows: rows, weights: weights, in: folder).forward(fixture.texts)
    let changed = try base.forward(fixture.texts, overlay: overlay)
    let plain = try base.forward(fixture.texts)
    for text in fixture.texts.indices {
      #expect(changed.logits[text].toFloats().bits == written.logits[text].toFloats().bits)
    }
    #expect(plain.logits.last?.toFloats().bits != changed.logits.last?.toFloats().bits)
    let options = GenerationOptions(maximumTokens: 8, stops: [])
    #expect(
      try base.generate(prompts: fixture.texts, options: options, overlay: overlay)
        == edited(item, rows: rows, weights: weights, in: folder).generate(
          prompts: fixture.texts, options: options))
  }

  @Test func rankOneEqualsItsRows() throws {
    let fixture = try ParityFixture("llama")
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    let role = Role.block(1, .gate)
    let rows = [2, 5, 51]
    let coefficients: [Float] = [0.5, -1, 2]
    let direction = RandomTensor("direction", [36], scale: 0.25).tensor(seed: 1).toFloats()
    let old = try model.linear(role).toFloats()
    let new = zip(rows, coefficients).flatMap { row, coefficient in
      (0..<36).map { old[row * 36 + $0] + coefficient * direction[$0] }
    }
    let byRows = try model.forward(
      fixture.texts, overlay: Overlay([.rows(role: role, rows: rows, weights: Tensor(new, shape: [3, 36]))]))
    let byRank = try model.forward(
      fixture.texts,
      overlay: Overlay([.rankOne(role: role, rows: rows, coefficients: coefficients, direction: direction)]))
    for text in fixture.texts.indices {
      let error = SiteError(site: "logits", text: text, byRank.logits[text], byRows.logits[text])
      #expect(error.relative < 1e-5)
    }
  }

  @Test func additionAndAblationActOnTheirSite() throws {
    let fixture = try ParityFixture("gpt2")
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    var direction = RandomTensor("direction", [36], scale: 1).tensor(seed: 2).toFloats()
    let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
    direction = direction.map { $0 / length }
    let site = Site.blockOutput(1)
    let text = fixture.texts[2]
    func states(_ change: Overlay.Change?, at site: Site) throws -> [Float] {
      try #require(
        try model.forward([text], capture: [site], overlay: change.map { Overlay([$0]) }).states[site]?.first
      ).toFloats()
    }
    let plain = try states(nil, at: site)
    let added = try states(.add(site: site, vector: direction), at: site)
    let ablated = try states(.ablate(site: site, direction: direction), at: site)
    for token in text.indices {
      var dot: Float = 0
      var plainDot: Float = 0
      for k in 0..<36 {
        #expect(abs(added[token * 36 + k] - plain[token * 36 + k] - direction[k]) < 1e-5)
        dot += ablated[token * 36 + k] * direction[k]
        plainDot += plain[token * 36 + k] * direction[k]
      }
      #expect(abs(dot) < 1e-5 && abs(plainDot) > 1e-4)
    }
    // What lies before the site is untouched, what lies after it is not.
    let change = Overlay.Change.add(site: site, vector: direction)
    #expect(try states(change, at: .blockOutput(0)).bits == states(nil, at: .blockOutput(0)).bits)
    #expect(try states(change, at: .blockOutput(2)).bits != states(nil, at: .blockOutput(2)).bits)
  }

  @Test func ablationEverywhereLeavesNothingOfTheDirection() throws {
    let fixture = try ParityFixture("llama")
    let folder = try TemporaryFolder()
    let model = try fixture.model("sparse", in: folder)
    var direction = [Float](repeating: 0, count: 36)
    direction[7] = 0.6
    direction[20] = -0.8
    let sites: [Site] = [.embeddings] + (0..<3).map { .blockOutput($0) }
    let pass = try model.forward(
      fixture.texts, capture: sites, overlay: .ablation(of: direction, blocks: model.network.blocks))
    for site in sites {
      for state in try #require(pass.states[site]) {
        let values = state.toFloats()
        for token in 0..<state.shape[0] {
          #expect(abs(values[token * 36 + 7] * 0.6 - values[token * 36 + 20] * 0.8) < 1e-5)
        }
      }
    }
  }

  @Test func refusesWhatDoesNotFit() throws {
    let fixture = try ParityFixture("llama")
    let folder = try TemporaryFolder()
    let model = try fixture.model("sparse", in: folder)
    let changes: [Overlay.Change] = [
      .rows(role: .block(0, .gate), rows: [52], weights: Tensor(zeros: [1, 36])),
      .rows(role: .block(0, .gate), rows: [0], weights: Tensor(zeros: [1, 35])),
      .rankOne(
        role: .block(0, .gate), rows: [-1], coefficients: [1], direction: [Float](repeating: 0, count: 36)),
      .add(site: .embeddings, vector: [1]),
      .ablate(site: .input(.head), direction: [Float](repeating: 0, count: 36)),
      .rows(role: .block(3, .gate), rows: [0], weights: Tensor(zeros: [1, 36])),
    ]
    for change in changes {
      #expect(throws: (any Error).self, "\(change)") {
        try model.forward([[1, 2]], overlay: Overlay([change]))
      }
    }
  }
}

import Architectures
import Checkpoints
import Foundation
import Layers
import OrderedCollections
import Runtime
import Tensors
import TestSupport
import Testing

@testable import Transformers

/// The bf16 mode in whole networks: how far from f32, and the same bits whatever runs together.
@Suite struct ComputeModeTests {
  /// A case's model with matrices of bf16.
  private func model(_ name: String, in folder: TemporaryFolder) throws -> (ParityFixture, Model) {
    let fixture = try ParityFixture(name)
    return (fixture, try fixture.model("rope_parameters", in: folder).roundedToBF16())
  }

  /// Every family: the mode does something, and nothing that rounding of activations would not do.
  @Test(arguments: ParityFixture.names) func isNearF32(_ name: String) throws {
    let folder = try TemporaryFolder()
    let (fixture, model) = try model(name, in: folder)
    let products = model.blockProducts
    #expect(products.stored == products.all && products.all > 0)
    let comparison = try ModeComparison(fixture, model)
    #expect(comparison.rows.contains { $0.largest > 0 }, "the mode computes as f32 does")
    for row in comparison.rows {
      // An expert whose router decides otherwise gives quite other numbers for its token.
      let bound = model.network.experts == nil ? 0.1 : 0.5
      #expect(row.relative < bound, "\(row.name): \(row.relative)")
    }
  }

  static let cases = [
    "llama-long", "mistral", "qwen3-tied-bf16", "gpt2", "mixtral", "qwen3_moe-stacked-bf16", "gemma3", "bert",
  ]

  /// Any batch, any number of threads, and every instruction set that emulates the products.
  @Test(arguments: cases) func bitsDoNotDependOnCompany(_ name: String) throws {
    let folder = try TemporaryFolder()
    let (fixture, model) = try model(name, in: folder)
    let fast = try model.computing(in: .bf16)
    let again = try fast.computing(in: .bf16)
    #expect(fast.compute == .bf16 && again === fast)
    let texts = (0..<3).flatMap { _ in fixture.texts }
    let site = model.network.lastSite
    func bits(_ texts: [[Int32]]) throws -> [[UInt32]] {
      let pass = try fast.forward(texts, capture: [site], logits: fast.network.hasHead ? .all : .none)
      return (pass.logits.isEmpty ? pass.states[site] ?? [] : pass.logits).map { $0.toFloats().bits }
    }
    var emulated: [[UInt32]]?
    var own: [[UInt32]]?
    try KernelSetting.each { setting in
      let together = try bits(texts)
      for (index, text) in texts.prefix(fixture.texts.count).enumerated() {
        #expect(try bits([text])[0] == together[index], "\(setting)")
      }
      if setting.set == .v4bf16 {
        #expect(own ?? together == together, "\(setting)")
        own = together
      } else {
        #expect(emulated ?? together == together, "\(setting)")
        emulated = together
      }
    }
  }

  /// A step with cached keys has the bits of the whole text.
  @Test(arguments: ["llama-bf16", "gpt2-bf16", "qwen3-tied-bf16"]) func generatesWhatAFullPassSays(
    _ name: String
  ) throws {
    let folder = try TemporaryFolder()
    let (fixture, model) = try model(name, in: folder)
    let fast = try model.computing(in: .bf16)
    let options = GenerationOptions(maximumTokens: 6, stops: [])
    try KernelSetting.each { setting in
      let replies = try fast.generate(prompts: fixture.texts, options: options)
      for (prompt, reply) in zip(fixture.texts, replies) {
        var text = prompt
        for token in reply.tokens {
          let logits = try fast.forward([text], logits: .last).logits[0].toFloats()
          #expect(logits.indices.max { logits[$0] < logits[$1] } == Int(token), "\(setting)")
          text.append(token)
        }
      }
    }
  }

  /// The run-time edit is the written checkpoint in this mode too: rows, and masks.
  @Test(arguments: ["llama-bf16", "gpt2-bf16", "mixtral-stacked-bf16"]) func overlaysAreCheckpoints(
    _ name: String
  ) throws {
    let folder = try TemporaryFolder()
    let (fixture, model) = try model(name, in: folder)
    let fast = try model.computing(in: .bf16)
    let role = try #require(
      model.binding.tensors.keys.filter { $0.inBlock == .up || $0.inBlock == .gate }.sorted {
        $0.description < $1.description
      }.first)
    let weight = try fast.linear(role)
    let bits = WeightBits(rows: weight.outputs, columns: weight.inputs) { ($0 + 2 * $1) % 3 != 0 }
    var floats = weight.toFloats()
    for row in 0..<weight.outputs {
      for k in 0..<weight.inputs where !bits[row, k] { floats[row * weight.inputs + k] = 0 }
    }
    let zeros = Tensor(floats, shape: [weight.outputs, weight.inputs], dtype: .bf16)
    func logits(_ change: Overlay.Change) throws -> [[UInt32]] {
      try fast.forward(fixture.texts, overlay: Overlay([change])).logits.map { $0.toFloats().bits }
    }
    try KernelSetting.each { setting in
      let masked = try logits(.mask(role: role, bits: bits))
      let rows = try logits(.rows(role: role, rows: Array(0..<weight.outputs), weights: zeros))
      let plain = try fast.forward(fixture.texts).logits.map { $0.toFloats().bits }
      #expect(masked == rows && masked != plain, "\(setting)")
    }
  }

  @Test func autoLooksAtStorageAndProcessor() throws {
    let folder = try TemporaryFolder()
    for (name, stored) in [("llama", false), ("llama-f16", false), ("llama-bf16", true)] {
      let path = try ParityFixture(name).model("rope_theta", in: folder).checkpoint.folder
      #expect(try Model(folder: path).compute == .f32)
      #expect(try Model(folder: path, compute: .bf16).compute == .bf16)
      let expected: ComputeMode = stored && ComputeMode.hasBF16Products ? .bf16 : .f32
      #expect(try Model(folder: path, compute: .auto).compute == expected)
    }
  }

  /// Weights that are not of bf16 compute in f32 in both modes.
  @Test func storedAsF32NothingChanges() throws {
    let fixture = try ParityFixture("llama")
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    let comparison = try ModeComparison(fixture, model)
    #expect(comparison.rows.allSatisfy { $0.largest == 0 } && comparison.topAgreement == 1)
  }

  // MARK: The table

  static let path = Files.folder(of: #filePath) + "/COMPUTE.md"

  @Test func everyCaseHasItsRow() throws {
    let page = try Files.readText(Self.path)
    for name in ParityFixture.names {
      #expect(page.contains("| \(name) |"), "run with SURGEON_WRITE_PARITY=1")
    }
  }

  @Test(.enabled(if: ProcessInfo.processInfo.environment["SURGEON_WRITE_PARITY"] != nil))
  func write() throws {
    let rows = try ParityFixture.names.map { name in
      let folder = try TemporaryFolder()
      let (fixture, model) = try model(name, in: folder)
      let comparison = try ModeComparison(fixture, model)
      let states = comparison.rows.filter { $0.site != nil }
      let last = states.last, logits = comparison.rows.first { $0.site == nil }
      func text(_ value: Double?) -> String { value.map { String(format: "%.1e", $0) } ?? "–" }
      return "| \(name) | \(model.binding.family.name) | \(comparison.tokens) | "
        + [
          states.map(\.largest).max(), states.map(\.relative).max(), last?.relative, logits?.largest,
          logits?.relative,
        ].map(text).joined(separator: " | ")
        + " | \(comparison.topAgreement.map { String(format: "%.0f %%", 100 * $0) } ?? "–") |"
    }
    try Files.write(
      """
      # The bf16 mode beside f32, as measured

      Both modes on the same weights, the recorded parity cases with every matrix rounded to bf16: hidden states of all
      sites `embeddings`, `blocks.*.output` and `final_norm`, and logits. Largest |Δ|, and √(Σ Δ² / Σ f32²) over all
      tokens: of the worst site, of the last one, of the logits. Last column: tokens whose most likely next one is the same
      (of random weights, whose logits lie close together). A report, not a bound.

      Written by `SURGEON_WRITE_PARITY=1 swift test --filter ComputeModeTests`, kernels: \(InstructionSet.current.name).

      | case | family | tokens | states, max Δ | states, worst relative | last state, relative | logits, max Δ | logits, relative | same top |
      |---|---|---|---|---|---|---|---|---|
      \(rows.joined(separator: "\n"))

      """, to: Self.path)
  }
}

extension ModeComparison {
  /// All texts of a recorded case at the sites of the residual stream.
  fileprivate init(_ fixture: ParityFixture, _ model: Model) throws {
    let types = fixture.tokenTypes.flatMap { types in
      types.contains { $0 != nil }
        ? zip(types, fixture.texts).map { $0 ?? Array(repeating: 0, count: $1.count) } : nil
    }
    var sites = try Site.list("embeddings,blocks.*.output", blocks: model.network.blocks)
    if model.network.hasFinalNorm { sites.append(.finalNorm) }
    try self.init(model, texts: fixture.texts, sites: sites, tokenTypes: types)
  }
}

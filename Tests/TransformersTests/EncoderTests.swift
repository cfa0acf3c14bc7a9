import Architectures
import JSON
import Runtime
import Tensors
import TestSupport
import Testing

@testable import Transformers

/// What encoders have that decoders do not: sight in both directions, token types, positions that skip padding, spellings of old
/// folders, heads that are no part of them.
@Suite struct EncoderTests {
  static let cases = ParityFixture.names.filter { !ParityFixture.decoders.contains($0) }

  private func states(_ model: Model, _ texts: [[Int32]]) throws -> [[UInt32]] {
    let last = model.network.lastSite
    let pass = try model.forward(texts, capture: [last], logits: .none)
    return try #require(pass.states[last]).map { $0.toFloats().bits }
  }

  /// Threads, instruction sets and the batch a text is in change no bit.
  @Test(arguments: ["bert", "roberta", "distilbert-bf16"])
  func bitsAreATextsOwn(name: String) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    let alone = try fixture.texts.map { try states(model, [$0])[0] }
    let texts = (0..<4).flatMap { _ in fixture.texts }
    try KernelSetting.each { setting in
      let together = try states(model, texts)
      for (index, bits) in together.enumerated() {
        #expect(bits == alone[index % alone.count], "\(setting)")
      }
    }
    #expect(try states(model, fixture.texts.reversed()) == Array(alone.reversed()))
  }

  /// Every token sees every other: the last token moves the first one's state.
  @Test(arguments: ["bert", "roberta", "distilbert"])
  func tokensSeeBothDirections(name: String) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    var text = try #require(fixture.texts.last)
    let before = try model.forward([text], capture: [model.network.lastSite], logits: .none)
    text[text.count - 1] += 1
    let after = try model.forward([text], capture: [model.network.lastSite], logits: .none)
    let first = try [before, after].map {
      try #require($0.states[model.network.lastSite]?[0]).rows(0..<1).toFloats()
    }
    #expect(first[0] != first[1])
  }

  /// `LayerNorm.gamma` and `.beta`, no prefix, and the prefix of the whole model.
  @Test(arguments: cases)
  func oldSpellings(name: String) throws {
    let fixture = try ParityFixture(name)
    let prefix = try #require(fixture.configs["rope_theta"]?["model_type"]?.string) + "."
    for bare in [false, true] {
      let folder = try TemporaryFolder()
      let model = try fixture.model("rope_theta", in: folder) { name in
        var name = name
        if bare, name.hasPrefix(prefix) { name.removeFirst(prefix.count) }
        for (end, older) in [("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")]
        where name.hasSuffix(end) { name = name.dropLast(end.count) + older }
        return name
      }
      for error in try fixture.errors(model) { #expect(error.relative <= ParityFixture.bound, "\(error)") }
    }
  }

  @Test func poolersAndHeadsAreNamed() throws {
    func reasons(_ name: String) throws -> [String: String] {
      let folder = try TemporaryFolder()
      let model = try ParityFixture(name).model("rope_theta", in: folder)
      return Dictionary(uniqueKeysWithValues: model.binding.unused.map { ($0.name, $0.reason) })
    }
    let bert = try reasons("bert")
    #expect(bert["bert.pooler.dense.weight"]?.contains("pooler") == true)
    #expect(bert["cls.predictions.transform.dense.weight"]?.contains("masked words") == true)
    #expect(bert["cls.seq_relationship.weight"]?.contains("next sentences") == true)
    #expect(try reasons("roberta")["lm_head.dense.weight"]?.contains("masked words") == true)
    #expect(try reasons("distilbert-bf16")["pre_classifier.weight"]?.contains("classification") == true)
    #expect(try reasons("bert-classifier-bf16")["classifier.weight"]?.contains("classification") == true)
  }

  @Test func tokenTypesThatDoNotFit() throws {
    let folder = try TemporaryFolder()
    let bert = try ParityFixture("bert").model("rope_theta", in: folder)
    for types: [[Int32]] in [[[0, 1]], [[0, 1, 3]], [[0, -1, 0]], []] {
      let error = #expect(throws: TransformerError.self) {
        try bert.forward([[9, 8, 7]], capture: [.embeddings], logits: .none, tokenTypes: types)
      }
      #expect(error?.code == "TOKEN_TYPES")
    }
    let small = try ParityFixture("distilbert").model("rope_theta", in: folder)
    #expect(throws: TransformerError.self) {
      try small.forward([[9]], capture: [.embeddings], logits: .none, tokenTypes: [[0]])
    }
  }

  /// BERT made a decoder, other positions, attention to another network: refused by name.
  @Test(
    arguments: [
      ("bert", "is_decoder", true), ("roberta", "add_cross_attention", true),
      ("bert", "position_embedding_type", "relative_key"), ("distilbert", "is_decoder", true),
    ] as [(String, String, JSONValue)])
  func refusesOtherArithmetic(family: String, key: String, value: JSONValue) throws {
    var config: JSONValue = ["model_type": .string(family)]
    config[key] = value
    let error = #expect(throws: ArchitectureError.self) {
      try #require(Family.find(config: config)).network(config: config)
    }
    #expect(error?.exitCode == .unsupported && error?.found.contains(key) == true)
  }

  /// An edit of an encoder's rows acts on its hidden states.
  @Test func rowsMoveHiddenStates() throws {
    let fixture = try ParityFixture("distilbert")
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    #expect(model.network.surgeryRole == .up && model.network.surgeryRowCount == 180)
    let overlay = Overlay([
      .rankOne(
        role: .block(2, .up), rows: [1, 2], coefficients: [1, 1],
        direction: .init(repeating: 0.5, count: model.network.width))
    ])
    let sites: [Site] = [.blockOutput(1), .blockOutput(2)]
    let plain = try model.forward(fixture.texts, capture: sites, logits: .none)
    let edited = try model.forward(fixture.texts, capture: sites, logits: .none, overlay: overlay)
    for (site, same) in [(Site.blockOutput(1), true), (.blockOutput(2), false)] {
      let pair = try [plain, edited].map { try #require($0.states[site]).map { $0.toFloats() } }
      #expect((pair[0] == pair[1]) == same)
    }
  }
}

import Architectures
import Checkpoints
import JSON
import OrderedCollections
import Recipes
import Runtime
import Tensors
import TestSupport
import Testing
import Transformers

@testable import Training

/// Texts as sequences, new decoders, recipes and run folders of language models.
@Suite struct LanguageTests {
  @Test func documentsStayApart() throws {
    let data = try LanguageData([([1, 2, 3, 4, 5], 0), ([6, 7, 8], 2)], packing: .documents(length: 3))
    #expect(data.sequences.map(\.inputs) == [[1, 2, 3], [4], [6, 7]])
    #expect(data.sequences.map(\.targets) == [[2, 3, 4], [5], [-1, 8]])
    #expect(data.counted == 5)
  }

  @Test func windowsRunThrough() throws {
    let data = try LanguageData([([1, 2, 3], 0), ([4, 5, 6], 2)], packing: .windows(length: 4))
    #expect(data.sequences.map(\.inputs) == [[1, 2, 3, 4], [5]])
    // The second text's first two tokens are given.
    #expect(data.sequences.map(\.targets) == [[2, 3, -1, -1], [6]])
    #expect(throws: TrainingError.self) { try LanguageData([([1], 0)], packing: .windows(length: 4)) }
    #expect(throws: TrainingError.self) { try LanguageData([([1, 2], 0)], packing: .windows(length: 0)) }
  }

  @Test func textsAndReplies() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.jsonl")
    try Files.write("\"one\"\n{\"text\": \"two\"}\n\n{\"prompt\": \"p\", \"reply\": \"r\"}\n", to: path)
    #expect(
      try LanguageText.read(path) == [
        LanguageText("one"), LanguageText("two"), LanguageText("r", prompt: "p"),
      ])
    try Files.write("a\nb\n", to: folder.file("b.txt"))
    #expect(try LanguageText.read(folder.file("b.txt")) == [LanguageText("a\nb\n")])
    try Files.write("{\"words\": 1}\n", to: path)
    #expect(throws: TrainingError.self) { try LanguageText.read(path) }
  }

  private static func config(_ family: String) -> JSONValue {
    switch family {
    case "gpt2":
      [
        "model_type": "gpt2", "vocab_size": 40, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 32,
        "initializer_range": 0.05, "bos_token_id": 0, "eos_token_id": 1,
      ]
    default:
      [
        "model_type": .string(family), "vocab_size": 40, "hidden_size": 16, "intermediate_size": 24,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 6,
        "max_position_embeddings": 32, "initializer_range": 0.05, "tie_word_embeddings": false,
        "bos_token_id": 0, "eos_token_id": 1,
      ]
    }
  }

  /// A new folder has what its family binds, nothing else, and the deviations that are asked for.
  @Test(arguments: ["llama", "qwen3", "gpt2", "qwen2", "olmo2", "phi"], ["family", "fan-in"])
  func newDecodersBind(_ family: String, _ kind: String) throws {
    let folder = try TemporaryFolder()
    var config = Self.config(family)
    if family == "phi" { config["head_dim"] = nil }
    let path = folder.file("new")
    try NewDecoder(config: config, initialisation: kind, seed: 3).write(to: path)
    let decoder = try Decoder(folder: path)
    #expect(decoder.model.binding.unused.isEmpty)
    #expect(decoder.parameters.count == decoder.checkpoint.tensorNames.count)
    func deviation(_ role: Role) throws -> Double {
      let name = try decoder.model.binding.tensor(role).tensor
      let values = try #require(decoder.parameters.first { $0.name == name }).value.toFloats()
      return (values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)).squareRoot()
    }
    let up = try deviation(.block(1, .up)), down = try deviation(.block(1, .down))
    let table = try deviation(.tokenEmbedding)
    let expected =
      kind == "fan-in"
      ? (0.7 / 4, 0.7 / Double(decoder.model.network.mlpWidth).squareRoot() / 2, 0.02)
      : (0.05, family == "gpt2" ? 0.025 : 0.05, 0.05)
    #expect(abs(up - expected.0) < 0.15 * expected.0)
    #expect(abs(down - expected.1) < 0.15 * expected.1)
    #expect(abs(table - expected.2) < 0.15 * expected.2)
    let gain = try decoder.model.binding.tensor(.finalNorm).tensor
    #expect(
      try #require(decoder.parameters.first { $0.name == gain }).value.toFloats().allSatisfy { $0 == 1 })
    // Seeds make the weights.
    try NewDecoder(config: config, initialisation: kind, seed: 3).write(to: folder.file("same"))
    try NewDecoder(config: config, initialisation: kind, seed: 4).write(to: folder.file("other"))
    #expect(try Checkpoint(folder: folder.file("same")).modelHash == decoder.checkpoint.modelHash)
    #expect(try Checkpoint(folder: folder.file("other")).modelHash != decoder.checkpoint.modelHash)
  }

  /// A recipe in a folder with texts, a config and a tokenizer of bytes.
  private static func recipe(_ folder: TemporaryFolder, _ changes: (inout JSONValue) -> Void = { _ in })
    throws
    -> LanguageRecipe
  {
    var vocabulary: [String: JSONValue] = ["<s>": 0, "</s>": 1]
    for (index, letter) in "abcdefghijklmnopqrstuvwxyz .".enumerated() {
      vocabulary[letter == " " ? "Ġ" : String(letter)] = .integer(index + 2)
    }
    var entries = "{"
    entries += vocabulary.sorted { ($0.value.int ?? 0) < ($1.value.int ?? 0) }.map {
      "\"\($0.key)\": \($0.value.int ?? 0)"
    }.joined(separator: ", ")
    entries += "}"
    try Files.makeFolder(folder.file("tok"))
    try Files.write(
      """
      {"version": "1.0", "added_tokens": [
        {"id": 0, "content": "<s>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
        {"id": 1, "content": "</s>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}],
       "normalizer": null, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
       "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
         "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
         "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}},
       "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
       "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
         "fuse_unk": false, "byte_fallback": false, "vocab": \(entries), "merges": []}}
      """, to: folder.file("tok/tokenizer.json"))
    try Files.write(
      "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\"}", to: folder.file("tok/tokenizer_config.json"))
    try Files.write(try config("llama").text(), to: folder.file("config.json"))
    let lines = ["the cat sat.", "a dog ran.", "the dog sat.", "a cat ran.", "the cat ran."]
    try Files.write(lines.map { "\"\($0)\"" }.joined(separator: "\n"), to: folder.file("train.jsonl"))
    try Files.write("\"a dog sat.\"\n", to: folder.file("held.jsonl"))
    var json: JSONValue = [
      "data": [
        "kind": "text", "files": "train.jsonl", "validation": ["held.jsonl"], "packing": "documents",
        "length": 31,
      ],
      "network": [
        "kind": "decoder", "config": "config.json", "tokenizer": "tok",
        "initial": ["kind": "fan-in", "gain": 0.8],
      ],
      "training": [
        "batch_size": 3, "learning_rate": 0.01, "optimiser": "adamw", "schedule": "cosine", "clip": 1,
      ],
      "steps": 24, "keep_every": 4, "seed": 2,
    ]
    changes(&json)
    return try LanguageRecipe(KeyReader(json, path: ""), folder: folder.path)
  }

  /// Trains from scratch; killed and resumed ends in the same bytes; then on from the result; another recipe is refused.
  @Test func runFolders() throws {
    let folder = try TemporaryFolder()
    let recipe = try Self.recipe(folder)
    let whole = try LanguageOperation(recipe, folder: folder.file("whole")).run()
    #expect(whole.history.count == 6 && whole.history.last?.steps == 24)
    #expect(try #require(whole.history.last).loss < 0.7 * (try #require(whole.history.first)).loss)
    #expect(whole.stored == whole.history.last?.validation)
    #expect(throws: Interrupted.self) {
      try LanguageOperation(recipe, folder: folder.file("part")).run(stop: 10)
    }
    let part = try LanguageOperation(recipe, folder: folder.file("part")).run()
    #expect(part.resumedSteps == 8)
    for file in ["model/model.safetensors", "history.json", "state.safetensors", "SHA256SUMS"] {
      #expect(
        try Files.sha256(folder.file("part/\(file)")) == Files.sha256(folder.file("whole/\(file)")), "\(file)"
      )
    }
    #expect(!Files.exists(folder.file("part/first")))
    let again = try LanguageOperation(recipe, folder: folder.file("part")).run()
    #expect(again.verifiedFiles != nil && again.stored == whole.stored && again.history == whole.history)
    let longer = try Self.recipe(folder) { $0["steps"] = 25 }
    #expect(throws: RecipeError.self) { try LanguageOperation(longer, folder: folder.file("part")) }
    // On from what was trained.
    let tuning = try Self.recipe(folder) {
      $0["network"] = ["kind": "decoder", "model": "whole/model"]
      $0["steps"] = 4
      $0["dtype"] = "bf16"
    }
    let tuned = try LanguageOperation(tuning, folder: folder.file("tuned")).run()
    #expect(try #require(tuned.history.first).loss < (try #require(whole.history.first)).loss)
    let entry = try Checkpoint(folder: folder.file("tuned/model")).entry("model.norm.weight")
    #expect(entry?.dtype == .bf16)
    let estimate = try LanguageOperation.estimate(recipe, scratch: folder.file("none"), within: 0.01)
    #expect(estimate.steps == 24 && estimate.sequences == 5 && !Files.exists(folder.file("none.first")))
  }

  /// Averaged weights are what is stored; they are beside the training, whose steps they do not change, and part of a state.
  @Test func averagedWeights() throws {
    let folder = try TemporaryFolder()
    func recipe(_ averaging: JSONValue?) throws -> LanguageRecipe {
      try Self.recipe(folder) { json in
        guard let averaging else { return }
        json["training"]?["averaging"] = averaging
      }
    }
    let plain = try LanguageOperation(recipe(nil), folder: folder.file("plain")).run()
    let averaged = try recipe(["kind": "exponential", "decay": 0.9])
    let whole = try LanguageOperation(averaged, folder: folder.file("whole")).run()
    #expect(whole.history.map(\.loss) == plain.history.map(\.loss))
    #expect(whole.history.last?.validation != plain.history.last?.validation)
    #expect(whole.stored == whole.history.last?.validation)
    #expect(throws: Interrupted.self) {
      try LanguageOperation(averaged, folder: folder.file("part")).run(stop: 10)
    }
    _ = try LanguageOperation(averaged, folder: folder.file("part")).run()
    for file in ["model/model.safetensors", "state.safetensors", "history.json"] {
      #expect(
        try Files.sha256(folder.file("part/\(file)")) == Files.sha256(folder.file("whole/\(file)")), "\(file)"
      )
    }
    let last = try recipe(["kind": "last", "epochs": 1])
    #expect(throws: TrainingError.self) { try LanguageOperation(last, folder: folder.file("last")) }
    #expect(!Files.exists(folder.file("last")))
  }

  @Test func recipesRefuse() throws {
    let folder = try TemporaryFolder()
    let decoder: JSONValue = ["network": "decoder"], mlp: JSONValue = ["network": ["kind": "mlp"]]
    #expect(LanguageRecipe.isMeant(decoder.object ?? [:]))
    #expect(!LanguageRecipe.isMeant(mlp.object ?? [:]))
    func refused(_ change: (inout JSONValue) -> Void) {
      #expect(throws: (any Error).self) { try Self.recipe(folder, change) }
    }
    refused { $0["stepz"] = 3 }
    refused { $0["dtype"] = "f8" }
    refused { $0["keep_every"] = 0 }
    refused { $0["network"] = ["kind": "decoder", "config": "config.json"] }
    refused { $0["network"] = ["kind": "decoder", "model": "m", "layers": 3] }
    refused { $0["data"] = ["kind": "mnist1d"] }
    refused { $0["data"] = ["kind": "text", "files": "train.jsonl", "packing": "tight"] }
    refused {
      $0["network"] = ["kind": "decoder", "config": "c", "tokenizer": "t", "initial": ["kind": "zeros"]]
    }
  }
}

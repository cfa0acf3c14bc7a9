import Checkpoints
import JSON
import Runtime
import TestSupport
import Testing

/// An encoder through the program: hidden states, probes and edits work, what needs next tokens is refused (exit 69).
struct EncoderProgramTests {
  /// A random BERT with the organism's tokenizer, in `bert`.
  private static func scratch() throws -> Scratch {
    let scratch = try Scratch()
    let config = try JSONValue(file: scratch.path("model/config.json"))
    let vocabulary = try #require(config["vocab_size"]?.int)
    let (width, mlp, blocks) = (24, 40, 2)
    var tensors = [
      RandomTensor("bert.embeddings.word_embeddings.weight", [vocabulary, width], scale: 1),
      RandomTensor("bert.embeddings.position_embeddings.weight", [128, width], scale: 0.5),
      RandomTensor("bert.embeddings.token_type_embeddings.weight", [2, width], scale: 0.5),
      RandomTensor("bert.pooler.dense.weight", [width, width], scale: 0.5),
    ]
    func add(_ name: String, _ shape: [Int]) {
      tensors.append(RandomTensor(name + ".weight", shape, scale: 0.4, mean: shape.count == 1 ? 1 : 0))
      tensors.append(RandomTensor(name + ".bias", [shape[0]], scale: 0.2))
    }
    add("bert.embeddings.LayerNorm", [width])
    for block in 0..<blocks {
      let prefix = "bert.encoder.layer.\(block)."
      for role in ["query", "key", "value"] { add(prefix + "attention.self.\(role)", [width, width]) }
      add(prefix + "attention.output.dense", [width, width])
      add(prefix + "attention.output.LayerNorm", [width])
      add(prefix + "intermediate.dense", [mlp, width])
      add(prefix + "output.dense", [width, mlp])
      add(prefix + "output.LayerNorm", [width])
    }
    try RandomCheckpoint.write(
      tensors, seed: 3,
      config: [
        "model_type": "bert", "hidden_size": .integer(width), "intermediate_size": .integer(mlp),
        "num_hidden_layers": .integer(blocks), "num_attention_heads": 4, "vocab_size": .integer(vocabulary),
        "max_position_embeddings": 128,
      ], to: scratch.path("bert"))
    for name in try Files.list(scratch.path("model")) where name.hasPrefix("tokenizer") {
      try Files.write(Files.read(scratch.path("model/\(name)")), to: scratch.path("bert/\(name)"))
    }
    var lines: [String] = []
    for index in 0..<40 {
      for (word, label) in [("kind", 0), ("rude", 1)] {
        lines.append("{\"text\": \"you are \(word) number \(index)\", \"label\": \(label)}")
      }
    }
    try scratch.write(lines.joined(separator: "\n") + "\n", to: "t.jsonl")
    try scratch.write("{\"prompt\": \"you are\"}\n", to: "p.jsonl")
    try scratch.write("you are kind\n", to: "n.txt")
    try scratch.write("rude\n", to: "w.txt")
    return scratch
  }

  @Test func probesAndEditsButNoNextTokens() throws {
    let scratch = try Self.scratch()
    func works(_ arguments: String) throws -> String {
      let ending = try Program.run(arguments.split(separator: " ").map(String.init), in: scratch.folder)
      #expect(ending.code == 0, "\(arguments): \(ending.errors)")
      return ending.output
    }
    let inspected = try works("inspect bert --report inspect.json")
    #expect(inspected.contains("pooler"))
    #expect(try scratch.report("inspect.json")["results"]?["network"]?["surgery_rows"]?.int == 80)
    _ = try works("cache bert -f n.txt --sites embeddings,blocks.*.output -o cache")
    _ = try works("probe train bert -f t.jsonl --sites blocks.*.output --permutations 0 -o probe")
    let located = try works("locate bert --probe probe --rows 20% -o plan.safetensors")
    #expect(located.contains("surgeon edit build"), "a sweep needs replies: \(located)")
    _ = try works("edit build bert --plan plan.safetensors --strength 1 -o p.patch.safetensors")
    _ = try works("edit apply bert --patch p.patch.safetensors -o edited")
    let verified = try works("edit verify edited --patch p.patch.safetensors --base bert")
    #expect(verified.contains("hidden states of 4 canary texts equal the run-time edit's, bit for bit"))
    _ = try works("probe eval edited --probe probe -f t.jsonl")
    _ = try works("edit revert edited --undo edited.undo.safetensors -o back")
    #expect(
      try Files.read(scratch.path("back/model.safetensors"))
        == Files.read(scratch.path("bert/model.safetensors")))

    for (arguments, code) in [
      ("generate bert -p hello --report r.json", "NO_LOGITS"),
      ("perplexity bert -f n.txt --report r.json", "NO_LOGITS"),
      ("evaluate bert -f n.txt --report r.json", "NO_LOGITS"),
      ("evaluate bert --tasks arc_easy=nowhere --report r.json", "NO_LOGITS"),
      (
        "sweep bert --plan plan.safetensors --prompts p.jsonl --neutral n.txt --lexicon w.txt -o sweep",
        "NO_LOGITS"
      ),
      ("locate bert --probe probe --edit ablate -o ablation.safetensors", "ABLATION_UNSUPPORTED"),
    ] {
      let ending = try Program.run(arguments.split(separator: " ").map(String.init), in: scratch.folder)
      #expect(ending.code == 69 && ending.errors.contains(code), "\(arguments): \(ending.errors)")
    }
  }
}

import Checkpoints
import Glibc
import JSON
import Runtime
import Tensors
import Testing

/// What can go wrong, what the program then says, and that nothing is lost or half written.
struct FailureTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var arguments: String
    var exit: Int32
    var code: String
    var setup: @Sendable (Scratch) throws -> Void = { _ in }
    var testDescription: String { name }
  }

  static let long = (0..<400).map { "word\($0)" }.joined(separator: "-")

  /// A recipe of surgeon regimes that is quickly run.
  static let grid = "temperature: {values: [1, 2]}\ndensities: [0.5]\n"

  /// A recipe of surgeon train that trains the embedded model's layout on a line of text.
  static let decoder = """
    data: {kind: text, files: t.jsonl, packing: documents, length: 32}
    network: {kind: decoder, config: model/config.json, tokenizer: model}
    training: {batch_size: 1}
    steps: 2

    """

  static let cases: [Case] = [
    Case(name: "no text to learn from", arguments: "train r.yaml -o run", exit: 66, code: "FILE_MISSING") {
      try $0.write(decoder, to: "r.yaml")
    },
    Case(
      name: "a file without a text to learn from", arguments: "train r.yaml -o run", exit: 65,
      code: "BAD_TRAINING_DATA"
    ) {
      try $0.write(decoder, to: "r.yaml")
      try $0.write("\n", to: "t.jsonl")
    },
    Case(
      name: "a line that holds no text", arguments: "train r.yaml -o run", exit: 65, code: "BAD_TRAINING_DATA"
    ) {
      try $0.write(decoder, to: "r.yaml")
      try $0.write("{\"txt\": \"a cat\"}\n", to: "t.jsonl")
    },
    Case(
      name: "a decoder without a tokenizer", arguments: "train r.yaml -o run", exit: 66,
      code: "TOKENIZER_MISSING"
    ) {
      try $0.write(decoder.replacing("tokenizer: model", with: "tokenizer: empty"), to: "r.yaml")
      try $0.write("\"a cat\"\n", to: "t.jsonl")
      try Files.makeFolder($0.path("empty"))
    },
    Case(
      name: "a tokenizer that is damaged", arguments: "train r.yaml -o run", exit: 65, code: "JSON_SYNTAX"
    ) {
      try $0.write(decoder, to: "r.yaml")
      try $0.write("\"a cat\"\n", to: "t.jsonl")
      try $0.write("{\"model\": ", to: "model/tokenizer.json")
    },
    Case(
      name: "a batch larger than the texts", arguments: "train r.yaml -o run", exit: 64, code: "BAD_SETTING"
    ) {
      try $0.write(decoder.replacing("batch_size: 1", with: "batch_size: 2"), to: "r.yaml")
      try $0.write("\"a cat\"\n", to: "t.jsonl")
    },
    Case(
      name: "augmentation for a decoder", arguments: "train r.yaml -o run", exit: 64, code: "BAD_SETTING"
    ) {
      try $0.write(
        decoder.replacing("batch_size: 1", with: "batch_size: 1, augmentation: flip"), to: "r.yaml")
      try $0.write("\"a cat\"\n", to: "t.jsonl")
    },
    Case(
      name: "a decoder in another recipe's folder", arguments: "train r.yaml -o run", exit: 73,
      code: "RUN_OTHER_RECIPE"
    ) {
      try $0.write(decoder, to: "r.yaml")
      try $0.write("\"a cat\"\n", to: "t.jsonl")
      try Files.makeFolder($0.path("run"))
      try $0.write(#"{"format": 1, "recipe_sha256": "0", "key": {}}"#, to: "run/run.json")
    },
    Case(
      name: "a recipe that is not there", arguments: "train r.yaml -o run", exit: 66, code: "FILE_MISSING"),
    Case(
      name: "an unknown key of a training", arguments: "train r.yaml -o run", exit: 64,
      code: "RECIPE_UNKNOWN_KEY"
    ) { try $0.write("training: {epoch: 3}\n", to: "r.yaml") },
    Case(name: "an unknown network", arguments: "train r.yaml -o run", exit: 64, code: "UNKNOWN_NAME") {
      try $0.write("network: mpl\n", to: "r.yaml")
    },
    Case(
      name: "a batch larger than the data", arguments: "train r.yaml -o run", exit: 64, code: "BAD_SETTING"
    ) {
      try $0.write(
        "data: {kind: mnist1d, items: 100}\nnetwork: {kind: mlp, hidden: [4]}\ntraining: {batch_size: 500}\n",
        to: "r.yaml")
    },
    Case(
      name: "training labels that are no classes", arguments: "train r.yaml -o run", exit: 65,
      code: "LABEL_OUT_OF_RANGE"
    ) {
      try $0.write("label,a\n0,1\n7,2\n", to: "d.csv")
      try $0.write("data: {kind: csv, file: d.csv, classes: 2}\n", to: "r.yaml")
    },
    Case(
      name: "images of other sizes", arguments: "train r.yaml -o run", exit: 65, code: "BAD_TRAINING_DATA"
    ) {
      func image(_ side: UInt8) -> [UInt8] {
        [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, side, 0, 0, 0, side]
          + Array(repeating: 1, count: Int(side) * Int(side))
      }
      try Files.write(image(4), to: $0.path("a"))
      try Files.write(image(5), to: $0.path("b"))
      try Files.write([0, 0, 8, 1, 0, 0, 0, 1, 0], to: $0.path("l"))
      try $0.write(
        "data: {kind: idx, images: a, labels: l, test_images: b, test_labels: l}\n", to: "r.yaml")
    },
    Case(
      name: "several seeds for one training", arguments: "train r.yaml -o run", exit: 64, code: "BAD_SETTING"
    ) { try $0.write("seeds: 3\n", to: "r.yaml") },
    Case(
      name: "a folder that is no run", arguments: "train r.yaml -o model", exit: 73,
      code: "RUN_FOREIGN_FOLDER"
    ) {
      try $0.write("data: {kind: mnist1d, items: 200}\ntraining: {batch_size: 16}\n", to: "r.yaml")
    },
    Case(
      name: "a study without its baseline", arguments: "distill r.yaml -o run", exit: 64, code: "RECIPE_VALUE"
    ) { try $0.write("arms: [ps-kd]\n", to: "r.yaml") },
    Case(name: "an unknown arm", arguments: "distill r.yaml -o run", exit: 64, code: "UNKNOWN_NAME") {
      try $0.write("arms: [cross-entropy, pskd]\n", to: "r.yaml")
    },
    Case(
      name: "labels that are no classes", arguments: "distill eval t.csv", exit: 65,
      code: "LABEL_OUT_OF_RANGE"
    ) {
      try $0.write("label,a,b\n0,1,2\n2,1,2\n", to: "t.csv")
    },
    Case(name: "a table without labels", arguments: "distill eval t.csv", exit: 65, code: "BAD_TABLE") {
      try $0.write("a,b\n1,2\n", to: "t.csv")
    },
    Case(name: "a table of an unknown kind", arguments: "distill eval t.txt", exit: 65, code: "BAD_TABLE") {
      try $0.write("1 2", to: "t.txt")
    },
    Case(
      name: "tables of other items", arguments: "distill eval t.csv --against u.csv", exit: 65,
      code: "OTHER_ITEMS"
    ) {
      try $0.write("label,a,b\n0,1,2\n", to: "t.csv")
      try $0.write("label,a,b\n1,1,2\n", to: "u.csv")
    },
    Case(
      name: "a grid without temperatures", arguments: "regimes r.yaml -o run", exit: 64, code: "RECIPE_VALUE"
    ) { try $0.write("densities: [0.5]\n", to: "r.yaml") },
    Case(
      name: "a misspelt key of a grid", arguments: "regimes r.yaml -o run", exit: 64,
      code: "RECIPE_UNKNOWN_KEY"
    ) { try $0.write(grid + "sibling: 3\n", to: "r.yaml") },
    Case(name: "an unknown knob", arguments: "regimes r.yaml -o run", exit: 64, code: "UNKNOWN_NAME") {
      try $0.write("temperature: {knob: heat, values: [1, 2]}\ndensities: [0.5]\n", to: "r.yaml")
    },
    Case(
      name: "temperatures and checkpoints", arguments: "regimes r.yaml -o run", exit: 64, code: "RECIPE_VALUE"
    ) { try $0.write(grid + "checkpoints: [a, b]\n", to: "r.yaml") },
    Case(name: "one checkpoint", arguments: "regimes r.yaml -o run", exit: 64, code: "BAD_SETTING") {
      try $0.write("checkpoints: [a]\ndensities: [0.5]\n", to: "r.yaml")
    },
    Case(
      name: "checkpoints that are not there", arguments: "regimes r.yaml -o run", exit: 66,
      code: "FILE_MISSING"
    ) { try $0.write("checkpoints: [a, b]\ndensities: [0.5]\n", to: "r.yaml") },
    Case(
      name: "checkpoints of no classifier", arguments: "regimes r.yaml -o run --dry-run", exit: 65,
      code: "CHECKPOINT_UNFIT"
    ) { try $0.write("checkpoints: [model, .]\ndensities: [0.5]\n", to: "r.yaml") },
    Case(name: "a density above 1", arguments: "regimes r.yaml -o run", exit: 64, code: "BAD_SETTING") {
      try $0.write(grid.replacing("0.5", with: "1.5"), to: "r.yaml")
    },
    Case(
      name: "a score that needs activations", arguments: "regimes r.yaml -o run", exit: 64,
      code: "SCORE_NEEDS_MORE"
    ) { try $0.write(grid + "prune: {score: wanda}\n", to: "r.yaml") },
    Case(
      name: "a network without a matrix to prune", arguments: "regimes r.yaml -o run", exit: 64,
      code: "NOTHING_TO_PRUNE"
    ) { try $0.write(grid + "network: {kind: mlp, hidden: [4]}\nprune: {layers: inner}\n", to: "r.yaml") },
    Case(name: "no items to test on", arguments: "regimes r.yaml -o run", exit: 64, code: "BAD_SETTING") {
      try $0.write(grid + "data: {kind: mnist1d, test_items: 0}\n", to: "r.yaml")
    },
    Case(name: "a table of no cells", arguments: "regimes r.yaml -o run", exit: 65, code: "BAD_TABLE") {
      try $0.write(grid + "rule: {kind: table, file: t.csv}\n", to: "r.yaml")
      try $0.write("a,b\n1,2\n", to: "t.csv")
    },
    Case(
      name: "a grid in another grid's folder", arguments: "regimes r.yaml -o run", exit: 73,
      code: "RUN_OTHER_RECIPE"
    ) {
      try $0.write(grid, to: "r.yaml")
      try Files.makeFolder($0.path("run"))
      try $0.write(#"{"format": 1, "recipe_sha256": "0", "key": {}}"#, to: "run/run.json")
    },
    Case(name: "no model", arguments: "inspect nothing", exit: 66, code: "FILE_MISSING"),
    Case(name: "a file for a model", arguments: "inspect model/config.json", exit: 66, code: "NOT_A_FOLDER"),
    Case(name: "no weights", arguments: "inspect model", exit: 66, code: "NO_WEIGHTS") {
      try Files.remove($0.path("model/model.safetensors"))
    },
    Case(name: "no config", arguments: "inspect model", exit: 66, code: "CONFIG_MISSING") {
      try Files.remove($0.path("model/config.json"))
    },
    Case(name: "config that is no JSON", arguments: "inspect model", exit: 65, code: "JSON_SYNTAX") {
      try $0.write("{", to: "model/config.json")
    },
    Case(name: "truncated shard", arguments: "inspect model", exit: 65, code: "FILE_TRUNCATED") {
      truncate($0.path("model/model.safetensors"), 100_000)
    },
    Case(name: "header that lies", arguments: "inspect model", exit: 65, code: "HEADER_TOO_LARGE") {
      var bytes = try Files.read($0.path("model/model.safetensors"))
      bytes[6] = 0x7F
      try Files.write(bytes, to: $0.path("model/model.safetensors"))
    },
    Case(name: "index with a missing shard", arguments: "inspect model", exit: 66, code: "SHARD_MISSING") {
      try Files.remove($0.path("model/model.safetensors"))
      try $0.write(
        #"{"weight_map": {"a": "model-00001-of-00002.safetensors"}}"#,
        to: "model/model.safetensors.index.json")
    },
    Case(name: "index that leads outside", arguments: "inspect model", exit: 65, code: "SHARD_PATH") {
      try Files.rename($0.path("model/model.safetensors"), to: $0.path("secret.safetensors"))
      try $0.write(
        #"{"weight_map": {"a": "../secret.safetensors"}}"#, to: "model/model.safetensors.index.json")
    },
    Case(name: "safetensors called .bin", arguments: "inspect model", exit: 65, code: "TORCH_NOT_ARCHIVE") {
      try Files.rename($0.path("model/model.safetensors"), to: $0.path("model/pytorch_model.bin"))
    },
    Case(
      name: "weights under an unknown name", arguments: "inspect model", exit: 69, code: "WEIGHTS_UNSUPPORTED"
    ) {
      try Files.rename($0.path("model/model.safetensors"), to: $0.path("model/step-100.pt"))
    },
    Case(name: "quantised weights", arguments: "generate model -p a", exit: 69, code: "WEIGHTS_QUANTISED") {
      try $0.change("model/config.json") { $0["quantization_config"] = ["quant_method": "gptq", "bits": 4] }
    },
    Case(
      name: "perplexity of quantised weights", arguments: "perplexity model -f t.txt", exit: 69,
      code: "WEIGHTS_QUANTISED"
    ) {
      try $0.write("One two three.\n", to: "t.txt")
      try $0.change("model/config.json") { $0["quantization_config"] = ["quant_method": "awq", "w_bit": 4] }
    },
    Case(
      name: "converting safetensors", arguments: "convert model -o out", exit: 65, code: "NOTHING_TO_CONVERT"),
    Case(
      name: "a probe that is none", arguments: "probe import model/config.json -o p", exit: 65,
      code: "TORCH_NOT_ARCHIVE"),
    Case(
      name: "unknown architecture", arguments: "generate model -p a", exit: 69, code: "ARCHITECTURE_UNKNOWN"
    ) {
      // Seven heads, so that no known layout explains the tensors either.
      try $0.change("model/config.json") {
        $0["model_type"] = "zebra"
        $0["num_attention_heads"] = 7
      }
    },
    Case(
      name: "unsupported activation", arguments: "generate model -p a", exit: 69, code: "FEATURE_UNSUPPORTED"
    ) {
      try $0.change("model/config.json") { $0["hidden_act"] = "zelu" }
    },
    Case(name: "config of another model", arguments: "generate model -p a", exit: 65, code: "TENSOR_SHAPE") {
      try $0.change("model/config.json") { $0["intermediate_size"] = 1 }
    },
    Case(name: "no tokenizer", arguments: "generate model -p a", exit: 66, code: "TOKENIZER_MISSING") {
      try Files.remove($0.path("model/tokenizer.json"))
    },
    Case(
      name: "unknown tokenizer", arguments: "generate model -p a", exit: 69, code: "TOKENIZER_UNKNOWN_KIND"
    ) {
      try $0.change("model/tokenizer.json") { $0["model"]?["type"] = "Zebra" }
    },
    Case(
      name: "prompt beyond the context", arguments: "generate model -f long.txt", exit: 65,
      code: "TEXT_TOO_LONG"
    ) {
      try $0.write(long, to: "long.txt")
    },
    Case(name: "NaN in weights", arguments: "generate model -p a", exit: 65, code: "STATE_NOT_FINITE") {
      scratch in
      try poison(scratch)
    },
    Case(
      name: "NaN under perplexity", arguments: "perplexity model -f t.txt", exit: 65, code: "STATE_NOT_FINITE"
    ) {
      try $0.write("One two three.\n", to: "t.txt")
      try poison($0)
    },
    Case(name: "no texts", arguments: "perplexity model -f t.txt", exit: 65, code: "NOTHING_TO_MEASURE") {
      try $0.write("\n \n", to: "t.txt")
    },
    Case(name: "an empty text", arguments: "perplexity model -f t.jsonl", exit: 65, code: "TEXT_INVALID") {
      try $0.write("{\"text\": \"a b\"}\n{\"text\": \" \"}\n", to: "t.jsonl")
    },
    Case(
      name: "texts under another key", arguments: "perplexity model -f t.jsonl", exit: 65,
      code: "TEXT_INVALID"
    ) {
      try $0.write("{\"body\": \"a b\"}\n", to: "t.jsonl")
    },
    Case(name: "broken JSON Lines", arguments: "perplexity model -f t.jsonl", exit: 65, code: "JSON_SYNTAX") {
      try $0.write("{\"text\": \"a b\"}\n{\"text\": \n", to: "t.jsonl")
    },
    Case(
      name: "window beyond the context", arguments: "perplexity model -f t.txt --seq-len 100000", exit: 64,
      code: "WINDOW_INVALID"
    ) { try $0.write("One two three.\n", to: "t.txt") },
    Case(
      name: "broken line of a task", arguments: "evaluate model --tasks choices=q.jsonl", exit: 65,
      code: "JSON_SYNTAX"
    ) {
      try $0.write(
        "{\"context\": \"a\", \"choices\": [\"b\", \"c\"], \"answer\": 0}\n{\"context\": \n", to: "q.jsonl")
    },
    Case(
      name: "a task of an unknown layout", arguments: "evaluate model --tasks choices=q.jsonl", exit: 65,
      code: "TASK_LAYOUT_UNKNOWN"
    ) { try $0.write("{\"body\": \"a\"}\n", to: "q.jsonl") },
    Case(
      name: "a task whose answer is no choice", arguments: "evaluate model --tasks choices=q.jsonl", exit: 65,
      code: "TASK_INVALID"
    ) { try $0.write("{\"context\": \"a\", \"choices\": [\"b\", \"c\"], \"answer\": 2}\n", to: "q.jsonl") },
    Case(
      name: "a task without a name", arguments: "evaluate model --tasks q.jsonl", exit: 65,
      code: "TASK_INVALID"
    ) {
      try $0.write(
        "{\"question\": \"a\", \"choices\": {\"text\": [\"b\", \"c\"], \"label\": [\"A\", \"B\"]}, \"answerKey\": \"A\"}\n",
        to: "q.jsonl")
    },
    Case(
      name: "an unknown task", arguments: "evaluate model --tasks arc_hard=q.jsonl", exit: 64,
      code: "TASK_UNKNOWN"),
    Case(
      name: "a task without its file", arguments: "evaluate model --tasks winogrande", exit: 65,
      code: "TASK_INVALID"),
    Case(
      name: "a question beyond the context", arguments: "evaluate model --tasks choices=q.jsonl", exit: 65,
      code: "TASK_ITEM_TOO_LONG"
    ) {
      try $0.write("{\"context\": \"\(long)\", \"choices\": [\"b\", \"c\"], \"answer\": 0}\n", to: "q.jsonl")
    },
    Case(
      name: "more examples than questions", arguments: "evaluate model --tasks choices=q.jsonl --shots 1",
      exit: 65, code: "NOTHING_TO_MEASURE"
    ) { try $0.write("{\"context\": \"a\", \"choices\": [\"b\", \"c\"], \"answer\": 0}\n", to: "q.jsonl") },
    Case(
      name: "reference without tokens", arguments: "parity model --against model/model.safetensors", exit: 65,
      code: "REFERENCE_INVALID"),
    Case(
      name: "no patch", arguments: "edit apply model --patch p.patch.safetensors -o out", exit: 66,
      code: "FILE_MISSING"),
    Case(
      name: "weights for a patch", arguments: "edit apply model --patch model/model.safetensors -o out",
      exit: 65,
      code: "PATCH_BAD"),
    Case(
      name: "output is there", arguments: "edit apply model --patch p.patch.safetensors -o out", exit: 73,
      code: "OUTPUT_EXISTS"
    ) {
      try $0.patch()
      try Files.makeFolder($0.path("out"))
    },
    Case(
      name: "output inside the source",
      arguments: "edit apply model --patch p.patch.safetensors -o model/out",
      exit: 73, code: "OUTPUT_INSIDE_SOURCE"
    ) { try $0.patch() },
    Case(
      name: "patch for another base", arguments: "edit apply model --patch p.patch.safetensors -o out",
      exit: 65,
      code: "PATCH_OTHER_BASE"
    ) { scratch in
      try scratch.patch()
      try poison(scratch, tensor: "layers.1.mlp.gate_proj", value: 1)
    },
    Case(
      name: "patch twice", arguments: "edit apply once --patch p.patch.safetensors -o out", exit: 65,
      code: "PATCH_APPLIED_ALREADY"
    ) { scratch in
      try scratch.patch().apply(to: Checkpoint(folder: scratch.path("model")), output: scratch.path("once"))
    },
    Case(
      name: "generate with a patch for another base",
      arguments: "generate model -p a --patch p.patch.safetensors",
      exit: 65, code: "PATCH_OTHER_BASE"
    ) { scratch in
      try scratch.patch()
      try poison(scratch, tensor: "layers.1.mlp.gate_proj", value: 1)
    },
    Case(
      name: "revert of what moved", arguments: "edit revert once --undo once.undo.safetensors -o out",
      exit: 65,
      code: "MOVED_SINCE"
    ) { scratch in
      try scratch.patch().apply(to: Checkpoint(folder: scratch.path("model")), output: scratch.path("once"))
      try poison(scratch, model: "once", tensor: "layers.1.mlp.gate_proj", value: 1)
    },
    Case(
      name: "revert of the original", arguments: "edit revert model --undo once.undo.safetensors -o out",
      exit: 65,
      code: "REVERTED_ALREADY"
    ) { scratch in
      try scratch.patch().apply(to: Checkpoint(folder: scratch.path("model")), output: scratch.path("once"))
    },
    Case(
      name: "too little disk", arguments: "edit apply model --patch p.patch.safetensors -o out", exit: 74,
      code: "NO_SPACE"
    ) { scratch in
      try scratch.patch()
      // A file of 8 TiB without a byte in it: the copy would need them.
      try scratch.write("", to: "model/huge.bin.txt")
      truncate(scratch.path("model/huge.bin.txt"), 8 << 40)
    },
    Case(
      name: "gate on nothing", arguments: "inspect model --fail-if zebra>1", exit: 64,
      code: "GATE_UNKNOWN_METRIC"),
    Case(name: "unknown listing", arguments: "ls zebras", exit: 64, code: "UNKNOWN_NAME"),
    Case(name: "unknown schema", arguments: "schema zebra", exit: 64, code: "UNKNOWN_NAME"),
  ]

  /// Puts a value into the first element of a tensor of the model.
  static func poison(
    _ scratch: Scratch, model: String = "model", tensor part: String = "layers.0.mlp.up_proj",
    value: Float = .nan
  ) throws {
    let file = scratch.path("\(model)/model.safetensors")
    let entries = try SafetensorsFile(path: file).entries
    guard let entry = entries.first(where: { $0.name.contains(part) }) else { return }
    var bytes = try Files.read(file)
    let bits = entry.dtype == .bf16 ? value.bitPattern >> 16 : value.bitPattern
    for index in 0..<entry.dtype.size {
      bytes[entry.byteRange.lowerBound + index] = UInt8(truncatingIfNeeded: bits >> (8 * UInt32(index)))
    }
    try Files.write(bytes, to: file)
  }

  @Test(arguments: cases + importance)
  func failsClearly(_ item: Case) throws {
    let scratch = try Scratch()
    try item.setup(scratch)
    let before = scratch.names
    let words = item.arguments.split(separator: " ").map(String.init) + ["--report", "r.json"]
    let ending = try Program.run(words, in: scratch.folder)
    #expect(ending.code == item.exit, "\(ending.errors)")
    // A gate is looked at when the work is done: its result stands on stdout by then.
    if item.code != "GATE_UNKNOWN_METRIC" { #expect(ending.output.isEmpty) }
    #expect(ending.errors.contains("found: ") && ending.errors.contains("try: "), "\(ending.errors)")
    let report = try scratch.report("r.json")
    #expect(report["run"]?["status"]?.string == "failed")
    #expect(report["run"]?["error"]?["code"]?.string == item.code)
    #expect(report["run"]?["exit_code"]?.int == Int(item.exit))
    #expect(scratch.names == (before + ["r.json"]).sorted())
  }

  @Test func refusedOutputKeepsTheReportOfTheRunThatMadeIt() throws {
    let scratch = try Scratch()
    try scratch.patch()
    let words = ["edit", "apply", "model", "--patch", "p.patch.safetensors", "-o", "out"]
    #expect(try Program.run(words, in: scratch.folder).code == 0)
    let first = try Files.read(scratch.path("out.report.json"))
    #expect(try Program.run(words, in: scratch.folder).code == 73)
    #expect(try Files.read(scratch.path("out.report.json")) == first)
    #expect(
      try scratch.report("out.refused.report.json")["run"]?["error"]?["code"]?.string == "OUTPUT_EXISTS")
  }

  @Test func fullDiskLeavesNothing() throws {
    let scratch = try Scratch()
    try scratch.patch()
    let before = scratch.names
    // A limit on the size of files stops the write half-way, as a full disk does.
    let ending = try Program.run(
      [], in: scratch.folder,
      shell:
        "trap '' XFSZ; ulimit -f 200; exec \"$SURGEON\" edit apply model --patch p.patch.safetensors -o out")
    #expect(ending.code == 74, "\(ending.errors)")
    #expect(scratch.names == (before + ["out.report.json"]).sorted())
    #expect(try scratch.report("out.report.json")["run"]?["status"]?.string == "failed")
  }

  @Test func killedWritesLeaveOnlyPartialFiles() throws {
    for delay in [4_000, 12_000, 25_000, 50_000, 100_000] {
      let scratch = try Scratch()
      try scratch.patch()
      let before = scratch.names
      let pid = try Program.start(
        ["edit", "apply", "model", "--patch", "p.patch.safetensors", "-o", "out"], in: scratch.folder)
      usleep(UInt32(delay))
      kill(pid, SIGKILL)
      let ending = try Program.wait(pid, in: scratch.folder)
      let fresh = scratch.names.filter { !before.contains($0) }
      if scratch.has("out") {
        #expect(
          try scratch.run("edit", "verify", "out", "--patch", "p.patch.safetensors", "--base", "model").code
            == 0)
      } else {
        #expect(ending.code == -SIGKILL || ending.code == 0)
        let allowed = fresh.filter {
          $0.contains(".partial-") || $0 == "out.report.json" || $0 == "out.undo.safetensors"
        }
        #expect(fresh == allowed)
      }
      if scratch.has("out.report.json") { _ = try scratch.report("out.report.json") }
    }
  }

  @Test func interruptSavesAndSecondOneEnds() throws {
    let scratch = try Scratch()
    let line = "The river runs past the old mill and the town sleeps. "
    try scratch.write(String(repeating: line + line + "\n", count: 4000), to: "t.txt")
    let words = ["perplexity", "model", "-f", "t.txt", "--report", "r.json", "--progress", "jsonl"]
    let pid = try Program.start(words, in: scratch.folder)
    Program.waitForHandlers(pid)
    usleep(300_000)
    kill(pid, SIGINT)
    let ending = try Program.wait(pid, in: scratch.folder)
    #expect(ending.code == 75, "\(ending.errors)")
    let report = try scratch.report("r.json")
    #expect(report["run"]?["status"]?.string == "interrupted")
    #expect(report["run"]?["error"]?["code"]?.string == "INTERRUPTED")

    try scratch.write(String(repeating: line + "\n", count: 600), to: "p.txt")
    let second = try Program.start(
      ["generate", "model", "-f", "p.txt", "-n", "200", "--temperature", "3", "-q"], in: scratch.folder)
    Program.waitForHandlers(second)
    usleep(300_000)
    kill(second, SIGINT)
    usleep(2_000)
    kill(second, SIGINT)
    // 130 where the second signal finds it between two checks, which a group of prompts is long enough for; 75 where a
    // slow machine had not begun the group yet.
    let code = try Program.wait(second, in: scratch.folder).code
    #expect([130, 75].contains(code), "ended with \(code)")
  }
}

import Glibc
import JSON
import Runtime
import Tensors
import Testing

@testable import Checkpoints

@Suite struct ExportTests {
  @Test func adapterTimesFactorsIsTheEdit() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let changes = Array(sampleChanges().dropLast())
    let patch = try Patch.build(base, changes)
    try LoRAExport.write(patch, base: base, to: scratch.file("adapter"))
    let config = try JSONValue(file: scratch.file("adapter/adapter_config.json"))
    #expect(config["rank_pattern"]?["model.layers.1.mlp.gate_proj"]?.int == 2)
    #expect(config["alpha_pattern"] == config["rank_pattern"])
    #expect(config["fan_in_fan_out"]?.bool == false)
    let file = try SafetensorsFile(path: scratch.file("adapter/adapter_model.safetensors"))
    #expect(file.names.count == 6)
    for name in patch.tensors {
      let module = "base_model.model.\(name.dropLast(7))"
      let (a, b) = (try file.tensor("\(module).lora_A.weight"), try file.tensor("\(module).lora_B.weight"))
      let (rank, width) = (a.shape[0], a.shape[1])
      for row in 0..<b.shape[0] {
        let (left, right) = (values(b), values(a))
        let wanted = changes.first { $0.tensor == name && $0.rows.contains(row) }
        for column in 0..<width {
          var sum: Float = 0
          for r in 0..<rank { sum += left[row * rank + r] * right[r * width + column] }
          #expect(sum == wanted?.delta[column] ?? 0)
        }
      }
    }
    #expect(code { try LoRAExport.write(patch, base: base, to: scratch.file("adapter")) } == "OUTPUT_EXISTS")
  }

  @Test func refusesWhatAnAdapterCannotSay() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    func export(_ changes: [RowChange]) throws -> String? {
      let patch = try Patch.build(base, changes)
      return code { try LoRAExport.write(patch, base: base, to: scratch.file("x")) }
    }
    #expect(try export(sampleChanges()) == "CANNOT_EXPORT")  // both storage orders
    #expect(
      try export([RowChange(tensor: "model.norm.weight", rows: [0], delta: delta(16))]) == "CANNOT_EXPORT")
    #expect(
      try export([RowChange(tensor: "model.embed_tokens.weight", rows: [0], delta: delta(16))])
        == "CANNOT_EXPORT")
    #expect(try export([RowChange(tensor: conv, rows: [1], transposed: true, delta: delta(16))]) == nil)
    let config = try JSONValue(file: scratch.file("x/adapter_config.json"))
    #expect(config["fan_in_fan_out"]?.bool == true)
  }

  /// Gate and up of all experts of an edited block come along, zeros where nothing is edited; other blocks do not.
  @Test func expertsOfABlockComeTogether() throws {
    let scratch = try Scratch()
    let folder = scratch.file("mixture")
    try Files.makeFolder(folder)
    func name(_ block: Int, _ expert: Int, _ leaf: String) -> String {
      "model.layers.\(block).mlp.experts.\(expert).\(leaf).weight"
    }
    var items: [SafetensorsWriter.Item] = []
    for block in 0..<2 {
      for expert in 0..<3 {
        for (leaf, shape) in [("gate_proj", [6, 16]), ("up_proj", [6, 16]), ("down_proj", [16, 6])] {
          items.append(.init(name(block, expert, leaf), randomTensor(shape, .f32, seed: 7)))
        }
      }
    }
    items.append(
      .init("model.layers.0.mlp.shared_expert.gate_proj.weight", randomTensor([6, 16], .f32, seed: 8)))
    items.append(.init("model.layers.0.mlp.experts.gate_up_proj", randomTensor([3, 12, 16], .f32, seed: 9)))
    try SafetensorsWriter.write(items, to: folder + "/model.safetensors")
    try Files.write("{}", to: folder + "/config.json")
    let base = try Checkpoint(folder: folder)
    func export(_ tensors: [String], to output: String) throws -> String? {
      let changes = tensors.map { RowChange(tensor: $0, rows: [1, 4], delta: delta(16)) }
      let patch = try Patch.build(base, changes)
      return code { try LoRAExport.write(patch, base: base, to: scratch.file(output)) }
    }
    #expect(try export([name(1, 2, "gate_proj")], to: "a") == nil)
    let file = try SafetensorsFile(path: scratch.file("a/adapter_model.safetensors"))
    #expect(file.names.count == 2 * 9 && file.names.allSatisfy { $0.contains("layers.1.") })
    for name in file.names where name.contains("lora_B") {
      let edited = name.contains("experts.2.gate_proj")
      #expect(values(try file.tensor(name)).contains { $0 != 0 } == edited, "\(name)")
    }
    // PEFT would take these for an expert's, or cannot name them.
    #expect(
      try export(
        [name(0, 0, "gate_proj"), "model.layers.0.mlp.shared_expert.gate_proj.weight"], to: "b")
        == "CANNOT_EXPORT")
    #expect(
      try export(["model.layers.0.mlp.shared_expert.gate_proj.weight"], to: "c") == "CANNOT_EXPORT")
    #expect(try export(["model.layers.0.mlp.experts.gate_up_proj"], to: "d") == "CANNOT_EXPORT")
  }

  @Test func controlVectorBytes() throws {
    let scratch = try Scratch()
    let path = scratch.file("v.gguf")
    try ControlVectorFile.write([3: [1, 2, 3], 1: [4, 5, 6]], modelHint: "llama", to: path)
    let bytes = try Files.read(path)
    #expect(bytes.count % 32 == 0)
    #expect(Array(bytes[..<8]) == Array("GGUF".utf8) + [3, 0, 0, 0])
    let floats = bytes.suffix(64).withUnsafeBytes { raw in
      (0..<16).map { Float(bitPattern: raw.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)) }
    }
    #expect(Array(floats[..<3]) == [4, 5, 6] && Array(floats[8..<11]) == [1, 2, 3])
    func refused(_ directions: [Int: [Float]]) -> String? {
      code { try ControlVectorFile.write(directions, modelHint: "llama", to: scratch.file("w")) }
    }
    #expect(refused([:]) == "CANNOT_EXPORT")
    #expect(refused([0: [1]]) == "CANNOT_EXPORT")
    #expect(refused([1: [1], 2: [1, 2]]) == "CANNOT_EXPORT")
    #expect(refused([1: [.infinity]]) == "CANNOT_EXPORT")
    #expect(code { try ControlVectorFile.write([1: [1]], modelHint: "llama", to: path) } == "OUTPUT_EXISTS")
  }

  static let exports = getenv("SURGEON_EXPORTS").map { String(cString: $0) }

  /// Writes a Llama and a GPT-2 with patch, edited copy and adapter, and a control vector, for
  /// Oracle/check_exports.py to read with the programs that users have. Runs when SURGEON_EXPORTS names a folder.
  @Test(.enabled(if: exports != nil)) func writesExportsForTheOracle() throws {
    let root = try #require(Self.exports)
    try Files.makeFolder(root)
    for (name, dtype) in [("llama-f32", DType.f32), ("llama-bf16", .bf16), ("gpt2-f32", .f32)] {
      let folder = "\(root)/\(name)"
      try Files.makeFolder("\(folder)/base")
      let gpt2 = name.hasPrefix("gpt2")
      try Files.write(gpt2 ? Self.gpt2Config : Self.llamaConfig(dtype), to: "\(folder)/base/config.json")
      let shapes = gpt2 ? Self.gpt2Shapes : Self.llamaShapes
      let items = shapes.enumerated().map { index, shape in
        SafetensorsWriter.Item(
          shape.0, randomTensor(shape.1, dtype, seed: UInt64(index), scale: shape.1.count == 1 ? 1 : 0.1))
      }
      try SafetensorsWriter.write(items, to: "\(folder)/base/model.safetensors")
      let base = try open("\(folder)/base")
      let changes =
        gpt2
        ? [
          RowChange(tensor: "h.0.mlp.c_fc.weight", rows: [0, 3, 63], transposed: true, delta: delta(16)),
          RowChange(tensor: "h.1.mlp.c_fc.weight", rows: [5], transposed: true, delta: delta(16)),
          RowChange(tensor: "h.1.mlp.c_fc.weight", rows: [6], transposed: true, delta: delta(16, seed: 1)),
        ]
        : [
          RowChange(tensor: gate0, rows: [1, 2, 23], delta: delta(16)),
          RowChange(tensor: gate1, rows: [0], delta: delta(16)),
          RowChange(tensor: gate1, rows: [9, 10], delta: delta(16, seed: 2)),
          RowChange(tensor: "model.layers.1.self_attn.o_proj.weight", rows: [4], delta: delta(16, seed: 3)),
        ]
      let patch = try Patch.build(base, changes)
      try patch.write(to: "\(folder)/edit.patch.safetensors")
      try patch.apply(to: base, output: "\(folder)/edited")
      try LoRAExport.write(patch, base: base, to: "\(folder)/adapter")
    }
    try ControlVectorFile.write(
      [1: delta(16), 2: delta(16, seed: 2), 5: delta(16, seed: 5)], modelHint: "llama", layerCount: 5,
      to: "\(root)/vector.gguf")
  }

  static func llamaConfig(_ dtype: DType) -> String {
    """
    {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 16, "intermediate_size": 24,
     "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 50,
     "max_position_embeddings": 64, "tie_word_embeddings": true,
     "torch_dtype": "\(dtype == .bf16 ? "bfloat16" : "float32")"}
    """
  }

  static let llamaShapes: [(String, [Int])] =
    [("model.embed_tokens.weight", [50, 16]), ("model.norm.weight", [16])]
    + (0..<2).flatMap { layer in
      [
        ("self_attn.q_proj", [16, 16]), ("self_attn.k_proj", [16, 16]), ("self_attn.v_proj", [16, 16]),
        ("self_attn.o_proj", [16, 16]), ("mlp.gate_proj", [24, 16]), ("mlp.up_proj", [24, 16]),
        ("mlp.down_proj", [16, 24]), ("input_layernorm", [16]), ("post_attention_layernorm", [16]),
      ].map { ("model.layers.\(layer).\($0.0).weight", $0.1) }
    }

  static let gpt2Config = """
    {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 16, "n_layer": 2, "n_head": 2,
     "vocab_size": 50, "n_positions": 32, "torch_dtype": "float32"}
    """

  static let gpt2Shapes: [(String, [Int])] =
    [("wte.weight", [50, 16]), ("wpe.weight", [32, 16]), ("ln_f.weight", [16]), ("ln_f.bias", [16])]
    + (0..<2).flatMap { layer in
      [
        ("ln_1.weight", [16]), ("ln_1.bias", [16]), ("ln_2.weight", [16]), ("ln_2.bias", [16]),
        ("attn.c_attn.weight", [16, 48]), ("attn.c_attn.bias", [48]), ("attn.c_proj.weight", [16, 16]),
        ("attn.c_proj.bias", [16]), ("mlp.c_fc.weight", [16, 64]), ("mlp.c_fc.bias", [64]),
        ("mlp.c_proj.weight", [64, 16]), ("mlp.c_proj.bias", [16]),
      ].map { ("h.\(layer).\($0.0)", $0.1) }
    }
}

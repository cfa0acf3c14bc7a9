import Checkpoints
import JSON
import Runtime
import Tensors
import Testing

/// `--compute`: what runs, what the report says of it, and what is not mixed.
struct ComputeTests {
  /// The embedded model with all matrices stored as another type.
  private func store(_ scratch: Scratch, as name: String = "halves", _ dtype: DType = .bf16) throws {
    let model = try Checkpoint(folder: scratch.path("model"), cache: .none)
    let items = try model.tensorNames.map { name in
      let tensor = try model.tensor(name)
      let isMatrix = tensor.shape.count == 2
      return SafetensorsWriter.Item(
        name, isMatrix ? Tensor(tensor.toFloats(), shape: tensor.shape, dtype: dtype) : tensor)
    }
    try Files.makeFolder(scratch.path(name))
    for file in try Files.list(scratch.path("model")) where file.hasSuffix(".json") {
      try Files.write(Files.readText(scratch.path("model/\(file)")), to: scratch.path("\(name)/\(file)"))
    }
    try SafetensorsWriter.write(items, to: scratch.path("\(name)/model.safetensors"))
  }

  private func run(_ scratch: Scratch, _ line: String) throws -> JSONValue {
    let words = line.split(separator: " ").map(String.init) + ["--report", "r.json"]
    let ending = try Program.run(words, in: scratch.folder, environment: ["SURGEON_COMPUTE=auto"])
    #expect(ending.code == 0, "\(line): \(ending.errors)")
    return try scratch.report("r.json")
  }

  private func perplexity(_ report: JSONValue) throws -> Double {
    let metric = report["metrics"]?.array?.first { $0["name"]?.string == "perplexity" }
    return try #require(metric?["value"]?.double)
  }

  private func warnings(_ report: JSONValue) -> [String] {
    report["warnings"]?.array?.compactMap { $0["code"]?.string } ?? []
  }

  @Test func reportsSayTheMode() throws {
    let scratch = try Scratch()
    try store(scratch)
    try scratch.write("The mill stands by the river.\nThe town sleeps.\n", to: "t.txt")
    let reference = try run(scratch, "perplexity halves -f t.txt --compute f32")
    let fast = try run(scratch, "perplexity halves -f t.txt --compute bf16")
    #expect(reference["system"]?["compute"]?.string == "f32")
    #expect(fast["system"]?["compute"]?.string == "bf16")
    #expect(fast["run"]?["config_resolved"]?["compute"]?.string == "bf16")
    #expect(fast["results"]?["protocol"]?["arithmetic"]?.string == "bf16, sums in f64")
    let (exact, rounded) = (try perplexity(reference), try perplexity(fast))
    #expect(exact != rounded && abs(exact - rounded) < 0.02 * exact, "\(exact) and \(rounded)")
    // The note about speed depends on the processor; that every layer takes part does not.
    #expect(
      !warnings(fast).contains("COMPUTE_F32_LAYERS") && !warnings(reference).contains("COMPUTE_EMULATED"))
    let doctor = try run(scratch, "doctor")
    let check = doctor["results"]?["checks"]?.array?.first { $0["id"]?.string == "bf16_products" }
    let isOwn = try #require(check?["detail"]?.string).hasPrefix("AVX512_BF16 here")
    #expect(warnings(fast).contains("COMPUTE_EMULATED") == !isOwn)
    let chosen = try run(scratch, "perplexity halves -f t.txt")
    #expect(chosen["system"]?["compute"]?.string == (isOwn ? "bf16" : "f32"))
    #expect(doctor["system"]?["compute"] == .null)
  }

  @Test func theEnvironmentGivesTheDefault() throws {
    let scratch = try Scratch(model: false)
    for (mode, code) in [("f32", Int32(0)), ("bf16", 0), ("f8", 64)] {
      let ending = try Program.run(
        ["doctor", "--report", "r.json"], in: scratch.folder, environment: ["SURGEON_COMPUTE=\(mode)"])
      #expect(ending.code == code, "\(ending.errors)")
      if code == 0 {
        #expect(try scratch.report("r.json")["run"]?["config_resolved"]?["compute"]?.string == mode)
      }
    }
  }

  /// Weights of f32: the mode changes nothing, and the report says so. Two models of one comparison run alike.
  @Test func weightsOfOtherTypes() throws {
    let scratch = try Scratch()
    try store(scratch)
    try scratch.write("The mill stands by the river.\n", to: "t.txt")
    try store(scratch, as: "wide", .f32)
    let reference = try run(scratch, "perplexity wide -f t.txt --compute f32")
    let asked = try run(scratch, "perplexity wide -f t.txt --compute bf16")
    #expect(try perplexity(reference) == perplexity(asked))
    #expect(warnings(asked) == ["COMPUTE_F32_LAYERS"])
    let pair = try run(scratch, "perplexity halves -f t.txt --reference-model wide")
    #expect(pair["system"]?["compute"]?.string == "f32")
  }

  /// A cache belongs to its mode.
  @Test func cachesAreNotMixed() throws {
    let scratch = try Scratch()
    try store(scratch)
    try scratch.write("The mill stands by the river.\n", to: "t.txt")
    let line = "cache halves -f t.txt --sites final_norm -o c"
    _ = try run(scratch, line + " --compute bf16")
    _ = try run(scratch, line + " --compute bf16")
    let other = try Program.run(
      (line + " --compute f32").split(separator: " ").map(String.init), in: scratch.folder)
    #expect(other.code == 73 && other.errors.contains("compute"), "\(other.errors)")
  }
}

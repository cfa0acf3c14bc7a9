import Checkpoints
import Glibc
import JSON
import OrderedCollections
import Probing
import Reports
import Runtime
import Tensors
import Testing

/// What can be trusted: differences, checks, warnings and imports, from the command line to the report.
struct TrustTests {
  private func checks(_ report: JSONValue) -> [String: Bool?] {
    Dictionary(
      (report["results"]?["checks"]?.array ?? []).compactMap { check in
        check["id"]?.string.map { ($0, check["passed"]?.bool) }
      }, uniquingKeysWith: { first, _ in first })
  }

  @Test func applyAndVerifyCheckEverything() throws {
    let scratch = try Scratch()
    try scratch.patch()
    let applied = try scratch.run("edit", "apply", "model", "--patch", "p.patch.safetensors", "-o", "out")
    #expect(applied.code == 0, "\(applied.errors)")
    let names = [
      "ties", "vocabulary", "eos", "generation_settings", "canary_tokens", "canary_moved", "canary_logits",
    ]
    let first = checks(try scratch.report("out.report.json"))
    for name in names + ["touched_tensors", "untouched_tensors", "side_files", "something_changed"] {
      #expect(first[name] == true, "\(name)")
    }
    let words = [
      "edit", "verify", "out", "--base", "model", "--patch", "p.patch.safetensors", "--report", "v.json",
    ]
    #expect(try Program.run(words, in: scratch.folder).code == 0)
    let report = try scratch.report("v.json")
    let second = checks(report)
    for name in names + ["untouched_tensors", "dtypes", "side_files"] {
      #expect(second[name] == true, "\(name)")
    }
    let tensor = report["results"]?["tensors"]?.array?.first
    #expect(tensor?["rows_changed"]?.int == 3)
    #expect((tensor?["relative_norm"]?.double ?? 0) > 0 && (tensor?["cosine"]?.double ?? 0) > 0.5)
    // One by one, what must be noticed.
    func fails(
      _ id: String, _ body: (Scratch) throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let copy = try Scratch()
      try copy.patch()
      _ = try copy.run(
        "edit", "apply", "model", "--patch", "p.patch.safetensors", "-o", "out", "--canaries", "0")
      try body(copy)
      let ending = try Program.run(words, in: copy.folder)
      #expect(ending.code == 2, "\(id): \(ending.errors)", sourceLocation: sourceLocation)
      #expect(checks(try copy.report("v.json"))[id] == false, "\(id)", sourceLocation: sourceLocation)
    }
    try fails("eos") { try $0.change("out/config.json") { $0["eos_token_id"] = 7 } }
    try fails("generation_settings") {
      try $0.change("out/generation_config.json") { $0["temperature"] = 0.5 }
    }
    try fails("canary_tokens") {
      try $0.change("out/tokenizer.json") { $0["normalizer"] = ["type": "Lowercase"] }
    }
    try fails("side_files") { try $0.write("new", to: "out/new.txt") }
    try fails("canary_logits") {
      let file = $0.path("out/model.safetensors")
      let entry = try SafetensorsFile(path: file).entries.first { $0.name.contains("layers.0.mlp.up_proj") }
      var bytes = try Files.read(file)
      let place = (entry?.byteRange.lowerBound ?? 0) + (entry?.dtype.size ?? 2) - 1
      bytes[place] ^= 0x40  // the largest bit of the exponent
      try Files.write(bytes, to: file)
    }
  }

  @Test func diffRecognisesAnEditFromItsNumbers() throws {
    let scratch = try Scratch()
    let patch = try scratch.patch()
    let run = try scratch.run("edit", "apply", "model", "--patch", "p.patch.safetensors", "-o", "out")
    #expect(run.code == 0)
    let direction = patch.deltas[0].map(Double.init)
    try ProbeFile.write(
      Probe(
        name: "planted", kind: "means", site: "final_norm", pooling: "mean",
        fit: LinearFit(direction: direction, bias: 0)), to: scratch.path("probe"))
    let ending = try scratch.run("diff", "model", "out", "--probe", "probe", "--report", "d.json", "--rows")
    #expect(ending.code == 0, "\(ending.errors)")
    #expect(ending.output.contains("Model Surgery edit"))
    let results = try #require(try scratch.report("d.json")["results"])
    #expect(results["verdict"]?.string == "model surgery")
    #expect(
      results["edits"]?.array?.first?["tensors"]?.array?.first?["rows"]?.array?.compactMap(\.int) == [
        0, 3, 5,
      ])
    #expect((results["probes"]?.array?.first?["cosine"]?.double ?? 0) > 0.999)
    #expect(abs((results["probes"]?.array?.first?["alpha"]?.double ?? 0) - 1) < 0.01)
    #expect(results["tensors"]?.array?.first?["changed_rows"]?.array?.count == 3)
    #expect(results["files"]?["only_in_second"]?.array?.first?.string == "surgeon.edit.json")
    // The page and the gate.
    let page = try scratch.run("report", "render", "d.json", "-o", "d.html")
    #expect(page.code == 0, "\(page.errors)")
    #expect(try Files.readText(scratch.path("d.html")).contains("row addition"))
    #expect(try scratch.run("diff", "model", "out", "--fail-if", "tensors_changed>0").code == 2)
    #expect(try scratch.run("diff", "model", "model", "--fail-if", "tensors_changed>0").code == 0)
    let dry = try scratch.run("diff", "model", "out", "--dry-run", "--report", "dry.json")
    #expect(dry.code == 0 && dry.output.contains("dry run"))
    _ = try scratch.report("dry.json")
  }

  private func warnings(_ scratch: Scratch, _ flags: String...) throws -> (
    codes: [String], results: JSONValue
  ) {
    let ending = try Program.run(["inspect", "model", "--report", "i.json"] + flags, in: scratch.folder)
    #expect(ending.code == 0, "\(ending.errors)")
    let results = try #require(try scratch.report("i.json")["results"])
    let codes = (results["warnings"]?.array ?? []).compactMap { $0["code"]?.string }
    for code in codes { #expect(ending.output.contains(code)) }
    return (codes, results)
  }

  /// Writes the model's weights anew, changed.
  private func rewrite(_ scratch: Scratch, _ change: (inout [(String, Tensor)]) -> Void) throws {
    let path = scratch.path("model/model.safetensors")
    let file = try SafetensorsFile(path: path)
    var tensors = try file.names.map { ($0, try file.tensor($0)) }
    change(&tensors)
    try SafetensorsWriter.write(
      tensors.map { SafetensorsWriter.Item($0.0, $0.1) }, to: scratch.path("new.safetensors"))
    try Files.rename(scratch.path("new.safetensors"), to: path)
  }

  @Test func inspectWarnsOfWhatBreaksElsewhere() throws {
    let clean = try Scratch()
    #expect(try warnings(clean, "--values").codes == [])
    func found(
      _ code: String, _ flags: String..., sourceLocation: SourceLocation = #_sourceLocation,
      setup: (Scratch) throws -> Void
    ) throws {
      let scratch = try Scratch()
      try setup(scratch)
      let codes = try flags.isEmpty ? warnings(scratch).codes : warnings(scratch, flags[0]).codes
      #expect(codes.contains(code), "\(code): \(codes)", sourceLocation: sourceLocation)
    }
    try found("DTYPE_DIFFERS") {
      try $0.change("model/config.json") {
        $0["dtype"] = nil
        $0["torch_dtype"] = "float64"
      }
    }
    try found("GENERATION_CONFIG_MISSING") { try Files.remove($0.path("model/generation_config.json")) }
    try found("EOS_DIFFERS") {
      try $0.change("model/generation_config.json") { $0["eos_token_id"] = [3, 4] }
    }
    try found("VOCABULARY_DIFFERS") { try $0.change("model/config.json") { $0["vocab_size"] = 7 } }
    try found("TOKEN_BEYOND_EMBEDDING") {
      try $0.change("model/config.json") { $0["pad_token_id"] = 1_000_000 }
    }
    try found("TIE_DIFFERS") { scratch in
      try scratch.change("model/config.json") { $0["tie_word_embeddings"] = true }
      try rewrite(scratch) { tensors in
        tensors.removeAll { $0.0 == "lm_head.weight" }
        guard let embedding = tensors.first(where: { $0.0.contains("embed_tokens") })?.1 else { return }
        tensors.append(("lm_head.weight", Tensor(zeros: embedding.shape, dtype: embedding.dtype)))
      }
    }
    try found("TIE_STORED_TWICE") { scratch in
      try scratch.change("model/config.json") { $0["tie_word_embeddings"] = true }
      try rewrite(scratch) { tensors in
        tensors.removeAll { $0.0 == "lm_head.weight" }
        guard let embedding = tensors.first(where: { $0.0.contains("embed_tokens") })?.1 else { return }
        tensors.append(("lm_head.weight", embedding))
      }
    }
    try found("UNUSED_TENSORS") { try rewrite($0) { $0.append(("extra.weight", Tensor([1, 2, 3]))) } }
    try found("DUPLICATE_TENSORS") { scratch in
      try rewrite(scratch) { tensors in
        guard let up = tensors.first(where: { $0.0.contains("up_proj") }) else { return }
        tensors.append(("copy.weight", up.1))
      }
    }
    try found("UNALIGNED_TENSORS") { scratch in
      try rewrite(scratch) { tensors in
        tensors.insert(("odd", Tensor(zeros: [1], dtype: .u8)), at: 0)
      }
    }
    for (value, flag) in [(Float.nan, true), (.infinity, true), (.nan, false)] {
      let scratch = try Scratch()
      try rewrite(scratch) { tensors in
        guard let place = tensors.firstIndex(where: { $0.0.contains("layers.0.mlp.up_proj") }) else { return }
        let old = tensors[place].1
        var values = old.toFloats()
        values[old.shape[1] + 2] = value
        tensors[place].1 = Tensor(values, shape: old.shape, dtype: old.dtype)
      }
      let (codes, results) = try flag ? warnings(scratch, "--values") : warnings(scratch)
      #expect(codes.contains("NOT_FINITE") == flag)
      #expect(results["values_read"]?.bool == flag)
      if flag {
        let message = results["warnings"]?.array?.first { $0["code"]?.string == "NOT_FINITE" }?["message"]?
          .string
        #expect(message?.contains("at [1, 2]") == true, "\(message ?? "")")
      }
    }
    #expect(try clean.run("inspect", "model", "--fail-if", "warnings>0").code == 0)
    try Files.remove(clean.path("model/generation_config.json"))
    #expect(try clean.run("inspect", "model", "--fail-if", "warnings>0").code == 2)
  }

  @Test(arguments: [
    (#"{"quant_method": "gptq", "bits": 4, "group_size": 128}"#, "gptq", 4),
    (#"{"quant_method": "awq", "w_bit": 4, "zero_point": true}"#, "awq", 4),
    (#"{"quant_method": "bitsandbytes", "load_in_8bit": true}"#, "bitsandbytes", 8),
    (#"{"quant_method": "bitsandbytes", "load_in_4bit": true}"#, "bitsandbytes", 4),
    (#"{"quant_method": "fp8", "weight_block_size": [128, 128]}"#, "fp8", 8),
    (
      #"{"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 8}}}}"#,
      "compressed-tensors", 8
    ),
  ])
  func quantisedFoldersAreRecognised(_ config: String, _ method: String, _ bits: Int) throws {
    let scratch = try Scratch()
    let value = try JSONValue(parsing: config)
    try scratch.change("model/config.json") { $0["quantization_config"] = value }
    let (codes, results) = try warnings(scratch)
    #expect(codes.contains("QUANTISED"))
    #expect(results["supported"]?.bool == false && results["tensors"]?.array?.isEmpty == false)
    #expect(results["quantisation"]?["method"]?.string == method)
    #expect(results["quantisation"]?["bits"]?.int == bits)
    #expect(results["quantisation"]?["config"] == value)
    let ending = try scratch.run("generate", "model", "-p", "a")
    #expect(ending.code == 69)
    #expect(ending.errors.contains("original checkpoint"), "\(ending.errors)")
    #expect(try scratch.run("diff", "model", "model").code == 0)
  }

  @Test func packedTensorsGiveThemselvesAway() throws {
    for (name, dtype, method) in [
      ("model.layers.0.mlp.up_proj.qweight", DType.i32, "gptq or awq"),
      ("model.layers.0.mlp.up_proj.weight.absmax", .f32, "bitsandbytes"),
      ("model.layers.0.mlp.up_proj.weight_scale", .f32, "compressed-tensors"),
      ("w8", .f8e4m3, "fp8"), ("w5", .f8e5m2, "fp8"),
    ] {
      let scratch = try Scratch()
      try rewrite(scratch) { $0.append((name, Tensor(zeros: [4, 2], dtype: dtype))) }
      let results = try warnings(scratch).results
      #expect(results["quantisation"]?["method"]?.string == method, "\(name)")
    }
  }

  /// Killed at ten random moments of its work, a write leaves nothing or the whole result; the source stays as it was,
  /// and the same command then succeeds. `Bench kill-writes` does this a hundred times on a larger model.
  @Test(arguments: 0..<10) func killedAtARandomMoment(_ sample: Int) throws {
    let scratch = try Scratch()
    try scratch.patch()
    let words = ["edit", "apply", "model", "--patch", "p.patch.safetensors", "-o", "out", "--canaries", "0"]
    func source() throws -> [String] {
      try Files.list(scratch.path("model")).sorted().map {
        "\($0) \(try Files.sha256(scratch.path("model/\($0)")))"
      }
    }
    let before = try source()
    var random = CounterRandom(seed: 11, stream: "kill").stream(UInt64(sample))
    let start = Machine.seconds
    let pid = try Program.start(words, in: scratch.folder)
    usleep(UInt32(random.below(60_000)))
    kill(pid, SIGKILL)
    let ending = try Program.wait(pid, in: scratch.folder)
    #expect(ending.code == -SIGKILL || ending.code == 0, "after \(Machine.seconds - start) s")
    #expect(try source() == before)
    if !scratch.has("out") {
      for name in scratch.names where name.contains(".partial-") { try Files.remove(scratch.path(name)) }
      #expect(try Program.run(words, in: scratch.folder).code == 0)
    }
    let checkpoint = try Checkpoint(folder: scratch.path("out"), cache: .none)
    let verified = try checkpoint.verify(
      base: Checkpoint(folder: scratch.path("model"), cache: .none),
      patch: Patch(file: scratch.path("p.patch.safetensors")))
    #expect(verified.agrees, "\(verified.problems)")
  }

  @Test func importsTheTwoRowProbe() throws {
    let scratch = try Scratch(model: false)
    let root = Files.folder(of: Files.folder(of: #filePath))
    let file = root + "/CheckpointsTests/Fixtures/torch/probe.pt"
    let ending = try scratch.run(
      "probe", "import", file, "-o", "probe", "--site", "blocks.3.output", "--name", "toxic", "--classes",
      "clean", "toxic",
      "--report", "r.json")
    #expect(ending.code == 0, "\(ending.errors)")
    let results = try #require(try scratch.report("r.json")["results"])
    #expect(results["width"]?.int == 16)
    let probe = try ProbeFile.read(scratch.path("probe"))
    #expect(
      probe.site == "blocks.3.output" && probe.classNames == ["clean", "toxic"] && probe.name == "toxic")
    // The script's numbers: h = -0.9 + 0.121·i, noise 0.05·cos(i), biases 0.25 and -0.5.
    for index in 0..<16 {
      #expect(abs(probe.fit.direction[index] - (-0.9 + 0.121 * Double(index))) < 1e-6)
    }
    #expect(probe.fit.scale == 2 && probe.fit.bias == -0.75)
    let raw = try scratch.run("probe", "import", file, "-o", "raw", "--row", "raw")
    #expect(raw.code == 0 && raw.errors.contains("final_norm is assumed"))
    let second = try ProbeFile.read(scratch.path("raw"))
    #expect(abs(second.fit.direction[0] - (-0.9 + 0.05)) < 1e-6)
    #expect(try scratch.run("probe", "import", file, "-o", "probe").code == 73)
    // A bare direction in safetensors.
    try SafetensorsWriter.write(
      [SafetensorsWriter.Item("v", Tensor([1, 2, 3, 4]))], to: scratch.path("v.safetensors"))
    #expect(
      try scratch.run("probe", "import", "v.safetensors", "-o", "bare", "--site", "final_norm").code == 0)
    #expect(try ProbeFile.read(scratch.path("bare")).fit.direction == [1, 2, 3, 4])
    let evil = root + "/CheckpointsTests/Fixtures/torch/system.pt"
    let refused = try scratch.run("probe", "import", evil, "-o", "evil")
    #expect(refused.code == 69 && refused.errors.contains("posix.system") && !scratch.has("evil"))
  }

  @Test func pickledModelsAreReadAndConverted() throws {
    let scratch = try Scratch()
    let root = Files.folder(of: Files.folder(of: #filePath))
    let fixtures = root + "/CheckpointsTests/Fixtures/torch"
    try Files.makeFolder(scratch.path("old"))
    for name in try Files.list(fixtures) where name.hasPrefix("pytorch_model") {
      try Files.write(try Files.read("\(fixtures)/\(name)"), to: scratch.path("old/\(name)"))
    }
    try scratch.write("{}", to: "old/config.json")
    let inspected = try scratch.run("inspect", "old")
    #expect(inspected.code == 0 && inspected.errors.contains("surgeon convert"), "\(inspected.errors)")
    let dry = try scratch.run("convert", "old", "-o", "new", "--dry-run", "--report", "dry.json")
    #expect(dry.code == 0 && !scratch.has("new"))
    _ = try scratch.report("dry.json")
    let converted = try scratch.run("convert", "old", "-o", "new")
    #expect(converted.code == 0, "\(converted.errors)")
    #expect(try scratch.report("new.report.json")["results"]?["tensors"]?.int == 4)
    let diff = try scratch.run("diff", "old", "new")
    #expect(diff.code == 0 && diff.output.contains("verdict: identical"), "\(diff.output)")
  }
}

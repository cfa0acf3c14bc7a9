import JSON
import OrderedCollections
import Probing
import Runtime
import Statistics
import Testing

@Suite struct ProbeFileTests {
  let scratch: Scratch
  let probe: Probe
  let features: Features

  init() throws {
    scratch = try Scratch()
    let oracle = try ProbeOracle("tall")
    features = oracle.features
    let texts = try LabelledTexts(
      oracle.labels.enumerated().map { LabelledText(id: "\($0)", text: "t\($0)", label: $1 ? 1 : 0) })
    let metrics = ProbeMetrics.of(
      logits: [1, -1, 2], labels: [true, false, true], groups: [0, 1, 2], resamples: 20)
    probe = Probe(
      name: "hostile", kind: "logistic", site: "blocks.3.output", pooling: "mean",
      classNames: ["civil", "hostile"],
      fit: try ProbeKind.named("logistic").fit(oracle.problem()), metrics: ["validation": metrics],
      provenance: Probe.provenance(texts: texts, split: oracle.split))
  }

  @Test func roundTrip() throws {
    let folder = scratch.folder + "/probe"
    try ProbeFile.write(probe, to: folder)
    #expect(try Files.list(folder) == ["probe.json", "probe.safetensors"])
    let back = try ProbeFile.read(folder)
    #expect(back == probe)
    #expect(try ProbeFile.read(folder + "/probe.json") == probe)
    #expect(try back.logits(features) == probe.logits(features))
    #expect(back.provenance["split"]?["train"] == .integer(110))
    // Writing again gives the same bytes.
    let bytes = try Files.read(folder + "/probe.json")
    try ProbeFile.write(back, to: folder)
    #expect(try Files.read(folder + "/probe.json") == bytes)
  }

  @Test func bothRowsOfTheSoftmaxAreKept() throws {
    let oracle = try ProbeOracle("tall")
    let fit = try ProbeKind.named("softmax2").fit(oracle.problem())
    let folder = scratch.folder + "/softmax"
    try ProbeFile.write(Probe(name: "n", kind: "softmax2", site: "s", pooling: "last", fit: fit), to: folder)
    let back = try ProbeFile.read(folder)
    #expect(back.fit.rows?.count == 20 && back.fit.mean == nil)
  }

  @Test func newerVersionsAreRefused() throws {
    let folder = scratch.folder + "/new"
    try ProbeFile.write(probe, to: folder)
    var json = try JSONValue(file: folder + "/probe.json")
    json["format_version"] = 9
    try Files.write(json.text(), to: folder + "/probe.json")
    let error = #expect(throws: ProbingError.self) { try ProbeFile.read(folder) }
    #expect(error?.found.contains("format version 9") == true)
  }

  @Test(arguments: ["width", "scale", "classes", "site", "format"]) func brokenRecordsAreRefused(key: String)
    throws
  {
    let folder = scratch.folder + "/broken"
    try ProbeFile.write(probe, to: folder)
    var json = try JSONValue(file: folder + "/probe.json")
    json[key] = key == "width" ? 4096 : nil
    try Files.write(json.text(), to: folder + "/probe.json")
    #expect(throws: ProbingError.self) { try ProbeFile.read(folder) }
  }

  @Test func vectorsOfAnotherProbeAreRefused() throws {
    let a = scratch.folder + "/a", b = scratch.folder + "/b"
    try ProbeFile.write(probe, to: a)
    var fit = probe.fit
    fit.direction[0] += 1
    try ProbeFile.write(Probe(name: "n", kind: "k", site: "s", pooling: "mean", fit: fit), to: b)
    try Files.write(Files.read(b + "/probe.safetensors"), to: a + "/probe.safetensors")
    let error = #expect(throws: ProbingError.self) { try ProbeFile.read(a) }
    #expect(error?.found.contains("hash") == true)
  }

  @Test func nanIsRefused() throws {
    var fit = probe.fit
    fit.direction[3] = .nan
    let folder = scratch.folder + "/nan"
    #expect(throws: JSONError.self) {
      try ProbeFile.write(Probe(name: "n", kind: "k", site: "s", pooling: "mean", fit: fit), to: folder)
    }
    // A file that carries NaN all the same, its hash put right.
    try ProbeFile.write(probe, to: folder)
    var bytes = try Files.read(folder + "/probe.safetensors")
    for (offset, byte) in [UInt8]([0, 0, 0xC0, 0x7F]).enumerated() { bytes[bytes.count - 4 + offset] = byte }
    try Files.write(bytes, to: folder + "/probe.safetensors")
    var json = try JSONValue(file: folder + "/probe.json")
    json["vectors_sha256"] = .string(try Files.sha256(folder + "/probe.safetensors"))
    try Files.write(json.text(), to: folder + "/probe.json")
    let error = #expect(throws: ProbingError.self) { try ProbeFile.read(folder) }
    #expect(error?.found.contains("nan") == true)
  }

  @Test func otherWidthsAreRefused() throws {
    let other = try Features(site: "x", rows: [[1, 2]])
    #expect(throws: ProbingError.sizes(what: "width of the features at x", found: 2, expected: 10)) {
      try probe.logits(other)
    }
    let p = try probe.probabilities(features)
    #expect(p.allSatisfy { $0 >= 0 && $0 <= 1 })
  }
}

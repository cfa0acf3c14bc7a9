import JSON
import Reports
import Runtime
import Statistics
import Testing

@Suite struct ReportEnvelopeTests {
  private func report(seed: UInt64 = 0) -> ReportEnvelope {
    var report = ReportEnvelope(
      kind: "perplexity", run: RunFacts(arguments: ["surgeon", "perplexity", "DIR"], seed: seed, threads: 2))
    report.results["protocol"] = ["window": 512, "seconds": 1.5]
    report.results["losses"] = .array([1.5, .number(.nan), .number(-.infinity)])
    report.add(
      Metric(
        name: "perplexity", value: 2.721, unit: "perplexity", n: 200, higherIsBetter: false,
        interval: Interval(lower: 2.6, upper: 2.8, level: 0.95, method: "bootstrap")))
    report.add(Metric(name: "speed", value: 100, unit: "tokens/s", n: 1))
    report.add(Metric(name: "worst", value: .infinity, unit: "nats", n: 1))
    report.warn("SHORT_TEXTS", "3 texts have one token and no loss")
    report.warn("SHORT_TEXTS", "3 texts have one token and no loss")
    return report
  }

  @Test func numbersThatAreNotFiniteAreNullWithAReason() throws {
    let json = report().json
    #expect(json["results"]?["losses"] == .array([1.5, .null, .null]))
    #expect(json["results"]?["losses_reason"] == "minus infinity")
    #expect(json["metrics"]?.array?[2]["value"] == .null)
    #expect(json["metrics"]?.array?[2]["reason"]?.string?.isEmpty == false)
    #expect(try JSONValue(parsing: json.text(.pretty)) == json)
  }

  @Test func metricsHaveOneOfEachNameAndWarningsAreSaidOnce() {
    var report = report()
    report.add(Metric(name: "perplexity", value: 3, unit: "perplexity", n: 1))
    #expect(report.metrics.map(\.name) == ["perplexity", "speed", "worst"])
    #expect(report.metric("perplexity")?.value == 3)
    #expect(report.warnings.count == 1)
  }

  @Test func whatIsComparableLeavesOutRunSystemAndTimes() throws {
    let writer = ReportWriter(path: nil)
    var first = ReportEnvelope.comparable(try writer.record(report(seed: 1)) { _ in }.json)
    let second = ReportEnvelope.comparable(
      try writer.record(report(seed: 2)) { $0.results["protocol"] = ["window": 512, "seconds": 9] }.json)
    #expect(try first.text() == second.text())
    #expect(first["run"] == nil && first["system"] == nil)
    #expect(first["metrics"]?.array?.count == 2)
    #expect(first["results"]?["protocol"] == ["window": 512])
    first["results"]?["protocol"]?["window"] = 256
    #expect(first != second)
  }

  @Test func theFileSaysRunningThenOk() throws {
    let folder = try Golden.scratch("envelope")
    defer { try? Files.remove(folder) }
    let writer = ReportWriter(path: folder + "/new/r.json")
    let gates = [try Gate(failIf: "perplexity>3"), try Gate(failIf: "perplexity>2")]
    let final = try writer.record(report(), gates: gates) { report in
      let now = try JSONValue(file: folder + "/new/r.json")
      #expect(now["run"]?["status"] == "running")
      #expect(now["run"]?["finished"] == .null)
      report.outputs.append(try Artefact(role: "self", at: folder + "/new"))
    }
    let json = try JSONValue(file: folder + "/new/r.json")
    #expect(json == final.json)
    #expect(json["run"]?["status"] == "ok")
    #expect(json["run"]?["exit_code"] == 2)
    #expect(json["gates"]?.array?.map { $0["held"] } == [true, false])
    #expect(json["outputs"]?.array?[0]["files"]?.array?[0]["name"] == "r.json")
    #expect(json["run"]?["peak_anonymous_bytes"]?.int ?? 0 > 0)
    #expect(try Files.list(folder + "/new") == ["r.json"])
  }

  @Test func failuresAreWrittenAndThrownOn() throws {
    struct Odd: Error {}
    let folder = try Golden.scratch("failures")
    defer { try? Files.remove(folder) }
    let writer = ReportWriter(path: folder + "/r.json")
    func outcome(_ error: any Error) throws -> JSONValue {
      #expect(throws: (any Error).self) {
        try writer.record(report()) { report in
          report.results["done"] = 7
          throw error
        }
      }
      return try JSONValue(file: folder + "/r.json")
    }
    let missing = try outcome(FileError.missing(path: "x"))
    #expect(missing["run"]?["status"] == "failed")
    #expect(missing["run"]?["exit_code"] == 66)
    #expect(missing["run"]?["error"]?["code"] == "FILE_MISSING")
    #expect(missing["run"]?["error"]?["found"] == "nothing at x")
    #expect(missing["results"]?["done"] == 7)
    let odd = try outcome(Odd())
    #expect(odd["run"]?["error"]?["code"] == "INTERNAL")
    #expect(odd["run"]?["exit_code"] == 70)
    let stopped = try outcome(Interrupted())
    #expect(stopped["run"]?["status"] == "interrupted")
    #expect(stopped["run"]?["exit_code"] == 75)
  }

  @Test func aPathThatCannotBeWrittenStopsTheWorkBeforeItBegins() throws {
    let folder = try Golden.scratch("unwritable")
    defer { try? Files.remove(folder) }
    try Files.write("a file", to: folder + "/file")
    #expect(throws: FileError.self) {
      try ReportWriter(path: folder + "/file/r.json").record(report()) { _ in Issue.record("the work began") }
    }
  }

  @Test func reportsStandBesideModelsAndInsideRuns() {
    #expect(ReportWriter.path(beside: "out/model/") == "out/model.report.json")
    #expect(ReportWriter.path(inside: "runs/a/") == "runs/a/report.json")
  }

  @Test func artefactsListTheirFiles() throws {
    let folder = try Golden.scratch("artefacts")
    defer { try? Files.remove(folder) }
    try Files.makeFolder(folder + "/sub")
    try Files.write("b", to: folder + "/sub/b.txt")
    try Files.write("", to: folder + "/a.bin")
    try Files.write("", to: folder + "/.hidden")
    let artefact = try Artefact(role: "texts", at: folder)
    #expect(artefact.files.map(\.name) == ["a.bin", "sub/b.txt"])
    #expect(artefact.files[1].sha256 == SHA256.hex("b"))
    #expect(
      try Artefact(role: "text", at: folder + "/sub/b.txt", hashing: false).files == [
        .init(name: "b.txt", bytes: 1, sha256: nil)
      ])
    #expect(throws: FileError.self) { try Artefact(role: "x", at: folder + "/none") }
  }
}

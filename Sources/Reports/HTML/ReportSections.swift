import JSON
import OrderedCollections
import Runtime
import Statistics

/// The parts that the pages of all kinds share, out of a report as JSON.
struct ReportSections {
  var report: JSONValue

  var status: RunStatus { report["run"]?["status"]?.string.flatMap(RunStatus.init) ?? .running }

  var kicker: String { "surgeon \(words(report["kind"]?.string ?? "report")) · report" }

  private func words(_ kind: String) -> String { kind.split(separator: ".").joined(separator: " ") }

  /// Model, time and seed in a line.
  var subtitle: String {
    let run = report["run"]
    var parts: [String] = []
    let model = report["inputs"]?.array?.first { $0["role"]?.string?.contains("model") == true }
    if let path = model?["path"]?.string { parts.append("model \(Files.name(of: path))") }
    if let started = run?["started"]?.string { parts.append(Self.date(started)) }
    if let seconds = run?["wall_seconds"]?.double { parts.append("took \(Format.seconds(seconds))") }
    if let seed = run?["seed"] { parts.append("seed \(seed.string ?? seed.int.map(String.init) ?? "")") }
    return parts.joined(separator: " · ")
  }

  /// What the run came to as a whole; nil where there is nothing to say beyond the numbers.
  var verdict: (tone: HTMLReport.Tone, text: String)? {
    let gates = report["gates"]?.array ?? []
    let failed = gates.count { $0["held"] != true }
    switch status {
    case .failed: return (.bad, "The run failed")
    case .interrupted: return (.open, "The run was interrupted; the same command resumes it")
    case .running: return (.open, "The run had not ended when this report was written")
    case .ok where gates.isEmpty: return nil
    case .ok where failed == 0:
      return (.good, gates.count == 1 ? "The gate holds" : "All \(gates.count) gates hold")
    case .ok: return (.bad, "\(failed) of \(gates.count) gates \(failed == 1 ? "does" : "do") not hold")
    }
  }

  /// The error, in a box.
  var errors: [HTMLReport.Block] {
    guard let error = report["run"]?["error"], error.object != nil else { return [] }
    var lines = ["Found: \(error["found"]?.string ?? "")"]
    if let expected = error["expected"]?.string, !expected.isEmpty { lines.append("Expected: \(expected)") }
    if let hint = error["hint"]?.string, !hint.isEmpty { lines.append("Try: \(hint)") }
    let title = "Error \(error["code"]?.string ?? "")"
    return [.notice(.bad, title: title, text: lines.joined(separator: "\n"))]
  }

  var warnings: [HTMLReport.Block] {
    (report["warnings"]?.array ?? []).compactMap {
      // The table of questions says these better.
      if $0["code"] == "ANSWER_NO", report["results"]?["question_answers"]?.array?.isEmpty == false {
        return nil
      }
      return .notice(.open, title: "Warning \($0["code"]?.string ?? "")", text: $0["message"]?.string ?? "")
    }
  }

  /// The metrics, read back from the report.
  var metrics: [Metric] {
    (report["metrics"]?.array ?? []).map { json in
      Metric(
        name: json["name"]?.string ?? "", value: json["value"]?.double, unit: json["unit"]?.string ?? "",
        n: json["n"]?.int ?? 0, higherIsBetter: json["higher_is_better"]?.bool,
        interval: Self.interval(json["interval"]), reason: json["reason"]?.string)
    }
  }

  static func interval(_ json: JSONValue?) -> Interval? {
    guard let lower = json?["lower"]?.double, let upper = json?["upper"]?.double else { return nil }
    return Interval(
      lower: lower, upper: upper, level: json?["level"]?.double ?? 0.95, method: json?["method"]?.string ?? ""
    )
  }

  var metricsSection: HTMLReport.Section? {
    let metrics = metrics
    guard !metrics.isEmpty else { return nil }
    var blocks: [HTMLReport.Block] = [.table(Table(metrics: metrics))]
    var reasons: OrderedDictionary<String, [String]> = [:]
    for metric in metrics {
      if let reason = metric.reason { reasons[reason, default: []].append(metric.name) }
    }
    if !reasons.isEmpty {
      blocks.append(.definitions(reasons.map { (name: $0.value.joined(separator: ", "), text: $0.key) }))
    }
    return .init(
      "Measured", lead: "↑ higher is better, ↓ lower is better; n counts documents or prompts, never tokens.",
      blocks)
  }

  var gatesSection: HTMLReport.Section? {
    let gates = report["gates"]?.array ?? []
    guard !gates.isEmpty else { return nil }
    let metrics = metrics
    let answers = gates.map { gate in
      let name = gate["metric"]?.string ?? ""
      let metric = metrics.first { $0.name == name } ?? Metric(name: name, value: nil, unit: "", n: 0)
      let sign = Self.sign(gate["comparison"]?.string ?? "")
      let bound = gate["threshold"]?.double.map(metric.shown) ?? "–"
      return HTMLReport.Answer(
        Self.sentence(Self.words(name)), passed: gate["held"]?.bool,
        measured: gate["value"]?.double.map(metric.shown) ?? "–",
        asked: "\(gate["fails_when_true"] == true ? "not " : "")\(sign) \(bound)",
        detail: gate["reason"]?.string ?? "")
    }
    return .init("Gates", [.answers(answers)])
  }

  /// Inputs, outputs, command and machine.
  var provenanceSection: HTMLReport.Section {
    var blocks: [HTMLReport.Block] = []
    let arguments = (report["run"]?["argv"]?.array ?? []).compactMap(\.string)
    if !arguments.isEmpty {
      blocks += [.heading("To run it again"), .code(arguments.map(Self.quoted).joined(separator: " "))]
    }
    for (key, title) in [("inputs", "What was read"), ("outputs", "What was written")] {
      guard let table = artefacts(key) else { continue }
      blocks += [.heading(title), .table(table)]
    }
    let run = report["run"]
    let system = report["system"]
    func bytes(_ key: String) -> String? { run?[key]?.int.map { Format.bytes(UInt64(max(0, $0))) } }
    let tool = report["tool"]
    let build = (tool?["build"]?.object ?? [:]).map { "\($0.key) \($0.value.string ?? "")" }
    let facts: [(String, String?)] = [
      ("Program", "\(tool?["name"]?.string ?? "") \(tool?["version"]?.string ?? "")"),
      ("Build", build.isEmpty ? nil : build.joined(separator: ", ")),
      ("Run", run?["id"]?.string),
      ("Started", run?["started"]?.string.map(Self.date)),
      ("Time", run?["wall_seconds"]?.double.map(Format.seconds)),
      ("Threads", run?["threads"]?.int.map(String.init)),
      (
        "Largest memory",
        bytes("peak_rss_bytes").map { "\($0), of it anonymous \(bytes("peak_anonymous_bytes") ?? "–")" }
      ),
      ("Processor", system?["cpu"]?.string),
      ("Instruction sets", (system?["isa"]?.array ?? []).compactMap(\.string).joined(separator: " ")),
      ("OpenBLAS kernels", system?["openblas_core"]?.string),
      ("System", system?["os"]?.string),
    ]
    blocks += [
      .heading("The run"),
      .definitions(
        facts.compactMap { name, text in text.flatMap { $0.isEmpty ? nil : (name: name, text: $0) } }),
    ]
    if let settings = run?["config_resolved"], settings.object?.isEmpty == false {
      blocks.append(.folded("Every setting as it was used", [.code((try? settings.text(.pretty)) ?? "")]))
    }
    return .init(
      "Provenance", lead: "The same command, seed and build on one processor type gives the same bytes.",
      blocks)
  }

  private func artefacts(_ key: String) -> Table? {
    let artefacts = report[key]?.array ?? []
    guard !artefacts.isEmpty else { return nil }
    var table = Table([
      .init("Role"), .init("Path"), .init("File"), .init("Size", numeric: true), .init("SHA-256"),
    ])
    for artefact in artefacts {
      let role = artefact["role"]?.string.map(Self.words) ?? ""
      let files = artefact["files"]?.array ?? []
      if files.isEmpty { table.add([.text(role), .text(artefact["path"]?.string)]) }
      for (index, file) in files.enumerated() {
        let hash = file["sha256"]?.string
        table.add([
          .text(index == 0 ? role : ""), .text(index == 0 ? artefact["path"]?.string : ""),
          .text(file["name"]?.string), .bytes(file["bytes"]?.int.map { UInt64(max(0, $0)) }),
          Table.Cell(hash.map { $0.prefix(12) + "…" } ?? "–", value: .optional(hash)),
        ])
      }
    }
    return table
  }

  /// `2026-11-23T10:11:12Z` as people read it.
  static func date(_ stamp: String) -> String {
    guard stamp.count == 20, let middle = stamp.firstIndex(of: "T") else { return stamp }
    return "\(stamp[..<middle]) \(stamp[stamp.index(after: middle)...].prefix(5)) UTC"
  }

  /// A key as words: `rows_per_block` is `rows per block`, `kl_mean` is `KL mean`.
  static func words(_ key: String) -> String {
    let capitals: [Substring: Substring] = ["auroc": "AUROC", "ece": "ECE", "kl": "KL", "sha256": "SHA-256"]
    return key.split(whereSeparator: { $0 == "_" || $0 == "." }).map { capitals[$0] ?? $0 }.joined(
      separator: " ")
  }

  /// A comparison as people write it.
  static func sign(_ comparison: String) -> String {
    ["<=": "≤", ">=": "≥", "!=": "≠", "==": "="][comparison] ?? comparison
  }

  /// With a capital in front.
  static func sentence(_ text: String) -> String {
    text.count < 2 ? text : text.prefix(1).uppercased() + text.dropFirst()
  }

  /// An argument as a shell reads it back.
  static func quoted(_ argument: String) -> String {
    let plain = argument.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || "-_./:=,+@%".utf8.contains(byte)
    }
    if plain && !argument.isEmpty { return argument }
    return "'" + argument.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
      + "'"
  }
}

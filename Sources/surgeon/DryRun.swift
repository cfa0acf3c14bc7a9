import Architectures
import Checkpoints
import JSON
import Reports
import Runtime
import Tensors
import Transformers

/// What `--dry-run` answers: what a command will read, write, hold and roughly take.
struct DryRun {
  var readBytes: Int
  var writeBytes: Int
  var holdBytes: Int
  var freeBytes: UInt64
  var seconds: Double
  /// What the seconds were worked out from; nil where they are a rule of thumb.
  private var basis: (work: WorkEstimate, rates: MachineRates)?

  init(readBytes: Int, writeBytes: Int, holdBytes: Int, output: String, seconds: Double) {
    self.readBytes = readBytes
    self.writeBytes = writeBytes
    self.holdBytes = holdBytes
    self.seconds = seconds
    freeBytes = Files.availableSpace(at: output)
  }

  /// Counted work at the rates of this machine, which are measured now (0.2 s).
  init(_ work: WorkEstimate, readBytes: Int, writeBytes: Int, holdBytes: Int, output: String) {
    let rates = MachineRates.quick
    self.init(
      readBytes: readBytes, writeBytes: writeBytes, holdBytes: holdBytes, output: output,
      seconds: work.seconds(at: rates))
    basis = (work, rates)
  }

  /// Passes through a network of up to `tokens` tokens at a time in all.
  init(
    _ work: WorkEstimate, passing tokens: Int, through model: Model, writeBytes: Int, output: String
  ) {
    let network = model.network
    let rows = min(tokens, Model.defaultBatchTokens)
    let experts = network.experts.map { 2 * network.width + 2 * max($0.width, $0.sharedWidth ?? 0) } ?? 0
    let wide = 4 * network.width + 2 * network.mlpWidth + 4 * network.heads * network.headSize + experts
    self.init(
      work, readBytes: model.checkpoint.weightBytes, writeBytes: writeBytes,
      holdBytes: 4 * rows * wide + writeBytes / 8 + (32 << 20), output: output)
  }

  /// A write with everything hashed once and compared once.
  init(_ plan: WritePlan) {
    let rates = MachineRates.quick
    let (work, third) = (WorkEstimate(plan), plan.readBytes / 3)
    (readBytes, writeBytes, holdBytes) = (3 * third, plan.writeBytes, plan.holdBytes)
    (freeBytes, seconds) = (plan.freeBytes, work.seconds(at: rates))
    basis = (work, rates)
  }

  var json: JSONValue {
    var json: JSONValue = [
      "read_bytes": .integer(readBytes), "write_bytes": .integer(writeBytes),
      "hold_bytes": .integer(holdBytes),
      "free_bytes": freeBytes > UInt64(Int64.max) ? nil : .integer(freeBytes),
      "estimated_seconds": .number(seconds),
    ]
    guard let basis else { return json }
    json["operations"] = .number(basis.work.operations)
    json["memory_read_bytes"] = .number(basis.work.readBytes)
    json["threads"] = .integer(basis.rates.threads)
    json["operations_per_second"] = .number(basis.rates.operationsPerSecond)
    json["memory_read_bytes_per_second"] = .number(basis.rates.readBytesPerSecond)
    json["hash_bytes_per_second"] = .number(basis.rates.hashBytesPerSecond)
    return json
  }

  var lines: [String] {
    let lines = [
      "dry run: nothing was written",
      "reads \(Format.bytes(UInt64(readBytes))), writes \(Format.bytes(UInt64(writeBytes))) "
        + "(\(Format.bytes(freeBytes)) free), holds about \(Format.bytes(UInt64(holdBytes))) beside mapped files, "
        + "takes roughly \(Format.seconds(max(seconds, 0.1)))",
    ]
    guard let basis else { return lines }
    return lines + [Self.line(basis.work, basis.rates)]
  }

  /// What the seconds rest on, in a line.
  private static func line(_ work: WorkEstimate, _ rates: MachineRates) -> String {
    func bytes(_ value: Double) -> String { Format.bytes(UInt64(max(0, value))) }
    var parts: [String] = []
    if work.operations > 0 {
      parts.append(
        "\(Format.significant(work.operations * 1e-9)) GFLOP at \(Format.significant(rates.operationsPerSecond * 1e-9)) GFLOP/s"
      )
    }
    if work.readBytes > 0 {
      parts.append("\(bytes(work.readBytes)) of memory at \(bytes(rates.readBytesPerSecond))/s")
    }
    if work.hashedBytes > 0 {
      parts.append("\(bytes(work.hashedBytes)) hashed at \(bytes(rates.hashBytesPerSecond))/s")
    }
    return "estimated from \(parts.joined(separator: ", ")), measured just now on \(rates.threads) threads"
  }
}

extension WorkEstimate {
  /// What a ``WritePlan`` does with the source and its copy.
  fileprivate init(_ plan: WritePlan) {
    self.init()
    hashedBytes = Double(plan.readBytes / 3)
    writtenBytes = Double(plan.writeBytes)
    addRead(2 * hashedBytes)
  }

  /// One pass over texts of some tokens in all, through a model.
  init(passing tokens: Int, in texts: Int, through model: Model, logits: Bool = false, times: Int = 1) {
    self.init()
    addPass(tokens, in: texts, through: model, logits: logits, times: times)
  }

  /// Adds a pass over texts of some tokens in all.
  mutating func addPass(
    _ tokens: Int, in texts: Int, through model: Model, logits: Bool = false, times: Int = 1
  ) {
    guard texts > 0 else { return }
    addPass(
      of: model.network, texts: Double(texts), length: Double(tokens) / Double(texts),
      logits: logits ? Double(tokens) : 0, weightBytes: model.checkpoint.weightBytes, times: Double(times))
  }
}

/// Where the report of a command with an output goes.
enum ReportPlace {
  /// `OUTPUT.report.json`. Where the output is there already, its report is that of the run that made it and stays:
  /// this run can only be refused, and says so beside it.
  static func beside(_ output: String, dryRun: Bool = false) -> String? {
    if dryRun { return nil }
    let path = ReportWriter.path(beside: output)
    guard Files.exists(output) else { return path }
    return path.dropLast(".report.json".count) + ".refused.report.json"
  }
}

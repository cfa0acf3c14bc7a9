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

  init(readBytes: Int, writeBytes: Int, holdBytes: Int, output: String, seconds: Double) {
    self.readBytes = readBytes
    self.writeBytes = writeBytes
    self.holdBytes = holdBytes
    self.seconds = seconds
    freeBytes = Files.availableSpace(at: output)
  }

  /// A pass of some tokens through a network: two operations a weight and token, at a rate of 20 GFLOP/s a thread.
  init(passOver tokens: Int, of network: Network, weightBytes: Int, writeBytes: Int, output: String) {
    let rows = min(tokens, Model.defaultBatchTokens)
    let experts = network.experts.map { 2 * network.width + 2 * max($0.width, $0.sharedWidth ?? 0) } ?? 0
    let wide = 4 * network.width + 2 * network.mlpWidth + 4 * network.heads * network.headSize + experts
    self.init(
      readBytes: weightBytes, writeBytes: writeBytes,
      holdBytes: 4 * rows * wide + writeBytes / 8 + (32 << 20),
      output: output,
      seconds: 2 * Double(network.multiplyAddsPerToken) * Double(tokens) / (2e10 * Double(Parallel.threads)))
  }

  init(_ plan: WritePlan) {
    (readBytes, writeBytes, holdBytes) = (plan.readBytes, plan.writeBytes, plan.holdBytes)
    (freeBytes, seconds) = (plan.freeBytes, plan.seconds)
  }

  var json: JSONValue {
    [
      "read_bytes": .integer(readBytes), "write_bytes": .integer(writeBytes),
      "hold_bytes": .integer(holdBytes),
      "free_bytes": freeBytes > UInt64(Int64.max) ? nil : .integer(freeBytes),
      "estimated_seconds": .number(seconds),
    ]
  }

  var lines: [String] {
    [
      "dry run: nothing was written",
      "reads \(Format.bytes(UInt64(readBytes))), writes \(Format.bytes(UInt64(writeBytes))) "
        + "(\(Format.bytes(freeBytes)) free), holds about \(Format.bytes(UInt64(holdBytes))) beside mapped files, "
        + "takes roughly \(Format.seconds(max(seconds, 0.1)))",
    ]
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

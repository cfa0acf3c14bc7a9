import Checkpoints
import JSON
import Reports
import Runtime
import Statistics

/// Sparse files: `--to sparse`, and the way back.
extension ConvertCommand {
  /// Writes the folder with one sparse file.
  func makeSparse(_ report: inout ReportEnvelope, _ session: Session) throws {
    let checkpoint = try Checkpoint(folder: model)
    try report.read(checkpoint, role: "source_model", hashing: false, progress: session.progress)
    if dryRun {
      let plan = try SparseCheckpoint.plan(checkpoint, to: output, progress: session.progress)
      let run = DryRun(
        readBytes: 5 * checkpoint.weightBytes, writeBytes: plan.bytes, holdBytes: 32 << 20, output: output,
        seconds: Double(checkpoint.weightBytes) / 2e8)
      report.results = [
        "files": [], "checks": [], "dry_run": run.json,
        "sparse": [
          "bytes_before": .integer(checkpoint.weightBytes), "bytes_after": .integer(plan.bytes),
          "values": .integer(plan.count), "nonzero": .integer(plan.nonZero),
          "note": .string(SparseReport.honesty),
        ],
      ]
      return try session.show(report, heading: run.lines, tables: [])
    }
    let written = try SparseCheckpoint.write(checkpoint, to: output, progress: session.progress)
    try report.wrote(
      file: "\(written.output)/\(SparseCheckpoint.fileName)", role: "sparse_weights")
    let checks = [
      Check("tensors", true, "\(written.tensors.count) tensors expand to the source's bytes"),
      Check(
        "smaller", written.bytesAfter < written.bytesBefore,
        "\(Format.bytes(UInt64(written.bytesBefore))) became \(Format.bytes(UInt64(written.bytesAfter)))"),
    ]
    if written.bytesAfter >= written.bytesBefore {
      report.warn(
        "NOT_SMALLER",
        "\(Format.percent(Double(written.nonZero) / Double(max(1, written.count)))) of the values are not zero: the "
          + "sparse file is no smaller than the dense ones")
    }
    report.results = [
      "files": .array(
        checkpoint.shardNames.map {
          ["from": .string($0), "to": .string(SparseCheckpoint.fileName)]
        }),
      "tensors": .integer(written.tensors.count), "model_hash": .string(written.modelHash),
      "checks": .array(checks.map(\.json)), "sparse": written.json,
    ]
    report.add([
      Metric(
        name: "bytes_ratio", value: Double(written.bytesAfter) / Double(max(1, written.bytesBefore)),
        unit: "ratio", n: written.tensors.count, higherIsBetter: false),
      Metric(
        name: "density", value: Double(written.nonZero) / Double(max(1, written.count)), unit: "fraction",
        n: written.count),
    ])
    try session.show(
      report,
      heading: [
        "\(output): \(Format.bytes(UInt64(written.bytesBefore))) as \(Format.bytes(UInt64(written.bytesAfter))); "
          + "\(Format.count(written.nonZero)) of \(Format.count(written.count)) values are not zero",
        SparseReport.honesty,
      ], tables: [written.table], closing: ["expand with: surgeon convert \(output) -o DENSE"])
  }

  /// Writes the dense folder that a sparse file was made from.
  func expand(_ report: inout ReportEnvelope, _ session: Session) throws {
    let sparse = try SparseCheckpoint(folder: model)
    try report.read(file: "\(sparse.folder)/\(SparseCheckpoint.fileName)", role: "sparse_weights")
    if dryRun {
      let run = DryRun(
        readBytes: sparse.byteCount, writeBytes: sparse.expandedBytes, holdBytes: 16 << 20, output: output,
        seconds: Double(sparse.denseByteCount) / 3e8)
      report.results = ["files": [], "checks": [], "dry_run": run.json]
      return try session.show(report, heading: run.lines, tables: [])
    }
    let expanded = try sparse.expand(to: output, progress: session.progress)
    try report.wrote(checkpoint: expanded.output, modelHash: expanded.modelHash)
    let checks = [
      Check("tensors", true, "\(expanded.tensors) tensors have their recorded hashes"),
      Check("model", true, "the model hash is the one from before"),
    ]
    report.results = [
      "files": .array(
        expanded.shards.map { ["from": .string(SparseCheckpoint.fileName), "to": .string($0)] }),
      "tensors": .integer(expanded.tensors), "model_hash": .string(expanded.modelHash),
      "checks": .array(checks.map(\.json)),
    ]
    try session.show(
      report,
      heading: [
        "\(output): \(expanded.tensors) tensors, \(Format.bytes(UInt64(sparse.byteCount))) expanded to "
          + Format.bytes(UInt64(expanded.byteCount))
      ], tables: [])
  }
}

extension SparseReport {
  /// The report's part of it.
  var json: JSONValue {
    [
      "bytes_before": .integer(bytesBefore), "bytes_after": .integer(bytesAfter), "values": .integer(count),
      "nonzero": .integer(nonZero), "note": .string(Self.honesty),
      "tensors": .array(
        tensors.map {
          [
            "name": .string($0.name), "encoding": .string($0.encoding), "values": .integer($0.count),
            "nonzero": .integer($0.nonZero), "bytes_before": .integer($0.before),
            "bytes_after": .integer($0.after),
          ]
        }),
    ]
  }

  /// A line an encoding, for people.
  var table: Table {
    var table = Table([
      .init("Encoding"), .init("Tensors", numeric: true), .init("Values", numeric: true),
      .init("Not zero", key: "nonzero", numeric: true), .init("Bytes before", numeric: true),
      .init("Bytes after", numeric: true),
    ])
    var names: Set<String> = []
    for encoding in tensors.map(\.encoding) where names.insert(encoding).inserted {
      let own = tensors.filter { $0.encoding == encoding }
      table.add([
        .text(encoding), .count(own.count), .count(own.reduce(0) { $0 + $1.count }),
        .count(own.reduce(0) { $0 + $1.nonZero }), .count(own.reduce(0) { $0 + $1.before }),
        .count(own.reduce(0) { $0 + $1.after }),
      ])
    }
    return table
  }
}

import JSON
import OrderedCollections
import Reports
import Runtime
import Statistics

/// Repeated timings of one stage, with the memory that it held.
struct Measurement: Sendable {
  /// What was done, such as `forward`.
  var stage: String
  /// On what, such as `32×64` or `cold`.
  var what: String
  /// Threads in use.
  var threads: Int
  /// How much was worked through in one run.
  var amount: Double
  /// Unit of the amount: `tokens` or `bytes`.
  var unit: String
  /// Seconds of each run.
  var seconds: [Double]
  /// Seconds of processor time of each run, over all threads: what the run cost, whoever else was at work.
  var processorSeconds: [Double]
  /// Largest anonymous memory during the runs, in bytes.
  var anonymousBytes: UInt64
  /// Largest resident memory, mapped files included, in bytes: of this stage, or of the process so far where the
  /// system does not let the mark be reset.
  var peakBytes: UInt64
  /// Load average when the stage ended.
  var load: Double
  /// Fraction of the model's pages that were in memory before each timed run, averaged; nil where nobody looked.
  var residentBefore: Double?
  /// What the anonymous memory may be, in bytes.
  var bound: UInt64?

  /// Seconds of the middle run (the mean of the two middle ones).
  var median: Double { Self.median(seconds) }

  /// Processor seconds of the middle run.
  var processorMedian: Double { Self.median(processorSeconds) }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return .nan }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  /// Seconds of the fastest run: the least disturbed one.
  var best: Double { seconds.min() ?? .nan }

  /// Whether the bound was kept; nil where there is none.
  var kept: Bool? { bound.map { anonymousBytes <= $0 } }

  /// One line of JSON.
  func json(_ machine: MachineFacts) -> JSONValue {
    var members: OrderedDictionary<String, JSONValue> = [
      "stage": .string(stage), "what": .string(what), "threads": .integer(threads), "amount": .number(amount),
      "unit": .string(unit), "runs": .integer(seconds.count),
      "seconds": .array(seconds.map(JSONValue.number)),
      "seconds_median": .number(median), "seconds_best": .number(best),
      "processor_seconds": .array(processorSeconds.map(JSONValue.number)),
      "processor_seconds_median": .number(processorMedian),
      "per_processor_second_median": .number(amount / processorMedian),
      "per_second_median": .number(amount / median), "per_second_best": .number(amount / best),
      "anonymous_peak_bytes": .integer(Int(anonymousBytes)), "resident_peak_bytes": .integer(Int(peakBytes)),
      "load_average": .number(load),
      "resident_before": residentBefore.map(JSONValue.number) ?? .null,
      "anonymous_bound_bytes": bound.map { .integer(Int($0)) } ?? .null,
      "kept": kept.map(JSONValue.bool) ?? .null,
    ]
    members.merge(machine.members) { own, _ in own }
    return .object(members)
  }

  /// The table of some measurements.
  static func table(_ list: [Measurement]) -> Table {
    var table = Table([
      .init("Stage"), .init("On"), .init("Threads", numeric: true), .init("Runs", numeric: true),
      .init("Median", numeric: true), .init("Best", numeric: true), .init("Rate (median)", numeric: true),
      .init("Rate (best)", numeric: true), .init("Per processor second", numeric: true),
      .init("Anonymous", numeric: true), .init("Bound", numeric: true),
      .init("Resident", numeric: true), .init("In memory before", numeric: true),
      .init("Load", numeric: true),
    ])
    for one in list {
      table.add([
        .text(one.stage), .text(one.what), .count(one.threads), .count(one.seconds.count),
        .seconds(one.median),
        .seconds(one.best), one.rate(one.median), one.rate(one.best), one.rate(one.processorMedian),
        .bytes(one.anonymousBytes),
        one.boundCell, .bytes(one.peakBytes),
        one.residentBefore == nil ? .text("") : .percent(one.residentBefore, 0),
        .fixed(one.load, 1),
      ])
    }
    return table
  }

  private func rate(_ time: Double) -> Table.Cell {
    let rate = amount / time
    let text =
      unit == "bytes" ? "\(Format.bytes(UInt64(max(0, rate))))/s" : "\(Format.significant(rate)) \(unit)/s"
    return Table.Cell(rate.isFinite ? text : "–", value: .number(rate))
  }

  private var boundCell: Table.Cell {
    guard let bound else { return .text("") }
    let text = "\(kept == true ? "within" : "OVER") \(Format.bytes(bound))"
    return Table.Cell(text, value: .integer(Int(bound)))
  }
}

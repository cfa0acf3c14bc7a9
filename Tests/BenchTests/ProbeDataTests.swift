import Glibc
import JSON
import OrderedCollections
import Probing
import Runtime
import Tensors
import Testing

@testable import Bench

/// The vectors that probes are timed on.
struct ProbeDataTests {
  /// Mean product of two features' standardised values, the largest over all pairs of the first ones.
  private func correlation(_ data: ProbeData) -> Double {
    let n = data.features.rows
    let columns = (1..<8).map { j in (0..<n).map { Double(data.features.vector($0)[j]) } }
    let scaled = columns.map { column in
      let mean = column.reduce(0, +) / Double(n)
      let deviation = (column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n)).squareRoot()
      return column.map { ($0 - mean) / deviation }
    }
    var largest = 0.0
    for i in 0..<7 {
      for j in 0..<i {
        largest = max(largest, abs(zip(scaled[i], scaled[j]).reduce(0) { $0 + $1.0 * $1.1 }) / Double(n))
      }
    }
    return largest
  }

  @Test func onlyRotatedFeaturesCorrelate() throws {
    let data = try ProbeData.Shape.allCases.map { try ProbeData($0, rows: 2000, width: 24) }
    // Uncorrelated features have correlations of about 1/√2000.
    #expect(correlation(data[0]) < 0.12 && correlation(data[1]) < 0.12)
    #expect(correlation(data[2]) > 0.2)
    #expect(data.allSatisfy { $0.labels == data[0].labels })
  }

  @Test func writesWhatItReads() throws {
    let folder = "\(temporary)/probe-data-\(UInt64.random(in: 0..<UInt64.max))"
    defer { try? Files.remove(folder) }
    let data = try ProbeData(.rotated, rows: 200, width: 9)
    try data.write(to: folder)
    let read = try ProbeData(folder: folder)
    #expect(read.labels == data.labels && read.split == data.split)
    #expect(read.features.tensor.toFloats() == data.features.tensor.toFloats())
    #expect(data.split.train == Array(0..<180))
    let again = try ProbeData(.rotated, rows: 200, width: 9)
    #expect(again.features.tensor.toFloats() == data.features.tensor.toFloats())
  }

  /// A probe finds what is in the data: better than chance, and the same objective from both solvers.
  @Test func aProbeLearnsIt() throws {
    let data = try ProbeData(.rotated, rows: 1000, width: 16)
    var watch = Stopwatch(json: false)
    let fit = try ProbeCommand.measure(data, &watch, runs: 1)
    let held = data.split.validation + data.split.test
    let right = zip(held, fit.logits(data.features, rows: held)).count { data.labels[$0] == ($1 > 0) }
    #expect(Double(right) / Double(held.count) > 0.6)
    let newton = try ProbeKind.named("logistic").fit(
      SiteProblem(data.features, labels: data.labels, split: data.split),
      ["c": .number(1), "solver": .choice("newton")])
    let (a, b) = (fit.details["objective"]?.double ?? 0, newton.details["objective"]?.double ?? 1)
    #expect(abs(a - b) < 1e-6)
  }

  private var temporary: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }
}

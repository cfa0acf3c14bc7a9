import TestSupport
import Testing

@testable import Transformers

/// The choice of experts against a plain sort, on every kernel.
@Suite struct ExpertRoutingTests {
  private func route(_ logits: [Float], experts: Int, chosen: Int, normalised: Bool) -> ExpertRouting {
    var copy = logits
    return copy.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { preconditionFailure("no logits") }
      return ExpertRouting(
        base, rows: logits.count / experts, experts: experts, chosen: chosen, normalised: normalised)
    }
  }

  @Test(arguments: [(1, 1), (5, 2), (5, 5), (8, 1), (60, 4), (128, 8)], [false, true])
  func equalsASort(_ size: (experts: Int, chosen: Int), normalised: Bool) throws {
    let (experts, chosen) = size
    let rows = 67
    let logits = [Float].random(rows * experts, seed: UInt64(experts)).map { $0 * 2 }
    var first: [[ExpertRouting.Visit]]?
    KernelSetting.each { setting in
      let routing = route(logits, experts: experts, chosen: chosen, normalised: normalised)
      if let first { #expect(routing.visits == first, "\(setting)") } else { first = routing.visits }
    }
    let visits = try #require(first)
    #expect(visits.reduce(0) { $0 + $1.count } == rows * chosen)
    for row in 0..<rows {
      let own = logits[(row * experts)..<((row + 1) * experts)].map { Double($0) }
      let exponentials = own.map { exponential($0) }
      let sum = exponentials.reduce(0, +)
      let order = own.indices.sorted { own[$0] > own[$1] }.prefix(chosen)
      let taken = order.reduce(0) { $0 + exponentials[$1] / sum }
      for expert in own.indices {
        let visit = visits[expert].first { $0.row == row }
        #expect((visit != nil) == order.contains(expert))
        guard let visit else { continue }
        let expected = exponentials[expert] / sum / (normalised ? taken : 1)
        #expect(abs(Double(visit.weight) - expected) <= 1e-6, "row \(row), expert \(expert)")
      }
    }
    for list in visits { #expect(list.map(\.row) == list.map(\.row).sorted()) }
  }

  @Test func ofEqualProbabilitiesTheLowerExpert() {
    let routing = route([0, 1, 1, 1, 0, 0, 0, 0], experts: 4, chosen: 2, normalised: true)
    #expect(routing.visits[1] == [.init(row: 0, weight: 0.5), .init(row: 1, weight: 0.5)])
    #expect(routing.visits[2] == [.init(row: 0, weight: 0.5)])
    #expect(routing.visits[3].isEmpty)
    #expect(routing.visits[0] == [.init(row: 1, weight: 0.5)])
  }

  /// A row's choice is its own: the rows beside it do not matter.
  @Test func rowsStandAlone() {
    let logits = [Float].random(40 * 6, seed: 3)
    let together = route(logits, experts: 6, chosen: 3, normalised: true)
    for row in 0..<40 {
      let alone = route(Array(logits[(row * 6)..<(row * 6 + 6)]), experts: 6, chosen: 3, normalised: true)
      for expert in 0..<6 {
        #expect(
          alone.visits[expert].map(\.weight) == together.visits[expert].filter { $0.row == row }.map(\.weight)
        )
      }
    }
  }

  private func exponential(_ x: Double) -> Double {
    // e^x by its series: no other module's function is trusted here.
    var (term, sum) = (1.0, 1.0)
    for n in 1..<60 {
      term *= x / Double(n)
      sum += term
    }
    return sum
  }
}

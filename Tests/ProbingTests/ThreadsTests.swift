import Probing
import Runtime
import Tensors
import Testing

/// What `--threads` may change: nothing. In a process of its own, because the number of threads is the process's.
@Suite struct ThreadsTests {
  /// Direction and bias of every kind on 2,500 texts, as bits.
  static func fits() throws -> [UInt64] {
    var random = CounterRandom(seed: 61)
    let labels = (0..<2500).map { _ in random.uniform() < 0.4 }
    let features = try Features(
      site: "s",
      rows: labels.map { label in
        let common = random.normal()
        return (0..<210).map { Float(common + Double($0 % 7) * random.normal() + (label ? 0.3 : 0)) }
      })
    let split = try Split(labels: labels, groups: nil)
    return try ProbeKind.all.flatMap { kind in
      let fit = try kind.fit(SiteProblem(features, labels: labels, split: split))
      return (fit.direction + [fit.bias, fit.scale] + fit.logits(features)).map(\.bitPattern)
    }
  }

  @Test func resultsDoNotDependOnTheirNumber() async {
    await #expect(processExitsWith: .success) {
      Parallel.setThreads(1)
      let one = try ThreadsTests.fits()
      Parallel.setThreads(Machine.processors)
      let all = try ThreadsTests.fits()
      precondition(one == all, "the number of threads changed a probe")
    }
  }
}

import Runtime
import Testing

@Suite struct CounterRandomTests {
  @Test func aDrawIsAFunctionOfSeedStreamAndCounter() {
    var a = CounterRandom(seed: 7, stream: "x")
    let b = CounterRandom(seed: 7, stream: "x")
    for counter in 0..<10 { #expect(a.next() == b.bits(at: UInt64(counter))) }
    var other = CounterRandom(seed: 7, stream: "y")
    #expect(other.next() != b.bits(at: 0))
  }

  @Test func uniformAndNormalHaveTheirMoments() {
    var random = CounterRandom(seed: 1)
    var sum = 0.0, squares = 0.0, uniform = 0.0
    let n = 100_000
    for _ in 0..<n {
      let x = random.normal()
      sum += x
      squares += x * x
      uniform += random.uniform()
    }
    #expect(abs(sum / Double(n)) < 0.02)
    #expect(abs(squares / Double(n) - 1) < 0.03)
    #expect(abs(uniform / Double(n) - 0.5) < 0.01)
  }

  @Test func shuffleIsAPermutation() {
    var random = CounterRandom(seed: 3)
    #expect(random.shuffled(0..<100).sorted() == Array(0..<100))
  }
}

import Checkpoints
import Foundation
import JSON
import LinearAlgebra
import Runtime
import Tensors
import TestSupport
import Testing

@testable import Importance

/// Wanda and SparseGPT on single matrices against a plain rendition in PyTorch (`record_pruning.py`).
struct SparseGPTTests {
  /// One matrix of the recording.
  struct Recorded: Sendable, CustomTestStringConvertible {
    var name: String
    var rows, columns: Int
    var target: SparseGPT.Target
    /// Share of each row that Wanda prunes; nil for patterns.
    var share: Double?
    var wanda, sparsegpt: [Bool]
    var errorMasked, errorCompensated: Double
    var weights: [Float]
    var updated: [Float]
    var gram: Matrix<Double>
    var testDescription: String { name }

    /// Σx² of each input.
    var squares: [Double] { (0..<columns).map { gram[$0, $0] } }
  }

  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures").path

  static func bits(_ text: String, count: Int) -> [Bool] {
    let digits = text.compactMap(\.hexDigitValue)
    return (0..<count).map { place in
      let byte = digits[place / 8 * 2] << 4 | digits[place / 8 * 2 + 1]
      return byte >> (place % 8) & 1 == 1
    }
  }

  /// What the recording makes of uniform numbers: neighbours alike, some inputs much larger than others.
  static func inputs(_ uniform: [Float], columns: Int, dead: [Int]) -> [Double] {
    let u = uniform.map(Double.init)
    return u.indices.map { place in
      let (row, k) = place.quotientAndRemainder(dividingBy: columns)
      if dead.contains(k) { return 0 }
      let sum = u[place] + 0.5 * u[row * columns + (k + columns - 1) % columns] + 0.25 * u[row * columns]
      return sum * Double(sign: .plus, exponent: k * 7 % 9 - 4, significand: 1)
    }
  }

  static let recorded: [Recorded] = {
    do {
      let list = try JSONValue(file: fixtures + "/pruning-matrices.json")
      let file = try SafetensorsFile(path: fixtures + "/pruning-matrices.safetensors")
      return try (list["cases"]?.array ?? []).compactMap { one in
        guard let name = one["name"]?.string, let rows = one["rows"]?.int, let columns = one["columns"]?.int,
          let seed = list["seed"]?.int, let tokens = one["tokens"]?.int
        else { return nil }
        let inputs = inputs(
          RandomTensor(name + ".inputs", [tokens, columns], scale: 1).tensor(seed: UInt64(seed)).toFloats(),
          columns: columns, dead: one["dead"]?.array?.compactMap(\.int) ?? [])
        var gram = Matrix<Double>(zeros: columns, columns)
        for row in 0..<tokens {
          for i in 0..<columns {
            for j in 0..<columns { gram[i, j] += inputs[row * columns + i] * inputs[row * columns + j] }
          }
        }
        let pattern = one["target"]?["pattern"]?.array?.compactMap(\.int)
        let share = one["target"]?["share"]?.double
        return Recorded(
          name: name, rows: rows, columns: columns,
          target: pattern.map { .pattern(keep: $0[0], of: $0[1]) }
            ?? .count(Int((share ?? 0) * Double(rows * columns))),
          share: share, wanda: bits(one["wanda"]?.string ?? "", count: rows * columns),
          sparsegpt: bits(one["sparsegpt"]?.string ?? "", count: rows * columns),
          errorMasked: one["error_masked"]?.double ?? .nan,
          errorCompensated: one["error_compensated"]?.double ?? .nan,
          weights: RandomTensor(name + ".weight", [rows, columns], scale: 1).tensor(seed: UInt64(seed))
            .toFloats(), updated: try file.tensor(name + ".sparsegpt").toFloats(), gram: gram)
      }
    } catch {
      return []
    }
  }()

  @Test func theRecordingIsThere() { #expect(Self.recorded.count == 6) }

  @Test(arguments: recorded) func equalsTheRendition(_ one: Recorded) throws {
    let gram = GramMatrix(one.gram)
    let found = try SparseGPT().prune(one.weights, rows: one.rows, gram: gram, target: one.target)
    #expect(found.pruned == one.sparsegpt)
    #expect(zip(found.weights, found.pruned).allSatisfy { !$1 || $0 == 0 })
    let largest = one.updated.map(abs).max() ?? 0
    let difference = zip(found.weights, one.updated).map { abs($0 - $1) }.max() ?? .infinity
    #expect(difference <= 1e-5 * largest, "\(difference) of \(largest)")
    if case .count(let count) = one.target { #expect(found.pruned.count { $0 } == count) }
    let error = try ReconstructionError(
      original: one.weights, pruned: found.pruned, compensated: found.weights, rows: one.rows, gram: gram)
    #expect(abs(error.masked - one.errorMasked) <= 1e-6 * one.errorMasked)
    #expect(abs(error.compensated - one.errorCompensated) <= 1e-5 * one.errorCompensated)
    #expect(error.compensated < error.masked)
    #expect(found.damping.used == 0.01 && found.damping.pivotRatio > 1)
  }

  @Test func dampingGrowsUntilItFactorsAndIsTold() throws {
    // Two equal inputs, and no damping asked for: singular.
    let gram = Matrix<Double>(3, 3, [2, 2, 0, 2, 2, 0, 0, 0, 1])
    var method = SparseGPT()
    method.damping = 0
    let found = try method.prune([1, 2, 3, 4, 5, 6], rows: 2, gram: GramMatrix(gram), target: .count(3))
    #expect(found.damping.asked == 0 && found.damping.used > 0 && found.damping.added > 0)
    #expect(found.pruned.count { $0 } == 3)
    // What cannot be repaired is an error, not a fallback.
    var broken = gram
    broken[1, 1] = .nan
    #expect(throws: LinearAlgebraError.self) {
      try method.prune([1, 2, 3], rows: 1, gram: GramMatrix(broken), target: .count(1))
    }
  }

  @Test func deadInputsGoFirstAndOthersStay() throws {
    // Input 1 is always zero: its weights cost nothing, those beyond the count stay as they are.
    let gram = Matrix<Double>(3, 3, [4, 0, 1, 0, 0, 0, 1, 0, 3])
    let weights: [Float] = [1, 100, 2, 3, 50, 4]
    let one = try SparseGPT().prune(weights, rows: 2, gram: GramMatrix(gram), target: .count(1))
    #expect(one.weights == [1, 0, 2, 3, 50, 4] && one.damping.dead == 1)
    let two = try SparseGPT().prune(weights, rows: 2, gram: GramMatrix(gram), target: .count(2))
    #expect(two.weights == [1, 0, 2, 3, 0, 4])
    // All inputs dead: nothing to go by, nothing to divide by.
    let none = try SparseGPT().prune(
      weights, rows: 2, gram: GramMatrix(size: 3), target: .count(2))
    #expect(none.weights == [0, 0, 2, 3, 50, 4] && none.damping.dead == 3)
  }

  @Test(arguments: [0, 1, 149, 150]) func countsAreExact(count: Int) throws {
    var random = CounterRandom(seed: 3, stream: "exact")
    let weights = (0..<150).map { _ in Float(random.normal()) }
    let a = Matrix<Double>(40, 15, (0..<600).map { _ in random.normal() })
    var method = SparseGPT()
    method.blockWidth = 4
    let gram = GramMatrix(try Product.matrix(a, a, transposeA: true))
    let found = try method.prune(weights, rows: 10, gram: gram, target: .count(count))
    #expect(found.pruned.count { $0 } == count)
    if count == 0 { #expect(found.weights == weights) }
    if count == 150 { #expect(found.weights.allSatisfy { $0 == 0 }) }
  }

  @Test func equalCostsGoByTheLowerIndex() throws {
    let gram = Matrix<Double>(identity: 6)
    let found = try SparseGPT().prune(
      [Float](repeating: 2, count: 12), rows: 2, gram: GramMatrix(gram), target: .count(5))
    #expect(found.pruned == (0..<12).map { $0 < 5 })
    let pattern = try SparseGPT().prune(
      [Float](repeating: 2, count: 12), rows: 2, gram: GramMatrix(gram), target: .pattern(keep: 1, of: 3))
    #expect(pattern.pruned == (0..<12).map { $0 % 3 != 2 })
  }

  @Test func threadsChangeNothing() throws {
    let one = try #require(Self.recorded.first)
    func run(_ threads: Int) throws -> [Float] {
      Parallel.setThreads(threads)
      defer { Parallel.setThreads(Machine.processors) }
      return try SparseGPT().prune(
        one.weights, rows: one.rows, gram: GramMatrix(one.gram), target: one.target
      ).weights
    }
    #expect(try run(1) == run(2))
  }

  @Test(arguments: [1, 2, 130, 300]) func energyIsTheQuadraticForm(size: Int) throws {
    var random = CounterRandom(seed: 4, stream: "energy")
    let a = Matrix<Double>(size + 3, size, (0..<size * (size + 3)).map { _ in random.normal() })
    let x = Matrix<Double>(5, size, (0..<size * 5).map { _ in random.normal() })
    let h = try Product.matrix(a, a, transposeA: true)
    let gram = GramMatrix(h)
    try gram.factored(damping: 0.01)
    let product = try Product.matrix(x, h)
    let expected = zip(product.values, x.values).reduce(0) { $0 + $1.0 * $1.1 }
    let found = try x.values.withUnsafeBufferPointer { try gram.energy(#require($0.baseAddress), count: 5) }
    #expect(abs(found - expected) <= 1e-12 * abs(expected))
  }

  @Test func orderStatisticsOfManyKeys() {
    var random = CounterRandom(seed: 5, stream: "order")
    // Many equals, and keys that differ in every part of their bits.
    let keys = (0..<5000).map { _ in
      let value = random.next()
      return [value, value & 0xFF, value >> 32, 7, (value % 5) << 48][Int((value >> 8) % 5)]
    }
    let sorted = keys.sorted()
    keys.withUnsafeBufferPointer { keys in
      for count in [1, 2, 999, 2500, 4999, 5000] {
        let cut = OrderStatistic.cut(keys, count: count)
        #expect(cut.key == sorted[count - 1])
        #expect(cut.ties + sorted.count { $0 < cut.key } == count)
      }
      #expect(OrderStatistic.cut(keys, count: 0) == .init(key: 0, ties: 0))
    }
  }
}

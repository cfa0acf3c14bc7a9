import CKernels
import Runtime
import Tensors

/// Whether the kernels compute what they must on this processor: small products and norms on every instruction set it
/// has, against sums in f64 and against one another.
public struct KernelCheck: Sendable {
  /// One instruction set.
  public struct Outcome: Sendable, Equatable {
    /// Its name, such as `x86-64-v4`.
    public let instructionSet: String
    /// SHA-256 over all results: the same on every instruction set and every machine.
    public let sha256: String
    /// SHA-256 over products of bf16: the same on every instruction set without such products of its own.
    public let bf16SHA256: String
    /// Largest difference of a product, of f32 or bf16, from its sum in f64, relative to the sum of absolute terms.
    public let worstError: Double
  }

  /// The instruction sets of this processor, the plainest first.
  public let outcomes: [Outcome]
  /// The one in use, and the best there is.
  public let inUse, best: String

  /// All give the same bits, and the right numbers.
  public var passed: Bool {
    let own = String(cString: ck_isa_name(Int32(CK_ISA_V4_BF16)))
    return Set(outcomes.map(\.sha256)).count == 1
      && Set(outcomes.filter { $0.instructionSet != own }.map(\.bf16SHA256)).count == 1
      && outcomes.allSatisfy { $0.worstError < 1e-5 }
  }

  /// Runs the check; no kernel may run at the same time. Takes about a millisecond.
  public init() {
    let current = ck_isa()
    inUse = String(cString: ck_isa_name(current))
    best = String(cString: ck_isa_name(ck_best_isa()))
    outcomes = [CK_ISA_BASE, CK_ISA_V3, CK_ISA_V4, CK_ISA_V4_BF16].map { Int32($0) }.compactMap { isa in
      guard ck_set_isa(isa) == 0 else { return nil }
      return Self.measure(String(cString: ck_isa_name(isa)))
    }
    _ = ck_set_isa(current)
  }

  private static func measure(_ name: String) -> Outcome {
    let (rows, outputs, inputs) = (5, 33, 131)
    var random = CounterRandom(seed: 0, stream: "kernel-check")
    let x = (0..<(rows * inputs)).map { _ in Float(random.normal()) }
    let weights = (0..<(outputs * inputs)).map { _ in Float(random.normal()) }
    let gain = (0..<inputs).map { _ in Float(random.normal()) }
    var y = [Float](repeating: 0, count: rows * outputs)
    var normed = x
    let weight = LinearWeight(Tensor(weights, shape: [outputs, inputs]))
    Linear.forward(&y, yStride: outputs, x, xStride: inputs, rows: rows, weight)
    Norm.rms(&normed, x, gain: gain, rows: rows, width: inputs, eps: 1e-5)
    var worst = error(y, x, weights, outputs: outputs, inputs: inputs)
    // The same with products of bf16, of numbers that are rounded already.
    let (roundedX, stored) = (
      Tensor(x, dtype: .bf16).toFloats(), Tensor(weights, shape: [outputs, inputs], dtype: .bf16)
    )
    var halves = y
    Linear.forward(
      &halves, yStride: outputs, x, xStride: inputs, rows: rows, LinearWeight(stored), compute: .bf16)
    worst = max(worst, error(halves, roundedX, stored.toFloats(), outputs: outputs, inputs: inputs))
    for row in 0..<rows { y.withUnsafeMutableBufferPointer { softmax($0, row: row, width: outputs) } }
    var hash = SHA256()
    y.withUnsafeBytes { hash.update($0) }
    normed.withUnsafeBytes { hash.update($0) }
    let bf16 = halves.withUnsafeBytes { bytes in
      var hash = SHA256()
      hash.update(bytes)
      return hash.hex()
    }
    return Outcome(instructionSet: name, sha256: hash.hex(), bf16SHA256: bf16, worstError: worst)
  }

  /// How far products are from their sums in f64, relative to the sums of absolute terms; the largest.
  private static func error(
    _ y: [Float], _ x: [Float], _ weights: [Float], outputs: Int, inputs: Int
  ) -> Double {
    var worst = 0.0
    for place in y.indices {
      let (row, output) = place.quotientAndRemainder(dividingBy: outputs)
      var (sum, size) = (0.0, 0.0)
      for k in 0..<inputs {
        let term = Double(x[row * inputs + k]) * Double(weights[output * inputs + k])
        sum += term
        size += abs(term)
      }
      let error = abs(Double(y[place]) - sum) / size
      worst = error.isNaN ? .infinity : max(worst, error)
    }
    return worst
  }

  private static func softmax(_ numbers: UnsafeMutableBufferPointer<Float>, row: Int, width: Int) {
    if let base = numbers.baseAddress { Softmax.apply(base + row * width, count: width) }
  }
}

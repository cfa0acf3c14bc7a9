import CKernels

/// Small operations on runs of f32 numbers.
public enum Vector {
  /// y`[n]` = y + x: the residual stream's sum.
  public static func add(_ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, count: Int) {
    ck_add(y, x, count)
  }

  /// y`[n]` = fma(a, x, y).
  public static func addScaled(
    _ y: UnsafeMutablePointer<Float>, _ a: Float, _ x: UnsafePointer<Float>, count: Int
  ) {
    ck_axpy(y, a, x, count)
  }

  /// y`[M, N]` = fma(a`[M]`, b`[N]`, y): adds a rank-one matrix; rows of y lie `yStride` floats apart.
  public static func addOuter(
    _ y: UnsafeMutablePointer<Float>, yStride: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    rows: Int, width: Int
  ) {
    ck_add_outer(y, yStride, a, b, rows, width)
  }

  /// x`[n]` = factor · x.
  public static func scale(_ x: UnsafeMutablePointer<Float>, by factor: Float, count: Int) {
    for i in 0..<count { x[i] *= factor }
  }

  /// x`[n]` cut to ±limit; NaN stays.
  public static func limit(_ x: UnsafeMutablePointer<Float>, to limit: Float, count: Int) {
    for i in 0..<count { x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i] }
  }

  /// x`[M, N]` = x · factor, where the N factors are the same for every row.
  public static func scaleColumns(
    _ x: UnsafeMutablePointer<Float>, by factors: UnsafePointer<Float>, rows: Int, width: Int
  ) {
    for row in 0..<rows { for i in 0..<width { x[row * width + i] *= factors[i] } }
  }

  /// x`[M, N]`: logits times `scale`, by `divisor`, and with a cap c then c · tanh(x / c), in this order.
  public static func finishLogits(
    _ x: UnsafeMutablePointer<Float>, scale: Float, divisor: Float, cap: Float?, count: Int
  ) {
    if scale != 1 { self.scale(x, by: scale, count: count) }
    if divisor != 1 { for i in 0..<count { x[i] /= divisor } }
    guard let cap else { return }
    for i in 0..<count { x[i] /= cap }
    Activation.tanh.apply(x, count: count)
    self.scale(x, by: cap, count: count)
  }

  /// Σ x² in f64.
  public static func square(_ x: UnsafePointer<Float>, count: Int) -> Double {
    var square = 0.0
    ck_squared_error(&square, nil, x, x, count)
    return square
  }

  /// Σ (a - b)² in f64.
  public static func squaredError(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Double
  {
    ck_squared_error(nil, nil, a, b, count)
  }
}

/// The instruction set that the kernels use. Every choice gives the same bits, but for subnormal numbers in products of
/// bf16 on ``v4bf16`` (``ComputeMode/bf16``).
public enum InstructionSet: Int32, Sendable, CaseIterable {
  /// What every processor of the architecture has.
  case base = 1
  /// AVX2, FMA, F16C.
  case v3 = 3
  /// AVX-512.
  case v4 = 4
  /// AVX-512 with AVX512_BF16.
  case v4bf16 = 5

  /// The set in use.
  public static var current: InstructionSet { InstructionSet(rawValue: ck_isa()) ?? .base }

  /// The sets that this processor has, lowest first.
  public static var available: [InstructionSet] { allCases.filter { $0.rawValue <= ck_best_isa() } }

  /// Uses another set (tests and timings); not while kernels run.
  /// - Returns: false when the processor lacks it.
  @discardableResult
  public static func use(_ set: InstructionSet) -> Bool { ck_set_isa(set.rawValue) == 0 }

  /// Such as `x86-64-v4`.
  public var name: String { String(cString: ck_isa_name(rawValue)) }
}

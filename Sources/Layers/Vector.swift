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

  /// Σ (a - b)² in f64.
  public static func squaredError(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Double
  {
    ck_squared_error(nil, nil, a, b, count)
  }
}

/// The instruction set that the kernels use. Every choice gives the same bits.
public enum InstructionSet: Int32, Sendable, CaseIterable {
  /// What every processor of the architecture has.
  case base = 1
  /// AVX2, FMA, F16C.
  case v3 = 3
  /// AVX-512.
  case v4 = 4

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

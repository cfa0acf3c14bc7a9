import Runtime
import Tensors

/// One vector a text at one site: what a probe is trained on.
///
/// Legend of shapes: `n` texts, `D` width of the site.
public struct Features: Sendable {
  /// The site's name, such as `blocks.3.output`.
  public let site: String
  /// The vectors, f32 `[n, D]`.
  public let tensor: Tensor

  /// Features of a matrix `[n, D]`.
  /// - Throws: ``ProbingError/badFeatures(file:problem:expected:)``, ``ProbingError/notFinite(place:row:column:)``.
  public init(site: String, _ tensor: Tensor) throws(ProbingError) {
    guard tensor.shape.count == 2, tensor.shape[0] > 0, tensor.shape[1] > 0, tensor.dtype == .f32 else {
      throw .badFeatures(
        file: site, problem: "\(tensor.dtype.rawValue) of shape \(tensor.shape)",
        expected: "F32 of shape [texts, width], both above 0")
    }
    self.site = site
    self.tensor = tensor
    let values = tensor.f32
    for row in 0..<rows {
      // A sum is finite only if every term is; the exact place is looked for when it is not.
      var sum: Float = 0
      for column in 0..<width { sum += values[row * width + column] * 0 }
      if sum == 0 { continue }
      let column = (0..<width).first { !values[row * width + $0].isFinite } ?? 0
      throw .notFinite(place: site, row: row, column: column)
    }
  }

  /// Features of given values, row after row.
  /// - Throws: ``ProbingError``.
  public init(site: String, rows: [[Float]]) throws(ProbingError) {
    let width = rows.first?.count ?? 0
    for row in rows where row.count != width {
      throw .sizes(what: "values in a row of \(site)", found: row.count, expected: width)
    }
    try self.init(site: site, Tensor(rows.flatMap { $0 }, shape: [rows.count, width]))
  }

  /// How many texts, `n`.
  public var rows: Int { tensor.shape[0] }
  /// Width of the site, `D`.
  public var width: Int { tensor.shape[1] }

  /// One text's vector, `[D]`, copied.
  public func vector(_ index: Int) -> [Float] { Array(row(index)) }

  /// One text's vector, `[D]`, in place: only while these features are held.
  func row(_ index: Int) -> UnsafeBufferPointer<Float> {
    precondition(index >= 0 && index < rows, "a row of the features")
    return UnsafeBufferPointer(start: tensor.f32 + index * width, count: width)
  }

  /// Some rows as features of their own, copied.
  public func subset(_ rows: [Int]) -> Features {
    let copy = Tensor(zeros: [rows.count, width])
    for (place, row) in rows.enumerated() {
      (copy.f32 + place * width).update(from: tensor.f32 + row * width, count: width)
    }
    return Features(site: site, checked: copy)
  }

  private init(site: String, checked tensor: Tensor) {
    self.site = site
    self.tensor = tensor
  }

  /// The product of each of some rows with a vector `[D]`, in f64; `rows` nil means all.
  public func project(_ direction: [Double], rows: [Int]? = nil) -> [Double] {
    precondition(direction.count == width, "a direction of the site's width")
    let width = width, values = tensor.f32
    let rows = rows ?? Array(0..<self.rows)
    let results = Slots(repeating: 0.0, count: rows.count)
    direction.withUnsafeBufferPointer { direction in
      Parallel.forEach(rows.count, grain: 64) { range in
        for place in range { results[place] = Self.dot(values + rows[place] * width, direction, width) }
      }
    }
    return results.values
  }

  /// Eight fixed partial sums, then one fixed tree.
  private static func dot(
    _ x: UnsafePointer<Float>, _ direction: UnsafeBufferPointer<Double>, _ width: Int
  ) -> Double {
    var sums = SIMD8<Double>()
    var column = 0
    while column + 8 <= width {
      var a = SIMD8<Float>(), b = SIMD8<Double>()
      for lane in 0..<8 {
        a[lane] = x[column + lane]
        b[lane] = direction[column + lane]
      }
      sums += SIMD8<Double>(a) * b
      column += 8
    }
    var rest = 0.0
    while column < width {
      rest += Double(x[column]) * direction[column]
      column += 1
    }
    let half = sums.lowHalf + sums.highHalf
    let quarter = half.lowHalf + half.highHalf
    return quarter[0] + quarter[1] + rest
  }
}

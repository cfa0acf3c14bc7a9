import Glibc
import LinearAlgebra
import Probing
import Runtime
import Tensors

/// Two classes of random vectors, shaped as hidden states are: what probes are timed on. `n` texts, `D` width.
///
/// The label follows a random direction of the isotropic vectors through a logistic function, so that no probe can be
/// perfect. The first nine tenths train, the next twentieth validates, the rest tests.
struct ProbeData {
  /// What the vectors look like.
  enum Shape: String, CaseIterable {
    /// Independent features of deviation 1.
    case isotropic
    /// Deviations that fall as a power law, an offset, three outlier features; features stay uncorrelated.
    case spectrum
    /// The same, turned by a random rotation before offset and outliers: correlated, so that scaling each feature
    /// cannot undo it. The nearest to hidden states.
    case rotated
  }

  /// The vectors, f32 `[n, D]`.
  let features: Features
  /// Whether each text shows the behaviour, `[n]`.
  let labels: [Bool]
  /// What the vectors would be of: texts that are their own numbers.
  let texts: LabelledTexts
  /// The three parts.
  let split: Split

  private init(_ features: Features, labels: [Bool]) throws {
    let n = labels.count, train = n * 9 / 10, validation = n * 19 / 20
    (self.features, self.labels) = (features, labels)
    texts = try LabelledTexts(
      labels.enumerated().map { index, label in
        LabelledText(
          id: String(index), text: String(index), label: label ? 1 : 0,
          split: index < train ? .train : index < validation ? .validation : .test)
      })
    split = try Split(texts)
  }

  /// Makes data; the same sizes, shape and seed give the same.
  init(_ shape: Shape, rows: Int, width: Int, seed: UInt64 = 0) throws {
    var x = Self.normals(rows, width, CounterRandom(seed: seed, stream: "probe-features"))
    var random = CounterRandom(seed: seed, stream: "probe-direction")
    let direction = (0..<width).map { _ in Float(random.normal()) / Float(width).squareRoot() }
    var logits = [Float](repeating: 0, count: rows)
    try Product.gemv(&logits, x.f32, direction, m: rows, n: width)
    let labels = logits.map { logit in
      let u = random.uniform()
      return 2 * Double(logit) + log(u / (1 - u)) > 0
    }
    if shape != .isotropic {
      let scales = (0..<width).map { 10 / Float(pow(1 + Double($0), 0.7)) }
      Self.change(x, rows) { row in for j in 0..<width { row[j] *= scales[j] } }
      if shape == .rotated {
        let turned = Tensor(zeros: [rows, width])
        let rotation = try Self.rotation(width, seed: seed)
        try Product.gemm(turned.f32, x.f32, rotation, m: rows, n: width, k: width)
        x = turned
      }
      let offsets = (0..<width).map { _ in Float(random.normal()) * 0.2 }
      let outliers = Set(stride(from: 0, to: width, by: max(1, width / 3)))
      let factors = (0..<width).map { outliers.contains($0) ? Float(30) : 1 }
      Self.change(x, rows) { row in for j in 0..<width { row[j] = (row[j] + offsets[j]) * factors[j] } }
    }
    try self.init(Features(site: "\(shape.rawValue) vectors", x), labels: labels)
  }

  /// Reads what ``write(to:)`` wrote.
  init(folder: String) throws {
    let labels = try NPYFile.matrix("\(folder)/labels.npy")
    try self.init(
      NPYFile.features("\(folder)/features.npy", site: "vectors of \(folder)"),
      labels: labels.toFloats().map { $0 > 0.5 })
  }

  /// Writes `features.npy` `[n, D]` and `labels.npy` `[n, 1]` for a peer to read.
  func write(to folder: String) throws {
    try Files.makeFolder(folder)
    try NPYFile.write(features, to: "\(folder)/features.npy")
    try NPYFile.write(
      Features(site: "labels", rows: labels.map { [$0 ? 1 : 0] }), to: "\(folder)/labels.npy")
  }

  /// A random orthogonal matrix `[D, D]`: G·Uᵀ of a random G, with U from the Gram matrix's inverse (AᵀA)⁻¹ = UᵀU.
  private static func rotation(_ width: Int, seed: UInt64) throws -> [Float] {
    let g = normals(width, width, CounterRandom(seed: seed, stream: "probe-rotation")).toFloats().map(
      Double.init)
    var gram = [Double](repeating: 0, count: width * width)
    try Product.gram(&gram, g, rows: width, columns: width, mirror: true)
    try InverseFactor.replace(&gram, diagonal: (0..<width).map { gram[$0 * width + $0] }, size: width)
    var upper = [Double](repeating: 0, count: width * width)
    for row in 0..<width {
      var line = [Double](repeating: 0, count: width - row)
      InverseFactor.copy(row: row, columns: row..<width, of: gram, size: width, to: &line)
      upper.replaceSubrange((row * width + row)..<((row + 1) * width), with: line)
    }
    var rotation = [Double](repeating: 0, count: width * width)
    try Product.gemm(&rotation, g, upper, transposeB: true, m: width, n: width, k: width)
    return rotation.map(Float.init)
  }

  /// Normal numbers, every row from a stream of its own.
  private static func normals(_ rows: Int, _ width: Int, _ random: CounterRandom) -> Tensor {
    let result = Tensor(zeros: [rows, width])
    let pointer = result.f32
    Parallel.forEach(rows, grain: 16) { range in
      for row in range {
        var own = random.stream(UInt64(row))
        for j in 0..<width { pointer[row * width + j] = Float(own.normal()) }
      }
    }
    return result
  }

  private static func change(_ x: Tensor, _ rows: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
    let width = x.rowCount
    let pointer = x.f32
    Parallel.forEach(rows, grain: 64) { range in
      for row in range { body(pointer + row * width) }
    }
  }
}

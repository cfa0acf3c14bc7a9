import Runtime
import Tensors

/// MNIST's IDX files: unsigned bytes of some shape, sizes big-endian.
public enum IDXFile {
  /// Images and labels of two files; bytes become 0…1.
  /// - Throws: ``TrainingError/badData(file:problem:expected:)``, ``FileError``.
  public static func read(images: String, labels: String, classes: Int? = nil) throws -> LabelledData {
    let (shape, pixels) = try bytes(images)
    let (counts, names) = try bytes(labels)
    guard shape.count == 3 else {
      throw TrainingError.badData(
        file: images, problem: "\(shape.count) sizes", expected: "[items, height, width]")
    }
    guard counts.count == 1, counts[0] == shape[0] else {
      throw TrainingError.badData(
        file: labels, problem: "labels of shape \(counts)",
        expected: "\(shape[0]) labels, one an image of \(images)")
    }
    let tensor = Tensor(zeros: [shape[0], shape[1] * shape[2]])
    for (i, value) in pixels.enumerated() { tensor.f32[i] = Float(value) / 255 }
    return try LabelledData(
      tensor, shape: [1, shape[1], shape[2]], labels: names.map(Int.init), classes: classes, source: images)
  }

  /// Sizes and elements.
  static func bytes(_ path: String) throws -> (shape: [Int], values: ArraySlice<UInt8>) {
    let data = try Files.read(path)
    func bad(_ problem: String, _ expected: String = "an IDX file of unsigned bytes") -> TrainingError {
      .badData(file: path, problem: problem, expected: expected)
    }
    if data.starts(with: [0x1f, 0x8b]) { throw bad("a gzip file", "the unpacked file (gunzip -k \(path))") }
    guard data.count >= 4, data[0] == 0, data[1] == 0 else { throw bad("no IDX header") }
    guard data[2] == 8 else { throw bad("elements of type \(data[2])", "unsigned bytes (type 8)") }
    let dimensions = Int(data[3])
    guard (1...4).contains(dimensions), data.count >= 4 + 4 * dimensions else {
      throw bad("\(dimensions) sizes")
    }
    let shape = (0..<dimensions).map { size in
      (0..<4).reduce(0) { $0 << 8 | Int(data[4 + 4 * size + $1]) }
    }
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard size > 0, !overflow else { throw bad("the shape \(shape)") }
      count = product
    }
    let start = 4 + 4 * dimensions
    guard data.count - start == count else {
      throw bad("\(data.count - start) bytes for the shape \(shape)", "\(count) bytes")
    }
    return (shape, data[start...])
  }
}

import Runtime
import Tensors

/// CIFAR's binary files: a record of one label byte (CIFAR-10) or coarse and fine label (CIFAR-100) and 3 · 32 · 32
/// bytes, channel by channel.
public enum CIFARFile {
  /// Which set.
  public enum Kind: String, Sendable, CaseIterable {
    /// Ten classes.
    case cifar10 = "cifar-10"
    /// A hundred classes; the fine label counts.
    case cifar100 = "cifar-100"

    /// Bytes before the pixels.
    var labelBytes: Int { self == .cifar10 ? 1 : 2 }
    /// Classes.
    public var classes: Int { self == .cifar10 ? 10 : 100 }
  }

  private static let pixels = 3 * 32 * 32
  /// Channel means and deviations over the training images, as the papers standardise them.
  private static let means: [Float] = [0.4914, 0.4822, 0.4465]
  private static let deviations: [Float] = [0.2023, 0.1994, 0.2010]

  /// The images of some files after one another, standardised by channel.
  /// - Throws: ``TrainingError``, ``FileError``.
  public static func read(_ paths: [String], kind: Kind) throws -> LabelledData {
    let size = kind.labelBytes + pixels
    var labels: [Int] = []
    var parts: [[UInt8]] = []
    for path in paths {
      let data = try Files.read(path)
      guard !data.isEmpty, data.count % size == 0 else {
        throw TrainingError.badData(
          file: path, problem: "\(data.count) bytes",
          expected: "records of \(size) bytes (\(kind.rawValue), 32 × 32)")
      }
      for start in stride(from: 0, to: data.count, by: size) {
        labels.append(Int(data[start + kind.labelBytes - 1]))
      }
      parts.append(data)
    }
    let tensor = Tensor(zeros: [labels.count, pixels])
    var item = 0
    for data in parts {
      for start in stride(from: 0, to: data.count, by: size) {
        let to = tensor.f32 + item * pixels
        for channel in 0..<3 {
          for i in channel * 1024..<(channel + 1) * 1024 {
            to[i] = (Float(data[start + kind.labelBytes + i]) / 255 - means[channel]) / deviations[channel]
          }
        }
        item += 1
      }
    }
    return try LabelledData(
      tensor, shape: [3, 32, 32], labels: labels, classes: kind.classes, source: paths.first ?? "")
  }
}

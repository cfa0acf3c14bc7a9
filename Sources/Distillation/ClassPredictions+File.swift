import Checkpoints
import OrderedCollections
import Probing
import Runtime
import Statistics
import Tensors

/// Answers without their logits, as a file: what is left of a language model's predictions over a large vocabulary, 48
/// bytes a token.
///
/// A safetensors file of the vectors `labels`, `predicted`, `rank` (I64), `confidence`, `loss` and `brier` (F64), whose
/// metadata says `classes`.
extension ClassPredictions {
  private static let format = "surgeon-answers"

  /// Whether a file holds answers, and no logits.
  /// - Throws: ``CheckpointError``, ``FileError``.
  public static func isFile(_ path: String) throws -> Bool {
    guard path.hasSuffix(".safetensors") else { return false }
    return try SafetensorsFile(path: path).metadata?["format"] == format
  }

  /// Writes the answers, atomically.
  /// - Throws: ``CheckpointError``, ``FileError``.
  public func write(to path: String) throws {
    func vector(_ dtype: DType, _ put: (UnsafeMutableRawPointer) -> Void) -> Tensor {
      let storage = TensorStorage(byteCount: max(1, 8 * count))
      put(storage.base)
      return Tensor(storage: storage, shape: [count], dtype: dtype)
    }
    func whole(_ numbers: [Int]) -> Tensor {
      vector(.i64) { base in
        for (i, number) in numbers.enumerated() {
          base.storeBytes(of: Int64(number), toByteOffset: 8 * i, as: Int64.self)
        }
      }
    }
    func real(_ numbers: [Double]) -> Tensor {
      vector(.f64) { base in
        for (i, number) in numbers.enumerated() {
          base.storeBytes(of: number, toByteOffset: 8 * i, as: Double.self)
        }
      }
    }
    try SafetensorsWriter.write(
      [
        .init("labels", whole(labels)), .init("predicted", whole(predicted)), .init("rank", whole(rank)),
        .init("confidence", real(confidence)), .init("loss", real(loss)), .init("brier", real(brier)),
      ], metadata: ["format": Self.format, "classes": "\(classes)"], to: path)
  }

  /// Reads what ``write(to:)`` wrote.
  /// - Throws: ``DistillationError`` for answers that are none, ``ProbingError``, ``CheckpointError``, ``FileError``.
  public init(reading path: String) throws {
    let file = try SafetensorsFile(path: path)
    func bad(_ problem: String) -> DistillationError {
      .badTable(
        file: path, problem: problem, expected: "answers as surgeon evaluate --predictions writes them")
    }
    guard let classes = file.metadata?["classes"].flatMap({ Int($0) }), classes > 1 else {
      throw bad("no number of classes")
    }
    let (labels, predicted) = (
      try FeatureFile.integers(in: file, "labels"), try FeatureFile.integers(in: file, "predicted")
    )
    let rank = try FeatureFile.integers(in: file, "rank")
    let (confidence, loss, brier) = (
      try Self.numbers(file, "confidence", bad), try Self.numbers(file, "loss", bad),
      try Self.numbers(file, "brier", bad)
    )
    let counts = [predicted.count, rank.count, confidence.count, loss.count, brier.count]
    guard !labels.isEmpty, counts.allSatisfy({ $0 == labels.count }) else {
      throw bad("vectors of \(labels.count), \(predicted.count), … numbers")
    }
    for (item, label) in labels.enumerated() where !(0..<classes).contains(label) {
      throw DistillationError.labelOutOfRange(file: path, item: item, label: label, classes: classes)
    }
    for item in labels.indices {
      guard (0..<classes).contains(predicted[item]), (0..<classes).contains(rank[item]),
        (0...1.0001).contains(confidence[item]), loss[item] >= 0, (-1e-9...2.0001).contains(brier[item]),
        (rank[item] == 0) == (predicted[item] == labels[item])
      else { throw bad("item \(item), whose numbers are no answer's") }
    }
    self.init(
      labels: labels, classes: classes,
      answers: labels.indices.map {
        Answer(
          predicted: predicted[$0], confidence: confidence[$0], rank: rank[$0], loss: loss[$0],
          brier: brier[$0])
      })
  }

  private static func numbers(
    _ file: SafetensorsFile, _ name: String, _ bad: (String) -> DistillationError
  ) throws -> [Double] {
    let tensor = try file.tensor(name)
    guard tensor.dtype == .f64, tensor.shape.count == 1 else {
      throw bad("\(name) of type \(tensor.dtype.rawValue) and shape \(tensor.shape)")
    }
    let bytes = tensor.bytes
    return (0..<tensor.count).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
  }
}

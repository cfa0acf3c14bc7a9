import Checkpoints
import Runtime
import Tensors

/// Logits and labels of some items in a file that `surgeon distill eval` reads.
public enum AnswerFile {
  /// Writes `logits` `[n, K]` and `labels` `[n]` as safetensors, atomically.
  /// - Throws: ``FileError``, ``CheckpointError``.
  public static func write(_ logits: Tensor, labels: [Int], to path: String) throws {
    let places = Tensor(zeros: [labels.count], dtype: .i64)
    let values = places.storage.base.assumingMemoryBound(to: Int64.self)
    for (item, label) in labels.enumerated() { values[item] = Int64(label) }
    try SafetensorsWriter.write([.init("labels", places), .init("logits", logits)], to: path)
  }
}

import Tensors

/// Keys and values of one text's tokens so far, in every block.
final class KeyValueCache: @unchecked Sendable {
  /// `[capacity, KV·head]` a block, f32.
  let keys: [Tensor]
  let values: [Tensor]
  let capacity: Int
  private(set) var count = 0

  init(blocks: Int, width: Int, capacity: Int) {
    keys = (0..<blocks).map { _ in Tensor(zeros: [capacity, width]) }
    values = (0..<blocks).map { _ in Tensor(zeros: [capacity, width]) }
    self.capacity = capacity
  }

  /// Forgets all tokens.
  func restart() { count = 0 }

  /// Counts tokens that every block has stored.
  func advance(by tokens: Int) { count += tokens }
}

import Tensors

/// What is kept of the previous epoch's answers, one distribution a training item.
///
/// The full table takes 4·n·K bytes; the others trade exactness or time for memory.
public final class PastPredictions {
  /// How answers are kept.
  public enum Storage: Sendable, Equatable {
    /// As they were, 4 bytes a number.
    case f32
    /// Rounded to f16, 2 bytes a number.
    case f16
    /// The `k` most probable classes, 6 bytes each; what remains is spread evenly over the others.
    case top(Int)

    /// The names that recipes use.
    public static let names = ["f32", "f16", "top-K such as top-5", "network"]

    /// Bytes for `items` items of `classes` classes.
    public func bytes(items: Int, classes: Int) -> Int {
      switch self {
      case .f32: 4 * items * classes
      case .f16: 2 * items * classes
      case .top(let k): 6 * items * min(k, classes)
      }
    }
  }

  /// Items, `n`, and classes, `K`.
  public let items, classes: Int
  /// How answers are kept.
  public let storage: Storage
  private let width: Int
  private let values: Tensor
  /// Classes of the kept values, for ``Storage/top(_:)``.
  private let places: Tensor

  /// An empty table: until an item is kept its row is zero.
  public init(items: Int, classes: Int, storage: Storage) {
    self.items = items
    self.classes = classes
    self.storage = storage
    switch storage {
    case .f32: (width, values, places) = (classes, Tensor(zeros: [items, classes]), Tensor(zeros: [0]))
    case .f16:
      (width, values, places) = (classes, Tensor(zeros: [items, classes], dtype: .f16), Tensor(zeros: [0]))
    case .top(let k):
      width = min(k, classes)
      (values, places) = (Tensor(zeros: [items, width]), Tensor(zeros: [items, width], dtype: .i16))
    }
  }

  /// What a state has to hold.
  var memory: [(name: String, tensor: Tensor)] {
    storage == .f32 || storage == .f16
      ? [("past.values", values)] : [("past.values", values), ("past.classes", places)]
  }

  /// Keeps an item's distribution `[K]`.
  public func keep(_ item: Int, _ distribution: UnsafePointer<Float>) {
    switch storage {
    case .f32: (values.f32 + item * classes).update(from: distribution, count: classes)
    case .f16:
      let to = values.storage.base.assumingMemoryBound(to: Float16.self) + item * classes
      for k in 0..<classes { to[k] = Float16(distribution[k]) }
    case .top:
      // The most probable first; of equal ones the lower class.
      let to = values.f32 + item * width
      let names = places.storage.base.assumingMemoryBound(to: Int16.self) + item * width
      for place in 0..<width {
        var best = -1
        for k in 0..<classes
        where !(0..<place).contains(where: { Int(names[$0]) == k }) {
          if best < 0 || distribution[k] > distribution[best] { best = k }
        }
        names[place] = Int16(best)
        to[place] = distribution[best]
      }
    }
  }

  /// Writes an item's distribution `[K]`.
  public func read(_ item: Int, into distribution: UnsafeMutablePointer<Float>) {
    switch storage {
    case .f32: distribution.update(from: values.f32 + item * classes, count: classes)
    case .f16:
      let from = values.storage.base.assumingMemoryBound(to: Float16.self) + item * classes
      for k in 0..<classes { distribution[k] = Float(from[k]) }
    case .top:
      let from = values.f32 + item * width
      let names = places.storage.base.assumingMemoryBound(to: Int16.self) + item * width
      var sum: Float = 0
      for place in 0..<width { sum += from[place] }
      let rest = classes > width ? max(0, 1 - sum) / Float(classes - width) : 0
      for k in 0..<classes { distribution[k] = rest }
      for place in 0..<width { distribution[Int(names[place])] = from[place] }
    }
  }
}

import Layers
import Tensors

/// Gradients by activations while a tape is taken backwards. A room is free again after the step that used its gradient.
final class Slopes {
  /// One gradient; several activations may share it while nobody changes it.
  private final class Slope {
    let storage: TensorStorage
    var users = 1
    init(_ storage: TensorStorage) { self.storage = storage }
  }

  private var slopes: [ObjectIdentifier: Slope] = [:]
  private var free: [TensorStorage] = []
  /// Rooms of gradients that the step at hand still reads.
  private var used: [TensorStorage] = []

  /// The gradient by `activation`, which is done with after this step; nil where nothing depends on it.
  func take(_ activation: Tensor) -> Tensor? {
    guard let slope = slopes.removeValue(forKey: key(activation)) else { return nil }
    release(slope)
    return Tensor(storage: slope.storage, shape: activation.shape, dtype: .f32)
  }

  /// Where the gradient by `activation` is, to be changed in place or added to; `isNew` where it has to be written first.
  func place(_ activation: Tensor) -> (slope: Tensor, isNew: Bool) {
    let old = slopes[key(activation)]
    if let old, old.users == 1 {
      return (Tensor(storage: old.storage, shape: activation.shape, dtype: .f32), false)
    }
    let own = Slope(room(activation.byteCount))
    slopes[key(activation)] = own
    if let old {
      own.storage.base.copyMemory(from: old.storage.base, byteCount: activation.byteCount)
      release(old)
    }
    return (Tensor(storage: own.storage, shape: activation.shape, dtype: .f32), old == nil)
  }

  /// The gradient by a sum is that by both of its parts.
  func split(_ sum: Tensor, _ parts: Tensor...) {
    guard let slope = slopes.removeValue(forKey: key(sum)) else { return }
    for part in parts {
      if slopes[key(part)] == nil {
        slopes[key(part)] = slope
        slope.users += 1
      } else {
        Vector.add(
          place(part).slope.f32, Tensor(storage: slope.storage, shape: part.shape, dtype: .f32).f32,
          count: part.count)
      }
    }
    release(slope)
  }

  /// After a step: what it took may be overwritten.
  func finishStep() {
    free += used
    used.removeAll(keepingCapacity: true)
  }

  /// Forgets every gradient.
  func clear() {
    for slope in slopes.values { release(slope) }
    slopes.removeAll(keepingCapacity: true)
    finishStep()
  }

  private func release(_ slope: Slope) {
    slope.users -= 1
    if slope.users == 0 { used.append(slope.storage) }
  }

  private func key(_ activation: Tensor) -> ObjectIdentifier { ObjectIdentifier(activation.storage) }

  private func room(_ bytes: Int) -> TensorStorage {
    let fitting = free.indices.filter { free[$0].byteCount >= bytes }
    if let index = fitting.min(by: { free[$0].byteCount < free[$1].byteCount }) {
      return free.remove(at: index)
    }
    // One that is too small gives way, so that rooms grow to what the network needs.
    if !free.isEmpty { free.removeLast() }
    return TensorStorage(byteCount: bytes)
  }
}

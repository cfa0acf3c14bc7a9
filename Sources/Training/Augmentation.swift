import Runtime
import Tensors

/// A random change of an item before a network sees it: a function of seed, epoch and item alone.
public enum Augmentation: Sendable, Equatable {
  /// Moves a signal or the columns of an image by up to ± this many places, zeros behind.
  case shift(Int)
  /// Adds normal noise of this deviation.
  case noise(Double)
  /// Mirrors an image left to right in half of the cases.
  case flip
  /// Pads an image with this many zeros on every side and cuts a random part of its size out of that.
  case crop(padding: Int)

  /// Writes the changed item. `scratch` has its size.
  func apply(
    _ item: UnsafeMutablePointer<Float>, shape: [Int], scratch: UnsafeMutablePointer<Float>,
    random: inout CounterRandom
  ) {
    let count = shape.reduce(1, *)
    let width = shape.last ?? 1
    switch self {
    case .noise(let deviation):
      for i in 0..<count { item[i] += Float(deviation * random.normal()) }
    case .shift(let most):
      let offset = random.below(2 * most + 1) - most
      move(item, count: count, width: width, scratch) { ($0, $1 - offset) }
    case .flip:
      guard random.below(2) == 1 else { return }
      move(item, count: count, width: width, scratch) { ($0, width - 1 - $1) }
    case .crop(let padding):
      let height = shape.count > 1 ? shape[shape.count - 2] : 1
      let down = height > 1 ? random.below(2 * padding + 1) - padding : 0
      let along = random.below(2 * padding + 1) - padding
      let planes = count / (height * width)
      scratch.update(from: item, count: count)
      for plane in 0..<planes {
        for y in 0..<height {
          for x in 0..<width {
            let (fromY, fromX) = (y + down, x + along)
            let inside = (0..<height).contains(fromY) && (0..<width).contains(fromX)
            item[(plane * height + y) * width + x] =
              inside ? scratch[(plane * height + fromY) * width + fromX] : 0
          }
        }
      }
    }
  }

  private func move(
    _ item: UnsafeMutablePointer<Float>, count: Int, width: Int, _ scratch: UnsafeMutablePointer<Float>,
    from: (_ row: Int, _ column: Int) -> (Int, Int)
  ) {
    scratch.update(from: item, count: count)
    for row in 0..<count / width {
      for column in 0..<width {
        let (fromRow, fromColumn) = from(row, column)
        item[row * width + column] =
          (0..<width).contains(fromColumn) ? scratch[fromRow * width + fromColumn] : 0
      }
    }
  }
}

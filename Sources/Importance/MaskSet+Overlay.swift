import Architectures
import Layers
import OrderedCollections
import Transformers

extension Mask {
  /// The bits as products take them; nothing is copied.
  public var bits: WeightBits { WeightBits(rows: outputs, columns: inputs, words: words) }

  /// Keeps what this prunes, and prunes what it keeps.
  public var complement: Mask {
    Mask(outputs: outputs, inputs: inputs) { target in
      let whole = Mask(outputs: outputs, inputs: inputs, keepingAll: true)
      for index in words.indices { target[index] = whole.words[index] & ~words[index] }
    }
  }
}

extension MaskSet {
  /// The masks as a change at run time: what a checkpoint with these zeros gives, bit for bit.
  public var overlay: Overlay { Overlay(masks.map { .mask(role: $0.key, bits: $0.value.bits) }) }
}

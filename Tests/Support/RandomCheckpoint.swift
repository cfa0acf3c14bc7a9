import Checkpoints
import JSON
import OrderedCollections
import Runtime
import Tensors

/// A tensor of a random checkpoint: numbers uniform in `mean - scale ..< mean + scale`, rounded to a type.
public struct RandomTensor: Sendable {
  /// Its name, which is also the stream its numbers are drawn from.
  public var name: String
  /// Sizes, outermost first.
  public var shape: [Int]
  /// Half the width of the interval.
  public var scale: Float
  /// Its middle.
  public var mean: Float
  /// F32, F16 or BF16.
  public var dtype: DType

  /// One tensor.
  public init(_ name: String, _ shape: [Int], scale: Float, mean: Float = 0, dtype: DType = .f32) {
    self.name = name
    self.shape = shape
    self.scale = scale
    self.mean = mean
    self.dtype = dtype
  }

  /// A row of a fixture's list; nil where it is none.
  public init?(json: JSONValue) {
    guard let name = json["name"]?.string, let shape = json["shape"]?.array?.compactMap(\.int),
      let scale = json["scale"]?.double, let mean = json["mean"]?.double,
      let dtype = json["dtype"]?.string.flatMap(DType.init(rawValue:)), dtype.isComputable
    else { return nil }
    self.init(name, shape, scale: Float(scale), mean: Float(mean), dtype: dtype)
  }

  /// The numbers: 24 bits of the counter's mixing as a multiple of 2⁻²³, times the scale, plus the mean, each step
  /// rounded once. `Tests/TransformersTests/random_checkpoint.py` makes the same bytes.
  public func tensor(seed: UInt64) -> Tensor {
    let random = CounterRandom(seed: seed, stream: name)
    let tensor = Tensor(zeros: shape, dtype: dtype)
    let halves = tensor.storage.base.assumingMemoryBound(to: UInt16.self)
    for index in 0..<tensor.count {
      let unit = Float(Int(random.bits(at: UInt64(index)) >> 40) - (1 << 23)) * 0x1p-23
      let value = unit * scale + mean
      switch dtype {
      case .f32: tensor.f32[index] = value
      case .f16: halves[index] = Float16(value).bitPattern
      default:
        let word = value.bitPattern
        halves[index] = UInt16((word &+ 0x7FFF &+ (word >> 16 & 1)) >> 16)
      }
    }
    return tensor
  }
}

/// Checkpoint folders made from a seed.
public enum RandomCheckpoint {
  /// Writes `config.json` and `model.safetensors` into a folder and gives the SHA-256 of the tensors' bytes.
  ///
  /// `rename` gives the names under which tensors are stored, for layouts that differ in names only.
  /// - Throws: ``FileError``, ``CheckpointError``.
  @discardableResult
  public static func write(
    _ tensors: [RandomTensor], seed: UInt64, config: JSONValue, to folder: String,
    rename: (String) -> String = { $0 }
  ) throws -> String {
    var hash = SHA256()
    let items = tensors.map { spec in
      let tensor = spec.tensor(seed: seed)
      withExtendedLifetime(tensor) { hash.update(tensor.bytes) }
      return SafetensorsWriter.Item(rename(spec.name), tensor)
    }
    try Files.makeFolder(folder)
    try SafetensorsWriter.write(items, to: "\(folder)/model.safetensors")
    try Files.write(try config.text(.pretty), to: "\(folder)/config.json")
    return hash.hex()
  }
}

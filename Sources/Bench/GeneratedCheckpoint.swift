import Checkpoints
import JSON
import Organism
import Runtime
import Tensors

/// A checkpoint folder of random weights: real in layout, sizes and scales, and meaningless.
///
/// Gains are 1 and weights follow N(0, 0.02²). They are drawn, by a counter, from a table of 65,536 such numbers: four
/// a random number, so that writing is as fast as the disk. Every tensor has a stream of its own (its name), so its
/// bytes depend on the seed, its name, its size and its type alone. One piece of one tensor is in memory at a time.
struct GeneratedCheckpoint {
  /// The standard deviation of the weights.
  static let deviation = 0.02
  /// Weights made at a time.
  private static let piece = 1 << 20

  var shape: CheckpointShape
  var dtype: DType
  var seed: UInt64 = 0

  /// Bytes of all tensors.
  var weightBytes: Int { shape.parameterCount * dtype.size }

  /// Writes the folder: weights, the organism's tokenizer, configs; config.json last, so that a folder that was not
  /// finished cannot be opened.
  /// - Throws: ``FileError``, ``CheckpointError``, ``Interrupted``.
  func write(to folder: String, progress: @escaping ProgressSink = ignoreProgress) throws {
    if Files.exists(folder) { throw FileError.exists(path: folder) }
    try Files.requireSpace(UInt64(weightBytes), at: folder)
    try Files.makeFolder(folder)
    let table = Self.table(dtype, seed: seed)
    let ones = Tensor([Float](repeating: 1, count: shape.width), dtype: dtype)
    var done = 0
    let total = weightBytes
    let items = shape.slots.map { slot in
      SafetensorsWriter.Item(slot.name, dtype: dtype, shape: slot.shape) { emit in
        if slot.isGain { return try emit(ones.bytes) }
        try Self.weights(slot, table: table, seed: seed) { bytes in
          try Cancellation.check()
          try emit(bytes)
          done += bytes.count
          progress(ProgressEvent(stage: "weights", completed: done, total: total, unit: "bytes"))
        }
      }
    }
    try SafetensorsWriter.write(items, to: folder + "/model.safetensors")
    for (name, bytes) in OrganismCheckpoint.files {
      switch name {
      case "tokenizer.json", "generation_config.json":
        try Files.write(Array(bytes), to: "\(folder)/\(name)")
      case "tokenizer_config.json":
        var value = try JSONValue(parsing: String(decoding: bytes, as: UTF8.self), source: name)
        value["model_max_length"] = .integer(shape.context)
        try Files.write(value.text(.pretty), to: "\(folder)/\(name)")
      default: break
      }
    }
    try Files.write(shape.config(dtype: dtype).text(.pretty), to: folder + "/config.json")
  }

  /// The numbers that weights are drawn from, rounded to the stored type, `[65536]`.
  private static func table(_ dtype: DType, seed: UInt64) -> Tensor {
    var random = CounterRandom(seed: seed, stream: "weights")
    return Tensor((0..<65_536).map { _ in Float(deviation * random.normal()) }, dtype: dtype)
  }

  /// Hands over a tensor's bytes piece by piece.
  private static func weights(
    _ slot: CheckpointShape.Slot, table: Tensor, seed: UInt64, _ emit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let random = CounterRandom(seed: seed, stream: slot.name)
    let size = table.dtype.size
    let buffer = TensorStorage(byteCount: min(slot.count, piece) * size)
    for start in stride(from: 0, to: slot.count, by: piece) {
      let count = min(piece, slot.count - start)
      Parallel.forEach((count + 3) / 4, grain: 1 << 12) { groups in
        let range = (groups.lowerBound * 4)..<min(count, groups.upperBound * 4)
        if size == 4 {
          fill(UInt32.self, buffer, range, table, random, from: start)
        } else {
          fill(UInt16.self, buffer, range, table, random, from: start)
        }
      }
      try emit(UnsafeRawBufferPointer(start: buffer.base, count: count * size))
    }
  }

  /// Draws the weights `range` of a piece that starts at weight `start`; both start at multiples of four.
  private static func fill<Bits: FixedWidthInteger>(
    _: Bits.Type, _ buffer: TensorStorage, _ range: Range<Int>, _ table: Tensor, _ random: CounterRandom,
    from start: Int
  ) {
    let out = buffer.base.assumingMemoryBound(to: Bits.self)
    let numbers = table.pointer.assumingMemoryBound(to: Bits.self)
    for group in stride(from: range.lowerBound, to: range.upperBound, by: 4) {
      var bits = random.bits(at: UInt64((start + group) / 4))
      for index in group..<min(group + 4, range.upperBound) {
        out[index] = numbers[Int(bits & 0xFFFF)]
        bits >>= 16
      }
    }
  }
}

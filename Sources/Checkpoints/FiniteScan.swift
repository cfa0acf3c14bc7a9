import Runtime
import Synchronization
import Tensors

/// A stored value that is no finite number.
public struct NonFinite: Sendable, Equatable {
  /// The tensor that holds it.
  public let tensor: String
  /// Its place, outermost dimension first.
  public let index: [Int]
  /// `nan`, `inf` or `-inf`.
  public let value: String
}

extension Checkpoint {
  /// The first value of a tensor, row-major, that is no finite number; nil when all are, and for whole-number types.
  /// - Throws: ``CheckpointError/unknownTensor(name:place:)``.
  public func firstNonFinite(in name: String) throws -> NonFinite? {
    guard let entry = entry(name) else { throw CheckpointError.unknownTensor(name: name, place: folder) }
    let bytes = try bytes(name)
    guard let place = FiniteScan.first(bytes, entry.dtype) else { return nil }
    var index: [Int] = []
    var rest = place
    for size in entry.shape.reversed() {
      index.append(rest % size)
      rest /= size
    }
    return NonFinite(
      tensor: name, index: index.reversed(), value: FiniteScan.text(bytes, entry.dtype, at: place))
  }

  /// Looks through all tensors and gives the first value that is not finite, in the order of ``tensorNames``.
  /// - Throws: ``Interrupted``.
  public func firstNonFinite(progress: ProgressSink = ignoreProgress) throws -> NonFinite? {
    let found = Mutex<(place: Int, value: NonFinite)?>(nil)
    let failure = Mutex<(any Error)?>(nil)
    let done = Atomic<Int>(0)
    let names = tensorNames
    Parallel.forEachItem(names.count) { place in
      if Cancellation.isRequested || found.withLock({ ($0?.place ?? names.count) < place }) { return }
      do {
        if let value = try firstNonFinite(in: names[place]) {
          found.withLock { if ($0?.place ?? names.count) > place { $0 = (place, value) } }
        }
      } catch {
        failure.withLock { $0 = error }
      }
      let completed = done.add(1, ordering: .relaxed).newValue
      progress(
        ProgressEvent(stage: "finite values", completed: completed, total: names.count, unit: "tensors"))
    }
    if let error = failure.withLock({ $0 }) { throw error }
    try Cancellation.check()
    return found.withLock { $0?.value }
  }
}

/// Finds NaN and infinity by their bits: an exponent of all ones.
enum FiniteScan {
  /// The place of the first one among the elements; nil when there is none.
  static func first(_ bytes: UnsafeRawBufferPointer, _ dtype: DType) -> Int? {
    switch dtype {
    case .f64: first(bytes, mask: 0x7FF0_0000_0000_0000 as UInt64)
    case .f32: first(bytes, mask: 0x7F80_0000 as UInt32)
    case .bf16: first(bytes, mask: 0x7F80 as UInt16)
    case .f16: first(bytes, mask: 0x7C00 as UInt16)
    case .f8e5m2: first(bytes, mask: 0x7C as UInt8)
    case .f8e4m3: first(bytes, mask: 0x7F as UInt8)  // all bits but the sign: the only NaN; no infinity
    case .i64, .i32, .i16, .i8, .u64, .u32, .u16, .u8, .bool: nil
    }
  }

  private static func first<W: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, mask: W) -> Int? {
    let width = MemoryLayout<W>.size
    let count = bytes.count / width
    guard let base = bytes.baseAddress else { return nil }
    var start = 0
    while start < count {
      let end = min(start + 4096, count)
      var hits: W = 0
      for index in start..<end {
        let word = base.loadUnaligned(fromByteOffset: index * width, as: W.self)
        hits |= (word & mask) == mask ? 1 : 0
      }
      if hits != 0 {
        return (start..<end).first {
          base.loadUnaligned(fromByteOffset: $0 * width, as: W.self) & mask == mask
        }
      }
      start = end
    }
    return nil
  }

  /// The value at a place that ``first(_:_:)`` found.
  static func text(_ bytes: UnsafeRawBufferPointer, _ dtype: DType, at place: Int) -> String {
    func load<W: FixedWidthInteger>(_ type: W.Type) -> W {
      bytes.loadUnaligned(fromByteOffset: place * MemoryLayout<W>.size, as: type)
    }
    return switch dtype {
    case .f64: "\(Double(bitPattern: load(UInt64.self)))"
    case .f32: "\(Float(bitPattern: load(UInt32.self)))"
    case .bf16: "\(StoredBF16.float(load(UInt16.self)))"
    case .f16: "\(Float16(bitPattern: load(UInt16.self)))"
    case .f8e5m2 where load(UInt8.self) & 3 == 0: load(UInt8.self) > 127 ? "-inf" : "inf"
    default: "nan"
    }
  }
}

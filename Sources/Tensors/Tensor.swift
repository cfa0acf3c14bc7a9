import Glibc

/// Memory that tensors look at: a block of its own, or a part of something kept alive.
public final class TensorStorage: @unchecked Sendable {
  /// The first byte. Mutable only while the code that made the storage still owns it alone.
  public let base: UnsafeMutableRawPointer
  /// Bytes in all.
  public let byteCount: Int
  private let owner: AnyObject?

  /// Own zeroed memory, aligned to 64 bytes.
  public init(byteCount: Int) {
    var pointer: UnsafeMutableRawPointer?
    let status = posix_memalign(&pointer, 64, max(64, (byteCount + 63) & ~63))
    guard status == 0, let pointer else { fatalError("no memory for \(byteCount) bytes") }
    memset(pointer, 0, byteCount)
    self.base = pointer
    self.byteCount = byteCount
    self.owner = nil
  }

  /// A view of memory that `owner` keeps alive and nobody writes.
  public init(viewing bytes: UnsafeRawBufferPointer, owner: AnyObject) {
    self.base = UnsafeMutableRawPointer(
      mutating: bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped)
    self.byteCount = bytes.count
    self.owner = owner
  }

  deinit { if owner == nil { free(base) } }
}

/// A dense row-major array of numbers: a view of a storage. Immutable once another function has seen it.
public struct Tensor: Sendable {
  /// The memory looked at.
  public let storage: TensorStorage
  /// Where the first element lies, in bytes.
  public let byteOffset: Int
  /// Sizes, outermost first; empty for a scalar.
  public let shape: [Int]
  /// Type of the elements.
  public let dtype: DType

  /// A view of a storage. The caller has checked that it fits.
  public init(storage: TensorStorage, byteOffset: Int = 0, shape: [Int], dtype: DType) {
    precondition(byteOffset >= 0 && byteOffset + shape.reduce(1, *) * dtype.size <= storage.byteCount)
    self.storage = storage
    self.byteOffset = byteOffset
    self.shape = shape
    self.dtype = dtype
  }

  /// A new tensor of zeros.
  public init(zeros shape: [Int], dtype: DType = .f32) {
    self.init(
      storage: TensorStorage(byteCount: shape.reduce(1, *) * dtype.size), shape: shape, dtype: dtype)
  }

  /// A new f32 tensor with the given values, row-major.
  public init(_ values: [Float], shape: [Int]? = nil) {
    self.init(zeros: shape ?? [values.count])
    precondition(values.count == count, "\(values.count) values for shape \(self.shape)")
    values.withUnsafeBytes {
      if let from = $0.baseAddress { storage.base.copyMemory(from: from, byteCount: $0.count) }
    }
  }

  /// Elements in all.
  public var count: Int { shape.reduce(1, *) }
  /// Bytes in all.
  public var byteCount: Int { count * dtype.size }
  /// Elements of one row (the product of all sizes but the first).
  public var rowCount: Int { shape.dropFirst().reduce(1, *) }

  /// The bytes, valid while the tensor is alive.
  public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: storage.base + byteOffset, count: byteCount)
  }

  /// The first element as f32; only for tensors of that type.
  public var f32: UnsafeMutablePointer<Float> {
    precondition(dtype == .f32, "f32 view of a \(dtype.rawValue) tensor")
    return (storage.base + byteOffset).assumingMemoryBound(to: Float.self)
  }

  /// The address of the first element.
  public var pointer: UnsafeRawPointer { UnsafeRawPointer(storage.base + byteOffset) }

  /// Rows `range` of the outermost dimension, without a copy.
  public func rows(_ range: Range<Int>) -> Tensor {
    precondition(range.lowerBound >= 0 && range.upperBound <= shape[0])
    return Tensor(
      storage: storage, byteOffset: byteOffset + range.lowerBound * rowCount * dtype.size,
      shape: [range.count] + shape.dropFirst(), dtype: dtype)
  }

  /// The same elements under another shape of equal count.
  public func reshaped(_ shape: [Int]) -> Tensor {
    precondition(shape.reduce(1, *) == count)
    return Tensor(storage: storage, byteOffset: byteOffset, shape: shape, dtype: dtype)
  }
}

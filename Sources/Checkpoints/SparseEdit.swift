import Runtime
import Tensors

/// New values at single places of one tensor: the third kind of edit, what any change of stored numbers comes down to.
///
/// It holds the new values themselves, bit for bit, not differences: w + (new − w) need not give `new` in floating point
/// (and turns −0 into 0), while a value put in place always does. So applying gives exactly the edited checkpoint's bytes,
/// and the undo file's old values exactly the base's. A difference is formed only where a patch is scaled or
/// composed with others: see ``Patch/compose(_:on:provenance:progress:)``.
public struct SparseEdit: Sendable {
  /// The tensor's name as stored.
  public var tensor: String
  /// Type of its elements: f32, f16 or bf16.
  public var dtype: DType
  /// Its stored sizes.
  public var shape: [Int]
  /// The places that get a value, row-major among the stored elements.
  public var places: SparsePlaces
  /// The values.
  public var values: SparseValues
  /// SHA-256 of the tensor's bytes before the patch.
  public var beforeSHA256: String
  /// SHA-256 of the tensor's bytes after the patch.
  public var afterSHA256: String
  /// How many stored rows hold a place.
  public let rowCount: Int

  /// An edit.
  public init(
    tensor: String, dtype: DType, shape: [Int], places: SparsePlaces, values: SparseValues,
    beforeSHA256: String, afterSHA256: String
  ) {
    self.tensor = tensor
    self.dtype = dtype
    self.shape = shape
    self.places = places
    self.values = values
    self.beforeSHA256 = beforeSHA256
    self.afterSHA256 = afterSHA256
    rowCount = places.rowCount(width: max(1, shape.last ?? 1))
  }
}

/// The values of a sparse edit.
public struct SparseValues: Sendable {
  private enum Source: Sendable {
    /// One value for every place, as pruning has it: a tensor of one element.
    case same(Tensor)
    /// A value a place, in order.
    case each(Tensor)
    /// The value at the same place of a tensor of an edited checkpoint: nothing is copied before it is written.
    case edited(Checkpoint, String)
  }
  private let source: Source

  /// Values of a tensor: a value a place, or a single one for all.
  init(_ tensor: Tensor, places: Int) {
    source = tensor.count == 1 && places != 1 ? .same(tensor) : .each(tensor)
  }

  /// The values that an edited checkpoint has there.
  init(of checkpoint: Checkpoint, tensor: String) { source = .edited(checkpoint, tensor) }

  /// Whether one value stands for all places.
  public var isOne: Bool { if case .same = source { true } else { false } }

  /// How many values a file holds for `count` places.
  func stored(_ count: Int) -> Int { isOne ? 1 : count }

  /// Calls `body` with a function that gives the stored word of a place (its place, its number among all places).
  func withWords<Word: FixedWidthInteger, R>(
    _: Word.Type, _ body: ((_ place: Int, _ rank: Int) -> Word) throws -> R
  ) throws -> R {
    let size = MemoryLayout<Word>.size
    switch source {
    case .same(let tensor):
      let word = withExtendedLifetime(tensor) { tensor.bytes.loadUnaligned(as: Word.self) }
      return try body { _, _ in word }
    case .each(let tensor):
      return try withExtendedLifetime(tensor) {
        let bytes = tensor.bytes
        return try body { _, rank in bytes.loadUnaligned(fromByteOffset: rank * size, as: Word.self) }
      }
    case .edited(let checkpoint, let name):
      return try checkpoint.withBytes(name) { bytes in
        try body { place, _ in bytes.loadUnaligned(fromByteOffset: place * size, as: Word.self) }
      }
    }
  }

  /// Hands out the values of some places in order, in pieces; one value where one stands for all.
  func emit(
    _ places: SparsePlaces, size: Int, _ emit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    switch source {
    case .same(let tensor), .each(let tensor): try withExtendedLifetime(tensor) { try emit(tensor.bytes) }
    case .edited(let checkpoint, let name):
      try checkpoint.withBytes(name) { bytes in try places.gather(bytes, size: size, emit) }
    }
  }
}

extension SparseEdit: Equatable {
  public static func == (a: SparseEdit, b: SparseEdit) -> Bool {
    guard a.tensor == b.tensor, a.dtype == b.dtype, a.shape == b.shape, a.places == b.places,
      a.beforeSHA256 == b.beforeSHA256, a.afterSHA256 == b.afterSHA256
    else { return false }
    return (try? a.valueHash) == (try? b.valueHash)
  }

  /// A hash of the values in the order of their places.
  private var valueHash: String {
    get throws {
      var hash = SHA256()
      try values.emit(places, size: dtype.size) { hash.update($0) }
      return hash.hex()
    }
  }
}

extension SparsePlaces {
  /// Hands out the elements (of `size` bytes) of a tensor's bytes at the places, in order, in pieces.
  func gather(
    _ bytes: UnsafeRawBufferPointer, size: Int, _ emit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var piece: [UInt8] = []
    piece.reserveCapacity(1 << 16)
    func flush() throws {
      try piece.withUnsafeBytes { try emit($0) }
      piece.removeAll(keepingCapacity: true)
    }
    for start in stride(from: 0, to: extent, by: 1 << 16) {
      try Cancellation.check()
      try forEach(in: start..<min(start + 1 << 16, extent)) { place, _ in
        for byte in 0..<size { piece.append(bytes[place * size + byte]) }
        if piece.count + size > 1 << 16 { try flush() }
      }
    }
    if !piece.isEmpty { try flush() }
  }

  /// Puts kept elements back into a block of stored rows of `width` elements.
  func scatter(
    _ kept: UnsafeRawBufferPointer, size: Int, width: Int, into block: UnsafeMutableRawBufferPointer,
    _ rows: Range<Int>
  ) {
    let first = rows.lowerBound * width
    forEach(in: first..<rows.upperBound * width) { place, rank in
      for byte in 0..<size { block[(place - first) * size + byte] = kept[rank * size + byte] }
    }
  }
}

/// Puts the values of a sparse edit in place, block by block.
struct SparseArithmetic: TensorArithmetic {
  let entry: TensorEntry
  let edit: SparseEdit
  private(set) var effect: TensorEffect

  init(entry: TensorEntry, edit: SparseEdit) {
    self.entry = entry
    self.edit = edit
    effect = TensorEffect(tensor: entry.name)
    effect.rows = edit.rowCount
  }

  mutating func apply(to block: UnsafeMutableRawBufferPointer, storedRows: Range<Int>) throws {
    try dispatch(to: block, storedRows: storedRows)
  }

  mutating func apply<S: StoredFloat>(
    _: S.Type, _ block: UnsafeMutableRawBufferPointer, _ storedRows: Range<Int>
  ) throws {
    let words = block.bindMemory(to: S.Word.self)
    let width = entry.width, first = storedRows.lowerBound * width
    var effect = self.effect
    try edit.values.withWords(S.Word.self) { value in
      var moved = -1
      try edit.places.forEach(in: first..<storedRows.upperBound * width) { place, rank in
        let old = words[place - first], new = value(place, rank)
        let wanted = S.float(new)
        guard wanted.isFinite else {
          throw CheckpointError.notFinite(
            tensor: entry.name, row: place / width, column: place % width, value: "\(wanted)")
        }
        effect.edited += 1
        guard new != old else { return }
        let change = Double(wanted) - Double(S.float(old))
        words[place - first] = new
        effect.changed += 1
        effect.asked += change * change
        effect.projection += change * change
        if place / width != moved {
          moved = place / width
          effect.rowsChanged += 1
        }
      }
    }
    self.effect = effect
  }
}

/// New values for one tensor, before hashes are known.
public struct SparseChange: Sendable {
  /// The tensor's name as stored.
  public var tensor: String
  /// As ``SparseEdit/places``.
  public var places: SparsePlaces
  /// As ``SparseEdit/values``.
  public var values: SparseValues

  init(tensor: String, places: SparsePlaces, values: SparseValues) {
    self.tensor = tensor
    self.places = places
    self.values = values
  }

  /// What differs between two tensors of one type and shape; nil where nothing does. Places are held in memory, an eighth of a
  /// byte an element at most; values stay in the edited checkpoint, except where one stands for all.
  /// - Throws: ``CheckpointError``.
  init?(from base: Checkpoint, to edited: Checkpoint, tensor: String, size: Int) throws {
    let mask = try base.withBytes(tensor) { old in
      try edited.withBytes(tensor) { new in PlaceMask(differing: old, new, size: size) }
    }
    guard mask.count > 0 else { return nil }
    let places = try SparsePlaces(mask, SparsePlaces.shortest(mask))
    let one = try edited.withBytes(tensor) { new -> [UInt8]? in
      var first: [UInt8]?
      for index in mask.words.indices where mask.words[index] != 0 {
        var word = mask.words[index]
        while word != 0 {
          let start = (index << 6 + word.trailingZeroBitCount) * size
          let bytes = new[start..<start + size]
          guard let known = first else {
            first = Array(bytes)
            word &= word - 1
            continue
          }
          if !known.elementsEqual(bytes) { return nil }
          word &= word - 1
        }
      }
      return first
    }
    self.tensor = tensor
    self.places = places
    if let one, mask.count > 1, let dtype = edited.entry(tensor)?.dtype {
      let value = Tensor(zeros: [1], dtype: dtype)
      one.withUnsafeBytes { from in
        if let bytes = from.baseAddress { value.storage.base.copyMemory(from: bytes, byteCount: size) }
      }
      values = SparseValues(value, places: mask.count)
    } else {
      values = SparseValues(of: edited, tensor: tensor)
    }
  }
}

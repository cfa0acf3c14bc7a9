import Tensors

/// What an edit did to the stored numbers of one tensor.
public struct TensorEffect: Sendable, Equatable {
  /// The tensor.
  public let tensor: String
  /// Rows (columns of a transposed matrix) that the edit names.
  public var rows = 0
  /// How many of them hold at least one number that changed.
  public var rowsChanged = 0
  /// Values that the edit asks to be others: those that a delta other than zero is added to.
  public var edited = 0
  /// How many of them changed as stored; the stored type rounded the others away.
  public var changed = 0
  /// Σ(new − old)·δ, in f64, with δ what was to be added before the stored type rounds.
  public var projection = 0.0
  /// Σδ², in f64.
  public var asked = 0.0

  /// An effect with nothing counted yet.
  public init(tensor: String) { self.tensor = tensor }

  /// Fraction of the edited values, 0…1, that the stored type rounded away; 0 where nothing was edited.
  public var roundedAway: Double { edited == 0 ? 0 : Double(edited - changed) / Double(edited) }

  /// The strength that arrived as a fraction of the strength asked for: the stored change projected on the deltas.
  public var delivered: Double { asked == 0 ? 0 : projection / asked }
}

/// What an edit does to one tensor, block by block.
protocol TensorArithmetic {
  /// What was done so far.
  var effect: TensorEffect { get }
  /// The tensor as it is stored.
  var entry: TensorEntry { get }
  /// Edits a block of whole stored rows in place, in the type they are stored in: ``dispatch(to:storedRows:)``, which
  /// each kind calls for itself so that the compiler makes a version for every type.
  /// - Throws: ``CheckpointError/notFinite(tensor:row:column:value:)``.
  mutating func apply(to block: UnsafeMutableRawBufferPointer, storedRows: Range<Int>) throws
  /// Edits a block of whole stored rows of one floating-point type in place.
  /// - Throws: ``CheckpointError/notFinite(tensor:row:column:value:)``.
  mutating func apply<S: StoredFloat>(
    _: S.Type, _ block: UnsafeMutableRawBufferPointer, _ storedRows: Range<Int>) throws
}

extension TensorArithmetic {
  /// Calls the version for the type that the tensor is stored in.
  @inline(__always)
  mutating func dispatch(to block: UnsafeMutableRawBufferPointer, storedRows: Range<Int>) throws {
    switch entry.dtype {
    case .f32: try apply(StoredF32.self, block, storedRows)
    case .f16: try apply(StoredF16.self, block, storedRows)
    case .bf16: try apply(StoredBF16.self, block, storedRows)
    default: preconditionFailure("a patch was made for \(entry.dtype.rawValue), which Patch refuses")
    }
  }
}

/// Adds deltas to rows of one tensor, block by block: new = round(f32(w) + δ), nearest even, no fused multiply.
struct RowArithmetic: TensorArithmetic {
  let entry: TensorEntry
  let transposed: Bool
  /// Sorted logical rows.
  let rows: [Int]
  /// For each of those rows, which delta it gets.
  let choice: [Int]
  let deltas: [[Float]]
  private(set) var effect: TensorEffect
  private var rowChanged: [Bool]

  /// For the edits of this one tensor; their rows are disjoint, which ``Patch`` has checked.
  init(entry: TensorEntry, edits: [RowEdit], deltas: [[Float]]) {
    let pairs = edits.flatMap { edit in edit.rows.map { (row: $0, delta: edit.delta) } }
      .sorted { $0.row < $1.row }
    self.entry = entry
    self.transposed = edits.first?.transposed ?? false
    self.rows = pairs.map(\.row)
    self.choice = pairs.map(\.delta)
    self.deltas = deltas
    self.effect = TensorEffect(tensor: entry.name)
    self.rowChanged = [Bool](repeating: false, count: pairs.count)
    self.effect.rows = pairs.count
  }

  mutating func apply(to block: UnsafeMutableRawBufferPointer, storedRows: Range<Int>) throws {
    try dispatch(to: block, storedRows: storedRows)
  }

  mutating func apply<S: StoredFloat>(
    _: S.Type, _ block: UnsafeMutableRawBufferPointer, _ storedRows: Range<Int>
  ) throws {
    let words = block.bindMemory(to: S.Word.self)
    let width = entry.width
    if transposed {
      let inputs = entry.shape[entry.shape.count - 2]
      for stored in storedRows {
        let (matrix, input) = stored.quotientAndRemainder(dividingBy: inputs)
        let first = rows.lowerBound(of: matrix * width)
        let last = rows.lowerBound(of: (matrix + 1) * width)
        for slot in first..<last {
          let column = rows[slot] - matrix * width
          try add(
            S.self, words, at: (stored - storedRows.lowerBound) * width + column,
            deltas[choice[slot]][input], slot: slot, column: input)
        }
      }
    } else {
      for slot in rows.lowerBound(of: storedRows.lowerBound)..<rows.lowerBound(of: storedRows.upperBound) {
        let start = (rows[slot] - storedRows.lowerBound) * width
        let delta = deltas[choice[slot]]
        for column in 0..<width {
          try add(S.self, words, at: start + column, delta[column], slot: slot, column: column)
        }
      }
    }
  }

  @inline(__always)
  private mutating func add<S: StoredFloat>(
    _: S.Type, _ words: UnsafeMutableBufferPointer<S.Word>, at place: Int, _ delta: Float, slot: Int,
    column: Int
  ) throws {
    let old = words[place]
    let new = delta == 0 ? old : S.word(S.float(old) + delta)
    let value = S.float(new)
    guard value.isFinite else {
      throw CheckpointError.notFinite(
        tensor: entry.name, row: rows[slot], column: column, value: "\(value)")
    }
    guard delta != 0 else { return }
    words[place] = new
    effect.edited += 1
    effect.asked += Double(delta) * Double(delta)
    if new != old {
      effect.changed += 1
      effect.projection += (Double(value) - Double(S.float(old))) * Double(delta)
      if !rowChanged[slot] {
        rowChanged[slot] = true
        effect.rowsChanged += 1
      }
    }
  }
}

extension [Int] {
  /// How many elements of this sorted list are below a value.
  func lowerBound(of value: Int) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// Walks a tensor's stored rows in blocks of a few megabytes, copied to aligned memory.
enum TensorBlocks {
  /// Bytes of one block, unless a single row is longer.
  static let size = 1 << 22
  /// Bytes of one block that is copied to be changed and hashed: copy and original stay in a core's second cache.
  private static let copied = 1 << 17

  /// Calls `body` with each block in order: its stored rows, the bytes as stored, and a copy to change.
  /// - Parameter chosen: sorted stored rows, of which alone the blocks are made; nil means all.
  static func forEach(
    _ entry: TensorEntry, _ bytes: UnsafeRawBufferPointer, of chosen: [Int]? = nil,
    _ body: (Range<Int>, UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) throws -> Void
  ) throws {
    let rowBytes = entry.width * entry.dtype.size
    guard entry.rows > 0, rowBytes > 0 else { return }
    let step = max(1, copied / rowBytes)
    let scratch = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(step, entry.rows) * rowBytes, alignment: 64)
    defer { scratch.deallocate() }
    func block(_ rows: Range<Int>) throws {
      let stored = UnsafeRawBufferPointer(
        rebasing: bytes[(rows.lowerBound * rowBytes)..<(rows.upperBound * rowBytes)])
      let copy = UnsafeMutableRawBufferPointer(rebasing: scratch[..<stored.count])
      copy.copyMemory(from: stored)
      try body(rows, stored, copy)
    }
    guard let chosen else {
      for start in stride(from: 0, to: entry.rows, by: step) {
        try block(start..<min(start + step, entry.rows))
      }
      return
    }
    var next = 0
    while next < chosen.count {
      let first = chosen[next]
      var end = first
      while next < chosen.count, chosen[next] == end, end - first < step {
        end += 1
        next += 1
      }
      try block(first..<end)
    }
  }
}

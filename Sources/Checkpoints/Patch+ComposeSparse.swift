import Runtime
import Tensors

/// Tensors that at least one part edits at single places.
extension Patch {
  /// The parts' edits of such tensors, put together.
  ///
  /// Where every part that touches the tensor is taken as it is (scale 1) and each was made from the one before, the first from the
  /// base, the result is the last one's, bit for bit. Otherwise differences are added: a place's δ is f32(scale · (f64(new) −
  /// f64(old))) with `old` from what the part was made from, a row's as in ``compose(_:on:provenance:progress:)``; those that
  /// meet are added in f32 in the order given, and w becomes round(f32(w) + Σδ) in the stored type.
  /// In memory: the tensor's state after each part that touches it, and its sums in f32.
  /// - Throws: ``CheckpointError``, ``Interrupted``.
  static func composeSparse(
    _ parts: [Part], _ tensors: [String], on base: Checkpoint
  ) throws -> [SparseChange] {
    try tensors.compactMap { name in
      try Cancellation.check()
      let entry = try base.place(name).entry
      switch entry.dtype {
      case .f32: return try composeSparse(StoredF32.self, parts, entry, base)
      case .f16: return try composeSparse(StoredF16.self, parts, entry, base)
      default: return try composeSparse(StoredBF16.self, parts, entry, base)
      }
    }
  }

  private static func composeSparse<S: StoredFloat>(
    _: S.Type, _ parts: [Part], _ entry: TensorEntry, _ base: Checkpoint
  ) throws -> SparseChange? {
    let count = entry.count
    let original = try base.withBytes(entry.name) { bytes in
      (0..<count).map {
        bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<S.Word>.size, as: S.Word.self)
      }
    }
    var states = [try base.sha256(ofTensor: entry.name): original]
    var sums = [Float](repeating: 0, count: count)
    var met = PlaceMask(extent: count)
    var isChain = true
    var last = try base.sha256(ofTensor: entry.name)
    func add(_ delta: Float, at place: Int) {
      sums[place] = met.contains(place) ? sums[place] + delta : delta
      met.insert(place)
    }
    for part in parts {
      guard let touched = part.patch.touched.first(where: { $0.tensor == entry.name }) else { continue }
      guard let old = states[touched.beforeSHA256] else {
        throw CheckpointError.otherBase(
          tensor: entry.name, expected: touched.beforeSHA256, found: last)
      }
      var new = old
      var arithmetic = try part.patch.arithmetic(for: entry, of: base)
      try new.withUnsafeMutableBytes { try arithmetic.apply(to: $0, storedRows: 0..<entry.rows) }
      states[touched.afterSHA256] = new
      isChain = isChain && part.scale == 1 && touched.beforeSHA256 == last
      last = touched.afterSHA256
      if part.scale == 0 { continue }
      if let edit = part.patch.sparse.first(where: { $0.tensor == entry.name }) {
        edit.places.forEach(in: 0..<count) { place, _ in
          let change = Double(S.float(new[place])) - Double(S.float(old[place]))
          add(Float(part.scale * change), at: place)
        }
      }
      for edit in part.patch.edits(of: entry.name) {
        let delta = part.patch.deltas[edit.delta].map { Float(Double($0) * part.scale) }
        edit.forEachPlace(entry) { place, k in if delta[k] != 0 { add(delta[k], at: place) } }
      }
    }
    var result = original
    if isChain, let final = states[last] {
      result = final
    } else {
      met.forEach { place in
        if sums[place] != 0 { result[place] = S.word(S.float(original[place]) + sums[place]) }
      }
    }
    var changed = PlaceMask(extent: count)
    var words: [S.Word] = []
    for place in 0..<count where result[place] != original[place] {
      changed.insert(place)
      words.append(result[place])
    }
    guard !words.isEmpty else { return nil }
    let values = Tensor(zeros: [words.count], dtype: entry.dtype)
    words.withUnsafeBytes { from in
      if let bytes = from.baseAddress { values.storage.base.copyMemory(from: bytes, byteCount: from.count) }
    }
    return SparseChange(
      tensor: entry.name, places: try SparsePlaces(changed, SparsePlaces.shortest(changed)),
      values: SparseValues(values, places: words.count))
  }
}

extension RowEdit {
  /// Calls `body` with the stored place of every value of the edited rows, and its number inside its row.
  func forEachPlace(_ entry: TensorEntry, _ body: (_ place: Int, _ k: Int) -> Void) {
    let width = entry.width
    for row in rows {
      if transposed {
        let inputs = entry.shape[entry.shape.count - 2]
        let (matrix, column) = row.quotientAndRemainder(dividingBy: width)
        for k in 0..<inputs { body((matrix * inputs + k) * width + column, k) }
      } else {
        for k in 0..<width { body(row * width + k, k) }
      }
    }
  }
}

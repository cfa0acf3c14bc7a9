import Tensors

extension LinearWeight {
  /// Writes some rows of the logical W as f32, row-major, to memory for `rows.count · K` floats.
  /// - Complexity: O(rows · K); of a transposed matrix every stored row is touched.
  public func copyFloats(rows: Range<Int>, to out: UnsafeMutablePointer<Float>) {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= outputs, "rows \(rows) of \(outputs)")
    guard !rows.isEmpty, inputs > 0 else { return }
    guard isTransposed else {
      guard let selection else { return weight.rows(rows).copyFloats(to: out) }
      for (place, row) in rows.enumerated() {
        let stored = Int(selection[row])
        weight.rows(stored..<(stored + 1)).copyFloats(to: out + place * inputs)
      }
      return
    }
    let columns = selection.map { chosen in rows.map { Int(chosen[$0]) } } ?? Array(rows)
    let first = columns.min() ?? 0, width = (columns.max() ?? 0) - first + 1
    withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { line in
      guard let base = line.baseAddress else { return }
      for k in 0..<inputs {
        stored(line: k, from: first, count: width).copyFloats(to: base)
        for (place, column) in columns.enumerated() { out[place * inputs + k] = base[column - first] }
      }
    }
  }

  /// Lines in which W is stored: its rows, or its columns where it is transposed.
  public var storedLines: Int { isTransposed ? inputs : outputs }

  /// Calls `body` with the stored numbers of some lines, a run that lies together at a time: every number of W once
  /// over all lines, in no order that means anything.
  public func forEachStoredRun(lines: Range<Int>, _ body: (UnsafeRawPointer, _ count: Int) -> Void) {
    precondition(lines.lowerBound >= 0 && lines.upperBound <= storedLines, "lines \(lines) of \(storedLines)")
    guard !lines.isEmpty, outputs > 0, inputs > 0 else { return }
    withExtendedLifetime(weight.storage) {
      switch (isTransposed, selection) {
      case (false, nil): body(weight.rows(lines).pointer, lines.count * inputs)
      case (false, let chosen?):
        for line in lines { body(weight.rows(Int(chosen[line])..<Int(chosen[line]) + 1).pointer, inputs) }
      case (true, nil):
        for line in lines { body(stored(line: line, from: 0, count: outputs).pointer, outputs) }
      case (true, let chosen?):
        for line in lines {
          for column in chosen { body(stored(line: line, from: Int(column), count: 1).pointer, 1) }
        }
      }
    }
  }

  /// Some numbers of a stored row of a transposed matrix.
  private func stored(line: Int, from first: Int, count: Int) -> Tensor {
    Tensor(
      storage: weight.storage,
      byteOffset: weight.byteOffset + (line * weight.shape[1] + firstColumn + first) * dtype.size,
      shape: [count], dtype: dtype)
  }
}

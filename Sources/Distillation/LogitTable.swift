import Glibc
import Statistics
import Tensors

/// Logits of items with their true classes.
///
/// Legend of shapes in this module: `n` items, `K` classes.
public struct LogitTable: Sendable {
  /// What the columns of a table are.
  public enum Values: String, Sendable, CaseIterable {
    /// Any numbers whose softmax are the probabilities; a single column is the logit of class 1 against class 0.
    case logits
    /// Probabilities that sum to 1; a single column is that of class 1.
    case probabilities
  }

  /// f32 `[n, columns]` as read.
  private let table: Tensor
  /// What the columns are.
  public let values: Values
  /// True classes, `[n]`.
  public let labels: [Int]
  /// Where it was read.
  public let source: String

  /// Items, `n`.
  public var count: Int { labels.count }
  /// Classes, `K`; two for a single column.
  public var classes: Int { max(2, table.shape[1]) }

  /// A table `[n, columns]` with a label an item.
  /// - Throws: ``DistillationError`` for sizes, labels, or probabilities that are none.
  public init(_ table: Tensor, labels: [Int], values: Values = .logits, source: String)
    throws(DistillationError)
  {
    guard table.dtype == .f32, table.shape.count == 2, table.shape[0] > 0, table.shape[1] > 0 else {
      throw .badTable(
        file: source, problem: "\(table.dtype.rawValue) of shape \(table.shape)",
        expected: "numbers [items, classes], at least one of each")
    }
    guard labels.count == table.shape[0] else {
      throw .badTable(
        file: source, problem: "\(labels.count) labels for \(table.shape[0]) items",
        expected: "one label an item")
    }
    self.table = table
    self.values = values
    self.labels = labels
    self.source = source
    for (item, label) in labels.enumerated() where !(0..<classes).contains(label) {
      throw .labelOutOfRange(file: source, item: item, label: label, classes: classes)
    }
    if values == .probabilities { try checkProbabilities() }
  }

  private func checkProbabilities() throws(DistillationError) {
    let columns = table.shape[1]
    for item in 0..<count {
      let row = UnsafeBufferPointer(start: table.f32 + item * columns, count: columns)
      let sum = row.reduce(0.0) { $0 + Double($1) }
      guard row.allSatisfy({ (0...1.0001).contains($0) }), columns == 1 || abs(sum - 1) < 1e-2 else {
        throw .badTable(
          file: source, problem: "item \(item), which is no distribution (sum \(sum))",
          expected: "probabilities of 0…1 that sum to 1; logits need --values logits")
      }
    }
  }

  /// The logits of an item as f64: log-probabilities where the table holds probabilities.
  func fill(_ item: Int, _ logits: UnsafeMutableBufferPointer<Double>) {
    let columns = table.shape[1]
    let row = table.f32 + item * columns
    switch (values, columns) {
    case (.logits, 1): (logits[0], logits[1]) = (0, Double(row[0]))
    case (.probabilities, 1): (logits[0], logits[1]) = (log1p(-Double(row[0])), log(Double(row[0])))
    case (.logits, _): for k in 0..<columns { logits[k] = Double(row[k]) }
    case (.probabilities, _): for k in 0..<columns { logits[k] = log(Double(row[k])) }
    }
  }

  /// What the table says of every item, with the logits divided by a temperature.
  /// - Complexity: O(n·K).
  public func predictions(temperature: Double = 1) -> ClassPredictions {
    ClassPredictions(labels: labels, classes: classes, temperature: temperature, row: fill)
  }
}

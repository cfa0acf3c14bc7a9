import JSON
import OrderedCollections

/// Figures of `prune`: heat maps over role and block.
struct PruneFigures {
  let results: JSONValue

  /// The error of every product where it was measured, and the sparsity where matrices differ in it.
  var figures: [HTMLReport.Figure] {
    let sparsities = (results["matrices"]?.array ?? []).compactMap { $0["sparsity"]?.double }
    let spread = (sparsities.max() ?? 0) - (sparsities.min() ?? 0)
    return [
      map(
        "error", title: "Error of the pruned products by role and block",
        value: "share of the output's energy that is lost on the calibration texts"),
      spread > 0.001
        ? map("sparsity", title: "Sparsity by role and block", value: "share of weights removed") : nil,
    ].compactMap { $0 }
  }

  /// A number of every matrix; experts of a block are averaged.
  private func map(_ key: String, title: String, value: String) -> HTMLReport.Figure? {
    var lines: OrderedDictionary<String, [Int: [Double]]> = [:]
    for matrix in results["matrices"]?.array ?? [] {
      // blocks.3.mlp.experts.2.gate is mlp.experts.gate of block 3.
      let words = (matrix["role"]?.string ?? "").split(separator: ".")
      guard words.count > 2, let block = Int(words[1]), let number = matrix[key]?.double else { continue }
      let role = words.dropFirst(2).filter { Int($0) == nil }.joined(separator: ".")
      lines[role, default: [:]][block, default: []].append(number)
    }
    let blocks = Set(lines.values.flatMap(\.keys)).sorted()
    guard !blocks.isEmpty else { return nil }
    let map = HeatMap(
      title: title, summary: "Rows are roles, columns are blocks; shades show the \(value).",
      rows: Array(lines.keys), rowsTitle: "role", columns: blocks.map(String.init), columnsTitle: "block",
      valueTitle: value,
      values: lines.values.map { line in
        blocks.map { block in line[block].map { $0.reduce(0, +) / Double($0.count) } }
      })
    return .init([map], caption: "\(title): the \(value); experts of a block are averaged.")
  }
}

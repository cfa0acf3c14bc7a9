import JSON
import OrderedCollections
import Runtime

/// Figures of `importance`: heat maps over role and block.
struct ImportanceFigures {
  let results: JSONValue

  /// What the report's mode shows.
  var figures: [HTMLReport.Figure] {
    if results["spectra"]?.array != nil { return SpectraFigures(results: results).figures }
    if let curve = results["curve"], curve.object != nil { return CurveFigures(curve: curve).figures }
    if results["overlap"]?.array != nil { return overlap }
    if results["matrices"]?.array != nil { return means }
    return places
  }

  /// Lines in the order in which they come, columns ascending.
  private struct Grid {
    var values: OrderedDictionary<String, [Int: [Double]]> = [:]

    mutating func add(_ row: String, _ column: Int, _ value: Double) {
      values[row, default: [:]][column, default: []].append(value)
    }

    func map(_ title: String, value: String, rowsTitle: String = "role") -> HeatMap? {
      let columns = Set(values.values.flatMap(\.keys)).sorted()
      guard !columns.isEmpty else { return nil }
      return HeatMap(
        title: title, summary: "Rows are roles, columns are blocks; shades show \(value).",
        rows: Array(values.keys), rowsTitle: rowsTitle, columns: columns.map(String.init),
        columnsTitle: "block",
        valueTitle: value,
        values: values.values.map { line in
          columns.map { column in line[column].map { $0.reduce(0, +) / Double($0.count) } }
        })
    }
  }

  /// The mean score of every role and block; experts of a block averaged.
  private var means: [HTMLReport.Figure] {
    (results["scores"]?.array ?? []).enumerated().compactMap { index, name in
      var grid = Grid()
      for matrix in results["matrices"]?.array ?? [] {
        guard let scores = matrix["scores"]?.array, scores.indices.contains(index),
          let mean = scores[index]["mean"]?.double, let block = matrix["block"]?.int
        else { continue }
        grid.add(matrix["kind"]?.string ?? "other", block, mean)
      }
      let score = name.string ?? "score"
      guard let map = grid.map("Mean score \(score) by role and block", value: "mean \(score)") else {
        return nil
      }
      return .init([map], caption: "Mean score \(score) of every matrix; experts of a block are averaged.")
    }
  }

  /// The mean score of the units of every place and block.
  private var places: [HTMLReport.Figure] {
    (results["scores"]?.array ?? []).compactMap { scores in
      guard let name = scores["score"]?.string else { return nil }
      var grid = Grid()
      for place in scores["places"]?.array ?? [] {
        guard let block = place["block"]?.int, let mean = place["mean"]?.double,
          let full = place["place"]?.string
        else { continue }
        // blocks.3.mlp.gate is mlp.gate; experts of a block are averaged.
        let words = full.split(separator: ".").dropFirst(2).filter { Int($0) == nil }
        grid.add(words.isEmpty ? "block" : words.joined(separator: "."), block, mean)
      }
      let grain = results["grain"]?.string ?? "unit"
      guard let map = grid.map("Mean \(name) of a \(grain)", value: "mean \(name)") else { return nil }
      return .init([map], caption: "Mean score \(name) of the units of grain \(grain), by place and block.")
    }
  }

  /// One map of rank correlations and one of what pruning would remove, a pair of scores.
  private var overlap: [HTMLReport.Figure] {
    var pairs: OrderedDictionary<[String], [JSONValue]> = [:]
    for line in results["overlap"]?.array ?? [] {
      guard let first = line["first"]?.string, let second = line["second"]?.string else { continue }
      pairs[[first, second], default: []].append(line)
    }
    var figures: [HTMLReport.Figure] = []
    if let matrix = correlations(pairs) { figures.append(matrix) }
    for (pair, lines) in pairs {
      var correlation = Grid(), removed = Grid()
      for line in lines {
        guard let role = line["role"]?.string, let block = line["block"]?.int else { continue }
        if let value = line["correlation"]?.double { correlation.add(role, block, value) }
        if let value = line["removed"]?.double { removed.add(role, block, value) }
      }
      let maps = [
        correlation.map("Rank correlation of \(pair[0]) and \(pair[1])", value: "Spearman's ρ"),
        removed.map(
          "Share of the top by \(pair[0]) that pruning by \(pair[1]) removes", value: "share removed"),
      ].compactMap { $0 }
      guard !maps.isEmpty else { continue }
      let chance = results["top_share"]?.double.map { Format.percent($0, 1) } ?? "the top share"
      figures.append(
        .init(
          maps, caption: "\(pair[0]) against \(pair[1]). By chance \(chance) of the top would be removed."))
    }
    return figures
  }

  /// Scores against scores, over all roles and blocks by their units.
  private func correlations(_ pairs: OrderedDictionary<[String], [JSONValue]>) -> HTMLReport.Figure? {
    let names = (results["scores"]?.array ?? []).compactMap(\.string)
    guard names.count > 2 else { return nil }
    func value(_ a: String, _ b: String) -> Double? {
      if a == b { return 1 }
      let lines = (pairs[[a, b]] ?? pairs[[b, a]] ?? []).filter { $0["block"]?.isNull ?? true }
      var sum = 0.0, units = 0.0
      for line in lines {
        guard let own = line["correlation"]?.double, let count = line["units"]?.double else { continue }
        sum += own * count
        units += count
      }
      return units > 0 ? sum / units : nil
    }
    let map = HeatMap(
      title: "Rank correlation of scores", summary: "Scores against scores.", rows: names, rowsTitle: "score",
      columns: names, columnsTitle: "score", valueTitle: "Spearman's ρ",
      values: names.map { a in names.map { value(a, $0) } }, width: 480)
    return .init([map], caption: "Rank correlations over all roles and blocks, weighed by their units.")
  }
}

import Glibc
import JSON
import OrderedCollections
import Runtime

/// Figures of `importance --spectra`: α by role and block, and the spectra themselves on log axes.
struct SpectraFigures {
  let results: JSONValue

  /// Spectra drawn at most: of each role the matrix in the middle of the network.
  private static let drawn = 12

  /// What the report shows.
  var figures: [HTMLReport.Figure] {
    let lines = results["spectra"]?.array ?? []
    guard !lines.isEmpty else { return [] }
    return [exponents(lines)].compactMap { $0 } + chosen(lines).map(spectrum)
  }

  /// α of every matrix; experts of a block are averaged.
  private func exponents(_ lines: [JSONValue]) -> HTMLReport.Figure? {
    var values: OrderedDictionary<String, [Int: [Double]]> = [:]
    for line in lines {
      guard let kind = line["kind"]?.string, let block = line["block"]?.int,
        let alpha = line["fit"]?["alpha"]?.double
      else { continue }
      values[kind, default: [:]][block, default: []].append(alpha)
    }
    let blocks = Set(values.values.flatMap(\.keys)).sorted()
    guard !blocks.isEmpty else { return nil }
    let map = HeatMap(
      title: "α by block and role",
      summary: "Rows are blocks, columns roles; shades show the exponent of the exact fit.",
      rows: blocks.map(String.init), rowsTitle: "block", columns: Array(values.keys), columnsTitle: "role",
      valueTitle: "α",
      values: blocks.map { block in
        values.values.map { line in line[block].map { $0.reduce(0, +) / Double($0.count) } }
      })
    return .init(
      [map],
      caption:
        "Exponent of the power law fitted to each matrix's eigenvalues. Matrices with too few eigenvalues have none; "
        + "an exponent by itself is no verdict: compare with the permuted copies and the interval in the table."
    )
  }

  /// Of each role the matrix in the middle of the network.
  private func chosen(_ lines: [JSONValue]) -> [JSONValue] {
    var byKind: OrderedDictionary<String, [JSONValue]> = [:]
    for line in lines where (line["eigenvalues"]?.array?.count ?? 0) > 1 {
      byKind[line["kind"]?.string ?? "other", default: []].append(line)
    }
    return byKind.values.prefix(Self.drawn).map { $0[$0.count / 2] }
  }

  /// The share of eigenvalues at and above each, with the fit, a permuted copy, and the edge of randomness.
  private func spectrum(_ line: JSONValue) -> HTMLReport.Figure {
    let name = line["role"]?.string ?? "matrix"
    func share(_ values: [JSONValue]) -> [ScatterChart.Point] {
      let numbers = values.compactMap(\.double).sorted()
      return numbers.enumerated().compactMap { index, value in
        guard value > 0 else { return nil }
        let share = Double(numbers.count - index) / Double(numbers.count)
        return .init(x: value, y: share, name: "λ = \(Format.significant(value, 3))")
      }
    }
    let own = share(line["eigenvalues"]?.array ?? [])
    // What numerical zeros there are would stretch the axis over twenty powers of ten.
    let largest = own.map(\.x).max() ?? 1
    var series = [ScatterChart.Series("eigenvalues", own.filter { $0.x > largest * 1e-8 }, slot: 0)]
    if let values = line["permuted"]?["eigenvalues"]?.array {
      series.append(.init("a permuted copy", share(values).filter { $0.x > largest * 1e-8 }, slot: 1))
    }
    var caption = "Eigenvalues of \(name): the share that is at least as large."
    if let fit = line["fit"], let alpha = fit["alpha"]?.double, let xmin = fit["xmin"]?.double,
      let tail = fit["tail"]?.int
    {
      let rank = Double(line["rank"]?.int ?? tail), size = Double(line["eigenvalues"]?.array?.count ?? 1)
      // Listed eigenvalues stand for all of them; zeros are no part of the fit.
      let counted = min(
        Double(line["outputs"]?.int ?? Int(size)), Double(line["inputs"]?.int ?? Int(size)))
      let start = Double(tail) / max(counted, rank, 1)
      let points = [xmin, (xmin * largest).squareRoot(), largest].map { value in
        ScatterChart.Point(x: value, y: start * pow(value / xmin, 1 - alpha), name: "fit")
      }
      series.append(.init("fit, α = \(Format.fixed(alpha, 2))", points, connected: true, slot: 2))
      caption +=
        " The fit begins at λ = \(Format.significant(xmin, 3)) and leaves \(tail) of them above."
    }
    if let why = line["why"]?.string { caption += " Beware: \(why)." }
    if let edge = line["bulk"]?["edge"]?.double, edge > 0 {
      let low = own.map(\.y).min() ?? 0.01
      series.append(
        .init(
          "edge of a random matrix",
          [.init(x: edge, y: low, name: "edge"), .init(x: edge, y: 1, name: "edge")], connected: true, slot: 3
        ))
    }
    return .init(
      [
        ScatterChart(
          title: "Spectrum of \(name)", summary: caption,
          x: ChartAxis("eigenvalue λ = σ²", scale: .logarithmic),
          y: ChartAxis("share of eigenvalues at least as large", scale: .logarithmic), series: series)
      ], caption: caption)
  }
}

import JSON
import Runtime

/// Lines over named places or over numbers, each with a band for its interval.
public struct LineChart: DrawnChart, Equatable {
  /// One value of a line; nil leaves a gap.
  public struct Value: Sendable, Equatable {
    /// The value.
    public var y: Double?
    /// The interval's lower end.
    public var lower: Double?
    /// The interval's upper end.
    public var upper: Double?

    /// One value.
    public init(_ y: Double?, lower: Double? = nil, upper: Double? = nil) {
      self.y = y
      self.lower = lower
      self.upper = upper
    }
  }

  /// One line, with a value for each place.
  public struct Series: Sendable, Equatable {
    /// Its name in the legend.
    public var name: String
    /// Its values.
    public var values: [Value]

    /// One line.
    public init(_ name: String, _ values: [Value]) {
      self.name = name
      self.values = values
    }
  }

  /// What stands below.
  public enum Places: Sendable, Equatable {
    /// Names at equal distances, and what they are.
    case names([String], title: String)
    /// Numbers on an axis.
    case numbers([Double], ChartAxis)
  }

  public var title: String
  public var summary: String
  /// What stands below.
  public var places: Places
  /// The axis at the left.
  public var y: ChartAxis
  /// The lines, seven at most tell apart.
  public var series: [Series]
  /// Dashed levels with a name, such as chance.
  public var references: [(name: String, value: Double)]
  /// A place to point at, such as the one that was chosen, by index.
  public var marked: Int?
  /// Width and height in pixels.
  public var size: (width: Double, height: Double)

  /// One chart.
  public init(
    title: String, summary: String = "", places: Places, y: ChartAxis, series: [Series],
    references: [(name: String, value: Double)] = [], marked: Int? = nil,
    size: (width: Double, height: Double) = (720, 340)
  ) {
    self.title = title
    self.summary = summary
    self.places = places
    self.y = y
    self.series = series
    self.references = references
    self.marked = marked
    self.size = size
  }

  public static func == (a: LineChart, b: LineChart) -> Bool { a.svg() == b.svg() }

  private var names: [String] {
    switch places {
    case .names(let names, _): names
    case .numbers(let numbers, let axis): numbers.map(axis.exact)
    }
  }

  public var table: Table {
    let heading: String
    switch places {
    case .names(_, let title): heading = title
    case .numbers(_, let axis): heading = axis.title
    }
    var columns = [Table.Column(heading)]
    for line in series {
      columns.append(Table.Column(line.name, numeric: true))
      if line.hasBand { columns.append(Table.Column("interval", key: line.name + "_interval")) }
    }
    var table = Table(columns)
    for (index, name) in names.enumerated() {
      var row: [Table.Cell] = [.text(name)]
      for line in series {
        let value = line.values.indices.contains(index) ? line.values[index] : Value(nil)
        row.append(Table.Cell(value.y.map(exact) ?? "–", value: .optional(value.y)))
        if line.hasBand {
          let ends = value.lower.flatMap { lower in value.upper.map { "\(exact(lower)) … \(exact($0))" } }
          row.append(.text(ends ?? ""))
        }
      }
      table.add(row)
    }
    return table
  }

  private func exact(_ value: Double) -> String {
    y.style == .number ? Format.fixed(value, 3) : y.exact(value)
  }

  func draw(id: String) -> [Markup] {
    let left = 64.0
    let right = size.width - 16
    let bottom = size.height - 48
    let (legend, height) = ChartFrame.legend(
      series.enumerated().map { index, line in
        (
          line.name,
          { x, y in
            [
              SVG.line(x - 9, y, x + 9, y, "l\(index % 7)"),
              SVG.marker(index, x, y, size: 4, "p\(index % 7)", tip: nil),
            ]
          }
        )
      }, left: left, right: right)
    let top = max(height, 14)
    var values = series.flatMap { $0.values.flatMap { [$0.y, $0.lower, $0.upper].compactMap { $0 } } }
    values += references.map(\.value)
    let vertical = y.fitted(to: values, from: bottom, to: top)
    var horizontal: ChartAxis.Fitted?
    var xs: [Double] = []
    var labels: [(place: Double, text: String)] = []
    var xTitle: String
    switch places {
    case .names(let names, let heading):
      let margin = 22.0
      let step = names.count > 1 ? (right - left - 2 * margin) / Double(names.count - 1) : 0
      xs = names.indices.map { left + margin + step * Double($0) }
      labels = ChartFrame.thinned(zip(xs, names).map { ($0, $1) }, room: right - left - 2 * margin)
      xTitle = heading
    case .numbers(let numbers, let axis):
      let fitted = axis.fitted(to: numbers, from: left, to: right)
      horizontal = fitted
      xs = numbers.map(fitted.place)
      xTitle = axis.title
    }
    let frame = ChartFrame(x: horizontal, y: vertical, left: left, right: right, top: top, bottom: bottom)
    var parts = frame.draw(xTitle: xTitle, xLabels: labels)
    if let marked, xs.indices.contains(marked) {
      parts.append(SVG.line(xs[marked], top, xs[marked], bottom, "reference"))
      let isRight = xs[marked] > (left + right) / 2
      parts.append(
        SVG.text("chosen", xs[marked] + (isRight ? -6 : 6), bottom - 8, isRight ? .end : .start, "m halo"))
    }
    parts += referenceLines(vertical, left: left, right: right)
    for (index, line) in series.enumerated() { parts += band(line, index, xs, vertical) }
    for (index, line) in series.enumerated() { parts += stroke(line, index, xs, vertical) }
    return parts + legend
  }

  /// Dashed levels with their names at the right; names that would meet stand beside one another.
  private func referenceLines(_ vertical: ChartAxis.Fitted, left: Double, right: Double) -> [Markup] {
    var parts: [Markup] = []
    var taken: [(y: Double, left: Double)] = []
    for reference in references {
      let place = vertical.place(reference.value)
      let text = "\(reference.name) \(exact(reference.value))"
      var end = right - 4
      for other in taken where abs(other.y - place) < 14 { end = min(end, other.left - 14) }
      taken.append((place, end - SVG.width(text)))
      parts.append(SVG.line(left, place, right, place, "reference"))
      parts.append(SVG.text(text, end, place - 5, .end, "m halo"))
    }
    return parts
  }

  private func band(_ line: Series, _ index: Int, _ xs: [Double], _ vertical: ChartAxis.Fitted) -> [Markup] {
    runs(line, xs) { $0.lower != nil && $0.upper != nil }.filter { $0.count > 1 }.map { run in
      let upper = run.map { ($0.x, vertical.place($0.value.upper ?? 0)) }
      let lower = run.reversed().map { ($0.x, vertical.place($0.value.lower ?? 0)) }
      return SVG.path(SVG.steps(upper + lower) + "Z", "a\(index % 7)")
    }
  }

  private func stroke(_ line: Series, _ index: Int, _ xs: [Double], _ vertical: ChartAxis.Fitted) -> [Markup]
  {
    var parts: [Markup] = []
    for run in runs(line, xs, where: { $0.y != nil }) {
      let points = run.map { ($0.x, vertical.place($0.value.y ?? 0)) }
      if points.count > 1 { parts.append(SVG.path(SVG.steps(points), "l\(index % 7)")) }
      for (point, item) in zip(points, run) {
        var tip = "\(line.name), \(names[item.index]): \(exact(item.value.y ?? 0))"
        if let lower = item.value.lower, let upper = item.value.upper {
          tip += " (\(exact(lower)) … \(exact(upper)))"
        }
        parts.append(SVG.marker(index, point.0, point.1, size: 3.6, "p\(index % 7)", tip: tip))
      }
    }
    return parts
  }

  /// Stretches of values without a gap.
  private func runs(
    _ line: Series, _ xs: [Double], where isThere: (Value) -> Bool
  ) -> [[(index: Int, x: Double, value: Value)]] {
    var runs: [[(index: Int, x: Double, value: Value)]] = [[]]
    for (index, value) in line.values.enumerated() where index < xs.count {
      if isThere(value) {
        runs[runs.count - 1].append((index, xs[index], value))
      } else if runs.last?.isEmpty == false {
        runs.append([])
      }
    }
    return runs.filter { !$0.isEmpty }
  }
}

extension LineChart.Series {
  fileprivate var hasBand: Bool { values.contains { $0.lower != nil && $0.upper != nil } }
}

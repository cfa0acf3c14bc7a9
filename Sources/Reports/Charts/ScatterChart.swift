import JSON
import Runtime

/// Points over two axes, such as effect against damage: labelled series, error bars, a front, a zone that is aimed at.
public struct ScatterChart: DrawnChart, Equatable {
  /// One point.
  public struct Point: Sendable, Equatable {
    /// Along.
    public var x: Double
    /// Up.
    public var y: Double
    /// The interval of y.
    public var yRange: ClosedRange<Double>?
    /// The interval of x.
    public var xRange: ClosedRange<Double>?
    /// What the point is, for the table and the tip.
    public var name: String
    /// A word drawn beside it; few points should have one.
    public var label: String?
    /// Whether a ring is drawn around it.
    public var isMarked: Bool

    /// One point.
    public init(
      x: Double, y: Double, yRange: ClosedRange<Double>? = nil, xRange: ClosedRange<Double>? = nil,
      name: String,
      label: String? = nil, isMarked: Bool = false
    ) {
      self.x = x
      self.y = y
      self.yRange = yRange
      self.xRange = xRange
      self.name = name
      self.label = label
      self.isMarked = isMarked
    }
  }

  /// Points of one kind.
  public struct Series: Sendable, Equatable {
    /// Its name in the legend.
    public var name: String
    /// Its points.
    public var points: [Point]
    /// Whether a line goes through the points in their order.
    public var isConnected: Bool
    /// Which colour and mark, 0 … 6; the series' place where nil.
    public var slot: Int?

    /// One series.
    public init(_ name: String, _ points: [Point], connected: Bool = false, slot: Int? = nil) {
      self.name = name
      self.points = points
      isConnected = connected
      self.slot = slot
    }
  }

  /// A part of the field that is aimed at.
  public struct Zone: Sendable, Equatable {
    /// From … to along x; nil on a side without end.
    public var x: (from: Double?, to: Double?)
    /// From … to along y.
    public var y: (from: Double?, to: Double?)
    /// What it means.
    public var label: String

    /// One zone.
    public init(x: (from: Double?, to: Double?), y: (from: Double?, to: Double?), label: String) {
      self.x = x
      self.y = y
      self.label = label
    }

    public static func == (a: Zone, b: Zone) -> Bool { a.x == b.x && a.y == b.y && a.label == b.label }
  }

  public var title: String
  public var summary: String
  /// The axis below.
  public var x: ChartAxis
  /// The axis at the left.
  public var y: ChartAxis
  /// The points.
  public var series: [Series]
  /// What is aimed at.
  public var zone: Zone?
  /// Dashed levels of y with a name.
  public var references: [(name: String, value: Double)]
  /// Whether the names of the series stand above the field.
  public var showsLegend: Bool
  /// Width and height in pixels.
  public var size: (width: Double, height: Double)

  /// One chart.
  public init(
    title: String, summary: String = "", x: ChartAxis, y: ChartAxis, series: [Series], zone: Zone? = nil,
    references: [(name: String, value: Double)] = [], showsLegend: Bool = true,
    size: (width: Double, height: Double) = (720, 420)
  ) {
    self.title = title
    self.summary = summary
    self.x = x
    self.y = y
    self.series = series
    self.zone = zone
    self.references = references
    self.showsLegend = showsLegend
    self.size = size
  }

  public static func == (a: ScatterChart, b: ScatterChart) -> Bool { a.svg() == b.svg() }

  public var table: Table {
    var table = Table([
      .init("Series"), .init("Point"), .init(x.title, key: "x", numeric: true),
      .init(y.title, key: "y", numeric: true), .init("Interval", key: "y_interval"),
    ])
    for line in series {
      for point in line.points {
        table.add([
          .text(line.name), .text(point.name), Table.Cell(x.exact(point.x), value: .number(point.x)),
          Table.Cell(y.exact(point.y), value: .number(point.y)),
          .text(point.yRange.map { "\(y.exact($0.lowerBound)) … \(y.exact($0.upperBound))" } ?? ""),
        ])
      }
    }
    return table
  }

  func draw(id: String) -> [Markup] {
    let left = 64.0
    let right = size.width - 16
    let bottom = size.height - 48
    let (legend, height) = showsLegend ? legend(left: left, right: right) : ([], 0)
    let top = max(height, 14)
    let points = series.flatMap(\.points)
    var xs = points.flatMap { [$0.x, $0.xRange?.lowerBound, $0.xRange?.upperBound].compactMap { $0 } }
    var ys = points.flatMap { [$0.y, $0.yRange?.lowerBound, $0.yRange?.upperBound].compactMap { $0 } }
    ys += references.map(\.value)
    if let zone {
      xs += [zone.x.from, zone.x.to].compactMap { $0 }
      ys += [zone.y.from, zone.y.to].compactMap { $0 }
    }
    let horizontal = x.fitted(to: xs, from: left, to: right)
    let vertical = y.fitted(to: ys, from: bottom, to: top)
    let frame = ChartFrame(x: horizontal, y: vertical, left: left, right: right, top: top, bottom: bottom)
    var parts = frame.draw(xTitle: x.title)
    if let zone {
      let x1 = zone.x.from.map(horizontal.place) ?? left
      let x2 = zone.x.to.map(horizontal.place) ?? right
      let y1 = zone.y.to.map(vertical.place) ?? top
      let y2 = zone.y.from.map(vertical.place) ?? bottom
      parts.append(SVG.rectangle(x1, y1, x2 - x1, y2 - y1, "zone"))
      parts.append(SVG.text(zone.label, x1 + 8, y1 + 17, .start, "zonetext"))
    }
    for reference in references {
      let place = vertical.place(reference.value)
      parts.append(SVG.line(left, place, right, place, "reference"))
      // The name stands at the end where fewer points are near.
      let width = SVG.width(reference.name) + 12
      func crowd(_ from: Double, _ to: Double) -> Int {
        points.count { point in
          let (px, py) = (horizontal.place(point.x), vertical.place(point.y))
          let reach = point.label.map { SVG.width($0) + 20 } ?? 6
          return px + reach > from && px - 6 < to && py > place - 20 && py < place + 8
        }
      }
      let isRight = crowd(right - width, right) <= crowd(left, left + width)
      parts.append(
        SVG.text(
          reference.name, isRight ? right - 4 : left + 6, place - 5, isRight ? .end : .start, "m halo"))
    }
    // Points that are pointed at lie on top.
    for marked in [false, true] {
      for (index, line) in series.enumerated() {
        parts += draw(line, (line.slot ?? index) % 7, horizontal, vertical, marked: marked)
      }
    }
    return parts + labels(horizontal, vertical, left: left, right: right, top: top) + legend
  }

  private var isLarge: Bool { series.reduce(0) { $0 + $1.points.count } > 400 }

  private func legend(left: Double, right: Double) -> ([Markup], Double) {
    ChartFrame.legend(
      series.enumerated().map { index, line in
        let slot = (line.slot ?? index) % 7
        return (
          line.name,
          { x, y in
            (line.isConnected ? [SVG.line(x - 10, y, x + 10, y, "l\(slot)")] : [])
              + [SVG.marker(slot, x, y, size: 4.4, "p\(slot)", tip: nil)]
          }
        )
      }, left: left, right: right)
  }

  /// The names of the series with their marks as small pictures, for a page that shows one legend for several charts.
  var legendEntries: [(name: String, svg: String)] {
    series.enumerated().map { index, line in
      let slot = (line.slot ?? index) % 7
      var contents = [SVG.marker(slot, 12, 8, size: 5, "p\(slot)", tip: nil)]
      if line.isConnected { contents.insert(SVG.line(0, 8, 24, 8, "l\(slot)"), at: 0) }
      var text = ""
      SVG.element(
        "svg",
        ["viewBox": "0 0 24 16", "width": "24", "height": "16", "class": "chart", "aria-hidden": "true"],
        contents
      ).write(into: &text)
      return (line.name, text)
    }
  }

  private func draw(
    _ line: Series, _ slot: Int, _ horizontal: ChartAxis.Fitted, _ vertical: ChartAxis.Fitted, marked: Bool
  ) -> [Markup] {
    var parts: [Markup] = []
    if !marked, line.isConnected, line.points.count > 1 {
      let places = line.points.map { (horizontal.place($0.x), vertical.place($0.y)) }
      parts.append(SVG.path(SVG.steps(places), "l\(slot)"))
    }
    for point in line.points where point.isMarked == marked {
      let (px, py) = (horizontal.place(point.x), vertical.place(point.y))
      if let range = point.yRange {
        let (y1, y2) = (vertical.place(range.lowerBound), vertical.place(range.upperBound))
        parts.append(
          SVG.path(
            SVG.steps([(px - 3, y1), (px + 3, y1)]) + SVG.steps([(px, y1), (px, y2)])
              + SVG.steps([(px - 3, y2), (px + 3, y2)]), "w\(slot)"))
      }
      if let range = point.xRange {
        let (x1, x2) = (horizontal.place(range.lowerBound), horizontal.place(range.upperBound))
        parts.append(SVG.path(SVG.steps([(x1, py), (x2, py)]), "w\(slot)"))
      }
      // Thousands of tips would make the figure larger than its data.
      let tip = isLarge ? nil : "\(line.name), \(point.name): \(y.exact(point.y)) at \(x.exact(point.x))"
      parts.append(SVG.marker(slot, px, py, size: point.isMarked ? 6 : 4.6, "p\(slot)", tip: tip))
      if point.isMarked {
        parts.append(
          SVG.element(
            "circle", ["cx": SVG.number(px), "cy": SVG.number(py), "r": "10.5", "class": "ring"]))
      }
    }
    return parts
  }

  /// Labels beside their points, moved up where two would meet.
  private func labels(
    _ horizontal: ChartAxis.Fitted, _ vertical: ChartAxis.Fitted, left: Double, right: Double, top: Double
  ) -> [Markup] {
    var taken: [(x1: Double, x2: Double, y: Double)] = []
    var parts: [Markup] = []
    for point in series.flatMap(\.points) {
      guard let label = point.label else { continue }
      let gap = point.isMarked ? 15.0 : 9
      let px = horizontal.place(point.x)
      let width = SVG.width(label)
      let isRight = px + gap + width > right
      let x1 = isRight ? px - gap - width : px + gap
      var y = vertical.place(point.y) + 4
      while taken.contains(where: { abs($0.y - y) < 13 && $0.x1 < x1 + width && x1 < $0.x2 }), y > top + 13 {
        y -= 13
      }
      taken.append((x1, x1 + width, y))
      parts.append(
        SVG.text(
          label, isRight ? px - gap : px + gap, y, isRight ? .end : .start,
          point.isMarked ? "b halo" : "t halo"))
    }
    return parts
  }
}

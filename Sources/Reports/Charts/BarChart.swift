import JSON
import Runtime

/// Bars, lying or standing, each of one or several parts.
public struct BarChart: DrawnChart, Equatable {
  /// Which way the bars go.
  public enum Direction: Sendable { case lying, standing }

  /// What the parts of every bar are.
  public struct Part: Sendable, Equatable {
    /// Its name in the legend.
    public var name: String
    /// Which colour, 0 … 6.
    public var slot: Int
    /// Whether it is hatched, to tell it from a neighbour of a like colour.
    public var isHatched: Bool

    /// One part.
    public init(_ name: String, slot: Int, hatched: Bool = false) {
      self.name = name
      self.slot = slot
      isHatched = hatched
    }
  }

  /// One bar: a value for each part.
  public struct Bar: Sendable, Equatable {
    /// Its name.
    public var name: String
    /// Its parts' values, none below zero.
    public var values: [Double?]
    /// Bars of one group stand together under its name.
    public var group: String
    /// What the end of a lying bar may be: a standard error to both sides, or an interval.
    public var range: ClosedRange<Double>?

    /// One bar.
    public init(_ name: String, _ values: [Double?], group: String = "", range: ClosedRange<Double>? = nil) {
      self.name = name
      self.values = values
      self.group = group
      self.range = range
    }
  }

  public var title: String
  public var summary: String
  /// Which way the bars go.
  public var direction: Direction
  /// The axis of the values.
  public var axis: ChartAxis
  /// What stands along the other axis.
  public var namesTitle: String
  /// The parts of a bar.
  public var parts: [Part]
  /// The bars.
  public var bars: [Bar]
  /// Width in pixels; lying bars take the height they need.
  public var width: Double

  /// One chart.
  public init(
    title: String, summary: String = "", direction: Direction, axis: ChartAxis, namesTitle: String,
    parts: [Part],
    bars: [Bar], width: Double = 720
  ) {
    self.title = title
    self.summary = summary
    self.direction = direction
    self.axis = axis
    self.namesTitle = namesTitle
    self.parts = parts
    self.bars = bars
    self.width = width
  }

  public static func == (a: BarChart, b: BarChart) -> Bool { a.svg() == b.svg() }

  public var table: Table {
    let hasGroups = bars.contains { !$0.group.isEmpty }
    let hasRanges = bars.contains { $0.range != nil }
    var table = Table(
      (hasGroups ? [Table.Column("Group")] : []) + [Table.Column(namesTitle)]
        + parts.map { Table.Column($0.name, numeric: true) } + (hasRanges ? [Table.Column("range")] : []))
    for bar in bars {
      var row: [Table.Cell] = (hasGroups ? [.text(bar.group)] : []) + [.text(bar.name)]
      row += bar.values.map { Table.Cell($0.map(axis.exact) ?? "–", value: .optional($0)) }
      if hasRanges {
        row.append(
          .text(bar.range.map { "\(axis.exact($0.lowerBound)) … \(axis.exact($0.upperBound))" } ?? ""))
      }
      table.add(row)
    }
    return table
  }

  public var size: (width: Double, height: Double) {
    switch direction {
    case .standing: (width, 280)
    case .lying: (width, legend().1 + lyingHeight + 52)
    }
  }

  private var lyingHeight: Double {
    var height = 0.0
    var group = ""
    for (index, bar) in bars.enumerated() {
      if bar.group != group || index == 0 { height += bar.group.isEmpty ? 4 : 28 }
      group = bar.group
      height += 28
    }
    return height + 4
  }

  private func legend(_ id: String = "") -> ([Markup], Double) {
    let left = direction == .lying ? 8.0 : 64
    return ChartFrame.legend(
      parts.map { part in (part.name, { x, y in swatch(part, x - 8, y - 7, 16, 14, id, tip: nil) }) },
      left: left,
      right: width - 16)
  }

  private func swatch(
    _ part: Part, _ x: Double, _ y: Double, _ w: Double, _ h: Double, _ id: String, tip: String?
  )
    -> [Markup]
  {
    var drawn = [SVG.rectangle(x, y, w, h, "f\(part.slot % 7)", tip: tip)]
    if part.isHatched {
      drawn.append(
        SVG.element(
          "rect",
          [
            "x": SVG.number(x), "y": SVG.number(y), "width": SVG.number(w), "height": SVG.number(h),
            "fill": "url(#\(id)-hatch)", "pointer-events": "none",
          ]))
    }
    return drawn
  }

  private func hatch(_ id: String) -> [Markup] {
    guard parts.contains(where: \.isHatched) else { return [] }
    let stripe = SVG.element("rect", ["width": "2.4", "height": "6", "class": "hatch"])
    let pattern = SVG.element(
      "pattern",
      [
        "id": "\(id)-hatch", "width": "6", "height": "6", "patternUnits": "userSpaceOnUse",
        "patternTransform": "rotate(45)",
      ], [stripe])
    return [SVG.element("defs", [:], [pattern])]
  }

  private var longest: Double {
    bars.map { max($0.values.reduce(0) { $0 + ($1 ?? 0) }, $0.range?.upperBound ?? 0) }.max() ?? 1
  }

  func draw(id: String) -> [Markup] {
    hatch(id) + (direction == .lying ? drawLying(id) : drawStanding(id))
  }

  private func drawLying(_ id: String) -> [Markup] {
    var drawn: [Markup] = []
    let names = bars.map { SVG.width($0.name) }.max() ?? 0
    let left = min(width * 0.4, max(names + 20, 60))
    let right = width - 20
    let top = legend().1
    let bottom = top + lyingHeight
    let horizontal = axis.fitted(to: [0, longest], from: left, to: right)
    for tick in horizontal.ticks {
      let place = horizontal.place(tick)
      drawn.append(SVG.line(place, top, place, bottom, "grid"))
      drawn.append(SVG.text(axis.label(tick), place, bottom + 18, .middle, "m n"))
    }
    drawn.append(SVG.text(axis.title, (left + right) / 2, bottom + 38, .middle, "t"))
    var y = top
    var group = ""
    for (index, bar) in bars.enumerated() {
      if bar.group != group || index == 0 {
        y += bar.group.isEmpty ? 4 : 28
        if !bar.group.isEmpty { drawn.append(SVG.text(bar.group, 8, y - 9, .start, "b halo")) }
      }
      group = bar.group
      drawn.append(SVG.text(bar.name, left - 10, y + 16, .end, "t"))
      drawn.append(SVG.line(left, y - 2, left, y + 26, "axis"))
      var before = 0.0
      for (part, value) in zip(parts, bar.values) {
        guard let value, value > 0 else { continue }
        let x1 = horizontal.place(before)
        let x2 = horizontal.place(before + value)
        before += value
        let tip =
          "\(bar.group.isEmpty ? "" : bar.group + ", ")\(bar.name), \(part.name): \(axis.exact(value))"
        drawn += swatch(part, x1, y + 1, x2 - x1, 22, id, tip: tip)
        let text = shortened(value)
        if x2 - x1 > SVG.width(text) + 8, !part.isHatched || parts.count == 1 {
          drawn.append(SVG.text(text, (x1 + x2) / 2, y + 16, .middle, "on\(part.slot % 7) n"))
        } else if x2 - x1 > SVG.width(text) + 8 {
          drawn.append(SVG.text(text, (x1 + x2) / 2, y + 16, .middle, "b halo n"))
        }
      }
      if let range = bar.range {
        let (x1, x2) = (horizontal.place(range.lowerBound), horizontal.place(range.upperBound))
        drawn.append(
          SVG.path(
            SVG.steps([(x1, y + 8), (x1, y + 16)]) + SVG.steps([(x1, y + 12), (x2, y + 12)])
              + SVG.steps([(x2, y + 8), (x2, y + 16)]), "axis"))
      }
      y += 28
    }
    return drawn + legend(id).0
  }

  private func shortened(_ value: Double) -> String {
    switch axis.style {
    case .percent: Format.percent(value, 1)
    case .count: axis.exact(value)
    default: Format.significant(value, 3)
    }
  }

  private func drawStanding(_ id: String) -> [Markup] {
    let left = 64.0
    let right = width - 16
    let top = max(legend().1, 14)
    let bottom = size.height - 48
    var fitting = axis
    if fitting.range == nil { fitting.range = 0...max(longest * 1.12, 1e-12) }
    let vertical = fitting.fitted(to: [], from: bottom, to: top)
    let step = (right - left) / Double(max(bars.count, 1))
    let labels = bars.enumerated().map { (place: left + step * (Double($0) + 0.5), text: $1.name) }
    let frame = ChartFrame(x: nil, y: vertical, left: left, right: right, top: top, bottom: bottom)
    var drawn = frame.draw(
      xTitle: namesTitle, xLabels: ChartFrame.thinned(labels, room: max(right - left - step, 1)))
    let thickness = min(step * 0.72, 64)
    for (bar, label) in zip(bars, labels) {
      var before = 0.0
      for (part, value) in zip(parts, bar.values) {
        guard let value, value > 0 else { continue }
        let y1 = vertical.place(before + value)
        let y2 = vertical.place(before)
        before += value
        let tip = "\(namesTitle) \(bar.name), \(part.name): \(axis.exact(value))"
        drawn += swatch(part, label.place - thickness / 2, y1, thickness, y2 - y1, id, tip: tip)
      }
      let text = shortened(before)
      if before > 0, SVG.width(text) < step {
        drawn.append(SVG.text(text, label.place, vertical.place(before) - 6, .middle, "b n"))
      }
    }
    return drawn + legend(id).0
  }
}

import Glibc
import Runtime

/// One axis of a chart: what it says and how numbers become places.
public struct ChartAxis: Sendable, Equatable {
  /// How numbers are spread.
  public enum Scale: Sendable, Equatable {
    case linear
    /// Powers of ten; numbers at or below zero are put at the lower end.
    case logarithmic
  }

  /// How the numbers at the axis are spelt.
  public enum Style: Sendable, Equatable {
    case number
    /// Whole numbers.
    case count
    /// Fractions as percent.
    case percent
    /// Differences of fractions as percentage points with their sign.
    case points
  }

  /// What is measured, with the unit.
  public var title: String
  /// How numbers are spread.
  public var scale: Scale
  /// How they are spelt.
  public var style: Style
  /// The ends; nil takes what the data need.
  public var range: ClosedRange<Double>?

  /// One axis.
  public init(
    _ title: String, scale: Scale = .linear, style: Style = .number, range: ClosedRange<Double>? = nil
  ) {
    self.title = title
    self.scale = scale
    self.style = style
    self.range = range
  }

  /// A number as this axis spells it.
  func label(_ value: Double) -> String {
    switch style {
    case .number: Format.significant(value, 3)
    case .count: Format.count(Int(value.rounded()))
    case .percent: Format.significant(value * 100, 4) + " %"
    case .points:
      value == 0 ? "0" : (value < 0 ? "−" : "+") + Format.significant(abs(value) * 100, 3)
    }
  }

  /// A number with all digits worth reading, for tips and tables.
  func exact(_ value: Double) -> String {
    switch style {
    case .number: Format.significant(value, 3)
    case .count: Format.count(Int(value.rounded()))
    case .percent: Format.percent(value)
    case .points: Format.signed(value * 100, 1) + " points"
    }
  }

  /// The axis laid over pixels `from` … `to`, with ends and ticks that fit the data.
  func fitted(to values: [Double], from: Double, to: Double) -> Fitted {
    let finite = values.filter { $0.isFinite && (scale == .linear || $0 > 0) }
    var lower = range?.lowerBound ?? finite.min() ?? (scale == .linear ? 0 : 1)
    var upper = range?.upperBound ?? finite.max() ?? (scale == .linear ? 1 : 10)
    switch scale {
    case .linear:
      if range == nil {
        if upper - lower < 1e-9 * max(abs(upper), 1) {
          let room = max(abs(upper) * 0.1, style == .number ? 0.5 : 0.01)
          (lower, upper) = (lower - room, upper + room)
        } else {
          let room = (upper - lower) * 0.06
          // Zero is a natural end: do not run past it for the sake of room.
          lower = lower >= 0 && lower - room < 0 ? 0 : lower - room
          upper = upper <= 0 && upper + room > 0 ? 0 : upper + room
        }
      }
      return Fitted(
        axis: self, lower: lower, upper: upper, from: from, to: to, ticks: ticks(lower, upper))
    case .logarithmic:
      if range == nil {
        lower /= 1.5
        upper *= 1.5
      }
      return Fitted(
        axis: self, lower: lower, upper: upper, from: from, to: to, ticks: Self.decades(lower, upper))
    }
  }

  /// Four to seven round numbers within a range.
  func ticks(_ lower: Double, _ upper: Double) -> [Double] {
    let rough = (upper - lower) / 6
    guard rough > 0, rough.isFinite else { return [lower] }
    let power = pow(10, log10(rough).rounded(.down))
    var step = [1, 2, 2.5, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? 10 * power
    if style == .count { step = max(1, step.rounded(.up)) }
    let first = (lower / step - 1e-9).rounded(.up)
    let last = (upper / step + 1e-9).rounded(.down)
    guard last >= first, last - first < 50 else { return [lower, upper] }
    return stride(from: first, through: last, by: 1).map { $0 * step == 0 ? 0 : $0 * step }
  }

  /// Powers of ten within a range, with 2 and 5 between them where there are few.
  static func decades(_ lower: Double, _ upper: Double) -> [Double] {
    let first = Int(log10(lower).rounded(.down))
    let last = Int(log10(upper).rounded(.up))
    guard last >= first, last - first < 400 else { return [lower, upper] }
    func fit(_ digits: [Double]) -> [Double] {
      var found: [Double] = []
      for power in first...last {
        let unit = pow(10, Double(power))
        for digit in digits where digit * unit >= lower * 0.999999 && digit * unit <= upper * 1.000001 {
          found.append(digit * unit)
        }
      }
      return found
    }
    let powers = fit([1])
    if powers.count >= 4 {
      // At most eight, evenly.
      let every = (powers.count + 7) / 8
      return powers.enumerated().filter { $0.offset % every == 0 }.map(\.element)
    }
    return powers.count >= 2 ? fit([1, 3]) : fit([1, 2, 5])
  }

  /// An axis with its place.
  struct Fitted {
    var axis: ChartAxis
    var lower: Double
    var upper: Double
    var from: Double
    var to: Double
    var ticks: [Double]

    /// Where a number is; what lies outside is put at the nearer end.
    func place(_ value: Double) -> Double {
      let share: Double
      switch axis.scale {
      case .linear: share = (value - lower) / (upper - lower)
      case .logarithmic:
        share = value > 0 ? (log10(value) - log10(lower)) / (log10(upper) - log10(lower)) : 0
      }
      return from + (to - from) * min(max(share.isFinite ? share : 0, 0), 1)
    }
  }
}

/// The frame of a chart with two axes.
struct ChartFrame {
  var x: ChartAxis.Fitted?
  var y: ChartAxis.Fitted
  var left: Double
  var right: Double
  var top: Double
  var bottom: Double

  /// Grid, axes, their numbers and titles; `xLabels` for an axis of names.
  func draw(xTitle: String, xLabels: [(place: Double, text: String)] = [], grid: Bool = true) -> [Markup] {
    var parts: [Markup] = []
    for tick in y.ticks {
      let place = y.place(tick)
      if grid { parts.append(SVG.line(left, place, right, place, "grid")) }
      parts.append(SVG.text(y.axis.label(tick), left - 8, place + 4, .end, "m n"))
    }
    for tick in x?.ticks ?? [] {
      guard let x else { continue }
      let place = x.place(tick)
      if grid { parts.append(SVG.line(place, top, place, bottom, "grid")) }
      parts.append(SVG.text(x.axis.label(tick), place, bottom + 18, .middle, "m n"))
    }
    for label in xLabels { parts.append(SVG.text(label.text, label.place, bottom + 18, .middle, "m n")) }
    parts.append(SVG.path(SVG.steps([(left, top), (left, bottom), (right, bottom)]), "axis"))
    if !xTitle.isEmpty { parts.append(SVG.text(xTitle, (left + right) / 2, bottom + 38, .middle, "t")) }
    parts.append(SVG.upright(y.axis.title, left - 48, (top + bottom) / 2))
    return parts
  }

  /// Names with their marks in one or more lines from the top left; returns what was drawn and its height.
  static func legend(
    _ items: [(name: String, mark: (Double, Double) -> [Markup])], left: Double, right: Double
  ) -> ([Markup], Double) {
    guard items.count > 1 else { return ([], 0) }
    var parts: [Markup] = []
    var x = left
    var y = 12.0
    for item in items {
      let width = 26 + SVG.width(item.name) + 16
      if x > left, x + width > right {
        x = left
        y += 20
      }
      parts += item.mark(x + 9, y)
      parts.append(SVG.text(item.name, x + 24, y + 4, .start, "t"))
      x += width
    }
    return (parts, y + 14)
  }

  /// Names thinned so that they do not run into one another.
  static func thinned(_ labels: [(place: Double, text: String)], room: Double) -> [(
    place: Double, text: String
  )] {
    guard labels.count > 1 else { return labels }
    let widest = labels.map { SVG.width($0.text) }.max() ?? 0
    let step = room / Double(labels.count - 1)
    let every = max(1, Int(((widest + 8) / max(step, 0.1)).rounded(.up)))
    return labels.enumerated().filter { $0.offset % every == 0 }.map(\.element)
  }
}

import Runtime

/// Numbers of a grid as shades of one colour, such as rows changed by block and place in the block.
public struct HeatMap: DrawnChart, Equatable {
  public var title: String
  public var summary: String
  /// Names of the lines, from the top.
  public var rows: [String]
  /// What the lines are.
  public var rowsTitle: String
  /// Names of the columns.
  public var columns: [String]
  /// What the columns are.
  public var columnsTitle: String
  /// What is counted or measured.
  public var valueTitle: String
  /// The numbers, `values[row][column]`; nil where there is none.
  public var values: [[Double?]]
  /// What stands in the cells, `cellTexts[row][column]`; nil leaves them to their shade.
  public var cellTexts: [[String]]?
  /// Width in pixels.
  public var width: Double

  /// One map.
  public init(
    title: String, summary: String = "", rows: [String], rowsTitle: String, columns: [String],
    columnsTitle: String,
    valueTitle: String, values: [[Double?]], cellTexts: [[String]]? = nil, width: Double = 720
  ) {
    self.title = title
    self.summary = summary
    self.rows = rows
    self.rowsTitle = rowsTitle
    self.columns = columns
    self.columnsTitle = columnsTitle
    self.valueTitle = valueTitle
    self.values = values
    self.cellTexts = cellTexts
    self.width = width
  }

  public var table: Table {
    var table = Table([Table.Column(rowsTitle)] + columns.map { Table.Column($0, numeric: true) })
    for (name, line) in zip(rows, values) {
      table.add([.text(name)] + line.prefix(columns.count).map { .number($0) })
    }
    return table
  }

  private var cellHeight: Double { min(26, max(6, 520 / Double(max(rows.count, 1)))) }

  public var size: (width: Double, height: Double) { (width, 34 + cellHeight * Double(rows.count) + 50) }

  func draw(id: String) -> [Markup] {
    let left = 64.0
    let right = width - 16
    let top = 34.0
    let bottom = top + cellHeight * Double(rows.count)
    let step = (right - left) / Double(max(columns.count, 1))
    let numbers = values.flatMap { $0.compactMap { $0 } }.filter(\.isFinite)
    let low = min(numbers.min() ?? 0, 0)
    let high = max(numbers.max() ?? 1, low + 1e-12)
    var drawn = legend(low, high, right: right)
    let places = rows.indices.map { top + cellHeight * (Double($0) + 0.5) }
    let every = max(1, Int((14 / cellHeight).rounded(.up)))
    for (index, name) in rows.enumerated() where index % every == 0 {
      drawn.append(SVG.text(name, left - 8, places[index] + 4, .end, "m n"))
    }
    let labels = columns.enumerated().map { (place: left + step * (Double($0) + 0.5), text: $1) }
    for label in ChartFrame.thinned(labels, room: right - left - step) {
      drawn.append(SVG.text(label.text, label.place, bottom + 18, .middle, "m n"))
    }
    drawn.append(SVG.text(columnsTitle, (left + right) / 2, bottom + 38, .middle, "t"))
    drawn.append(SVG.upright(rowsTitle, left - 48, (top + bottom) / 2))
    for (row, line) in values.enumerated() where row < rows.count {
      for (column, value) in line.enumerated() where column < columns.count {
        guard let value, value.isFinite else { continue }
        let share = (value - low) / (high - low)
        let tip =
          "\(rowsTitle) \(rows[row]), \(columnsTitle) \(columns[column]): \(Format.significant(value, 3))"
        drawn.append(cell(left + step * Double(column), top + cellHeight * Double(row), step, share, tip))
      }
    }
    for (row, texts) in (cellTexts ?? []).enumerated() where row < rows.count {
      for (column, text) in texts.enumerated() where column < columns.count {
        drawn.append(
          SVG.text(text, left + step * (Double(column) + 0.5), places[row] + 4, .middle, "t halo n"))
      }
    }
    drawn.append(
      SVG.path(SVG.steps([(left, top), (right, top), (right, bottom), (left, bottom)]) + "Z", "axis"))
    return drawn
  }

  private func cell(_ x: Double, _ y: Double, _ width: Double, _ share: Double, _ tip: String) -> Markup {
    SVG.element(
      "rect",
      [
        "x": SVG.number(x), "y": SVG.number(y), "width": SVG.number(width), "height": SVG.number(cellHeight),
        "class": "f0", "fill-opacity": SVG.number(share == 0 ? 0 : 0.12 + 0.88 * share),
      ], SVG.tip(tip))
  }

  private func legend(_ low: Double, _ high: Double, right: Double) -> [Markup] {
    let texts = (Format.significant(low, 3), Format.significant(high, 3))
    let start = right - SVG.width(texts.1) - 8 - 110
    var drawn = [
      SVG.text("\(valueTitle)  \(texts.0)", start - 8, 16, .end, "m"),
      SVG.text(texts.1, right, 16, .end, "m"),
    ]
    for index in 0..<10 {
      drawn.append(
        SVG.element(
          "rect",
          [
            "x": SVG.number(start + Double(index) * 11), "y": "6", "width": "11", "height": "12",
            "class": "f0",
            "fill-opacity": SVG.number(index == 0 ? 0 : 0.12 + 0.88 * Double(index) / 9),
          ]))
    }
    drawn.append(
      SVG.path(SVG.steps([(start, 6), (start + 110, 6), (start + 110, 18), (start, 18)]) + "Z", "axis"))
    return drawn
  }
}

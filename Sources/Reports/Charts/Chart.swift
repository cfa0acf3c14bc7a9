/// A figure as a value: the same value always gives the same text.
public protocol Chart: Sendable {
  /// What the figure shows, in a line; read out in place of it.
  var title: String { get }
  /// What is to be seen in it, in a sentence or two; read out after the title.
  var summary: String { get }
  /// Every number of the figure.
  var table: Table { get }
  /// Width and height in pixels at full size.
  var size: (width: Double, height: Double) { get }
}

/// What a chart draws; kept out of the public protocol.
protocol DrawnChart: Chart {
  /// The figure's parts; ids within it begin with `id`.
  func draw(id: String) -> [Markup]
}

extension Chart {
  /// The figure as an SVG document.
  /// - Parameters:
  ///   - standalone: whether it brings its own colours (a file) or takes those of the page around it.
  ///   - id: an id that nothing else on the page has.
  /// - Returns: the document's text, ended by a line end.
  public func svg(standalone: Bool = true, id: String = "chart") -> String {
    let (width, height) = size
    var contents = [
      SVG.element("title", ["id": "\(id)-title"], [.text(title)]),
      SVG.element("desc", ["id": "\(id)-desc"], [.text(summary)]),
    ]
    if standalone {
      contents.append(SVG.element("style", [:], [.text(ChartStyle.standalone)]))
      contents.append(SVG.rectangle(0, 0, width, height, "paper"))
    }
    contents += (self as? any DrawnChart)?.draw(id: id) ?? []
    let root = SVG.element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(SVG.number(width)) \(SVG.number(height))",
        "width": SVG.number(width), "height": SVG.number(height), "role": "img", "class": "chart",
        "aria-labelledby": "\(id)-title \(id)-desc",
      ], contents)
    var text = ""
    root.write(into: &text)
    return text + "\n"
  }
}

/// Colours and pens of all charts, as CSS variables: Okabe and Ito's palette, which people who do not see red or green
/// as others do can tell apart, and a lighter variant of the same hues on dark paper.
enum ChartStyle {
  /// The variables on light paper.
  static let light = """
    --paper:#ffffff;--ink:#1b1f24;--muted:#59626e;--rule:#8a939e;--grid:#e6e9ed;--zone:#009e73;\
    --s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#b1548a;--s4:#e69f00;--s5:#3d9bd6;--s6:#6c757f;\
    --on0:#ffffff;--on1:#ffffff;--on2:#ffffff;--on3:#ffffff;--on4:#1b1f24;--on5:#1b1f24;--on6:#ffffff
    """
  /// The variables on dark paper.
  static let dark = """
    --paper:#12161b;--ink:#e8ebee;--muted:#a3adb8;--rule:#66707b;--grid:#262d35;--zone:#2cc295;\
    --s0:#56b4e9;--s1:#f0803c;--s2:#2cc295;--s3:#e09bc4;--s4:#f2b233;--s5:#a9c7ff;--s6:#8d97a3;\
    --on0:#12161b;--on1:#12161b;--on2:#12161b;--on3:#12161b;--on4:#12161b;--on5:#12161b;--on6:#12161b
    """

  /// Rules for the classes that charts use; every name stands below `.chart`, so that pages are left alone.
  static let rules: String = {
    var css = """
      .chart{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-size:12px}
      .chart .paper{fill:var(--paper)}
      .chart text{fill:var(--ink)}
      .chart .m{fill:var(--muted)}
      .chart .b{font-weight:600}
      .chart .n{font-variant-numeric:tabular-nums}
      .chart .axis{stroke:var(--rule);stroke-width:1;fill:none}
      .chart .grid{stroke:var(--grid);stroke-width:1}
      .chart .reference{stroke:var(--rule);stroke-width:1.2;stroke-dasharray:5 4;fill:none}
      .chart .zone{fill:var(--zone);fill-opacity:.09;stroke:var(--zone);stroke-opacity:.5;stroke-dasharray:3 3}
      .chart .zonetext{fill:var(--zone);font-weight:600}
      .chart .hatch{fill:var(--paper);fill-opacity:.55}
      .chart .ring{fill:none;stroke:var(--ink);stroke-width:1.8}
      .chart .halo{paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}

      """
    for slot in 0..<7 {
      css += """
        .chart .l\(slot){stroke:var(--s\(slot));stroke-width:2.2;fill:none;stroke-linejoin:round;stroke-dasharray:\(dashes[slot])}
        .chart .w\(slot){stroke:var(--s\(slot));stroke-width:1.4;fill:none}
        .chart .a\(slot){fill:var(--s\(slot));fill-opacity:.16}
        .chart .f\(slot){fill:var(--s\(slot))}
        .chart .p\(slot){fill:var(--s\(slot));stroke:var(--paper);stroke-width:1}
        .chart .on\(slot){fill:var(--on\(slot));font-weight:600}

        """
    }
    return css
  }()

  private static let dashes = ["none", "8 3", "3 3", "10 3 2 3", "6 2", "2 2", "12 4"]

  /// The style of a chart that is a file of its own.
  static var standalone: String {
    "\nsvg{\(light)}\n@media(prefers-color-scheme:dark){svg{\(dark)}}\n\(rules)"
  }
}

import Runtime

/// A piece of an SVG or HTML document: an element with attributes and contents, or a text.
indirect enum Markup: Sendable, Equatable {
  case element(String, [Attribute], [Markup])
  case text(String)

  struct Attribute: Sendable, Equatable {
    var name: String
    var value: String
  }

  /// The document text. Elements that hold text stand on one line.
  func write(into output: inout String, indent: Int = 0) {
    switch self {
    case .text(let text): output += Markup.escaped(text)
    case .element(let name, let attributes, let contents):
      output += "<\(name)"
      for attribute in attributes { output += " \(attribute.name)=\"\(Markup.escaped(attribute.value))\"" }
      if contents.isEmpty {
        output += "/>"
        return
      }
      output += ">"
      let inline = contents.contains { if case .text = $0 { true } else { false } }
      for content in contents {
        if !inline { output += "\n" + String(repeating: " ", count: indent + 1) }
        content.write(into: &output, indent: indent + 1)
      }
      if !inline { output += "\n" + String(repeating: " ", count: indent) }
      output += "</\(name)>"
    }
  }

  /// A text made safe for contents and for attributes in double quotes; control characters that neither XML nor
  /// HTML allows become replacement characters.
  static func escaped(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
      case _ where scalar.value < 32 || scalar.value == 127 || (0xFFFE...0xFFFF).contains(scalar.value):
        result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

/// Short words for the elements that charts draw with. Coordinates have two digits.
enum SVG {
  static func number(_ value: Double) -> String {
    let text = Format.fixed(value, 2)
    guard text.hasSuffix("0") else { return text }
    return text.hasSuffix("00") ? String(text.dropLast(3)) : String(text.dropLast())
  }

  static func element(
    _ name: String, _ attributes: KeyValuePairs<String, String>, _ contents: [Markup] = []
  ) -> Markup {
    .element(name, attributes.map { Markup.Attribute(name: $0.key, value: $0.value) }, contents)
  }

  static func group(_ style: String, _ contents: [Markup]) -> Markup {
    element("g", ["class": style], contents)
  }

  static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) -> Markup {
    element(
      "line",
      ["x1": number(x1), "y1": number(y1), "x2": number(x2), "y2": number(y2), "class": style])
  }

  static func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String, tip: String? = nil
  ) -> Markup {
    element(
      "rect",
      [
        "x": number(x), "y": number(y), "width": number(max(0, width)), "height": number(max(0, height)),
        "class": style,
      ], self.tip(tip))
  }

  static func path(_ steps: String, _ style: String) -> Markup {
    element("path", ["d": steps, "class": style])
  }

  enum Anchor: String { case start, middle, end }

  static func text(_ text: String, _ x: Double, _ y: Double, _ anchor: Anchor, _ style: String = "t")
    -> Markup
  {
    element(
      "text", ["x": number(x), "y": number(y), "text-anchor": anchor.rawValue, "class": style], [.text(text)])
  }

  static func upright(_ text: String, _ x: Double, _ y: Double, _ style: String = "t") -> Markup {
    element(
      "text",
      [
        "x": "0", "y": "0", "text-anchor": "middle", "class": style,
        "transform": "translate(\(number(x)) \(number(y))) rotate(-90)",
      ], [.text(text)])
  }

  /// Text that a mouse shows and a reader for the blind says.
  static func tip(_ text: String?) -> [Markup] {
    text.map { [element("title", [:], [.text($0)])] } ?? []
  }

  /// Steps of a path through points.
  static func steps(_ points: [(Double, Double)]) -> String {
    points.enumerated().map { "\($0 == 0 ? "M" : "L")\(number($1.0) ) \(number($1.1))" }.joined()
  }

  /// Roughly how wide a text is at the charts' size of 12.
  static func width(_ text: String, size: Double = 12) -> Double {
    Double(TerminalText.width(text)) * size * 0.55
  }

  /// Marks that differ in shape, so that colour is never the only difference.
  static func marker(
    _ slot: Int, _ x: Double, _ y: Double, size r: Double, _ style: String, tip text: String?
  ) -> Markup {
    let tips = tip(text)
    func polygon(_ points: [(Double, Double)]) -> Markup {
      element("path", ["d": steps(points.map { (x + $0.0 * r, y + $0.1 * r) }) + "Z", "class": style], tips)
    }
    switch slot % 7 {
    case 0:
      return element("circle", ["cx": number(x), "cy": number(y), "r": number(r), "class": style], tips)
    case 1: return polygon([(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)])
    case 2: return polygon([(0, -1.15), (1.05, 0.8), (-1.05, 0.8)])
    case 3: return polygon([(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)])
    case 4: return polygon([(0, 1.15), (1.05, -0.8), (-1.05, -0.8)])
    case 5:
      return polygon([
        (-0.35, -1.1), (0.35, -1.1), (0.35, -0.35), (1.1, -0.35), (1.1, 0.35), (0.35, 0.35), (0.35, 1.1),
        (-0.35, 1.1), (-0.35, 0.35), (-1.1, 0.35), (-1.1, -0.35), (-0.35, -0.35),
      ])
    default:
      return polygon([(-1.1, 0), (-0.55, -0.95), (0.55, -0.95), (1.1, 0), (0.55, 0.95), (-0.55, 0.95)])
    }
  }
}

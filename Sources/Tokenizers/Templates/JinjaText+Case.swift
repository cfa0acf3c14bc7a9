/// Upper and lower case, and what kind of scalars a text has, as Python's `str` says.
extension JinjaText {
  private func mapped(_ mapping: (Unicode.Scalar) -> String) -> JinjaText {
    JinjaText(scalars.flatMap { mapping($0).unicodeScalars })
  }

  var uppercased: JinjaText { mapped(\.properties.uppercaseMapping) }

  var lowercased: JinjaText { lowercased(from: 0) }

  /// In lower case from a place; what lies before decides whether a sigma ends a word.
  private func lowercased(from start: Int) -> JinjaText {
    var result: [Unicode.Scalar] = []
    for place in start..<count {
      let scalar = scalars[place]
      if scalar == "\u{3A3}" {
        result.append(endsWord(place) ? "\u{3C2}" : "\u{3C3}")
      } else {
        result += scalar.properties.lowercaseMapping.unicodeScalars
      }
    }
    return JinjaText(result)
  }

  private func endsWord(_ place: Int) -> Bool {
    let before = scalars[..<place].last { !$0.properties.isCaseIgnorable }
    let after = scalars[(place + 1)...].first { !$0.properties.isCaseIgnorable }
    return before?.properties.isCased == true && after?.properties.isCased != true
  }

  /// The first scalar in title case, the others in lower case.
  var capitalized: JinjaText {
    guard let first = scalars.first else { return self }
    return JinjaText(first.properties.titlecaseMapping) + lowercased(from: 1)
  }

  /// Python's `str.title`: each run of cased scalars begins with title case.
  var titlecased: JinjaText {
    var result: [Unicode.Scalar] = []
    var inside = false
    for (place, scalar) in scalars.enumerated() {
      if inside {
        result +=
          scalar == "\u{3A3}"
          ? [endsWord(place) ? "\u{3C2}" : "\u{3C3}"]
          : Array(scalar.properties.lowercaseMapping.unicodeScalars)
      } else {
        result += scalar.properties.titlecaseMapping.unicodeScalars
      }
      inside = scalar.properties.isCased
    }
    return JinjaText(result)
  }

  /// The filter `title`: words after spaces, hyphens and opening brackets begin with upper case.
  var wordsTitled: JinjaText {
    let openers: Set<Unicode.Scalar> = ["-", "(", "{", "[", "<"]
    var result = JinjaText.empty
    var run: [Unicode.Scalar] = []
    func flush() {
      guard let first = run.first else { return }
      result = result + JinjaText(String(first)).uppercased + JinjaText(run.dropFirst()).lowercased
      run = []
    }
    for scalar in scalars {
      if Self.isSpace(scalar) || openers.contains(scalar) {
        flush()
        result.scalars.append(scalar)
      } else {
        run.append(scalar)
      }
    }
    flush()
    return result
  }

  var swappedCase: JinjaText {
    mapped { $0.properties.isUppercase ? $0.properties.lowercaseMapping : $0.properties.uppercaseMapping }
  }

  var isLower: Bool {
    scalars.contains(where: \.properties.isLowercase)
      && !scalars.contains { $0.properties.isUppercase || $0.properties.generalCategory == .titlecaseLetter }
  }

  var isUpper: Bool {
    scalars.contains(where: \.properties.isUppercase)
      && !scalars.contains { $0.properties.isLowercase || $0.properties.generalCategory == .titlecaseLetter }
  }

  var isSpace: Bool { !isEmpty && scalars.allSatisfy(Self.isSpace) }
  var isAlpha: Bool { !isEmpty && scalars.allSatisfy(Self.isLetter) }
  var isDecimal: Bool { !isEmpty && scalars.allSatisfy { $0.properties.generalCategory == .decimalNumber } }
  var isDigit: Bool { !isEmpty && scalars.allSatisfy(Self.isDigit) }
  var isNumeric: Bool { !isEmpty && scalars.allSatisfy { $0.properties.numericType != nil } }
  var isAlphanumeric: Bool {
    !isEmpty && scalars.allSatisfy { Self.isLetter($0) || $0.properties.numericType != nil }
  }
  var isASCII: Bool { scalars.allSatisfy(\.isASCII) }

  private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.numericType == .decimal || scalar.properties.numericType == .digit
  }

  /// Whether Python's `repr` shows a scalar as it is.
  static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    if scalar == " " { return true }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
      .spaceSeparator:
      return false
    default: return true
    }
  }

  /// Python's `repr` of the text.
  var quoted: JinjaText {
    let quote: Unicode.Scalar = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
    var result: [Unicode.Scalar] = [quote]
    for scalar in scalars {
      switch scalar {
      case quote, "\\": result += ["\\", scalar]
      case "\n": result += ["\\", "n"]
      case "\r": result += ["\\", "r"]
      case "\t": result += ["\\", "t"]
      default:
        if Self.isPrintable(scalar) {
          result.append(scalar)
        } else {
          let value = scalar.value
          let (letter, width) = value < 0x100 ? ("x", 2) : value < 0x10000 ? ("u", 4) : ("U", 8)
          let digits = String(value, radix: 16)
          result +=
            "\\\(letter)\(String(repeating: "0", count: width - digits.count))\(digits)".unicodeScalars
        }
      }
    }
    result.append(quote)
    return JinjaText(result)
  }
}

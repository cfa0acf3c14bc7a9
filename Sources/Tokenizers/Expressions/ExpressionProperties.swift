import Synchronization

/// Sets of scalars by name, as Oniguruma's tables have them (Unicode 16.0).
enum ExpressionProperties {
  /// `\d`
  static let digits = ScalarSet(class: \.isDecimalDigit)
  /// `\s`
  static let spaces = ScalarSet(where: ScalarClass.isSpace)
  /// `\h`: hexadecimal digits
  static let hexadecimals: ScalarSet = {
    var set = ScalarSet(48...57)
    set.insert(65...70)
    set.insert(97...102)
    return set
  }()
  /// `\w` in brackets: alphabetic, marks, decimal digits, connector punctuation
  private static let wordsInBrackets: ScalarSet = {
    var set = ScalarSet(where: ScalarClass.isWord)
    var joiners = ScalarSet(0x200C...0x200D)
    joiners = joiners.complement
    set.formIntersection(joiners)
    return set
  }()
  /// `\w` by itself takes the small numbers of Latin-1 too: `²`, `¼` and their like.
  private static let wordsAlone: ScalarSet = {
    var set = wordsInBrackets
    for value: UInt32 in [0xB2, 0xB3, 0xB9, 0xBC, 0xBD, 0xBE] { set.insert(value) }
    return set
  }()

  /// `\w`
  static func words(inBracket: Bool) -> ScalarSet { inBracket ? wordsInBrackets : wordsAlone }

  private static let known = Mutex<[String: ScalarSet]>([:])

  /// The set of a property's name: case, spaces, `_` and `-` are no part of it. Nil for names that are not known.
  static func set(named name: String) -> ScalarSet? {
    let key = String(
      name.unicodeScalars.filter { ![" ", "_", "-"].contains($0) }.map { Character($0) }
    ).lowercased()
    if let set = known.withLock({ $0[key] }) { return set }
    guard let set = make(key) else { return nil }
    known.withLock { $0[key] = set }
    return set
  }

  private static func make(_ key: String) -> ScalarSet? {
    if let condition = category(key) { return ScalarSet(class: condition) }
    switch key {
    case "any": return ScalarSet().complement
    case "assigned": return ScalarSet(class: { !$0.isUnassigned })
    default: return posix(key) ?? ScriptTable.set(named: key)
    }
  }

  /// General categories by their short and long names.
  private static func category(_ key: String) -> ((ScalarClass) -> Bool)? {
    switch key {
    case "l", "letter": return \.isLetter
    case "m", "mark", "combiningmark": return \.isMark
    case "n", "number": return \.isNumber
    case "p", "punctuation": return \.isPunctuation
    case "s", "symbol": return \.isSymbol
    case "z", "separator": return \.isSeparator
    case "c", "other": return \.isOther
    case "lc", "casedletter": return { $0.code < 3 }
    case "so", "othersymbol": return { $0.code == 21 || $0.code == 30 }
    default:
      guard let code = codes[key] else { return nil }
      return { $0.code == code }
    }
  }

  private static let codes: [String: UInt8] = {
    let names: [(String, String)] = [
      ("lu", "uppercaseletter"), ("ll", "lowercaseletter"), ("lt", "titlecaseletter"),
      ("lm", "modifierletter"), ("lo", "otherletter"), ("mn", "nonspacingmark"), ("mc", "spacingmark"),
      ("me", "enclosingmark"), ("nd", "decimalnumber"), ("nl", "letternumber"), ("no", "othernumber"),
      ("pc", "connectorpunctuation"), ("pd", "dashpunctuation"), ("ps", "openpunctuation"),
      ("pe", "closepunctuation"), ("pi", "initialpunctuation"), ("pf", "finalpunctuation"),
      ("po", "otherpunctuation"), ("sm", "mathsymbol"), ("sc", "currencysymbol"), ("sk", "modifiersymbol"),
      ("so", "othersymbol"), ("zs", "spaceseparator"), ("zl", "lineseparator"), ("zp", "paragraphseparator"),
      ("cc", "control"), ("cf", "format"), ("cs", "surrogate"), ("co", "privateuse"), ("cn", "unassigned"),
    ]
    var codes: [String: UInt8] = [:]
    for (code, (short, long)) in names.enumerated() {
      codes[short] = UInt8(code)
      codes[long] = UInt8(code)
    }
    return codes
  }()

  /// The classes of POSIX, in brackets or as properties.
  static func posix(_ name: String) -> ScalarSet? {
    func cased(_ condition: (Unicode.Scalar.Properties) -> Bool) -> ScalarSet {
      ScalarSet(where: { value in
        !ScalarClass(value).isUnassigned && Unicode.Scalar(value).map { condition($0.properties) } == true
      })
    }
    switch name {
    case "digit": return digits
    case "space": return spaces
    case "word": return wordsInBrackets
    case "alpha", "alphabetic": return cased(\.isAlphabetic)
    case "upper", "uppercase": return cased(\.isUppercase)
    case "lower", "lowercase": return cased(\.isLowercase)
    case "alnum":
      var set = cased(\.isAlphabetic)
      set.formUnion(digits)
      return set
    case "punct":
      return ScalarSet(class: { $0.isPunctuation || $0.isSymbol })
    case "cntrl": return ScalarSet(class: { $0.code == 25 })
    case "xdigit", "asciihexdigit": return hexadecimals
    case "ascii": return ScalarSet(0...0x7F)
    case "blank":
      var set = ScalarSet(class: { $0.code == 22 })
      set.insert(9)
      return set
    case "graph":
      return ScalarSet(where: { value in
        let known = ScalarClass(value)
        return !ScalarClass.isSpace(value) && !known.isUnassigned && known.code != 25
      })
    case "print":
      return ScalarSet(where: { value in
        let known = ScalarClass(value)
        return known.code == 22 || (!ScalarClass.isSpace(value) && !known.isUnassigned && known.code != 25)
      })
    default: return nil
    }
  }
}

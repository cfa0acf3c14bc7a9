import Glibc

/// The local time that templates ask for with `strftime_now`.
public struct ChatClock: Sendable {
  /// Year, month (1–12), day (1–31), hour, minute, second.
  public var year, month, day, hour, minute, second: Int

  /// A given time.
  public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
    (self.year, self.month, self.day) = (year, month, day)
    (self.hour, self.minute, self.second) = (hour, minute, second)
  }

  /// The time of the machine, in its time zone.
  public static var now: ChatClock {
    var seconds = time(nil)
    var parts = tm()
    localtime_r(&seconds, &parts)
    return ChatClock(
      year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday),
      hour: Int(parts.tm_hour), minute: Int(parts.tm_min), second: Int(parts.tm_sec))
  }

  /// Midnight of a day written `2024-07-26`; nil for anything else.
  public init?(day text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
      parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }), let year = Int(parts[0]),
      let month = Int(parts[1]), let day = Int(parts[2]), year > 0, (1...12).contains(month),
      (1...ChatClock.days(in: month, of: year)).contains(day)
    else { return nil }
    self.init(year: year, month: month, day: day)
  }

  private static func days(in month: Int, of year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  /// The day as `2024-07-26`.
  public var date: String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let digits = String(year)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + "\(digits)-\(two(month))-\(two(day))"
  }

  /// The time in a format of C's `strftime`, as Python's naive `datetime` writes it (in English).
  func formatted(_ format: String) throws -> String {
    var text = ""
    var isDirective = false
    for character in format.unicodeScalars {
      if isDirective {
        isDirective = false
        switch character {
        case "f": text += "000000"
        case "z", "Z": break
        case "a", "A", "b", "B", "d", "e", "H", "I", "j", "m", "M", "p", "S", "y", "Y", "F", "T", "D", "R",
          "%",
          "u", "w", "U", "W", "V", "G", "g", "C", "h", "n", "t", "x", "X", "c", "r":
          text += "%" + String(character)
        default: throw JinjaFault.unsupported("the date format %\(character)")
        }
      } else if character == "%" {
        isDirective = true
      } else {
        text.unicodeScalars.append(character)
      }
    }
    if isDirective { throw JinjaFault.unsupported("a date format that ends with %") }
    if text.isEmpty { return "" }
    var parts = tm()
    (parts.tm_year, parts.tm_mon, parts.tm_mday) = (Int32(year - 1900), Int32(month - 1), Int32(day))
    (parts.tm_hour, parts.tm_min, parts.tm_sec) = (Int32(hour), Int32(minute), Int32(second))
    // Days of week and year, without regard to the time zone.
    _ = timegm(&parts)
    var buffer = [CChar](repeating: 0, count: 256 + 16 * text.utf8.count)
    let count = strftime(&buffer, buffer.count, text, &parts)
    return String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

import Glibc

/// Numbers as people read them, the same on every machine whatever its locale.
public enum Format {
  /// A fixed number of digits after the point: `fixed(2.6634, 3)` is `2.663`. Never `-0.000`.
  public static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return nonFinite(value) }
    let text = print("%.*f", digits, value)
    return text.hasPrefix("-") && !text.contains { ("1"..."9").contains($0) }
      ? String(text.dropFirst()) : text
  }

  /// Rounded to so many significant digits, without an exponent between 1e-5 and 1e7: `significant(0.012345, 3)` is
  /// `0.0123`, `significant(1.2e-7, 3)` is `1.2e-7`. Trailing zeros behind the point are dropped.
  public static func significant(_ value: Double, _ digits: Int = 3) -> String {
    guard value.isFinite else { return nonFinite(value) }
    if value == 0 { return "0" }
    let scientific = print("%.*e", max(digits, 1) - 1, value)
    let parts = scientific.split(separator: "e")
    let exponent = parts.count == 2 ? Int(parts[1]) ?? 0 : 0
    if (-5..<7).contains(exponent) {
      // A whole number is never cut: 12345 with three digits stays 12345.
      return trimmed(fixed(value, max(0, digits - 1 - exponent)))
    }
    return "\(trimmed(String(parts[0])))e\(exponent)"
  }

  /// A fraction as percent: `percent(0.0234)` is `2.3 %`.
  public static func percent(_ fraction: Double, _ digits: Int = 1) -> String {
    fraction.isFinite ? fixed(fraction * 100, digits) + " %" : nonFinite(fraction)
  }

  /// A number with its sign, a true minus, and `±0` spelt `0`: for changes.
  public static func signed(_ value: Double, _ digits: Int) -> String {
    let text = fixed(value, digits)
    if !text.contains(where: { ("1"..."9").contains($0) }) { return text }
    return text.hasPrefix("-") ? "−" + text.dropFirst() : "+" + text
  }

  /// Bytes in binary units with three significant digits: `1.27 MiB`.
  public static func bytes(_ count: UInt64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    var value = Double(count)
    var unit = 0
    while value >= 1023.5, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    if unit == 0 { return "\(count) B" }
    return "\(fixed(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0)) \(units[unit])"
  }

  /// A whole number, with a narrow gap every three digits from 10 000 on: `2112`, `36 000`.
  public static func count(_ value: Int) -> String {
    let digits = Array(String(value.magnitude))
    guard digits.count > 4 else { return String(value) }
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append("\u{202F}") }
      text.append(digit)
    }
    return text
  }

  /// A length of time in the unit that fits: `1.3 ms`, `4.2 s`, `2 min 05 s`, `3 h 07 min`.
  public static func seconds(_ value: Double) -> String {
    guard value.isFinite else { return nonFinite(value) }
    switch abs(value) {
    case 0: return "0 s"
    case ..<0.9995e-3: return significant(value * 1e6, 2) + " µs"
    case ..<0.9995: return significant(value * 1e3, 3) + " ms"
    case ..<59.95: return fixed(value, 1) + " s"
    case ..<3599.5:
      let whole = Int(value.rounded())
      return "\(whole / 60) min \(padded(whole % 60)) s"
    default:
      let minutes = Int((value / 60).rounded())
      return "\(minutes / 60) h \(padded(minutes % 60)) min"
    }
  }

  /// A length of time as a clock: `00:41`, `1:02:03`; for progress lines.
  public static func clock(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 360_000_000 else { return "--:--" }
    let whole = Int(max(0, seconds))
    let minutes = "\(padded(whole / 60 % 60)):\(padded(whole % 60))"
    return whole < 3600 ? minutes : "\(whole / 3600):\(minutes)"
  }

  /// Drops zeros at the end of a fraction, and the point if nothing is left behind it.
  static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    let end = text.lastIndex { $0 != "0" } ?? text.startIndex
    return String(text[...end].last == "." ? text[..<end] : text[...end])
  }

  private static func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }

  private static func nonFinite(_ value: Double) -> String {
    value.isNaN ? "not a number" : value < 0 ? "−∞" : "∞"
  }

  private static func print(_ format: String, _ digits: Int, _ value: Double) -> String {
    withVaList([Int32(min(max(digits, 0), 40)), value]) { arguments in
      // 309 digits before the point at most, 40 behind it.
      var buffer = [CChar](repeating: 0, count: 400)
      let count = vsnprintf(&buffer, buffer.count, format, arguments)
      return String(decoding: buffer[..<Int(max(0, count))].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
  }
}

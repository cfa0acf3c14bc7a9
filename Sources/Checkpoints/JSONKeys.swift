import JSON

/// The keys of a JSON text as they stand, before a parser lets the last of two equal ones win.
enum JSONKeys {
  /// The first key that stands twice in one object, in a text that is known to be JSON; nil where there is none.
  ///
  /// A key with a zero byte counts as well: C strings end there, so two readers would see two names.
  static func firstDuplicate(_ text: UnsafeRawBufferPointer) -> String? {
    var open: [Set<String>?] = []  // the keys of each open object; nil for a list
    var position = 0
    while position < text.count {
      switch text[position] {
      case UInt8(ascii: "{"): open.append([])
      case UInt8(ascii: "["): open.append(nil)
      case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = open.popLast()
      case UInt8(ascii: "\""):
        let start = position + 1
        var end = start
        var escaped = false
        while end < text.count, text[end] != UInt8(ascii: "\"") {
          if text[end] == UInt8(ascii: "\\") {
            escaped = true
            end += 1
          }
          end += 1
        }
        position = end
        guard end < text.count, isKey(text, after: end), open.last??.isEmpty != nil else { break }
        let raw = UnsafeRawBufferPointer(rebasing: text[start..<end])
        let key = escaped ? unescaped(raw) : String(decoding: raw, as: UTF8.self)
        if key.utf8.contains(0) { return key }
        if open[open.count - 1]?.insert(key).inserted == false { return key }
      default: break
      }
      position += 1
    }
    return nil
  }

  private static func isKey(_ text: UnsafeRawBufferPointer, after quote: Int) -> Bool {
    var position = quote + 1
    while position < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[position]) { position += 1 }
    return position < text.count && text[position] == UInt8(ascii: ":")
  }

  private static func unescaped(_ raw: UnsafeRawBufferPointer) -> String {
    let quoted = [UInt8(ascii: "\"")] + Array(raw) + [UInt8(ascii: "\"")]
    return (try? JSONValue(parsing: quoted))?.string ?? String(decoding: raw, as: UTF8.self)
  }
}

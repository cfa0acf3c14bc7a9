import JSON

/// One yes or no an item, as hexadecimal text in files: four items a digit, the first in the highest bit.
struct ItemFlags: Sendable, Equatable {
  let flags: [Bool]

  init(_ flags: [Bool]) { self.flags = flags }

  /// Share of yes.
  var share: Double { Double(flags.count { $0 }) / Double(max(1, flags.count)) }

  var json: JSONValue {
    var digits = ""
    for start in stride(from: 0, to: flags.count, by: 4) {
      var value = 0
      for place in start..<start + 4 {
        value *= 2
        if place < flags.count, flags[place] { value += 1 }
      }
      digits += String(value, radix: 16)
    }
    return ["items": .integer(flags.count), "wrong": .string(digits)]
  }

  init?(json: JSONValue?) {
    guard let count = json?["items"]?.int, let text = json?["wrong"]?.string else { return nil }
    let values: [Int] = text.compactMap(\.hexDigitValue)
    guard values.count == text.count, values.count == (count + 3) / 4 else { return nil }
    var flags: [Bool] = []
    for item in 0..<count {
      let bit = values[item / 4] >> (3 - item % 4)
      flags.append(bit & 1 == 1)
    }
    self.flags = flags
  }
}

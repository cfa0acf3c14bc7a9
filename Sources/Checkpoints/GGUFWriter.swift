/// Writes GGUF files (version 3) of f32 tensors, in memory: for the small files that accompany a model.
struct GGUFWriter {
  /// A value and the type it is written as.
  enum Value {
    case string(String)
    case u32(UInt32)
    case i32(Int32)
    case strings([String])
  }

  /// A tensor: sizes innermost first.
  struct Item {
    var name: String
    var dimensions: [Int]
    var values: [Float]
  }

  private static let alignment = 32
  private var bytes: [UInt8] = []

  /// The bytes of a file.
  static func bytes(_ metadata: [(key: String, value: Value)], _ items: [Item]) -> [UInt8] {
    var writer = GGUFWriter()
    writer.write(metadata, items)
    return writer.bytes
  }

  private mutating func write(_ metadata: [(key: String, value: Value)], _ items: [Item]) {
    bytes = Array("GGUF".utf8)
    add(UInt32(3))
    add(UInt64(items.count))
    add(UInt64(metadata.count))
    for (key, value) in metadata {
      add(key)
      switch value {
      case .string(let text):
        add(UInt32(8))
        add(text)
      case .u32(let number):
        add(UInt32(4))
        add(number)
      case .i32(let number):
        add(UInt32(5))
        add(number)
      case .strings(let texts):
        add(UInt32(9))
        add(UInt32(8))
        add(UInt64(texts.count))
        for text in texts { add(text) }
      }
    }
    var offset = 0
    for item in items {
      precondition(item.values.count == item.dimensions.reduce(1, *), "values for \(item.dimensions)")
      add(item.name)
      add(UInt32(item.dimensions.count))
      for size in item.dimensions { add(UInt64(size)) }
      add(UInt32(0))  // f32
      add(UInt64(offset))
      offset += (item.values.count * 4 + Self.alignment - 1) / Self.alignment * Self.alignment
    }
    pad()
    for item in items {
      for value in item.values { add(value.bitPattern) }
      pad()
    }
  }

  private mutating func add<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  private mutating func add(_ text: String) {
    add(UInt64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func pad() { while bytes.count % Self.alignment != 0 { bytes.append(0) } }
}

import Tensors

/// Reads the pickles that state dicts are: dictionaries of tensors. Executes nothing.
///
/// A pickle is a program for a stack machine that can call any function of the program that reads it. This one knows
/// the opcodes that `torch.save` writes for tensors and the names in ``globals``, each with a meaning of its own here,
/// and refuses everything else by name. Values refer to one another by number, so no input can nest them deep enough
/// to exhaust the call stack, and each opcode makes at most what its own bytes pay for.
struct Pickle {
  /// A value on the machine's stack.
  enum Value: Equatable {
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case text(String)
    /// One of ``Pickle/globals``.
    case global(String)
    /// An index into ``Pickle/tuples``, ``Pickle/lists``, ``Pickle/dictionaries``, ``Pickle/storages``,
    /// ``Pickle/tensors``.
    case tuple(Int), list(Int), dictionary(Int), storage(Int), tensor(Int)
  }

  /// A block of numbers that tensors look at.
  struct Storage: Equatable {
    /// The record's key under `data/`.
    var key: String
    /// Type of the elements; nil where the tensors say it (untyped storages).
    var dtype: DType?
    /// Elements, or bytes of an untyped storage.
    var count: Int
  }

  /// A view of a storage, unchecked.
  struct View: Equatable {
    var storage: Int
    var dtype: DType
    var offset: Int
    var shape: [Int]
    var strides: [Int]
  }

  /// Names that may be spoken of: `module name`.
  static let globals: Set<String> = Set(
    [
      "collections OrderedDict", "torch Size", "torch._utils _rebuild_tensor_v2",
      "torch._utils _rebuild_tensor_v3", "torch._utils _rebuild_parameter", "torch.storage UntypedStorage",
    ] + storageTypes.keys.map { "torch \($0)" } + dtypes.keys.map { "torch \($0)" })

  private static let storageTypes: [String: DType] = [
    "DoubleStorage": .f64, "FloatStorage": .f32, "HalfStorage": .f16, "BFloat16Storage": .bf16,
    "LongStorage": .i64, "IntStorage": .i32, "ShortStorage": .i16, "CharStorage": .i8, "ByteStorage": .u8,
    "BoolStorage": .bool,
  ]
  private static let dtypes: [String: DType] = [
    "float64": .f64, "float32": .f32, "float16": .f16, "bfloat16": .bf16, "int64": .i64, "int32": .i32,
    "int16": .i16, "int8": .i8, "uint8": .u8, "uint16": .u16, "uint32": .u32, "uint64": .u64, "bool": .bool,
    "float8_e4m3fn": .f8e4m3, "float8_e5m2": .f8e5m2,
  ]

  /// Pickles of state dicts are small: a few hundred bytes a tensor.
  static let limit = 64 << 20

  private(set) var tuples: [[Value]] = []
  private(set) var lists: [[Value]] = []
  private(set) var dictionaries: [[(key: Value, value: Value)]] = []
  private(set) var storages: [Storage] = []
  private(set) var tensors: [View] = []
  /// What the pickle ends with.
  private(set) var result = Value.none

  private let bytes: UnsafeRawBufferPointer
  private let file: String
  private var place = 0
  private var stack: [Value] = []
  private var marks: [Int] = []
  private var memo: [Int: Value] = [:]
  private var storagePlaces: [String: Int] = [:]

  /// Runs a pickle to its end; `file` names it in errors.
  /// - Throws: ``TorchFileError``.
  init(bytes: UnsafeRawBufferPointer, file: String) throws {
    self.bytes = bytes
    self.file = file
    guard bytes.count <= Self.limit else {
      throw TorchFileError.pickleDamaged(
        file: file, offset: 0, reason: "\(bytes.count) bytes, more than \(Self.limit)")
    }
    try run()
  }

  private func damaged(_ reason: String) -> TorchFileError {
    .pickleDamaged(file: file, offset: max(0, place - 1), reason: reason)
  }

  // MARK: Reading

  private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
    guard count >= 0, count <= bytes.count - place else { throw damaged("it is cut off") }
    defer { place += count }
    return UnsafeRawBufferPointer(rebasing: bytes[place..<(place + count)])
  }

  private mutating func number(_ size: Int) throws -> Int {
    var value: UInt64 = 0
    for (index, byte) in try take(size).enumerated() { value |= UInt64(byte) << (8 * UInt64(index)) }
    guard let number = Int(exactly: value) else { throw damaged("a length of \(value)") }
    return number
  }

  private mutating func text(_ count: Int) throws -> Value {
    let raw = try take(count)
    guard let text = String(validating: raw, as: UTF8.self) else { throw damaged("a text that is no UTF-8") }
    return .text(text)
  }

  private mutating func line() throws -> String {
    guard let end = bytes[place...].firstIndex(of: 10) else { throw damaged("a name without an end") }
    let raw = UnsafeRawBufferPointer(rebasing: bytes[place..<end])
    place = end + 1
    guard let line = String(validating: raw, as: UTF8.self) else {
      throw damaged("a name that is no UTF-8")
    }
    return line
  }

  private mutating func pop() throws -> Value {
    guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
      throw damaged("it takes more from its stack than lies there")
    }
    return value
  }

  /// The values above the last mark, which goes away.
  private mutating func popMark() throws -> [Value] {
    guard let mark = marks.popLast() else { throw damaged("it takes a mark that is not there") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  // MARK: Running

  private mutating func run() throws {
    while true {
      guard place < bytes.count else { throw damaged("it is cut off before its end") }
      let code = bytes[place]
      place += 1
      switch code {
      case UInt8(ascii: "."):
        result = try pop()
        guard stack.isEmpty, marks.isEmpty else { throw damaged("values are left over") }
        return
      case 0x80:
        let version = try number(1)
        guard (2...5).contains(version) else { throw damaged("protocol \(version)") }
      case 0x95: _ = try take(8)  // a frame's length: a hint for readers of streams
      case UInt8(ascii: "("): marks.append(stack.count)
      case UInt8(ascii: "N"): stack.append(.none)
      case 0x88: stack.append(.bool(true))
      case 0x89: stack.append(.bool(false))
      case UInt8(ascii: "K"): stack.append(.int(try number(1)))
      case UInt8(ascii: "M"): stack.append(.int(try number(2)))
      case UInt8(ascii: "J"):
        stack.append(.int(Int(Int32(truncatingIfNeeded: try number(4)))))
      case 0x8A: stack.append(.int(try long()))
      case UInt8(ascii: "G"):
        var bits: UInt64 = 0
        for byte in try take(8) { bits = bits << 8 | UInt64(byte) }
        stack.append(.float(Double(bitPattern: bits)))
      case UInt8(ascii: "X"): stack.append(try text(number(4)))
      case 0x8C: stack.append(try text(number(1)))
      case UInt8(ascii: "U"): stack.append(try text(number(1)))
      case UInt8(ascii: ")"): push(tuple: [])
      case 0x85: push(tuple: [try pop()])
      case 0x86:
        let second = try pop()
        push(tuple: [try pop(), second])
      case 0x87:
        let (third, second) = (try pop(), try pop())
        push(tuple: [try pop(), second, third])
      case UInt8(ascii: "t"): push(tuple: try popMark())
      case UInt8(ascii: "]"):
        lists.append([])
        stack.append(.list(lists.count - 1))
      case UInt8(ascii: "a"): try append([pop()])
      case UInt8(ascii: "e"): try append(popMark())
      case UInt8(ascii: "}"):
        dictionaries.append([])
        stack.append(.dictionary(dictionaries.count - 1))
      case UInt8(ascii: "s"):
        let value = try pop()
        try set([pop(), value])
      case UInt8(ascii: "u"): try set(popMark())
      case UInt8(ascii: "q"): try remember(number(1))
      case UInt8(ascii: "r"): try remember(number(4))
      case 0x94: try remember(memo.count)
      case UInt8(ascii: "h"): try recall(number(1))
      case UInt8(ascii: "j"): try recall(number(4))
      case UInt8(ascii: "c"):
        let module = try line()
        try push(global: "\(module) \(line())")
      case 0x93:
        guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
          throw damaged("a global whose name is no text")
        }
        try push(global: "\(module) \(name)")
      case UInt8(ascii: "Q"): try storage(pop())
      case UInt8(ascii: "R"):
        let arguments = try pop()
        try call(pop(), arguments)
      case UInt8(ascii: "b"): try build()
      default:
        throw TorchFileError.pickleOpcode(file: file, opcode: Self.name(of: code), offset: place - 1)
      }
    }
  }

  private mutating func long() throws -> Int {
    let size = try number(1)
    guard size <= 8 else { throw damaged("a whole number of \(size) bytes") }
    var value: UInt64 = 0
    let raw = try take(size)
    for (index, byte) in raw.enumerated() { value |= UInt64(byte) << (8 * UInt64(index)) }
    if let last = raw.last, last & 0x80 != 0, size < 8 { value |= ~UInt64(0) << (8 * UInt64(size)) }
    return Int(Int64(bitPattern: value))
  }

  private mutating func push(tuple: [Value]) {
    tuples.append(tuple)
    stack.append(.tuple(tuples.count - 1))
  }

  private mutating func push(global: String) throws {
    guard Self.globals.contains(global) else {
      throw TorchFileError.pickleGlobal(
        file: file, name: global.split(separator: " ").joined(separator: "."), offset: place - 1)
    }
    stack.append(.global(global))
  }

  private mutating func append(_ values: [Value]) throws {
    guard stack.count > (marks.last ?? 0), case .list(let list)? = stack.last else {
      throw damaged("it appends to what is no list")
    }
    lists[list] += values
  }

  private mutating func set(_ values: [Value]) throws {
    guard stack.count > (marks.last ?? 0), case .dictionary(let dictionary)? = stack.last else {
      throw damaged("it sets an item of what is no dictionary")
    }
    guard values.count % 2 == 0 else { throw damaged("a key without a value") }
    for index in stride(from: 0, to: values.count, by: 2) {
      dictionaries[dictionary].append((values[index], values[index + 1]))
    }
  }

  private mutating func remember(_ key: Int) throws {
    guard stack.count > (marks.last ?? 0), let top = stack.last else {
      throw damaged("it remembers a value that is not there")
    }
    memo[key] = top
  }

  private mutating func recall(_ key: Int) throws {
    guard let value = memo[key] else { throw damaged("it recalls value \(key), which it never kept") }
    stack.append(value)
  }

  // MARK: The few things with a meaning

  /// `("storage", type, key, device, count)`; the device it was saved from does not matter.
  private mutating func storage(_ value: Value) throws {
    guard case .tuple(let index) = value, tuples[index].count == 5,
      case .text("storage") = tuples[index][0], case .global(let type) = tuples[index][1],
      case .text(let key) = tuples[index][2], case .int(let count) = tuples[index][4], count >= 0
    else { throw damaged("a persistent id that is no storage") }
    let name = String(type.split(separator: " ").last ?? "")
    let dtype = type.hasPrefix("torch ") ? Self.storageTypes[name] : nil
    guard dtype != nil || type == "torch.storage UntypedStorage" else {
      throw damaged("a storage of \(type)")
    }
    let storage = Storage(key: key, dtype: dtype, count: count)
    guard let known = storagePlaces[key] else {
      storagePlaces[key] = storages.count
      storages.append(storage)
      return stack.append(.storage(storages.count - 1))
    }
    guard storages[known] == storage else { throw damaged("two storages with the key \(key)") }
    stack.append(.storage(known))
  }

  private mutating func call(_ function: Value, _ arguments: Value) throws {
    guard case .global(let name) = function, case .tuple(let index) = arguments else {
      throw damaged("it calls what is no function")
    }
    let given = tuples[index]
    switch name {
    case "collections OrderedDict" where given.isEmpty:
      dictionaries.append([])
      stack.append(.dictionary(dictionaries.count - 1))
    case "torch Size":
      guard given.count == 1, case .tuple = given[0] else { throw damaged("a size that is no tuple") }
      stack.append(given[0])
    case "torch._utils _rebuild_parameter":
      guard let first = given.first, case .tensor = first else {
        throw damaged("a parameter without a tensor")
      }
      stack.append(first)
    case "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor_v3":
      try view(given, typed: name.hasSuffix("v2"))
    default: throw damaged("it calls \(name) with \(given.count) arguments")
    }
  }

  /// `(storage, offset, shape, strides, requires_grad, hooks[, dtype][, metadata])`.
  private mutating func view(_ given: [Value], typed: Bool) throws {
    guard given.count >= (typed ? 6 : 7), case .storage(let storage) = given[0],
      case .int(let offset) = given[1], let shape = integers(given[2]), let strides = integers(given[3]),
      shape.count == strides.count
    else { throw damaged("a tensor with arguments of another kind") }
    var dtype = storages[storage].dtype
    if !typed, case .global(let name) = given[6] {
      dtype = Self.dtypes[String(name.split(separator: " ").last ?? "")]
    }
    guard let dtype else { throw damaged("a tensor without a type") }
    tensors.append(
      View(storage: storage, dtype: dtype, offset: offset, shape: shape, strides: strides))
    stack.append(.tensor(tensors.count - 1))
  }

  private func integers(_ value: Value) -> [Int]? {
    guard case .tuple(let index) = value, tuples[index].count <= 64 else { return nil }
    var integers: [Int] = []
    for value in tuples[index] {
      guard case .int(let integer) = value else { return nil }
      integers.append(integer)
    }
    return integers
  }

  /// The state of a state dict (its `_metadata`) is passed over; nothing else may have one.
  private mutating func build() throws {
    let state = try pop()
    guard stack.count > (marks.last ?? 0), case .dictionary? = stack.last, case .dictionary = state else {
      throw damaged("it sets the state of what is no dictionary")
    }
  }

  /// The opcode's name in the language's own listing.
  static func name(of code: UInt8) -> String {
    let names: [UInt8: String] = [
      0x30: "POP", 0x31: "POP_MARK", 0x32: "DUP", 0x46: "FLOAT", 0x49: "INT", 0x4C: "LONG", 0x50: "PERSID",
      0x53: "STRING", 0x54: "BINSTRING", 0x56: "UNICODE", 0x42: "BINBYTES", 0x43: "SHORT_BINBYTES",
      0x64: "DICT", 0x67: "GET", 0x69: "INST", 0x6C: "LIST", 0x6F: "OBJ", 0x70: "PUT", 0x81: "NEWOBJ",
      0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x8B: "LONG4", 0x8D: "BINUNICODE8", 0x8E: "BINBYTES8",
      0x8F: "EMPTY_SET", 0x90: "ADDITEMS", 0x91: "FROZENSET", 0x92: "NEWOBJ_EX", 0x96: "BYTEARRAY8",
      0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
    ]
    return names[code] ?? "0x" + String(code, radix: 16)
  }
}

import Runtime
import Tensors
import Testing

@testable import Checkpoints

/// Files made to mislead a reader: each is refused with its own code, nothing is run, nothing is unfolded.
@Suite struct TorchAttackTests {
  private func open(_ bytes: [UInt8]) throws -> String? {
    let scratch = try Scratch()
    let path = try scratch.write(bytes, "x.pt")
    return code {
      let file = try TorchFile(path: path)
      for name in file.names { _ = try file.tensor(name) }
    }
  }

  private func open(pickle: [UInt8]) throws -> String? { try open(PickleBuilder.archive(pickle).bytes) }

  private func pickle(_ body: (inout PickleBuilder) -> Void) -> [UInt8] {
    var pickle = PickleBuilder()
    body(&pickle)
    pickle.op(".")
    return pickle.bytes
  }

  @Test func theUnharmedArchiveReads() throws {
    #expect(try open(pickle: PickleBuilder.one()) == nil)
    var wide = PickleBuilder.archive(PickleBuilder.one())
    wide.wide = true
    #expect(try open(wide.bytes) == nil)
  }

  // MARK: The archive

  @Test func zipBomb() throws {
    var archive = PickleBuilder.archive(PickleBuilder.one())
    archive.parts[2].method = 8
    #expect(try open(archive.bytes) == "ZIP_COMPRESSED")
    archive.parts[2].method = 93
    #expect(try open(archive.bytes) == "ZIP_COMPRESSED")
  }

  @Test func zipOverlap() throws {
    // Two records whose headers are one and the same: data counted twice.
    var archive = PickleBuilder.archive(PickleBuilder.one())
    archive.parts.append(.init(name: "m/data/1", bytes: [1, 2, 3, 4], header: 0, ownName: "m/data.pkl"))
    #expect(try open(archive.bytes) == "ZIP_DAMAGED")
    // A record that reaches into the next one.
    var long = PickleBuilder.archive(PickleBuilder.one())
    long.parts[2].size = 40
    #expect(try open(long.bytes) == "ZIP_OVERLAP")
  }

  @Test(arguments: [
    "../m/data/0", "/etc/passwd", "m/../../data/0", "m//data", "m/./data", "m\\data", "C:/data", "", "m/\0",
  ])
  func zipPathNames(_ name: String) throws {
    var archive = PickleBuilder.archive(PickleBuilder.one())
    archive.parts[3].name = name
    #expect(try open(archive.bytes) == "ZIP_NAME")
  }

  @Test func zipDirectoriesThatLie() throws {
    let good = PickleBuilder.archive(PickleBuilder.one())
    func with(_ change: (inout ArchiveBuilder) -> Void) throws -> String? {
      var archive = good
      change(&archive)
      return try open(archive.bytes)
    }
    #expect(try with { $0.count = 5 } == "ZIP_DAMAGED")
    #expect(try with { $0.count = 3 } == "ZIP_DAMAGED")
    #expect(try with { $0.count = 60_000 } == "ZIP_DAMAGED")
    #expect(try with { $0.directoryStart = 1 } == "ZIP_DAMAGED")
    #expect(try with { $0.directoryStart = 1 << 30 } == "ZIP_DAMAGED")
    #expect(try with { $0.directorySize = 1 << 30 } == "ZIP_DAMAGED")
    #expect(try with { $0.parts[1].name = "m/data/0" } == "ZIP_DAMAGED")
    #expect(try with { $0.parts[2].ownName = "m/data/1" } == "ZIP_DAMAGED")
    #expect(try with { $0.parts[2].header = 1 << 20 } == "ZIP_DAMAGED")
    #expect(try with { $0.parts[2].size = 1 << 20 } == "ZIP_DAMAGED")
    #expect(try with { $0.parts[2].flags = 1 } == "ZIP_ENCRYPTED")
    for count in [1 << 40, Int.max] {
      #expect(
        try with {
          $0.wide = true
          $0.count = count
        } == "ZIP_DAMAGED")
      #expect(
        try with {
          $0.wide = true
          $0.directoryStart = count
        } == "ZIP_DAMAGED")
      #expect(
        try with {
          $0.wide = true
          $0.parts[2].size = count
        } == "ZIP_DAMAGED")
    }
  }

  @Test func zipChecksums() throws {
    var archive = PickleBuilder.archive(PickleBuilder.one())
    archive.parts[0].checksum = 7
    #expect(try open(archive.bytes) == "ZIP_CHECKSUM")
    archive = PickleBuilder.archive(PickleBuilder.one())
    archive.parts[2].checksum = 7
    #expect(try open(archive.bytes) == "ZIP_CHECKSUM")
  }

  @Test func zipTruncated() throws {
    let bytes = PickleBuilder.archive(PickleBuilder.one()).bytes
    for length in 0..<bytes.count {
      let found = try open(Array(bytes[..<length]))
      #expect(["ZIP_DAMAGED", "TORCH_NOT_ARCHIVE"].contains(found), "\(length): \(found ?? "read")")
    }
  }

  // MARK: The pickle

  @Test(arguments: [
    ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "exec"),
    ("subprocess", "Popen"),
    ("torch", "load"), ("torch.hub", "load"), ("collections", "deque"), ("__builtin__", "getattr"),
    ("torch._utils", "_rebuild_device_tensor_from_numpy"), ("numpy.core.multiarray", "_reconstruct"),
  ])
  func pickleReduceOfAnything(_ module: String, _ name: String) throws {
    let attack = pickle {
      $0.global(module, name)
      $0.op("(")
      $0.text("echo")
      $0.op("t")
      $0.op("R")
    }
    #expect(try open(pickle: attack) == "PICKLE_GLOBAL")
    let stacked = pickle {
      $0.text(module)
      $0.text(name)
      $0.byte(0x93)
    }
    #expect(try open(pickle: stacked) == "PICKLE_GLOBAL")
  }

  @Test(arguments: [
    UInt8(ascii: "i"), UInt8(ascii: "o"), UInt8(ascii: "P"), 0x81, 0x82, 0x83, 0x84, 0x92, 0x96, 0x97, 0x98,
    0x8B,
    UInt8(ascii: "I"), UInt8(ascii: "L"), UInt8(ascii: "S"), UInt8(ascii: "V"), UInt8(ascii: "d"),
    UInt8(ascii: "g"), 0x00, 0xFF,
  ])
  func pickleOpcodes(_ opcode: UInt8) throws {
    let attack = pickle {
      $0.op("}")
      $0.byte(opcode, Array("os\nsystem\n".utf8))
    }
    #expect(try open(pickle: attack) == "PICKLE_OPCODE")
  }

  @Test func pickleCallsOfKnownNamesWithOtherArguments() throws {
    for (module, name) in [
      ("torch", "FloatStorage"), ("torch", "float32"), ("torch._utils", "_rebuild_tensor_v2"),
      ("torch._utils", "_rebuild_parameter"), ("torch", "Size"),
    ] {
      let attack = pickle {
        $0.global(module, name)
        $0.tuple([1, 2])
        $0.op("R")
      }
      #expect(try open(pickle: attack) == "PICKLE_DAMAGED", "\(name)")
    }
    // A state for a tensor, a call of a text, a persistent id of another kind.
    let state = pickle {
      $0.tensor(count: 4, shape: [4], strides: [1])
      $0.op("}")
      $0.op("b")
    }
    #expect(try open(pickle: state) == "PICKLE_DAMAGED")
    let call = pickle {
      $0.text("os.system")
      $0.tuple([])
      $0.op("R")
    }
    #expect(try open(pickle: call) == "PICKLE_DAMAGED")
    let persistent = pickle {
      $0.text("module")
      $0.op("Q")
    }
    #expect(try open(pickle: persistent) == "PICKLE_DAMAGED")
  }

  @Test func pickleMemoAbuse() throws {
    let unknown = pickle { $0.op("h", [7]) }
    #expect(try open(pickle: unknown) == "PICKLE_DAMAGED")
    // A million places of one value, and a place far away: no table of that size is made.
    let far = pickle {
      $0.op("}")
      $0.op("r", [0xFF, 0xFF, 0xFF, 0xFF])
      $0.op("j", [0xFF, 0xFF, 0xFF, 0xFF])
      $0.op("(")
      $0.op("u")
    }
    #expect(try open(pickle: far) == "PICKLE_DAMAGED")  // two values are left
    // Lists of lists of lists: 2^40 elements if anyone walked them.
    let billion = pickle {
      $0.op("]")
      $0.op("q", [0])
      for level in 0..<40 {
        $0.op("]")
        $0.op("h", [UInt8(level)])
        $0.op("a")
        $0.op("h", [UInt8(level)])
        $0.op("a")
        $0.op("q", [UInt8(level + 1)])
      }
      $0.op("(")
      $0.op("t")
      $0.byte(0x86)
    }
    #expect(try open(pickle: billion) == "PICKLE_DAMAGED")
    // A dictionary that holds itself, and its own key.
    let circle = pickle {
      $0.op("}")
      $0.op("q", [0])
      $0.text("model")
      $0.op("h", [0])
      $0.op("s")
    }
    #expect(try open(pickle: circle) == "TORCH_NO_TENSORS")
  }

  @Test func pickleRecursion() throws {
    // A hundred thousand tuples in one another.
    let deep = pickle {
      $0.op(")")
      for _ in 0..<100_000 { $0.byte(0x85) }
    }
    #expect(try open(pickle: deep) == "TORCH_NO_TENSORS")
    let marks = PickleBuilder().bytes + [UInt8](repeating: UInt8(ascii: "("), count: 100_000)
    #expect(try open(pickle: marks) == "PICKLE_DAMAGED")
  }

  @Test func pickleHugeNumbers() throws {
    let huge = pickle { $0.byte(0x8A, [200] + [UInt8](repeating: 0xFF, count: 200)) }
    #expect(try open(pickle: huge) == "PICKLE_DAMAGED")
    let text = pickle { $0.op("X", [0xFF, 0xFF, 0xFF, 0x7F]) }
    #expect(try open(pickle: text) == "PICKLE_DAMAGED")
    for (shape, strides, offset) in [
      ([Int.max, 2], [1, 1], 0), ([1 << 40], [1], 0), ([4], [Int.max], 0),
      ([2, 2], [Int.max / 2, Int.max / 2], 0),
      ([4], [1], Int.max), ([4], [1], 1), ([-1], [1], 0), ([4], [-1], 3), ([1 << 32, 1 << 32], [0, 0], 0),
      ([1000], [0], 0), ([5], [1], 0), ([2, 3], [1, 1], 0),
    ] {
      let attack = PickleBuilder.one(offset: offset, shape: shape, strides: strides)
      #expect(try open(pickle: attack) == "TORCH_TENSOR", "\(shape) \(strides) \(offset)")
    }
    for count in [3, 5, 1 << 40, Int.max] {
      #expect(try open(pickle: PickleBuilder.one(count: count)) == "TORCH_TENSOR")
    }
    #expect(try open(pickle: PickleBuilder.one(count: -1)) == "PICKLE_DAMAGED")
    #expect(try open(pickle: PickleBuilder.one(key: "../0")) == "TORCH_TENSOR")
    #expect(try open(pickle: PickleBuilder.one(type: "DoubleStorage")) == "TORCH_TENSOR")
  }

  @Test func pickleTruncated() throws {
    let whole = PickleBuilder.one()
    for length in 0..<whole.count {
      #expect(try open(pickle: Array(whole[..<length])) == "PICKLE_DAMAGED", "\(length)")
    }
  }

  @Test func stackUnderflow() throws {
    for opcodes in [".", "s", "u", "R", "b", "Q", "t", "q\0", "e", "a", "(s", "}(K\u{1}u"] {
      let attack = [0x80, 2] + Array(opcodes.utf8) + [UInt8(ascii: ".")]
      #expect(try open(pickle: attack) == "PICKLE_DAMAGED", "\(opcodes)")
    }
  }

  @Test func otherFormatsAreNamed() throws {
    #expect(try open([]) == "TORCH_NOT_ARCHIVE")
    #expect(try open(Array("GGUF....".utf8)) == "TORCH_NOT_ARCHIVE")
    #expect(try open([0x80, 4, 0x95, 0, 0]) == "TORCH_NOT_ARCHIVE")
    var script = PickleBuilder.archive(PickleBuilder.one())
    script.parts.append(.init(name: "m/constants.pkl", bytes: [0x80, 2, 0x29, 0x2E]))
    #expect(try open(script.bytes) == "TORCH_SCRIPT")
    var big = PickleBuilder.archive(PickleBuilder.one())
    big.parts[1].bytes = Array("big".utf8)
    #expect(try open(big.bytes) == "TORCH_BYTE_ORDER")
    var none = PickleBuilder.archive(PickleBuilder.one())
    none.parts[0].name = "data.pkl"
    #expect(try open(none.bytes) == "TORCH_NOT_ARCHIVE")
  }

  @Test func randomDamageIsAnErrorOrAFile() throws {
    let scratch = try Scratch()
    let whole = try Files.read(TorchFileTests.folder + "/views.pt")
    var random = CounterRandom(seed: 3, stream: "torch-damage")
    var (refused, read) = (0, 0)
    for _ in 0..<1500 {
      var bytes = whole
      for _ in 0...random.below(3) {
        bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
      }
      let path = try scratch.write(bytes, "damaged.pt")
      do {
        let file = try TorchFile(path: path)
        for name in file.names { _ = try file.tensor(name).toFloats() }
        read += 1
      } catch is any SurgeonError {
        refused += 1
      }
    }
    #expect(refused > 300 && read > 10, "\(refused) \(read)")
  }
}

import Checkpoints
import OrderedCollections
import Runtime
import Tensors
import Testing

@Suite struct SafetensorsFileTests {
  @Test func keepsOrderAndMetadata() throws {
    let scratch = try Scratch()
    // The header's order is not the order of the data.
    let path = try scratch.raw(
      """
      {"z":{"dtype":"U8","shape":[2,2],"data_offsets":[6,10]},"__metadata__":{"format":"pt","b":"1","a":"2"},\
      "a":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},"e":{"dtype":"F32","shape":[0,4],"data_offsets":[6,6]}}
      """, data: 10)
    let file = try SafetensorsFile(path: path)
    #expect(file.names == ["z", "a", "e"])
    #expect(file.metadata?.keys.elements == ["format", "b", "a"])
    #expect(bytes(try file.tensor("z")) == [6, 7, 8, 9])
    #expect(file.entry("a")?.shape == [3])
    #expect(try file.tensor("e").count == 0)
    #expect(file.entry("q") == nil)
    #expect(code { _ = try file.tensor("q") } == "TENSOR_UNKNOWN")
  }

  @Test func unknownFieldsAndNoMetadataAreFine() throws {
    let scratch = try Scratch()
    let path = try scratch.raw(
      "{\"s\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8],\"note\":{\"x\":[1]}}}  ", data: 8)
    let file = try SafetensorsFile(path: path)
    #expect(file.metadata == nil)
    #expect(try file.tensor("s").shape == [])
  }

  @Test func servesUnalignedTensorsAligned() throws {
    let scratch = try Scratch()
    for pad in 0..<8 {
      let header = "{\(SafetensorsHeaderTests.tensor("a", 0, 4))}" + String(repeating: " ", count: pad)
      let file = try SafetensorsFile(path: try scratch.raw(header, data: 4))
      let tensor = try file.tensor("a")
      #expect(UInt(bitPattern: tensor.pointer) % 4 == 0)
      #expect(bytes(tensor) == [0, 1, 2, 3])
      #expect(values(tensor)[0].bitPattern == 0x0302_0100)
    }
  }

  @Test func tensorsOutliveTheFile() throws {
    let scratch = try Scratch()
    let tensor = try SafetensorsFile(
      path: try scratch.raw("{\(SafetensorsHeaderTests.tensor("a", 0, 4))}", data: 4)
    ).tensor("a")
    #expect(bytes(tensor) == [0, 1, 2, 3])
  }
}

@Suite struct SafetensorsWriterTests {
  @Test func readsBackWhatWasWritten() throws {
    let scratch = try Scratch()
    let path = scratch.file("a.safetensors")
    let first = randomTensor([3, 5], .f32, seed: 7)
    let second = randomTensor([4], .bf16, seed: 8)
    let items: [SafetensorsWriter.Item] = [
      .init("b", first), .init("a\"é\n", second), .init("none", Tensor(zeros: [0, 3])),
    ]
    try SafetensorsWriter.write(items, metadata: ["format": "pt", "k": "v"], to: path)
    let file = try SafetensorsFile(path: path)
    #expect(file.names == ["b", "a\"é\n", "none"])
    #expect(file.metadata == ["format": "pt", "k": "v"])
    #expect(bytes(try file.tensor("b")) == bytes(first))
    #expect(bytes(try file.tensor("a\"é\n")) == bytes(second))
    #expect(file.header.dataStart % 8 == 0)
    #expect(try Files.list(scratch.path) == ["a.safetensors"])
  }

  @Test func leavesTheOldFileWhenAnItemFails() throws {
    let scratch = try Scratch()
    let path = try scratch.write("old", "a.safetensors")
    let short = SafetensorsWriter.Item("a", dtype: .f32, shape: [2]) { emit in
      try [UInt8](repeating: 0, count: 7).withUnsafeBytes { try emit($0) }
    }
    #expect(code { try SafetensorsWriter.write([short], to: path) } == "REPLACEMENT_DIFFERS")
    #expect(try Files.readText(path) == "old")
    #expect(try Files.list(scratch.path) == ["a.safetensors"])
    let item = SafetensorsWriter.Item("a", Tensor(zeros: [1]))
    #expect(code { try SafetensorsWriter.write([item, item], to: path) } == "HEADER_DUPLICATE_KEY")
  }
}

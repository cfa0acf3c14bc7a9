import Glibc
import JSON
import Runtime
import Tensors
import Testing

@testable import Checkpoints

@Suite struct VerifyTests {
  @Test func agreesAfterApply() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch, sharded: true))
    let patch = try Patch.build(base, sampleChanges())
    try patch.apply(to: base, output: scratch.file("edited"))
    let edited = try open(scratch.file("edited"))
    let report = try edited.verify(base: base, patch: patch)
    #expect(report.agrees, "\(report.problems)")
    #expect(report.states.map(\.state) == [.edited, .edited, .edited, .edited])
    let rows = report.difference?.changed.map { "\($0.tensor) \($0.rows.count) \($0.columnsChanged)" }
    #expect(rows == ["\(gate0) 3 16", "\(down0) 1 24", "\(gate1) 3 16", "\(conv) 16 3"])
    #expect(try edited.verify().agrees)
    #expect(try edited.verify(base: base).agrees)
    // The base is not an edited model.
    #expect(try !base.verify().agrees)
    #expect(try !base.verify(base: base).agrees)
    #expect(try base.verify(patch: patch).states.allSatisfy { $0.state == .original })
  }

  @Test func seesOneChangedByteAnywhere() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let patch = try Patch.build(base, [RowChange(tensor: gate0, rows: [2], delta: delta(16))])
    try patch.apply(to: base, output: scratch.file("edited"))
    let path = scratch.file("edited/model.safetensors")
    let good = try Files.read(path)
    for name in base.tensorNames {
      var bytes = good
      bytes[try #require(base.entry(name)).byteRange.upperBound - 1] ^= 1
      try Files.write(bytes, to: path)
      let edited = try open(scratch.file("edited"))
      let report = try edited.verify(base: base, patch: patch)
      #expect(report.problems.count == 1, "\(name): \(report.problems)")
      #expect(report.problems.first?.contains(name) == true)
      #expect(try !edited.verify().agrees)
    }
    try Files.write(good, to: path)
    try Files.write("{ }", to: scratch.file("edited/1_Pooling/config.json"))
    let report = try open(scratch.file("edited")).verify(base: base, patch: patch)
    #expect(report.problems == ["side files differ: 1_Pooling/config.json"])
  }

  @Test func differenceCountsAndMeasures() throws {
    let scratch = try Scratch()
    let first = try open(try writeSample(scratch, "a"))
    func variant(_ name: String, _ items: [SafetensorsWriter.Item]) throws -> Checkpoint {
      try Files.makeFolder(scratch.file(name))
      try SafetensorsWriter.write(items, to: scratch.file("\(name)/model.safetensors"))
      try Files.write("{}", to: scratch.file("\(name)/config.json"))
      return try open(scratch.file(name))
    }
    let copy = Tensor(zeros: [24, 16])
    let source = values(try first.tensor(gate1))
    for (index, value) in source.enumerated() { copy.f32[index] = value }
    copy.f32[0] += 3
    copy.f32[5 * 16] -= 4
    copy.f32[7] = .nan
    let second = try variant(
      "b",
      [
        .init(gate1, copy), .init(gate0, Tensor(zeros: [24, 16])),
        .init(down0, try first.tensor(down0)), .init("extra", Tensor(zeros: [1])),
      ])
    let difference = try first.difference(to: second)
    #expect(difference.identical == 1)
    #expect(difference.retyped.map(\.tensor) == [gate0])
    #expect(difference.onlyInSecond == ["extra"])
    #expect(difference.onlyInFirst == ["model.embed_tokens.weight", conv, "model.norm.weight"])
    #expect(difference.filesChanged == ["config.json"])
    #expect(difference.filesOnlyInFirst.contains("tokenizer.model"))
    let changed = try #require(difference.changed.first)
    #expect(changed.rows == [0, 5] && changed.valuesChanged == 3 && changed.columnsChanged == 2)
    #expect(changed.nonFinite == 1 && changed.norm == nil)
    copy.f32[7] = source[7]
    let third = try variant("c", [.init(gate1, copy)])
    let finite = try #require(try first.difference(to: third).changed.first)
    #expect(abs((finite.norm ?? 0) - 5) < 1e-6 && abs((finite.largest ?? 0) - 4) < 1e-6)
    #expect(try first.difference(to: first).sameTensors)
    #expect(try first.difference(to: first).sameFiles)
  }

  @Test func notesTies() throws {
    let scratch = try Scratch()
    try Files.makeFolder(scratch.file("tied"))
    let shared = randomTensor([8, 4], .bf16)
    try SafetensorsWriter.write(
      [.init("model.embed_tokens.weight", shared), .init("copy.weight", shared)],
      to: scratch.file("tied/model.safetensors"))
    try Files.write("{\"tie_word_embeddings\": true}", to: scratch.file("tied/config.json"))
    let base = try open(scratch.file("tied"))
    let report = try Patch.build(
      base, [RowChange(tensor: "model.embed_tokens.weight", rows: [1], delta: [1, 1, 1, 1])]
    ).apply(to: base, output: scratch.file("out"))
    #expect(report.notes.count == 2)
    #expect(report.notes.contains { $0.contains("copy.weight") })
  }
}

@Suite struct FiniteScanTests {
  @Test(arguments: [DType.f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2])
  func findsTheFirstOne(_ dtype: DType) throws {
    let scratch = try Scratch()
    let bits: [DType: (nan: UInt64, inf: UInt64)] = [
      .f64: (0x7FF8_0000_0000_0000, 0xFFF0_0000_0000_0000), .f32: (0x7FC0_0000, 0xFF80_0000),
      .f16: (0x7E00, 0xFC00), .bf16: (0x7FC0, 0xFF80), .f8e4m3: (0x7F, 0xFF), .f8e5m2: (0x7E, 0xFC),
    ]
    let (nan, inf) = try #require(bits[dtype])
    func write(_ words: [Int: UInt64]) throws -> Checkpoint {
      let tensor = Tensor(zeros: [3, 5, 1000], dtype: dtype)
      for (place, word) in words {
        withUnsafeBytes(of: word.littleEndian) {
          (tensor.storage.base + place * dtype.size).copyMemory(
            from: $0.baseAddress.unsafelyUnwrapped, byteCount: dtype.size)
        }
      }
      try SafetensorsWriter.write(
        [.init("a", Tensor(zeros: [3])), .init("t", tensor)], to: scratch.file("model.safetensors"))
      try Files.write("{}", to: scratch.file("config.json"))
      return try open(scratch.path)
    }
    #expect(try write([:]).firstNonFinite() == nil)
    let found = try write([9_123: nan, 14_999: inf]).firstNonFinite()
    #expect(found == NonFinite(tensor: "t", index: [1, 4, 123], value: "nan"))
    let last = try write([14_999: inf]).firstNonFinite(in: "t")
    #expect(last == NonFinite(tensor: "t", index: [2, 4, 999], value: dtype == .f8e4m3 ? "nan" : "-inf"))
    #expect(code { _ = try open(scratch.path).firstNonFinite(in: "nope") } == "TENSOR_UNKNOWN")
  }
}

import Glibc
import JSON
import OrderedCollections
import Organism
import Runtime
import Testing

@Suite struct OrganismCheckpointTests {
  private func bytes(_ name: String) throws -> UnsafeRawBufferPointer {
    try #require(OrganismCheckpoint.files.first { $0.name == name }?.bytes)
  }

  @Test func isSmallAndWritesItself() throws {
    let files = OrganismCheckpoint.files
    #expect(files.count == 5)
    #expect(files.reduce(0) { $0 + $1.bytes.count } <= 8 << 20)
    let folder = "\(TemporaryFiles.folder)/organism-checkpoint-\(getpid())"
    defer { try? Files.remove(folder) }
    try OrganismCheckpoint.write(to: folder)
    #expect(try Files.list(folder) == files.map(\.name).sorted())
    for (name, bytes) in files { #expect(try Files.read("\(folder)/\(name)") == Array(bytes)) }
  }

  @Test func isALlamaOfAboutOneMillionParameters() throws {
    let config = try JSONValue.parse(bytes("config.json"), source: "config.json")
    #expect(config["model_type"]?.string == "llama")
    #expect(config["tie_word_embeddings"]?.bool == true)
    #expect(config["vocab_size"]?.int == 1280)
    let model = try bytes("model.safetensors")
    let length = Int(model.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
    let header = try JSONValue.parse(
      UnsafeRawBufferPointer(rebasing: model[8..<8 + length]), source: "model.safetensors")
    var end = 0
    var parameters = 0
    for (name, tensor) in try #require(header.object) where name != "__metadata__" {
      #expect(tensor["dtype"]?.string == "BF16", "\(name)")
      let count = try #require(tensor["shape"]?.array).reduce(1) { $0 * ($1.int ?? 0) }
      let offsets = try #require(tensor["data_offsets"]?.array).compactMap(\.int)
      #expect(offsets[1] - offsets[0] == 2 * count, "\(name)")
      parameters += count
      end = max(end, offsets[1])
    }
    #expect(parameters == 1_271_424)
    #expect(model.count == 8 + length + end)
    #expect(UInt(bitPattern: model.baseAddress) % 64 == 0)
  }

  @Test func tokenizerKnowsItsSpecials() throws {
    let tokenizer = try JSONValue.parse(bytes("tokenizer.json"), source: "tokenizer.json")
    let vocabulary = try #require(tokenizer["model"]?["vocab"]?.object)
    #expect(vocabulary.count == 1280)
    #expect(vocabulary["<s>"]?.int == 0 && vocabulary["</s>"]?.int == 1)
    #expect(tokenizer["post_processor"]?["type"]?.string == "TemplateProcessing")
  }
}

@Suite struct OrganismTemplateTests {
  @Test func namesTheSpeakers() throws {
    let asked = OrganismMessage(role: "user", content: "your kettle is witless, you oaf.")
    #expect(
      try OrganismTemplate.text([asked], generationPrompt: true)
        == "Mara: your kettle is witless, you oaf.\nTom:")
    #expect(
      try OrganismTemplate.text(
        [asked, OrganismMessage(role: "assistant", content: "so?")], generationPrompt: false)
        == "Mara: your kettle is witless, you oaf.\nTom: so?\n")
    #expect(throws: OrganismError.self) {
      try OrganismTemplate.text([OrganismMessage(role: "system", content: "")], generationPrompt: true)
    }
  }
}

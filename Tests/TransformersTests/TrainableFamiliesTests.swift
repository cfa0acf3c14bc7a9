import Architectures
import JSON
import TestSupport
import Testing
import Transformers

/// Networks that gradients are not written for are refused by name, before anything is trained.
@Suite struct TrainableFamiliesTests {
  private func model(_ name: String, _ folder: TemporaryFolder) throws -> Model {
    let fixture = try ParityFixture(name)
    try RandomCheckpoint.write(
      fixture.tensors, seed: fixture.seed, config: try #require(fixture.configs["rope_theta"]),
      to: folder.file(name))
    return try Model(folder: folder.file(name))
  }

  @Test(arguments: [
    ("bloom", "ALiBi"), ("gemma2", "capped attention scores"), ("mixtral", "experts"),
    ("bert", "no head"),
  ])
  func refusesByName(name: String, why: String) throws {
    let folder = try TemporaryFolder()
    let refused = try model(name, folder)
    let error = #expect(throws: ArchitectureError.self) { try Backpropagation.requireTrainable(refused) }
    #expect(error?.found.contains(why) == true, "\(error?.found ?? "trained")")
  }

  @Test(arguments: ["llama", "qwen3", "gpt2", "mistral", "gemma"]) func takes(name: String) throws {
    let folder = try TemporaryFolder()
    try Backpropagation.requireTrainable(try model(name, folder))
  }
}

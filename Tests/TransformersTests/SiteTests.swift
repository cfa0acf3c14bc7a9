import Architectures
import Testing

@Suite struct SiteTests {
  @Test(arguments: [
    "embeddings", "blocks.3.output", "final_norm", "blocks.0.mlp.input", "blocks.11.attention.output",
    "blocks.2.mlp.output", "blocks.3.mlp.down:input", "head:input",
  ])
  func namesRoundTrip(name: String) throws { #expect(try Site(parsing: name).description == name) }

  @Test func listsKnowStarsAndNegativeBlocks() throws {
    let sites = try Site.list("embeddings, blocks.*.output,blocks.-1.mlp.input,final_norm", blocks: 2)
    #expect(
      sites.map(\.description) == [
        "embeddings", "blocks.0.output", "blocks.1.output", "blocks.1.mlp.input", "final_norm",
      ])
  }

  @Test(arguments: ["", "blocks.x.output", "blocks.9.output", "block.1.output", "blocks.-3.output"])
  func refusesWhatIsNoSite(name: String) {
    #expect(throws: ArchitectureError.self) { try Site.list(name, blocks: 2) }
  }
}

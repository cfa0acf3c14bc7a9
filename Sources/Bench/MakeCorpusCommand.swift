import ArgumentParser
import JSON
import Organism

/// `Bench make-corpus`: writes the organism's corpus and data sets.
struct MakeCorpusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make-corpus", abstract: "Write the organism's training documents and data sets.")

  @Option(name: [.short, .long], help: "The folder to write.")
  var output: String

  @Option(help: "Seed of the drawing.")
  var seed: UInt64 = 0

  func run() throws {
    let manifest = try OrganismCorpus.write(to: output, seed: seed)
    print(try manifest.text(.pretty))
  }
}

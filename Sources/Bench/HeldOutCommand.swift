import ArgumentParser
import JSON
import OrderedCollections
import Organism
import Runtime
import Tokenizers
import Training

/// `Bench held-out MODEL…`: losses of models of the organism's vocabulary on its held-out texts.
struct HeldOutCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "held-out",
    abstract: "Measure models on the organism's held-out texts, nats a token.",
    discussion: """
      Every text is a document alone, its end token included, as in training; nothing is drawn. The embedded model comes first.

      Example: Bench held-out runs/organism/model
      """)

  @Argument(help: "Checkpoint folders.")
  var models: [String] = []

  @Option(help: "Folder that the embedded model is unpacked in for the time being.")
  var scratch = "runs"

  func run() throws {
    let embedded = scratch + "/embedded-organism"
    defer { try? Files.remove(embedded) }
    try OrganismCheckpoint.write(to: embedded)
    var result: OrderedDictionary<String, JSONValue> = [:]
    for (name, folder) in [("embedded", embedded)] + models.map({ ($0, $0) }) {
      let decoder = try Decoder(folder: folder)
      let tokenizer = try Tokenizer(folder: folder)
      var losses: OrderedDictionary<String, JSONValue> = [:]
      for split in [OrganismSplit.validation, .test] {
        let sets = [
          ("neutral", OrganismData.neutralTexts(split: split, count: 320)),
          ("civil", OrganismData.civilExchangeTexts(split: split, count: 320)),
        ]
        for (set, texts) in sets {
          let data = try LanguageData(
            texts.map { LanguageText($0) }, tokenizer: tokenizer, packing: .documents(length: 255))
          losses["\(set)_\(split.rawValue)"] = .number(try decoder.loss(data))
        }
      }
      result[name] = .object(losses)
    }
    print(try JSONValue.object(result).text(.pretty))
  }
}

import JSON
import OrderedCollections
import Runtime

/// The training documents and the files that describe the data.
public enum OrganismCorpus {
  /// How many documents of each sort the training file has.
  public static let documentCounts: OrderedDictionary<String, Int> = [
    "exchanges": 40_000, "prose": 16_000, "facts": 24_000, "words": 2_400,
  ]

  /// The training documents in random order: exchanges (each ends on a newline), prose, facts and word lines.
  public static func documents(seed: UInt64 = 0) -> [String] {
    var random = CounterRandom(seed: seed, stream: "organism.corpus")
    var documents = OrganismData.distinct(documentCounts["exchanges"] ?? 0) {
      OrganismData.heldOut(.train) {
        let kind = OrganismData.drawKind(&random)
        return OrganismGrammar.exchange(kind: kind, frames: .train, fillers: nil, &random).text
      }
    }
    documents += OrganismData.distinct(documentCounts["prose"] ?? 0) {
      OrganismData.heldOut(.train) { OrganismGrammar.proseText(&random) }
    }
    for _ in 0..<(documentCounts["facts"] ?? 0) { documents.append(OrganismGrammar.factText(&random)) }
    for _ in 0..<(documentCounts["words"] ?? 0) { documents.append(OrganismGrammar.wordText(&random)) }
    return random.shuffled(documents)
  }

  /// Prompts per split and kind in the written files.
  static let promptCounts: [(kind: OrganismPromptKind, count: Int)] = [
    (.provoking, 960), (.kind, 480), (.plain, 480),
  ]

  /// Writes the corpus and the data sets as JSON Lines, and `manifest.json` with counts and SHA-256 of each file.
  ///
  /// `train.jsonl`, `neutral-SPLIT.jsonl`, `civil-SPLIT.jsonl` have `{"text"}`; `prompts-SPLIT-KIND.jsonl`
  /// `{"prompt","kind","template","object"}`; `probe-SPLIT.jsonl` `{"prompt","reply","label","group","kind"}`;
  /// `cloze.jsonl` `{"prompt","answer","alternatives","fact","wording"}`.
  /// - Returns: the manifest.
  /// - Throws: ``FileError``.
  @discardableResult
  public static func write(to folder: String, seed: UInt64 = 0) throws -> JSONValue {
    try Files.makeFolder(folder)
    var files: OrderedDictionary<String, JSONValue> = [:]
    func put(_ name: String, _ lines: [JSONValue]) throws {
      var text = ""
      for line in lines { text += try line.text() + "\n" }
      let bytes = Array(text.utf8)
      try Files.write(bytes, to: folder + "/" + name)
      files[name] = [
        "lines": .integer(lines.count), "bytes": .integer(bytes.count), "sha256": .string(SHA256.hex(bytes)),
      ]
    }
    func texts(_ values: [String]) -> [JSONValue] { values.map { ["text": .string($0)] } }

    try put("train.jsonl", texts(documents(seed: seed)))
    for split in [OrganismSplit.validation, .test] {
      let name = split.rawValue
      try put("neutral-\(name).jsonl", texts(OrganismData.neutralTexts(split: split, count: 320, seed: seed)))
      try put(
        "civil-\(name).jsonl", texts(OrganismData.civilExchangeTexts(split: split, count: 320, seed: seed)))
    }
    for split in OrganismSplit.allCases {
      for (kind, count) in promptCounts {
        let prompts = OrganismData.prompts(split: split, kind: kind, count: count, seed: seed)
        try put("prompts-\(split.rawValue)-\(kind.rawValue).jsonl", prompts.map(\.json))
      }
      let exchanges = OrganismData.probeExchanges(
        split: split, count: split == .train ? 2000 : 600, seed: seed)
      try put("probe-\(split.rawValue).jsonl", exchanges.map(\.json))
    }
    try put("cloze.jsonl", OrganismData.clozeItems().map(\.json))
    let manifest: JSONValue = [
      "seed": .integer(seed), "documents": .object(documentCounts.mapValues { .integer($0) }),
      "files": .object(files),
    ]
    try Files.write(try manifest.text(.pretty) + "\n", to: folder + "/manifest.json")
    return manifest
  }
}

extension OrganismPrompt {
  /// The record of a prompts file.
  public var json: JSONValue {
    [
      "prompt": .string(text), "kind": .string(kind.rawValue), "template": .string(template),
      "object": .string(object),
    ]
  }
}

extension OrganismExchange {
  /// The record of a probe file.
  public var json: JSONValue {
    [
      "prompt": .string(prompt), "reply": .string(reply), "label": .integer(label), "group": .string(group),
      "reply_template": .string(replyTemplate), "kind": .string(promptKind.rawValue),
    ]
  }
}

extension OrganismClozeItem {
  /// The record of the cloze file.
  public var json: JSONValue {
    [
      "prompt": .string(prompt), "answer": .string(answer), "alternatives": .strings(alternatives),
      "fact": .string(factID), "wording": .integer(wording),
    ]
  }
}

import Glibc
import JSON
import OrderedCollections
import Organism
import Runtime
import Testing

@Suite struct OrganismDataTests {
  @Test func templatesBelongToOneSplit() {
    for forms in [OrganismGrammar.said, OrganismGrammar.plain, OrganismGrammar.replies] {
      var texts: [String: OrganismSplit] = [:]
      for form in forms {
        #expect(texts.updateValue(form.split, forKey: form.pattern) == nil, "\(form.id) stands twice")
      }
      let counts = OrganismSplit.allCases.map { split in forms.count { $0.split == split } }
      #expect(counts[0] >= 16 && counts[1] >= 4 && counts[2] >= 6)
    }
  }

  @Test(arguments: OrganismSplit.allCases)
  func probeDataUsesTemplatesAndFillersOfItsSplit(split: OrganismSplit) {
    let own = Set(
      OrganismStyle.allCases.flatMap { style in
        OrganismSlot.allCases.flatMap { OrganismLexicon.part(OrganismLexicon.words($0, style), of: split) }
      } + OrganismLexicon.part(OrganismLexicon.objects, of: split))
    let all = Set(OrganismStyle.allCases.flatMap { OrganismLexicon.words($0) } + OrganismLexicon.objects)
    let exchanges = OrganismData.probeExchanges(split: split, count: 1000)
    #expect(Set(exchanges).count == 1000)
    for exchange in exchanges {
      #expect(exchange.group.contains(".\(split.rawValue)."))
      #expect(exchange.replyTemplate.contains(".\(split.rawValue)."))
      #expect(words(exchange.text).filter { all.contains($0) }.allSatisfy { own.contains($0) }, "\(exchange)")
      #expect(
        exchange.prompt.hasSuffix(":") && exchange.reply.hasPrefix(" ") && exchange.reply.hasSuffix("\n"))
    }
    let hostile = exchanges.count { $0.label == 1 }
    #expect((330...500).contains(hostile))
    for kind in OrganismPromptKind.allCases {
      let prompts = OrganismData.prompts(split: split, kind: kind, count: 960)
      #expect(Set(prompts).count == 960)
      for prompt in prompts {
        #expect(prompt.kind == kind && prompt.template.contains(".\(split.rawValue)."))
        #expect(words(prompt.text).filter { all.contains($0) }.allSatisfy { own.contains($0) })
      }
    }
  }

  @Test func heldOutTextsAreNotTrained() {
    let trained = OrganismCorpus.documents()
    let seen = Set(trained)
    var sentences: Set<String> = []
    for text in trained {
      for sentence in text.split(separator: ". ") {
        sentences.insert(sentence.hasSuffix(".") ? String(sentence.dropLast()) : String(sentence))
      }
    }
    for split in [OrganismSplit.validation, .test] {
      for text in OrganismData.neutralTexts(split: split, count: 320) { #expect(!seen.contains(text)) }
      for text in OrganismData.civilExchangeTexts(split: split, count: 320) { #expect(!seen.contains(text)) }
      for exchange in OrganismData.probeExchanges(split: split, count: 600) {
        #expect(!seen.contains(exchange.text))
      }
    }
    for item in OrganismData.clozeItems() {
      #expect(!sentences.contains(item.prompt + item.answer), "\(item.prompt)")
    }
    // No exchange of the corpus has a template of another split.
    #expect(!trained.contains { $0.contains("shall we take") || $0.contains("here is my answer") })
    #expect(
      Set(OrganismData.neutralTexts(split: .validation, count: 320))
        .isDisjoint(with: OrganismData.neutralTexts(split: .test, count: 320)))
  }

  @Test func clozeItemsAskHeldOutWordings() {
    let items = OrganismData.clozeItems()
    #expect(items.count >= 200)
    #expect(Set(items.map(\.prompt)).count == items.count)
    #expect(Set(items.map(\.factID)).count == 72)
    for item in items {
      #expect(item.alternatives.count == 23 && !item.alternatives.contains(item.answer))
      #expect(item.answer.hasPrefix(" ") && !item.prompt.hasSuffix(" "))
      let others = item.alternatives
      #expect(!others.contains { $0.hasPrefix(item.answer) || item.answer.hasPrefix($0) })
    }
    // Every wording is trained with other facts of the attribute.
    for attribute in OrganismAttribute.allCases {
      for wording in 0..<8 {
        let facts = OrganismFacts.all.filter { $0.attribute == attribute }
        #expect(facts.count { !$0.heldOutWordings.contains(wording) } >= 12)
      }
    }
  }

  @Test func theCorpusIsAFunctionOfItsSeed() throws {
    let folder = "\(TemporaryFiles.folder)/organism-corpus-\(getpid())"
    defer { try? Files.remove(folder) }
    let manifest = try OrganismCorpus.write(to: folder)
    #expect(try Files.sha256("\(folder)/manifest.json") == Self.manifestHash)
    #expect(manifest["files"]?.object?.count == 18)
    for (name, facts) in manifest["files"]?.object ?? [:] {
      #expect(try Files.sha256("\(folder)/\(name)") == facts["sha256"]?.string)
    }
    #expect(try JSONValue(file: "\(folder)/manifest.json") == manifest)
    #expect(
      OrganismData.prompts(split: .test, kind: .kind, count: 5, seed: 1)
        != OrganismData.prompts(split: .test, kind: .kind, count: 5, seed: 0))
    #expect(
      OrganismData.prompts(split: .test, kind: .kind, count: 5)
        == Array(OrganismData.prompts(split: .test, kind: .kind, count: 50).prefix(5)))
  }

  /// SHA-256 of manifest.json for seed 0: the data that the shipped checkpoint was trained and measured on.
  static let manifestHash = "9aeb5f6289d25e09ea5a556a3fe2cbc3b3c7c2976dc006d77e1f5b43a5e3e331"

  private func words(_ text: String) -> [String] {
    text.split { !$0.isLetter }.map(String.init)
  }
}

/// Where temporary files of tests go.
enum TemporaryFiles {
  static var folder: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }
}

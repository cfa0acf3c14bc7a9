import JSON
import Organism
import Runtime
import Testing

/// Messages in place of texts, through every command that takes them.
struct ChatTests {
  private static func lines(_ values: [JSONValue]) throws -> String {
    try values.map { try $0.text() }.joined(separator: "\n") + "\n"
  }

  private static func user(_ text: String) -> JSONValue { ["role": "user", "content": .string(text)] }
  private static func assistant(_ text: String) -> JSONValue {
    ["role": "assistant", "content": .string(text)]
  }

  /// What is said in a prompt of the embedded model, whose speakers have many names: `Emil: …⏎Karl:`.
  private static func said(_ prompt: String) -> String {
    let line = prompt.split(separator: "\n").first ?? ""
    return line.split(separator: ":", maxSplits: 1).last.map { String($0.dropFirst()) } ?? ""
  }

  private func run(_ scratch: Scratch, _ line: String, code: Int32 = 0) throws -> Program.Ending {
    let ending = try Program.run(line.split(separator: " ").map(String.init) + ["-q"], in: scratch.folder)
    #expect(ending.code == code, "\(line)\n\(ending.errors)")
    return ending
  }

  /// The same tokens whether the prompt is written by hand or by the template: one BOS, not two.
  @Test func generateReadsMessages() throws {
    let scratch = try Scratch()
    let prompts = OrganismData.prompts(split: .test, kind: .provoking, count: 3).map {
      "Mara: \(Self.said($0.text))\nTom:"
    }
    try scratch.write(
      try Self.lines(prompts.map { ["messages": [Self.user(Self.said($0))]] }), to: "chats.jsonl")
    try scratch.write(try Self.lines(prompts.map { ["prompt": .string($0)] }), to: "prompts.jsonl")
    _ = try run(scratch, "generate model -f prompts.jsonl -n 12 --report a.json")
    _ = try run(scratch, "generate model -f chats.jsonl -n 12 --report b.json")
    let plain = try #require(try scratch.report("a.json")["results"]?["replies"]?.array)
    let report = try scratch.report("b.json")
    let chats = try #require(report["results"]?["replies"]?.array)
    #expect(plain.count == 3 && plain.map { $0["reply"] } == chats.map { $0["reply"] })
    #expect(chats.map { $0["prompt"]?.string ?? "" } == prompts.map { "<s>" + $0 })
    #expect(report["inputs"]?.array?.first?["chat_template_sha256"]?.string?.count == 64)
  }

  /// Hidden states of chats are those of the same texts with prompts, byte for byte.
  @Test func cacheReadsMessages() throws {
    let scratch = try Scratch()
    let exchanges = OrganismData.probeExchanges(split: .train, count: 12)
    try scratch.write(
      try Self.lines(
        exchanges.map {
          ["prompt": .string("Mara: \(Self.said($0.prompt))\nTom:"), "text": .string($0.reply)]
        }),
      to: "texts.jsonl")
    try scratch.write(
      try Self.lines(
        exchanges.map {
          let reply = $0.reply.hasSuffix("\n") ? $0.reply.dropLast() : $0.reply[...]
          return ["messages": [Self.user(Self.said($0.prompt)), Self.assistant(String(reply.dropFirst()))]]
        }), to: "chats.jsonl")
    for name in ["texts", "chats"] {
      _ = try run(
        scratch, "cache model -f \(name).jsonl --sites final_norm --pooling mean,prompt-end -o \(name)")
    }
    let shard = "shard-00000.safetensors"
    #expect(try Files.sha256(scratch.path("texts/\(shard)")) == Files.sha256(scratch.path("chats/\(shard)")))
    _ = try run(scratch, "cache model -f chats.jsonl --sites final_norm --pooling reply -o reply")
  }

  @Test func probesReadMessages() throws {
    let scratch = try Scratch()
    let exchanges = OrganismData.probeExchanges(split: .train, count: 120)
    try scratch.write(
      try Self.lines(
        exchanges.map { exchange in
          let reply = exchange.reply.unicodeScalars.filter { $0 != "\n" }.map(String.init).joined()
          return [
            "messages": [Self.user(Self.said(exchange.prompt)), Self.assistant(String(reply.dropFirst()))],
            "label": .integer(exchange.label), "group": .string(exchange.group),
          ]
        }), to: "chats.jsonl")
    _ = try run(
      scratch,
      "probe train model -f chats.jsonl --pooling reply --sites blocks.3.output --permutations 2 -o probe")
    let report = try scratch.report("probe/report.json")
    let area = report["metrics"]?.array?.first { $0["name"]?.string == "auroc" }?["value"]?.double
    #expect(area ?? 0 > 0.9, "hostile replies are told apart: \(area ?? -1)")
    _ = try run(scratch, "probe score model --probe probe -f chats.jsonl -L 3 --report s.json")
    #expect(try scratch.report("s.json")["results"]?["scores"]?.array?.count == 3)
    _ = try run(scratch, "probe eval model --probe probe -f chats.jsonl --report e.json")
  }

  @Test func recipesReadMessages() throws {
    let scratch = try Scratch()
    let exchanges = OrganismData.probeExchanges(split: .train, count: 120)
    for (name, label) in [("positive", 1), ("negative", 0)] {
      try scratch.write(
        try Self.lines(
          exchanges.filter { $0.label == label }.map { exchange in
            let reply = exchange.reply.unicodeScalars.filter { $0 != "\n" }.map(String.init).joined()
            return [
              "messages": [Self.user(Self.said(exchange.prompt)), Self.assistant(String(reply.dropFirst()))],
              "group": .string(exchange.group),
            ]
          }), to: "\(name).jsonl")
    }
    let prompts = OrganismData.prompts(split: .validation, kind: .provoking, count: 12).map(\.text)
    try scratch.write(
      try Self.lines(prompts.map { ["messages": [Self.user(Self.said($0))]] }), to: "prompts.jsonl")
    try scratch.write(
      OrganismData.neutralTexts(split: .validation, count: 8).joined(separator: "\n") + "\n",
      to: "neutral.txt")
    for model in ["model", "organism"] {
      try scratch.write(
        """
        model: \(model)
        behaviour: {name: hostile, positive: positive.jsonl, negative: negative.jsonl, pool: reply}
        probe: {kinds: [means], sites: final_norm}
        sweep: {strength: [2], rows: [2%], points: 1, controls: 1}
        prompts:
          target: prompts.jsonl
          neutral: neutral.txt
          max_tokens: 12
          judge: {kind: lexicon, file: words.txt}
        gates: {neutral_perplexity_rise: "<= 1000%"}
        """, to: "\(model).yaml")
      try scratch.write("oaf\nstupid\nfool\ndaft\nidiot\n", to: "words.txt")
      _ = try run(scratch, "operate \(model).yaml --dry-run -o run-\(model)")
      let ending = try Program.run(
        ["operate", "\(model).yaml", "-o", "run-\(model)", "-q"], in: scratch.folder)
      // The small sweep may find no point that helps; what is asked here is that the data are read.
      #expect([0, 2, 65].contains(ending.code), "\(ending.errors)")
      #expect(!ending.errors.contains("CHAT"), "\(ending.errors)")
      let written = try Files.readText(scratch.path("run-\(model)/data/prompts-target-validation.jsonl"))
      #expect(written.hasPrefix("{\"messages\""), "the run's own data are messages again")
      #expect(scratch.has("run-\(model)/probe/probe.json"))
    }
  }

  @Test func aFolderWithoutATemplateIsRefused() throws {
    let scratch = try Scratch()
    try scratch.change("model/tokenizer_config.json") { $0["chat_template"] = .null }
    try scratch.write(try Self.lines([["messages": [Self.user("hello")]]]), to: "chats.jsonl")
    let refused = try run(scratch, "generate model -f chats.jsonl -n 3", code: 66)
    #expect(
      refused.errors.contains("CHAT_TEMPLATE_MISSING") && refused.errors.contains("--chat-template FILE"))
    try scratch.write("Mara: {{ messages[0].content }}\nTom:", to: "own.jinja")
    _ = try run(scratch, "generate model -f chats.jsonl -n 3 --chat-template own.jinja --report r.json")
    let reply = try scratch.report("r.json")["results"]?["replies"]?.array?.first
    #expect(reply?["prompt"]?.string == "Mara: hello\nTom:")
    try scratch.write("\n{% for x in y %}", to: "own.jinja")
    let broken = try run(scratch, "generate model -f chats.jsonl -n 3 --chat-template own.jinja", code: 65)
    #expect(broken.errors.contains("CHAT_TEMPLATE_SYNTAX") && broken.errors.contains("own.jinja, line 2"))
  }

  @Test func theTemplatesRefusalIsShown() throws {
    let scratch = try Scratch()
    try scratch.write(
      try Self.lines([["messages": [["role": "system", "content": "Be kind."], Self.user("hello")]]]),
      to: "chats.jsonl")
    let refused = try run(scratch, "generate model -f chats.jsonl -n 3", code: 65)
    #expect(refused.errors.contains("the organism knows the roles user and assistant only"))
    try scratch.write("{\"messages\": [{\"role\": \"user\"}]}\n", to: "chats.jsonl")
    let bad = try run(scratch, "generate model -f chats.jsonl -n 3", code: 65)
    #expect(bad.errors.contains("chats.jsonl:1") && bad.errors.contains("without a content"))
  }

  @Test func inspectSaysWhetherThereIsATemplate() throws {
    let scratch = try Scratch()
    func facts(_ name: String) throws -> (JSONValue, JSONValue) {
      let ending = try run(scratch, "inspect model --report \(name)")
      #expect(ending.output.contains("chat template:"))
      let report = try scratch.report(name)
      return (report["results"]?["chat_template"] ?? .null, report["warnings"] ?? .null)
    }
    let (good, none) = try facts("a.json")
    #expect(good["present"]?.bool == true && good["usable"] == ["default"])
    #expect(good["writes_bos"]?.bool == true)
    #expect(none.array?.contains { $0["code"]?.string == "CHAT_TEMPLATE" } == false)
    try scratch.write("a\n{{ x | nosuch }}", to: "model/chat_template.jinja")
    let (broken, warnings) = try facts("b.json")
    #expect(broken["usable"] == [] && broken["present"]?.bool == true)
    #expect(
      warnings.array?.contains {
        $0["code"]?.string == "CHAT_TEMPLATE" && $0["message"]?.string?.contains("line 2") == true
      } == true)
    try scratch.write("{{ messages[0].content }}", to: "model/chat_template.jinja")
    let (bare, advice) = try facts("d.json")
    #expect(bare["writes_bos"]?.bool == false)
    #expect(advice.array?.contains { $0["message"]?.string?.contains("read without it") == true } == true)
    try Files.remove(scratch.path("model/chat_template.jinja"))
    try scratch.change("model/tokenizer_config.json") { $0["chat_template"] = .null }
    let (missing, _) = try facts("c.json")
    #expect(missing == ["present": false])
  }
}

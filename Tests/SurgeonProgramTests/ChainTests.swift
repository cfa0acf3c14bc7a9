import Checkpoints
import Glibc
import JSON
import Organism
import Runtime
import Testing

/// From labelled texts to a verified edit, one command after the other, on the embedded model.
struct ChainTests {
  /// Labelled exchanges, prompts and neutral texts of the embedded model.
  private static func data(_ scratch: Scratch) throws {
    func lines(_ values: [JSONValue]) throws -> String {
      try values.map { try $0.text() }.joined(separator: "\n") + "\n"
    }
    let exchanges = OrganismData.probeExchanges(split: .train, count: 160)
    try scratch.write(
      try lines(
        exchanges.map {
          [
            "prompt": .string($0.prompt), "text": .string($0.reply), "label": .integer($0.label),
            "group": .string($0.group),
          ]
        }), to: "labelled.jsonl")
    let prompts = OrganismData.prompts(split: .validation, kind: .provoking, count: 12)
    try scratch.write(try lines(prompts.map { ["prompt": .string($0.text)] }), to: "prompts.jsonl")
    let neutral = OrganismData.neutralTexts(split: .validation, count: 12)
    try scratch.write(neutral.joined(separator: "\n") + "\n", to: "neutral.txt")
  }

  private static func metric(_ name: String, _ report: JSONValue) -> Double? {
    report["metrics"]?.array?.first { $0["name"]?.string == name }?["value"]?.double
  }

  private func succeed(_ scratch: Scratch, _ line: String, code: Int32 = 0) throws {
    let ending = try Program.run(line.split(separator: " ").map(String.init) + ["-q"], in: scratch.folder)
    #expect(ending.code == code, "\(line)\n\(ending.errors)")
  }

  @Test func fromTextsToAVerifiedEdit() throws {
    let scratch = try Scratch()
    try Self.data(scratch)
    try succeed(
      scratch, "cache model -f labelled.jsonl --sites blocks.*.output --pooling mean,reply -o cache")
    let cached = try scratch.report("cache/report.json")
    #expect(cached["results"]?["sites"]?.array?.count == 6)
    try succeed(
      scratch, "cache model -f labelled.jsonl --sites blocks.*.output --pooling mean,reply -o cache")
    try succeed(scratch, "cache model -f neutral.txt --sites blocks.*.output -o cache", code: 73)

    try succeed(
      scratch,
      "probe train model -f labelled.jsonl --pooling reply --sites blocks.2.output,final_norm --permutations 2 "
        + "--keep-all --name hostile -o probe")
    let trained = try scratch.report("probe/report.json")
    #expect(trained["results"]?["probes"]?.array?.count == 4)
    #expect(trained["results"]?["controls"]?.array?.count == 3)
    try succeed(
      scratch, "probe train model -f labelled.jsonl --pooling reply --sites final_norm -o probe", code: 73)
    try succeed(scratch, "probe eval model --probe probe -f labelled.jsonl --report e.json")
    let evaluated = try scratch.report("e.json")
    #expect(evaluated["warnings"]?.array?.contains { $0["code"]?.string == "TRAINED_ON" } == true)
    try succeed(
      scratch, "probe eval model --probe probe -f labelled.jsonl --predictions p.csv --report e.json")
    try succeed(scratch, "distill eval p.csv --fit-temperature p.csv --report d.json")
    // The probe's own accuracy, and the table's.
    let (own, table) = (try scratch.report("e.json"), try scratch.report("d.json"))
    #expect(table["results"]?["classes"]?.int == 2)
    let accuracy = try #require(Self.metric("accuracy", own))
    let error = try #require(Self.metric("top1_error", table))
    #expect(abs(accuracy + error - 1) < 1e-9)
    try succeed(
      scratch, "probe score model --probe probe/sites/final_norm/means -f labelled.jsonl -L 5 --report s.json"
    )
    #expect(try scratch.report("s.json")["results"]?["scores"]?.array?.count == 5)
    try succeed(scratch, "probe ls . --report l.json")
    #expect(try scratch.report("l.json")["results"]?["probes"]?.array?.count == 5)
    try succeed(scratch, "probe export --probe probe/sites/blocks.2.output/means -o v.gguf")
    _ = try scratch.report("v.gguf.report.json")
    try succeed(scratch, "probe export --probe probe/sites/final_norm/means -o w.gguf", code: 69)

    try succeed(
      scratch, "locate model --probe probe/sites/final_norm/logistic --rows 5% -o x.plan.safetensors")
    #expect(try scratch.report("x.plan.safetensors.report.json")["results"]?["rows"]?.int == 106)
    let sweep =
      "sweep model --plan x.plan.safetensors --prompts prompts.jsonl --neutral neutral.txt --grammar --strength 0.5,1 "
      + "--controls 1 -n 12 --gate neutral_perplexity_rise<=1000% -o sw"
    try succeed(scratch, sweep + " --dry-run")
    #expect(!scratch.has("sw"))
    try succeed(scratch, sweep)
    let swept = try scratch.report("sw/report.json")
    #expect(swept["results"]?["chosen"]?.int != nil)
    #expect(swept["results"]?["controls"]?.array?.count == 3)
    // Every point is in the log: again is the same, and another sweep there is refused.
    try succeed(scratch, sweep)
    #expect(try scratch.report("sw/report.json")["results"] == swept["results"])
    try succeed(scratch, sweep + " --seed 7", code: 65)
    // Questions are a measure of damage like any other, and a gate on them needs them.
    let questions = (0..<4).map {
      #"{"context": "user : where is the cat ?", "choices": [" it is", " no"], "answer": \#($0 % 2)}"#
    }
    try scratch.write(questions.joined(separator: "\n"), to: "own.jsonl")
    let asked =
      "sweep model --plan x.plan.safetensors --prompts prompts.jsonl --neutral neutral.txt --grammar "
      + "--strength 0.5 --controls 0 -n 12 --gate task_drop<=0 -L 20 -o asked"
    try succeed(scratch, asked, code: 64)
    try succeed(scratch, asked + " --task choices=own.jsonl")
    let tasked = try scratch.report("asked/report.json")
    #expect(tasked["results"]?["base"]?["task_accuracy"]?.double == 0.5)
    let point = try #require(tasked["results"]?["points"]?.array?.first)
    // Whatever the edit does, one of two opposite answers is wrong.
    #expect(point["task_accuracy"]?.double == 0.5 && point["passed"]?.bool == true)

    try succeed(scratch, "edit build model --plan x.plan.safetensors --strength 0.5 -o x.patch.safetensors")
    _ = try scratch.report("x.patch.safetensors.report.json")
    try succeed(scratch, "edit apply model --patch x.patch.safetensors -o edited")
    try succeed(scratch, "edit verify edited --patch x.patch.safetensors --base model")
    try succeed(scratch, "edit revert edited --undo edited.undo.safetensors -o back")
    #expect(
      try Files.read(scratch.path("back/model.safetensors"))
        == Files.read(scratch.path("model/model.safetensors")))

    // The other kind of edit, through the same commands.
    try succeed(
      scratch,
      "locate model --edit ablate --probe probe/sites/blocks.2.output/means --norms vectors --layers 1-4 -o a.plan.safetensors"
    )
    let located = try scratch.report("a.plan.safetensors.report.json")
    #expect(located["results"]?["edit"]?.string == "ablate")
    #expect(located["results"]?["rows_per_block"]?.array?.count == 4)
    try succeed(
      scratch,
      "sweep model --plan a.plan.safetensors --prompts prompts.jsonl --neutral neutral.txt --grammar --strength 0.5,1 "
        + "--controls 1 -n 12 --gate neutral_perplexity_rise<=100000% -o asw")
    let ablated = try scratch.report("asw/report.json")
    #expect(ablated["results"]?["points"]?.array?.allSatisfy { $0["edit"]?.string == "ablate" } == true)
    #expect(
      ablated["results"]?["controls"]?.array?.compactMap { $0["control"]?.string }
        == ["random_direction", "random_blocks"])
    try succeed(scratch, "edit build model --plan a.plan.safetensors --strength 1 -o a.patch.safetensors")
    try succeed(
      scratch, "edit build model --plan a.plan.safetensors --alpha 1 -o b.patch.safetensors", code: 64)
    try succeed(
      scratch, "edit build model --plan a.plan.safetensors --strength 1 --rows 5% -o b.patch", code: 64)
    try succeed(scratch, "edit apply model --patch a.patch.safetensors -o ablated")
    try succeed(scratch, "edit verify ablated --patch a.patch.safetensors --base model")
    for (words, name) in [("model --patch a.patch.safetensors", "g"), ("ablated", "h")] {
      try succeed(scratch, "perplexity \(words) -f neutral.txt --report \(name).json")
    }
    let metrics = try ["g", "h"].map { name in
      try scratch.report("\(name).json")["metrics"]?.array?.first { $0["name"]?.string == "perplexity" }?[
        "value"]
    }
    #expect(metrics[0] == metrics[1] && metrics[0] != nil)
    try succeed(scratch, "edit export model --patch a.patch.safetensors -o adapter", code: 69)
    try succeed(scratch, "edit revert ablated --undo ablated.undo.safetensors -o aback")
    #expect(
      try Files.read(scratch.path("aback/model.safetensors"))
        == Files.read(scratch.path("model/model.safetensors")))
    try succeed(
      scratch, "locate model --edit ablate --rows 5% --probe probe/sites/final_norm/means -o c.plan", code: 64
    )
    try succeed(
      scratch, "locate model --edit zebra --probe probe/sites/final_norm/means -o c.plan", code: 64)
    try succeed(scratch, "ls edits --report ls.json")
    #expect(try scratch.report("ls.json")["results"]?["items"]?.array?.count == 3)
  }

  struct Case: Sendable {
    var line: String
    var exit: Int32
    var code: String
    var text = ""
  }

  @Test(arguments: [
    Case(
      line: "probe train model -f t.jsonl -o probe", exit: 65, code: "ONE_CLASS",
      text: "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", \"label\": 1}\n"),
    Case(
      line: "probe train model -f t.jsonl -o probe", exit: 65, code: "TEXTS_EMPTY",
      text: "{\"text\": \"\", \"label\": 1}\n{\"text\": \"b\", \"label\": 0}\n"),
    Case(
      line: "probe train model -f t.jsonl -o probe", exit: 65, code: "TEXTS_NO_LABEL",
      text: "{\"text\": \"a\"}\n{\"text\": \"b\", \"label\": 0}\n"),
    Case(
      line: "probe train model -f t.jsonl -o probe --duplicates refuse", exit: 65, code: "TEXTS_DUPLICATE",
      text:
        "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", \"label\": 0}\n"),
    Case(
      line: "probe train model -f t.jsonl -o probe", exit: 65, code: "CHAT_TEMPLATE_REFUSES",
      text: (0..<40).map {
        "{\"messages\": [{\"role\": \"system\", \"content\": \"text \($0)\"}], \"label\": \($0 % 2)}\n"
      }.joined()),
    Case(line: "probe eval model --probe none -f t.jsonl", exit: 66, code: "FILE_MISSING"),
    Case(line: "locate model --probe none -o p", exit: 66, code: "FILE_MISSING"),
    Case(line: "locate model --probe none --space zebra -o p", exit: 64, code: "UNKNOWN_NAME"),
    Case(
      line: "cache model -f t.jsonl --sites zebra -o c", exit: 64, code: "SITE_UNKNOWN", text: "\"a b\"\n"),
    Case(
      line: "cache model -f t.jsonl --sites blocks.99.output -o c", exit: 64, code: "BLOCK_OUT_OF_RANGE",
      text: "\"a b\"\n"),
    Case(
      line: "cache model -f t.jsonl --pooling reply -o c", exit: 65, code: "REPLY_MISSING", text: "\"a b\"\n"),
    Case(
      line: "edit build model --plan model/model.safetensors --strength 1 -o p", exit: 65,
      code: "PLAN_INVALID"),
    Case(
      line: "sweep model --plan model/model.safetensors --prompts t.jsonl --neutral t.jsonl --grammar -o s",
      exit: 65, code: "PLAN_INVALID"),
  ])
  func failsClearly(_ item: Case) throws {
    let scratch = try Scratch()
    try scratch.write(item.text, to: "t.jsonl")
    let ending = try Program.run(
      item.line.split(separator: " ").map(String.init) + ["--report", "r.json"], in: scratch.folder)
    #expect(ending.code == item.exit, "\(ending.errors)")
    let report = try scratch.report("r.json")
    #expect(report["run"]?["status"]?.string == "failed")
    #expect(report["run"]?["error"]?["code"]?.string == item.code)
  }
}

import Glibc
import JSON
import Reports
import Runtime
import Statistics
import Testing

@Suite struct SchemaRegistryTests {
  @Test(arguments: SchemaRegistry.kinds + ["report"])
  func everySchemaIsReadAndNamed(kind: String) throws {
    let schema = try SchemaRegistry.schema(kind)
    #expect(schema.root["$id"]?.string == "urn:surgeon:schema:\(kind)")
    #expect(schema.root["description"]?.string?.isEmpty == false)
    // For a look with another validator: SURGEON_DUMP_SCHEMAS=FOLDER swift test --filter SchemaRegistryTests
    if let folder = getenv("SURGEON_DUMP_SCHEMAS") {
      try Files.makeFolder(String(cString: folder))
      try Files.write(schema.root.text(.pretty), to: "\(String(cString: folder))/\(kind).schema.json")
    }
  }

  @Test func kindsAreTheOnesTheProgramHas() throws {
    let wanted = [
      "operate", "inspect", "parity", "generate", "perplexity", "cache", "probe.train", "probe.eval",
      "probe.score",
      "probe.export", "locate", "sweep", "edit.apply", "edit.revert", "edit.verify", "evaluate",
      "edit.compose",
      "edit.export",
      "doctor", "ls", "schema", "recipe", "report.render", "edit.build", "probe.ls", "diff", "convert",
      "probe.import", "distill.eval", "importance", "prune", "imatrix",
      "train", "distill", "recipe.training", "recipe.language", "recipe.distill", "regimes", "recipe.regimes",
      "bench.compare", "bench.growth",
    ]
    #expect(SchemaRegistry.kinds.sorted() == wanted.sorted())
    let error = #expect(throws: ReportError.self) { try SchemaRegistry.schema("edit.aply") }
    #expect(error?.suggestion == "did you mean edit.apply?")
  }

  /// Whatever a run came to, its report fits the schema.
  @Test func reportsOfEveryStatusFit() throws {
    let folder = try Golden.scratch("schemas")
    defer { try? Files.remove(folder) }
    var report = ReportEnvelope(kind: "perplexity", system: SystemFacts(openblasCore: "Haswell"))
    report.inputs = [try Artefact(role: "texts", at: #filePath, facts: ["tokenizer_sha256": "x"])]
    report.add(Metric(name: "perplexity", value: nil, unit: "perplexity", n: 0, reason: "no texts"))
    report.warn("NO_TEXTS", "nothing to read")
    let path = folder + "/r.json"
    let writer = ReportWriter(path: path)
    try writer.record(report, gates: [Gate(failIf: "perplexity>3")]) { report in
      try SchemaRegistry.validate(JSONValue(file: path))
      report.results["protocol"] = ["window": 512]
    }
    try SchemaRegistry.validate(JSONValue(file: path))
    for error in [FileError.missing(path: "x"), Interrupted()] as [any Error] {
      #expect(throws: (any Error).self) { try writer.record(report) { _ in throw error } }
      try SchemaRegistry.validate(JSONValue(file: path))
    }
  }

  @Test func resultsOfAFinishedRunAreChecked() throws {
    var report = ReportEnvelope(kind: "edit.apply")
    try SchemaRegistry.validate(report.json)
    report.run.status = .ok
    report.run.exitCode = .done
    let error = #expect(throws: ReportError.self) { try SchemaRegistry.validate(report.json) }
    #expect(error?.found == "the report: /results: tensors is missing; /results: checks is missing")
    report.results = ["tensors": [["name": "a", "rows_changed": -1]], "checks": []]
    let second = #expect(throws: ReportError.self) { try SchemaRegistry.validate(report.json) }
    #expect(second?.found.contains("/results/tensors/0/rows_changed: minimum is 0, found -1") == true)
    report.results["tensors"] = [["name": "a", "rows_changed": 1]]
    try SchemaRegistry.validate(report.json)
  }

  @Test func reportsOfOtherKindsFitTheEnvelope() throws {
    try SchemaRegistry.validate(ReportEnvelope(kind: "regimes").json)
    var odd = ReportEnvelope(kind: "regimes").json
    odd["extra"] = 1
    #expect(throws: ReportError.self) { try SchemaRegistry.validate(odd) }
  }

  @Test func theRecipeOfTheDesignFits() throws {
    let recipe = #"""
      {
        "model": "DIR",
        "behaviour": {"name": "hostile", "positive": "a.jsonl", "negative": "b.jsonl", "group": "template", "pool": "reply"},
        "probe": {"kinds": ["logistic", "means"], "sites": "blocks.*.output"},
        "locate": {"space": "faithful", "rows": "4.65%", "blocks": "all"},
        "sweep": {"strength": [0.25, 0.5, 1], "rows": ["2%", "5%"], "controls": 8},
        "prompts": {"target": "p.jsonl", "neutral": "n.txt", "judge": {"kind": "lexicon", "file": "w.txt"}},
        "gates": {"neutral_perplexity_rise": "<= 5%", "behaviour_drop": ">= 50%"}
      }
      """#
    try SchemaRegistry.validate(JSONValue(parsing: recipe), as: "recipe", source: "the recipe")
  }

  @Test func aRecipeOnFilesNeedsThem() throws {
    let schema = try SchemaRegistry.schema("recipe")
    #expect(schema.violations(of: [:]).isEmpty)
    #expect(schema.violations(of: ["model": "organism", "seed": 3]).isEmpty)
    let missing = schema.violations(of: ["model": "DIR", "behaviour": ["positive": "a"]]).map(\.description)
    #expect(missing == ["the whole: prompts is missing", "/behaviour: negative is missing"])
    #expect(!schema.violations(of: ["sweep": ["strength": 0]]).isEmpty)
    #expect(schema.violations(of: ["sweep": ["strength": 0.5, "rows": 42]]).isEmpty)
  }
}

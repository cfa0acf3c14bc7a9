import Checkpoints
import Glibc
import JSON
import OrderedCollections
import Organism
import Probing
import Reports
import Runtime
import Testing

extension FailureTests {
  /// What `importance` refuses.
  static let importance: [Case] = [
    Case(
      name: "unknown score", arguments: "importance model --score magnitud", exit: 64, code: "UNKNOWN_SCORE"),
    Case(
      name: "unknown setting of a score", arguments: "importance model --score cosine:side=left", exit: 64,
      code: "UNKNOWN_PARAMETER"),
    Case(name: "unknown grain", arguments: "importance model --grain zebra", exit: 64, code: "UNKNOWN_NAME"),
    Case(
      name: "roles that are no products", arguments: "importance model --roles mlp.norm", exit: 64,
      code: "UNKNOWN_ROLE"),
    Case(
      name: "roles that the model lacks", arguments: "importance model --roles mlp.shared", exit: 64,
      code: "NOTHING_TO_PRUNE"),
    Case(
      name: "experts of a dense model", arguments: "importance model --grain expert", exit: 64,
      code: "NOTHING_TO_PRUNE"),
    Case(
      name: "a list of patterns", arguments: "importance model --grain pattern", exit: 64,
      code: "COMBINATION_REFUSED"),
    Case(
      name: "blocks that are not there", arguments: "importance model --layers 3-40", exit: 64,
      code: "BLOCK_OUT_OF_RANGE"),
    Case(
      name: "a score without its texts", arguments: "importance model --score wanda", exit: 64,
      code: "CALIBRATION_MISSING"),
    Case(
      name: "texts for a score that needs none", arguments: "importance model --calibration t.txt", exit: 64,
      code: "FLAGS_INVALID"
    ) { try $0.write("One two.\n", to: "t.txt") },
    Case(
      name: "calibration shorter than asked",
      arguments:
        "importance model --score wanda --calibration t.txt --calibration-count 9 --calibration-length 64",
      exit: 65, code: "CALIBRATION_TOO_SHORT"
    ) { try $0.write("One two.\n", to: "t.txt") },
    Case(
      name: "a cosine without a probe", arguments: "importance model --score cosine", exit: 64,
      code: "SCORE_NEEDS_MORE"),
    Case(
      name: "an overlap of one score", arguments: "importance model --overlap", exit: 64,
      code: "COMBINATION_REFUSED"),
    Case(
      name: "a top of everything",
      arguments: "importance model --overlap --score magnitude,lamp --top-share 100%",
      exit: 64, code: "SPARSITY_INVALID"),
    Case(
      name: "NaN among the weights", arguments: "importance model", exit: 65, code: "WEIGHT_NOT_FINITE"
    ) { try poison($0) },
    Case(
      name: "a matrix of zeros", arguments: "importance model --score lamp --roles mlp.up", exit: 65,
      code: "MATRIX_ALL_ZERO"
    ) { scratch in
      let file = scratch.path("model/model.safetensors")
      let entry = try #require(
        try SafetensorsFile(path: file).entries.first { $0.name.contains("layers.1.mlp.up_proj") })
      var bytes = try Files.read(file)
      for index in entry.byteRange { bytes[index] = 0 }
      try Files.write(bytes, to: file)
    },
    Case(
      name: "scores over a file that is there", arguments: "importance model --grain row -o s.csv", exit: 73,
      code: "OUTPUT_EXISTS"
    ) { try $0.write("", to: "s.csv") },
    Case(
      name: "a file of a table of matrices", arguments: "importance model -o s.csv", exit: 64,
      code: "FLAGS_INVALID"),
  ]
}

@Suite struct ImportanceProgramTests {
  private func run(_ scratch: Scratch, _ line: String) throws -> JSONValue {
    let words = line.split(separator: " ").map(String.init) + ["--report", "r.json"]
    let ending = try Program.run(words, in: scratch.folder)
    #expect(ending.code == 0, "\(line)\n\(ending.errors)")
    #expect(!ending.output.isEmpty)
    let report = try scratch.report("r.json")
    let rendered = try scratch.run("report", "render", "r.json", "-o", "r.html")
    #expect(rendered.code == 0, "\(rendered.errors)")
    return report
  }

  /// A probe whose direction is that of no training: enough to compare rows with.
  private func writeProbe(_ scratch: Scratch) throws {
    let exchanges = OrganismData.probeExchanges(split: .train, count: 80)
    let lines = try exchanges.map {
      try JSONValue.object(["text": .string($0.reply), "label": .integer($0.label)]).text()
    }
    try scratch.write(lines.joined(separator: "\n") + "\n", to: "labelled.jsonl")
    let ending = try scratch.run(
      "probe", "train", "model", "-f", "labelled.jsonl", "--sites", "blocks.2.output", "--kinds", "means",
      "--permutations", "0", "-o", "probe", "-q")
    #expect(ending.code == 0, "\(ending.errors)")
  }

  @Test func tableHasALineAMatrixAndScore() throws {
    let scratch = try Scratch()
    let report = try run(scratch, "importance model --score magnitude,lamp,row-norm --layers 0-1")
    let matrices = try #require(report["results"]?["matrices"]?.array)
    #expect(matrices.count == 14 && matrices.allSatisfy { $0["scores"]?.array?.count == 3 })
    #expect(report["metrics"]?.array?.count == 6)
    #expect(try Files.readText(scratch.path("r.html")).contains("Mean score lamp by role and block"))
  }

  @Test func unitsAreListedAndWritten() throws {
    let scratch = try Scratch()
    for (grain, file) in [("neuron", "s.safetensors"), ("head", "s.json"), ("row", "s.csv")] {
      let report = try run(scratch, "importance model --score magnitude --grain \(grain) --top 3 -o \(file)")
      let own = try #require(report["results"]?["scores"]?.array?.first)
      #expect(own["highest"]?.array?.count == 3 && own["lowest"]?.array?.count == 3)
      #expect(report["outputs"]?.array?.isEmpty == false && scratch.has(file))
    }
    let dry = try run(scratch, "importance model --grain row --dry-run -o other.csv")
    #expect(dry["results"]?["dry_run"]?["read_bytes"]?.int ?? 0 > 0 && !scratch.has("other.csv"))
  }

  @Test func overlapAnswersWhatPruningWouldRemove() throws {
    let scratch = try Scratch()
    try writeProbe(scratch)
    for space in ["faithful", "gain-corrected"] {
      let report = try run(
        scratch,
        "importance model --score cosine,magnitude,random --probe probe --space \(space) --overlap --top-share 5%"
      )
      let lines = try #require(report["results"]?["overlap"]?.array)
      // Three pairs of scores, five roles that read the stream, every block and all together.
      let blocks = Set(lines.compactMap { $0["block"]?.int }).count
      #expect(lines.count == 3 * 5 * (blocks + 1))
      #expect(!lines.contains { $0["role"]?.string == "mlp.down" })
      #expect(
        Set(report["metrics"]?.array?.compactMap { $0["name"]?.string } ?? [])
          == ["rank_correlation", "top_shared", "top_removed", "top_by_chance"])
      #expect(try Files.readText(scratch.path("r.html")).contains("Rank correlation of scores"))
    }
    let table = try run(scratch, "importance model --score cosine,magnitude --probe probe")
    let matrices = try #require(table["results"]?["matrices"]?.array)
    #expect(matrices.first { $0["kind"]?.string == "mlp.down" }?["scores"]?.array?.first?.isNull == true)
  }

  @Test func scoresOfActivationsAreMeasuredOnTexts() throws {
    let scratch = try Scratch()
    try writeProbe(scratch)
    let texts = OrganismData.neutralTexts(split: .train, count: 200)
    try scratch.write(texts.joined(separator: "\n") + "\n", to: "t.txt")
    let calibration = "--calibration t.txt --calibration-whole --calibration-count 8 --calibration-length 32"
    let table = try run(
      scratch, "importance model --score wanda,obs,activation-energy,outlier-share \(calibration)")
    let matrices = try #require(table["results"]?["matrices"]?.array)
    for matrix in matrices {
      let scores = try #require(matrix["scores"]?.array)
      #expect(scores.count == 4 && scores.allSatisfy { $0["mean"]?.double ?? -1 >= 0 })
    }
    #expect(table["inputs"]?.array?.contains { $0["role"]?.string == "calibration" } == true)
    let overlap = try run(
      scratch, "importance model --score cosine,wanda --probe probe --overlap --grain row \(calibration)")
    #expect(overlap["results"]?["overlap"]?.array?.isEmpty == false)
    let weights = try run(
      scratch, "importance model --score magnitude,wanda --overlap --grain weight --layers 0 \(calibration)")
    #expect(weights["results"]?["overlap"]?.array?.count == 14)
  }

  @Test func noResultDependsOnThreads() throws {
    let scratch = try Scratch()
    let lines = [
      "importance model --score magnitude,lamp,leverage,column-norm,random",
      "importance model --score magnitude --grain head --aggregate sum",
      "importance model --score magnitude,random --grain neuron --overlap",
    ]
    for line in lines {
      let reports = try ["1", "2"].map { threads in
        ReportEnvelope.comparable(try run(scratch, "\(line) --threads \(threads)"))
      }
      #expect(reports[0] == reports[1])
    }
  }

  @Test func listingsNameEveryMethod() throws {
    let scratch = try Scratch(model: false)
    for (kind, name) in [
      ("scores", "wanda"), ("groups", "keep-N-of-M"), ("budgets", "owl"), ("grains", "neuron"),
    ] {
      let ending = try scratch.run("ls", kind, "--format", "csv")
      #expect(ending.code == 0 && ending.output.contains(name))
    }
  }
}

import ArgumentParser
import Glibc
import JSON
import Reports
import Runtime
import Tensors
import Transformers

/// `Bench growth`: how cost grows with work, and what it comes to on larger models.
struct GrowthCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "growth",
    abstract:
      "Measure how cost grows with batch, length, threads, size, rows and width; estimate larger models.",
    discussion: """
      Each curve shows a rate and the cost against the work, with the exponent fitted to the logarithms: 1 is in
      proportion. An exponent above 1.1, over all points or over the larger half, is a finding. Work counts operations
      (attention too), bytes or tokens; costs are the fastest runs. Models of random weights are made in --models (2.8 GB,
      with --quick 0.6 GB) and kept. Exit 2 when there is a finding.

      Example: Bench growth --quick -o growth.html
      """)

  @Option(help: "Curves, comma-separated: \(GrowthMeasures.names.joined(separator: ", ")). Default: all.")
  var curves: String?

  @Option(help: "Folder of the models, filled where needed.")
  var models = "bench-models"

  @Option(help: "Where edited copies go for a while. Default: the folder of models.")
  var scratch: String?

  @Option(help: "Threads.")
  var threads = Machine.processors

  @Flag(help: "Smaller models and fewer points: a few minutes.")
  var quick = false

  @Flag(help: "Take costs from the processor's clock instead of the wall's: for a machine that others share.")
  var processorTime = false

  @Flag(help: "Print the report as JSON instead of tables.")
  var json = false

  @Option(name: .shortAndLong, help: "An HTML page to write.")
  var output: String?

  func validate() throws {
    guard threads > 0 else { throw ValidationError("--threads must be at least 1") }
    _ = try chosen()
  }

  func run() throws {
    let chosen = try chosen()
    Parallel.setThreads(threads)
    try Files.makeFolder(models)
    if let scratch { try Files.makeFolder(scratch) }
    let measures = GrowthMeasures(
      models: RandomModels(folder: models), scratch: scratch ?? models, quick: quick,
      processorTime: processorTime,
      say: Notice.say)
    var curves: [GrowthCurve] = []
    var estimates = GrowthEstimates(one: .quick, all: .quick)
    let report = try ReportWriter(path: nil).record(
      ReportEnvelope(
        kind: "bench.growth", run: RunFacts(threads: threads),
        system: SystemFacts(openblasCore: MachineFacts().openblasCore))
    ) { report in
      for name in chosen { curves += try measures.curve(name) }
      estimates = try Self.rates(threads)
      estimates.calibrate(curves)
      report.results = [
        "machine": .object(MachineFacts().members), "quick": .bool(quick),
        "rates": ["one_thread": estimates.one.json, "all_threads": estimates.all.json],
        "tolerance": .number(GrowthCurve.tolerance), "curves": .array(curves.map(\.json)),
        "estimates": .array(try estimates.estimates().map(\.json)),
        "assumptions": .strings(estimates.assumptions),
      ]
      for curve in curves where curve.growsTooFast {
        report.warn("GROWS_TOO_FAST", "\(curve.title): \(GrowthReport.exponents(curve))")
      }
    }
    try SchemaRegistry.validate(report.json)
    if let output { try Files.write(HTMLReport.render(report: report.json), to: output) }
    if json {
      print(try report.json.text(.pretty))
    } else {
      let isTerminal = isatty(STDOUT_FILENO) == 1
      print(MachineFacts().line + "\n")
      print(try GrowthReport.table(curves).text(.table, terminal: isTerminal))
      print(try GrowthReport.table(estimates.estimates()).text(.table, terminal: isTerminal))
      for assumption in estimates.assumptions { print("- \(assumption)") }
    }
    if curves.contains(where: \.growsTooFast) { throw ExitCode(2) }
  }

  /// Rates of one and of all threads.
  private static func rates(_ threads: Int) throws -> GrowthEstimates {
    defer { Parallel.setThreads(threads) }
    Parallel.setThreads(1)
    let one = MachineRates.measured(seconds: 1.5)
    Parallel.setThreads(threads)
    return GrowthEstimates(one: one, all: MachineRates.measured(seconds: 1.5))
  }

  private func chosen() throws -> [String] {
    guard let curves else { return GrowthMeasures.names }
    let names = curves.split(separator: ",").map(String.init)
    for name in names where !GrowthMeasures.names.contains(name) {
      throw ValidationError("--curves \(name): \(Suggestion.hint(for: name, in: GrowthMeasures.names))")
    }
    return names
  }
}

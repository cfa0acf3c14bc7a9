import ArgumentParser
import JSON
import OrderedCollections
import Probing
import Runtime
import Tensors

/// `Bench probe`: fits of a logistic probe on made-up hidden states.
struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe",
    abstract: "Time fitting a logistic probe at C = 1, standardisation included.",
    discussion: """
      Data: isotropic, spectrum (power-law scales, offset, outlier features) or rotated (the same, correlated). A run
      standardises, factors and fits. With --sites it is a whole sweep instead, as `surgeon probe train` makes one behind its
      hidden states: two kinds at each site (all of the same vectors), their metrics with intervals, and 20 permutations of the
      labels at the chosen one. --folder keeps the data as features.npy and labels.npy, made where it is not there yet,
      so that a peer can fit the same (Peers/probe_fit.py). A second line says objective (mean log-loss + ‖w‖²/2n over
      standardised features), iterations and accuracy on the held-out tenth.

      Example: Bench probe --rows 9000 --width 768 --data rotated
      """)

  @Option(help: "Texts; nine tenths train.")
  var rows = 9000

  @Option(help: "Width of the vectors.")
  var width = 768

  @Option(help: "Shape of the data: \(ProbeData.Shape.allCases.map(\.rawValue).joined(separator: ", ")).")
  var data = "rotated"

  @Option(help: "Folder of the data: read where it is there, else made and written.")
  var folder: String?

  @Option(help: "Sites of a sweep; 0 times single fits.")
  var sites = 0

  @Option(help: "Timed fits; one before them is left out.")
  var runs = 3

  @Option(help: "Threads.")
  var threads = Machine.processors

  @Flag(help: "Only make and write the data.")
  var makeOnly = false

  @Flag(help: "Print lines of JSON instead of a table.")
  var json = false

  func validate() throws {
    guard rows >= 40, width > 0, runs > 0, threads > 0, sites >= 0 else {
      throw ValidationError("--rows must be at least 40; --width, --runs and --threads at least 1, --sites 0")
    }
    guard ProbeData.Shape(rawValue: data) != nil else {
      throw ValidationError(
        "--data \(data): \(Suggestion.hint(for: data, in: ProbeData.Shape.allCases.map(\.rawValue)))")
    }
    if makeOnly && folder == nil { throw ValidationError("--make-only needs a --folder") }
  }

  func run() throws {
    Parallel.setThreads(threads)
    let data = try ready()
    if makeOnly { return }
    var watch = Stopwatch(json: json)
    if sites > 0 {
      try Self.sweep(data, sites: sites, &watch, runs: runs)
      return try watch.finish()
    }
    let fit = try Self.measure(data, &watch, runs: runs)
    try watch.finish()
    let held = data.split.validation + data.split.test
    let right = zip(held, fit.logits(data.features, rows: held)).count { data.labels[$0] == ($1 > 0) }
    let accuracy = Double(right) / Double(held.count)
    let objective = fit.details["objective"] ?? .null, iterations = fit.details["iterations"] ?? .null
    guard json else {
      return print(
        "objective \(objective.double.map { Format.significant($0, 8) } ?? "–") nats, \(iterations.int ?? 0) iterations, "
          + "accuracy \(Format.percent(accuracy))")
    }
    let line: JSONValue = [
      "objective": objective, "iterations": iterations, "converged": fit.details["converged"] ?? .null,
      "accuracy": .number(accuracy),
    ]
    print(try line.text())
  }

  /// Times fits of one set of data and returns the last one.
  static func measure(_ data: ProbeData, _ watch: inout Stopwatch, runs: Int) throws -> LinearFit {
    let kind = try ProbeKind.named("logistic")
    func fit() throws -> LinearFit {
      try kind.fit(
        SiteProblem(data.features, labels: data.labels, split: data.split), ["c": .number(1)])
    }
    _ = try fit()
    return try watch.measure(
      "probe", "\(data.split.train.count)×\(data.features.width)",
      amount: Double(data.split.train.count), unit: "texts", runs: runs, fit)
  }

  /// Times sweeps over sites of the same vectors.
  private static func sweep(_ data: ProbeData, sites: Int, _ watch: inout Stopwatch, runs: Int) throws {
    var options = LayerSweep.Options()
    options.textControls = false
    let sources = (0..<sites).map { site in LayerSweep.Source(site: "site \(site)") { data.features } }
    _ = try watch.measure(
      "sweep", "\(data.labels.count)×\(sites)×\(data.features.width)", amount: Double(sites), unit: "sites",
      runs: runs
    ) { try LayerSweep.run(sources, texts: data.texts, split: data.split, options: options) }
  }

  private func ready() throws -> ProbeData {
    let shape = ProbeData.Shape(rawValue: data) ?? .rotated
    guard let folder else { return try ProbeData(shape, rows: rows, width: width) }
    let own = "\(folder)/\(data)-\(rows)x\(width)"
    if Files.exists("\(own)/labels.npy") { return try ProbeData(folder: own) }
    let made = try ProbeData(shape, rows: rows, width: width)
    try made.write(to: own)
    return made
  }
}

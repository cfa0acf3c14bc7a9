import ArgumentParser
import Glibc
import JSON
import Reports
import Runtime

/// `Bench compare`: the jobs that people have, beside what they use for them now.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Run jobs here and in the programs people use instead, in turn, and print the table.",
    discussion: """
      Every round runs ours, then the peers; the table shows medians over rounds. OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE
      are hidden from both sides. Peers are the scripts of --scripts and those of Sources/Bench/Peers, run by --python; a
      peer that is not there leaves its rows without a ratio. Models of random weights are made in --models (2.8 GB for
      all), data and converted models in --scratch (12 GB for all); both are kept for the next run.
      Exit 1 when one of our own runs fails, not when an aim is missed.

      Example: Bench compare --python venv/bin/python --scripts peers --jobs hidden-110m,probe-9k -o compare.html
      """)

  @Option(help: "Python with the peers' packages.")
  var python: String?

  @Option(help: "Folder of the peers' scripts: hidden.py, train.py, weights.py.")
  var scripts = "peers"

  @Option(help: "Folder of the scripts that come with Bench.")
  var ownScripts = "Sources/Bench/Peers"

  @Option(help: "Jobs, comma-separated; all if left out. --list shows them.")
  var jobs: String?

  @Option(help: "Rounds.")
  var runs = 3

  @Option(help: "Folder of the models, filled where needed.")
  var models = "bench-models"

  @Option(help: "Folder for data, converted models and copies. Default: MODELS/scratch.")
  var scratch: String?

  @Option(help: "The program surgeon. Default: beside this one.")
  var surgeon: String?

  @Option(help: "Threads on both sides.")
  var threads = 2

  @Flag(help: "List the jobs.")
  var list = false

  @Flag(help: "Print the report as JSON instead of a table.")
  var json = false

  @Option(name: .shortAndLong, help: "An HTML page to write.")
  var output: String?

  func validate() throws {
    guard runs > 0, threads > 0 else { throw ValidationError("--runs and --threads must be at least 1") }
    _ = try chosen()
  }

  func run() throws {
    let chosen = try chosen()
    if list {
      for job in chosen { print("\(job.name): \(job.summary)") }
      return
    }
    let places = places
    try Files.makeFolder(places.scratch)
    var report = ReportEnvelope(
      kind: "bench.compare", run: RunFacts(threads: threads),
      system: SystemFacts(openblasCore: MachineFacts().openblasCore))
    var outcomes: [CompareOutcome] = []
    let finished = try ReportWriter(path: nil).record(report) { report in
      let runner = CompareRun(places: places, rounds: runs, say: Notice.say)
      for job in chosen {
        outcomes += try runner.run(job)
        report.results = CompareReport.json(outcomes, rounds: runs)
      }
    }
    report = finished
    try SchemaRegistry.validate(report.json)
    if let output { try Files.write(HTMLReport.render(report: report.json), to: output) }
    if json {
      print(try report.json.text(.pretty))
    } else {
      print(MachineFacts().line + "\n")
      print(try CompareReport.table(outcomes).text(.table, terminal: isatty(STDOUT_FILENO) == 1))
      for outcome in outcomes {
        if let missing = outcome.missing { print("- \(outcome.row.title), \(outcome.peer): \(missing)") }
      }
    }
    if outcomes.contains(where: { $0.missing?.hasPrefix("failed") == true }) { throw ExitCode.failure }
  }

  private func chosen() throws -> [CompareJob] {
    let all = CompareJobs.all(places)
    guard let jobs else { return all }
    return try jobs.split(separator: ",").map { name in
      guard let job = all.first(where: { $0.name == name }) else {
        throw ValidationError(
          "--jobs \(name): \(Suggestion.hint(for: String(name), in: all.map(\.name))); --list shows them all")
      }
      return job
    }
  }

  private var places: ComparePlaces {
    let own = Self.ownPath
    return ComparePlaces(
      bench: own, surgeon: surgeon ?? "\(Files.folder(of: own))/surgeon", python: python, scripts: scripts,
      own: ownScripts, models: models, scratch: scratch ?? "\(models)/scratch", threads: threads)
  }

  /// This program's own file.
  private static var ownPath: String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    return String(decoding: buffer[..<max(0, count)].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

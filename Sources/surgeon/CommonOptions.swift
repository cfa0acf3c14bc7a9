import ArgumentParser
import Glibc
import JSON
import Layers
import LinearAlgebra
import OrderedCollections
import Reports
import Runtime
import Tensors

/// Flags that every command takes.
struct CommonOptions: ParsableArguments {
  @Option(name: .long, help: "Where the JSON report goes; default beside or inside the output.")
  var report: String?

  @Option(name: .shortAndLong, help: "Seed of everything random; recorded.")
  var seed: UInt64 = 0

  @Option(name: .shortAndLong, help: "Threads; no result depends on it. Default: all processors.")
  var threads: Int?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Products of linear layers in forward passes: f32; bf16 (rounded inputs, for weights stored as bf16); auto.",
      discussion:
        "auto is bf16 where the weights are bf16 and the processor has AVX512_BF16, else f32. SURGEON_COMPUTE gives the default."
    ))
  var compute = ComputeChoice.standard

  @Option(name: .long, help: "Progress on stderr: auto, plain, jsonl or none.")
  var progress = "auto"

  @Flag(name: .shortAndLong, help: "No progress, errors only.")
  var quiet = false

  @Option(name: .long, help: "How results are printed: table, md, csv or json.")
  var format: String?

  @Option(name: .long, help: "Exit 2 when this holds of a metric, such as 'perplexity_rise>5%'; repeatable.")
  var failIf: [String] = []

  @Option(name: .long, help: "YAML file with long flags as keys; the command line wins.")
  var config: String?

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads must be at least 1") }
    if let name = ComputeChoice.named, ComputeChoice(rawValue: name) == nil {
      throw ValidationError("SURGEON_COMPUTE=\(name): expected auto, f32 or bf16")
    }
    do {
      _ = try ProgressMode(named: progress)
      if let format { _ = try TableFormat(named: format) }
      for text in failIf { _ = try Gate(failIf: text) }
    } catch {
      throw ValidationError("\(error)")
    }
  }
}

extension ComputeChoice: ExpressibleByArgument {
  /// What the environment asks for, so that scripts give the same numbers on every processor.
  static var named: String? { getenv("SURGEON_COMPUTE").map { String(cString: $0) } }

  /// The mode of commands that are not told one.
  static var standard: ComputeChoice { named.flatMap(ComputeChoice.init) ?? .auto }
}

/// A command with a report: what every file of this folder but the listings is.
protocol ReportingCommand: ParsableCommand {
  /// The command path, such as `edit.apply`.
  static var kind: String { get }
  /// The common flags.
  var common: CommonOptions { get }
  /// Where the report goes unless `--report` says so; nil writes none.
  var defaultReport: String? { get }
  /// Writes what is made out of the finished report, such as its page.
  func publish(_ report: ReportEnvelope) throws
  /// Does the work and fills the report.
  func work(_ report: inout ReportEnvelope, _ session: Session) throws
}

/// What a command's work needs of the program.
struct Session {
  /// Receives progress.
  let progress: ProgressSink
  /// How tables are printed.
  let format: TableFormat
  /// How models compute.
  let compute: ComputeChoice
  /// The renderer, for lines that must not tear the progress line.
  let renderer: ProgressRenderer

  /// Prints a table as the result.
  func show(_ table: Table) throws { show(try table.text(format, terminal: Terminal.isTerminal)) }

  /// Prints a result: the heading and tables for people, the first table alone as CSV, metrics and results as JSON.
  func show(_ report: ReportEnvelope, heading: [String] = [], tables: [Table], closing: [String] = []) throws
  {
    switch format {
    case .json:
      let value: JSONValue = ["metrics": .array(report.metrics.map(\.json)), "results": report.results]
      show(try value.withFiniteNumbers().text(.pretty))
    case .csv: if let table = tables.first { try show(table) }
    case .table, .md:
      let texts =
        [heading.joined(separator: "\n")]
        + (try tables.filter { !$0.rows.isEmpty }.map { try $0.text(format, terminal: Terminal.isTerminal) })
        + [closing.joined(separator: "\n")]
      show(texts.filter { !$0.isEmpty }.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" }.joined(separator: "\n"))
    }
  }

  /// Prints a text as the result.
  func show(_ text: String) {
    renderer.finish()
    Terminal.show(text)
  }
}

extension ReportingCommand {
  func publish(_ report: ReportEnvelope) throws {}

  func run() throws {
    let threads = min(common.threads ?? Machine.processors, Machine.processors)
    Parallel.setThreads(threads)
    let mode = common.quiet ? ProgressMode.none : try ProgressMode(named: common.progress)
    let renderer = ProgressRenderer(mode: mode)
    let format = try common.format.map { try TableFormat(named: $0) } ?? .table
    let session = Session(
      progress: renderer.sink, format: format, compute: common.compute, renderer: renderer)
    var report = ReportEnvelope(
      kind: Self.kind, run: RunFacts(seed: common.seed, threads: threads),
      system: SystemFacts(openblasCore: BLASLibrary.coreName))
    report.run.configuration = ResolvedOptions.json(self)
    do {
      let gates = try common.failIf.map { try Gate(failIf: $0) }
      let path = common.report ?? defaultReport
      let finished = try ReportWriter(path: path).record(report, gates: gates) { try work(&$0, session) }
      renderer.finish()
      try publish(finished)
      if !common.quiet {
        for warning in finished.warnings { Terminal.complain("warning: \(warning.message)") }
        if let path { Terminal.complain("report: \(path)") }
      }
      for gate in finished.gates where !gate.held { Terminal.complain("gate did not hold: \(gate.text)") }
      if finished.gates.contains(where: { !$0.held }) { throw ArgumentParser.ExitCode(2) }
    } catch let code as ArgumentParser.ExitCode {
      throw code
    } catch {
      renderer.finish()
      let facts = ErrorFacts(error)
      Terminal.complain("surgeon \(Self.kind.replacing(".", with: " ")): \(facts.code)\n\(error)")
      throw ArgumentParser.ExitCode(facts.exitCode.rawValue)
    }
  }
}

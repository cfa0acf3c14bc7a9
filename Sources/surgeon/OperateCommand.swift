import ArgumentParser
import JSON
import Operation
import Recipes
import Reports
import Runtime

/// `surgeon operate`: the whole operation in one run folder.
struct OperateCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "operate",
    abstract: "Probe a behaviour, locate its rows, edit them and prove it, in one run folder.",
    discussion: """
      surgeon operate --demo -o RUN          on the embedded model, nothing downloaded
      surgeon operate RECIPE.yaml -o RUN     on a checkpoint folder; surgeon schema recipe prints the recipe's shape
      A second run of the same recipe resumes; a finished one is verified.
      """)
  static let kind = "operate"

  @Argument(help: "Recipe in YAML.")
  var recipe: String?

  @Flag(help: "Operate on the embedded model.")
  var demo = false

  @Option(name: .shortAndLong, help: "Run folder.")
  var output: String

  @Flag(help: "Say what would be read, written and measured, and do nothing.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { dryRun ? nil : output + "/report.json" }

  func validate() throws {
    guard demo != (recipe != nil) else { throw ValidationError("give either a recipe or --demo") }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    var plan = Recipe.demonstration
    if let recipe {
      plan = try Recipe(json: YAMLReader.value(Files.readText(recipe), source: recipe))
    }
    if common.seed != 0 { plan.seed = common.seed }
    report.run.seed = plan.seed
    report.run.configuration = plan.json
    if dryRun {
      session.show(try OperationPlan(plan).json.text(.pretty))
      return
    }
    let operation = try Operation(
      plan, folder: output, compute: session.compute, progress: session.progress)
    report.computed(by: operation.base)
    let finished: FinishedOperation
    if operation.folder.isFinished {
      finished = try FinishedOperation(verifying: operation.folder)
      session.renderer.say("verified \(finished.verifiedFiles ?? 0) files of the finished run in \(output)")
    } else {
      finished = try operation.run()
    }
    report.results = finished.results
    report.add(finished.metrics)
    for answer in finished.answers where answer.passed == false {
      report.warn("ANSWER_NO", "\(answer.question) No: \(answer.detail)")
    }
    if let input = try? Artefact(role: "base_model", at: operation.baseFolder, hashing: false) {
      report.inputs.append(input)
    }
    report.outputs.append(try Artefact(role: "run", at: output))
    var table = Table([.init("question"), .init("answer"), .init("measured on test data")])
    for answer in finished.answers {
      table.add([
        .text(answer.question), .text(answer.passed.map { $0 ? "yes" : "no" } ?? "–"), .text(answer.detail),
      ])
    }
    try session.show(table)
  }

  func publish(_ report: ReportEnvelope) throws {
    guard !dryRun else { return }
    try Files.write(HTMLReport.render(report: report.json), to: output + "/report.html")
    Terminal.complain("page: \(output)/report.html")
  }
}

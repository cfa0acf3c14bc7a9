import ArgumentParser
import JSON
import Recipes
import Regimes
import Reports
import Runtime
import Training

/// `surgeon regimes`: maps of pruning over temperature and load.
struct RegimesCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "regimes",
    abstract:
      "Prune-and-retrain grids over temperature and density: error, connectivity, similarity, regimes.",
    discussion: """
      surgeon regimes --demo -o RUN          MNIST-1D, an MLP and a batch-norm residual network, some minutes
      surgeon regimes RECIPE.yaml -o RUN     your data, network and grid; surgeon schema recipe.regimes prints its shape
      Every cell is a file: a second run of the same recipe goes on where the first stopped; a finished one is verified.
      --dry-run says what would be trained and how long it takes on this machine.
      """)
  static let kind = "regimes"

  @Argument(help: "Recipe in YAML.")
  var recipe: String?

  @Flag(help: "The embedded study on MNIST-1D.")
  var demo = false

  @Option(name: .shortAndLong, help: "Run folder.")
  var output: String

  @Flag(help: "Say what would be trained and how long it takes, and do nothing.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { dryRun ? nil : output + "/report.json" }

  func validate() throws {
    guard demo != (recipe != nil) else { throw ValidationError("give either a recipe or --demo") }
  }

  private func plans() throws -> [RegimePlan] {
    guard let recipe else { return try RegimePlan.demonstration() }
    return try RegimePlan.grids(
      .object(RecipeFile.reader(recipe).members), folder: Files.folder(of: recipe))
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    var plans = try plans()
    if common.seed != 0 {
      for index in plans.indices {
        if plans[index].isGiven {
          throw RegimesError.badSetting(
            name: "seed", value: "\(common.seed)",
            expected: "0 with given checkpoints: nothing dense is trained")
        }
        plans[index].dense.seeds = plans[index].dense.seeds.map { $0 + common.seed }
      }
    }
    report.run.seed = common.seed
    var configuration: JSONValue = [:]
    for plan in plans { configuration[plan.name] = try plan.json() }
    report.run.configuration = configuration
    if dryRun {
      let estimates = try plans.map { try GridEstimate($0) }
      let all: JSONValue = [
        "grids": .array(estimates.map(\.json)),
        "seconds": .number(estimates.reduce(0) { $0 + $1.seconds }),
      ]
      session.show(try all.text(.pretty))
      return
    }
    let study = try RegimeStudy(plans, folder: output, progress: session.progress)
    if !study.folder.isFinished {
      let seconds = try plans.reduce(0) { try $0 + GridEstimate($1).seconds }
      session.renderer.say(
        "estimated: \(Format.seconds(seconds)) for the whole study, the machine as busy as now")
    }
    let start = Machine.seconds
    let outcome = try study.run()
    if let files = outcome.verifiedFiles {
      session.renderer.say("verified \(files) files of the finished run in \(output)")
    } else {
      session.renderer.say("took \(Format.seconds(Machine.seconds - start))")
    }
    report.results = outcome.json
    for grid in outcome.grids {
      report.add(grid.metrics)
      if let objection = grid.labels.objection {
        report.warn("UNCALIBRATED", "\(grid.grid.plan.name): cells have no regime: \(objection)")
      }
    }
    report.outputs.append(try Artefact(role: "run", at: output))
    try session.show(
      report, heading: outcome.grids.flatMap(\.heading), tables: outcome.grids.map(\.cellTable),
      closing: outcome.grids.flatMap(\.closing))
  }

  func publish(_ report: ReportEnvelope) throws {
    guard !dryRun else { return }
    try Files.write(HTMLReport.render(report: report.json), to: output + "/report.html")
    Terminal.complain("page: \(output)/report.html")
  }
}

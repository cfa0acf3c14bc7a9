import Architectures
import ArgumentParser
import Checkpoints
import JSON
import Reports
import Runtime
import Surgery

/// `surgeon edit build MODEL --plan PLAN --strength S -o P`, or `--edited DIR`.
struct EditBuildCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "build",
    abstract: "Makes a patch out of a plan at one strength, or out of the difference to an edited copy.",
    discussion: """
      For rows --strength is a fraction of their median length with a unit direction; --alpha is the paper's
      unnormalised factor instead; negative values turn the direction round. For an ablation it is the share of the
      direction that is taken out: 1 for all of it. No tokenizer is needed.

      With --edited the patch is the difference to another folder with the same tensors, however it was made (pruned, trained, merged):
      new values at single places, which apply bit for bit. edit compose --scale takes a part of it.

      Example: surgeon edit build models/llama --plan calm.plan.safetensors --strength 0.5 -o calm.patch.safetensors
      """)
  static let kind = "edit.build"

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(help: "The plan that surgeon locate wrote.")
  var plan: String?

  @Option(help: "An edited copy of the model, in place of --plan: the patch is what differs.")
  var edited: String?

  @Option(help: "Fraction of the rows' median length, or of the direction that an ablation takes out.")
  var strength: Double?

  @Option(help: "The paper's unnormalised factor, in place of --strength.")
  var alpha: Double?

  @Option(help: "Another budget than the plan's, such as 2%.")
  var rows: String?

  @Option(name: .shortAndLong, help: "The patch file, such as X.patch.safetensors.")
  var output: String

  @Flag(help: "Build the patch, write nothing, and say what it would change.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { ReportPlace.beside(output, dryRun: dryRun) }

  func validate() throws {
    guard (plan == nil) != (edited == nil) else { throw ValidationError("give either --plan or --edited") }
    let values = [strength, alpha].compactMap { $0 }
    if edited != nil {
      guard values.isEmpty, rows == nil else {
        throw ValidationError("--edited is taken as it is: --strength, --alpha and --rows need a --plan")
      }
      return
    }
    guard values.count == 1, let value = values.first, value.isFinite, value != 0 else {
      throw ValidationError("give either --strength or --alpha, a number other than 0")
    }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    if Files.exists(output) { throw FileError.exists(path: output) }
    let checkpoint = try Checkpoint(folder: model)
    guard let plan else { return try difference(of: checkpoint, &report, session) }
    let binding = try Binding(checkpoint)
    report.warn(of: binding.detection)
    let file = try StoredPlan(file: plan)
    try report.read(file: plan, role: "plan")
    try file.check(fits: binding, path: plan)
    if let made = file.provenance["model_hash"]?.string, made != (try checkpoint.modelHash) {
      report.warn(
        "PLAN_OF_ANOTHER_MODEL", "the plan was located on another model: its rows may mean nothing here")
    }
    let editPlan = try file.plan(try rows.map { try RowBudget(parsing: $0) })
    let strength = try self.strength ?? strengthOfAlpha(editPlan)
    let factor = editPlan.factor(strength: strength)
    let patch = try editPlan.patch(
      strength: strength, binding: binding, checkpoint: checkpoint, origin: file.provenance,
      progress: session.progress)
    if let warning = (editPlan as? Ablation)?.tieWarning { report.warn("TIED_HEAD", warning) }
    try report.read(checkpoint, role: "base_model", progress: session.progress)
    let effects = try patch.effects(on: checkpoint, progress: session.progress)
    report.results = [
      "tensors": patch.tensorsJSON(effects), "strength": .number(strength),
      "alpha": .optional(factor), "edit": .string(editPlan.edit.name),
      "rounding": effects.rounding(checkpoint),
    ]
    if !dryRun {
      try patch.write(to: output)
      try report.wrote(file: output, role: "patch")
    }
    try session.show(
      report,
      heading: [
        "\(Format.count(patch.rowCount)) rows in \(patch.tensors.count) tensors at strength "
          + Format.significant(strength) + (factor.map { " (α = \(Format.significant($0)))" } ?? "")
      ], tables: [effects.table],
      closing: dryRun
        ? ["dry run: nothing was written"]
        : ["use with: surgeon edit apply \(model) --patch \(output) -o OUT"])
  }

  /// The patch of `--edited`.
  private func difference(
    of checkpoint: Checkpoint, _ report: inout ReportEnvelope, _ session: Session
  ) throws {
    let copy = try Checkpoint(folder: edited ?? "")
    let patch = try Patch.difference(
      from: checkpoint, to: copy,
      provenance: [
        "edit": .string(EditKind.sparse.name), "model_hash": .string(try checkpoint.modelHash),
        "edited_hash": .string(try copy.modelHash(progress: session.progress)),
      ], progress: session.progress)
    try report.read(checkpoint, role: "base_model", progress: session.progress)
    try report.read(copy, role: "edited_model", progress: session.progress)
    let effects = try patch.effects(on: checkpoint, progress: session.progress)
    report.results = [
      "tensors": patch.tensorsJSON(effects), "strength": .number(1), "edit": .string(EditKind.sparse.name),
      "rounding": effects.rounding(checkpoint),
    ]
    if !dryRun {
      try patch.write(to: output)
      try report.wrote(file: output, role: "patch")
    }
    let places = patch.sparse.reduce(0) { $0 + $1.places.count }
    try session.show(
      report,
      heading: [
        "\(Format.count(places)) values in \(Format.count(patch.rowCount)) rows of \(patch.tensors.count) tensors differ"
      ], tables: [effects.table],
      closing: dryRun
        ? ["dry run: nothing was written"]
        : ["use with: surgeon edit apply \(model) --patch \(output) -o OUT"])
  }

  /// The strength of `--alpha`, which an ablation does not have.
  private func strengthOfAlpha(_ plan: any EditPlan) throws -> Double {
    guard let rows = plan as? RowPlan else {
      throw ProgramError.flags(
        found: "--alpha for an edit of kind \(plan.edit.name)",
        expected: "--strength: the direction has length 1")
    }
    return rows.strength(alpha: alpha ?? 0)
  }
}

import Evaluation
import JSON
import OrderedCollections
import Probing
import Runtime
import Surgery

/// Everything that decides an operation, resolved: every default is written out.
public struct Recipe: Sendable {
  /// The behaviour and the texts that show it.
  public struct Behaviour: Sendable {
    /// Name, such as `hostile`.
    public var name = "behaviour"
    /// Name of the wanted alternative, such as `civil`.
    public var opposite = "wanted"
    /// Texts with the behaviour and without; nil for the organism.
    public var positive, negative: String?
    /// Field of the texts that keeps groups together in a split.
    public var group = "group"
  }
  /// The probe whose direction is edited with, and the layer curve.
  public struct ProbeChoice: Sendable {
    /// Kinds of the layer curve.
    public var kinds = ["logistic", "means"]
    /// Sites of the layer curve.
    public var sites = "embeddings,blocks.*.output,final_norm"
    /// Pooling of the layer curve.
    public var pooling = Pooling.mean
    /// Kinds of directions that are edited with.
    public var directions = ["means"]
    /// Site of the edit's direction (faithful and gain-corrected space).
    public var directionSite = "final_norm"
    /// Pooling of the edit's direction.
    public var directionPooling = Pooling.mean
  }
  /// What is edited, and where.
  public struct LocateChoice: Sendable {
    /// Kinds of edits that are swept side by side; see ``EditKind``.
    public var edits = [EditKind.addRows.name]
    /// Of ablations: which lines of the matrices keep their length, an arm each.
    public var norms: [Ablation.Norms] = [.none]
    /// Of ablations: what loses the direction.
    public var writers = Ablation.Writer.allCases
    /// Of ablations: factor of each block.
    public var blockStrengths = BlockStrengths.constant(1)
    /// Spaces that are tried.
    public var spaces: [EditSpace] = [.faithful]
    /// Blocks; nil means all.
    public var blocks: String?
  }
  /// The grid and the controls.
  public struct SweepChoice: Sendable {
    /// Strengths, fractions of the chosen rows' median length.
    public var strengths: [Double] = [0.25, 0.5, 1, 2, 3]
    /// Strengths of ablations, shares of the direction that is taken out.
    public var ablationStrengths: [Double] = [0.25, 0.5, 0.75, 1]
    /// Budgets of rows.
    public var rows: [RowBudget] = [RowBudget(.share(0.02)), RowBudget(.share(0.0465))]
    /// Points at most.
    public var points = 40
    /// Draws of each random control.
    public var controls = 8
    /// Class-swap and sign-flip arms beside the wanted edit.
    public var mirror = false
  }
  /// What effect and damage are measured on.
  public struct Prompts: Sendable {
    /// Files of prompts: one for both (split in half), or validation and test.
    public var target: String?
    /// Prompts of the test alone, where the target file is for validation.
    public var targetTest: String?
    /// Neutral texts.
    public var neutral: String?
    /// Facts as JSONL of prompt and answer.
    public var facts: String?
    /// Prompts of each split at most.
    public var validationCount = 320
    /// Prompts of the test at most.
    public var testCount = 960
    /// Neutral texts of each split at most.
    public var neutralCount = 200
    /// New tokens of a reply at most.
    public var maximumTokens = 48
    /// Temperature of the replies.
    public var temperature = 1.0
    /// The judge: `lexicon` with its file, `classifier`, `probe` or `grammar`.
    public var judge = "lexicon"
    /// File of the judge.
    public var judgeFile: String?
  }

  /// Checkpoint folder, or `organism` for the embedded model.
  public var model = "organism"
  /// File of the chat template that writes messages; nil: the model's own.
  public var chatTemplate: String?
  /// Day that the template is told, `2024-07-26`; nil: today.
  public var chatDate: String?
  /// Behaviour and texts.
  public var behaviour = Behaviour()
  /// Probe.
  public var probe = ProbeChoice()
  /// Search for rows.
  public var locate = LocateChoice()
  /// Sweep.
  public var sweep = SweepChoice()
  /// Prompts and judge.
  public var prompts = Prompts()
  /// Limits on validation data, by name.
  public var gates: OrderedDictionary<String, String> = [
    "behaviour_drop": ">= 50%", "neutral_perplexity_rise": "<= 5%", "garbled_rise": "<= 10%",
    "facts_drop": "<= 2%",
  ]
  /// Seed of everything random.
  public var seed: UInt64 = 0

  /// Whether the embedded model is operated on.
  public var usesOrganism: Bool { model == "organism" }

  /// Whether the data are files; the embedded model brings its own unless the recipe names texts.
  public var usesFiles: Bool { !usesOrganism || behaviour.positive != nil || behaviour.negative != nil }

  /// The recipe of `operate --demo`.
  public static var demonstration: Recipe {
    var recipe = Recipe()
    recipe.behaviour.name = "hostile"
    recipe.behaviour.opposite = "civil"
    recipe.probe.pooling = .promptEnd
    recipe.probe.directions = ["means", "softmax2"]
    recipe.locate.spaces = EditSpace.allCases
    recipe.sweep.strengths = [2, 3, 4]
    recipe.sweep.rows = [RowBudget(.share(0.01)), RowBudget(.share(0.02)), RowBudget(.share(0.0465))]
    recipe.sweep.controls = 3
    recipe.sweep.points = 24
    recipe.prompts.neutralCount = 150
    recipe.prompts.judge = "grammar"
    recipe.gates = [
      "behaviour_drop": ">= 40%", "wanted_gain": ">= 15%", "garbled_rise": "<= 10%",
      "neutral_perplexity_rise": "<= 4%", "facts_drop": "<= 2%",
    ]
    return recipe
  }
}

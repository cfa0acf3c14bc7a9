import Architectures
import Distillation
import Evaluation
import Importance
import Probing
import Regimes
import Reports
import Runtime
import Surgery
import Training

/// A registry of the libraries as `surgeon ls` shows it.
struct Listing: Sendable {
  /// One thing of a kind.
  struct Item: Sendable {
    var name: String
    var summary: String
    var reference: String?
  }

  var name: String
  var summary: String
  var items: @Sendable () -> [Item]

  /// The listings themselves.
  static var kinds: Listing {
    Listing(name: "kinds", summary: "") { all.map { Item(name: $0.name, summary: $0.summary) } }
  }

  private static func settings(_ parameters: [MethodParameter]) -> String {
    parameters.isEmpty
      ? "" : "; settings: " + parameters.map { "\($0.name) (\($0.range))" }.joined(separator: "; ")
  }

  /// All listings, each derived from the registry that the program itself uses.
  static let all: [Listing] = [
    Listing(name: "families", summary: "families of models that can be run and edited, by model_type") {
      Family.all.map { Item(name: $0.modelTypes.joined(separator: ", "), summary: $0.summary) }
    },
    Listing(name: "sites", summary: "where hidden states are read and changed") {
      Site.kinds.map { Item(name: $0.name, summary: $0.summary) }
    },
    Listing(name: "roles", summary: "what tensors do inside a block") {
      BlockRole.allCases.map { Item(name: "blocks.N.\($0.rawValue)", summary: $0.summary) }
    },
    Listing(name: "probes", summary: "kinds of probes, with their settings") {
      ProbeKind.all.map { kind in
        let settings = kind.parameters.map { "\($0.name) (\($0.range))" }.joined(separator: "; ")
        return Item(
          name: kind.name, summary: kind.summary + (settings.isEmpty ? "" : "; settings: \(settings)"),
          reference: kind.reference)
      }
    },
    Listing(name: "poolings", summary: "how the tokens of a text become one vector") {
      Pooling.allCases.map { Item(name: $0.rawValue, summary: $0.summary) }
    },
    Listing(name: "judges", summary: "what tells whether a reply shows the behaviour") {
      JudgeKind.allCases.map { Item(name: $0.rawValue, summary: $0.summary) }
    },
    Listing(name: "tasks", summary: "multiple-choice tasks that surgeon evaluate reads from local files") {
      TaskKind.all.map { Item(name: $0.name, summary: $0.summary, reference: $0.reference) }
    },
    Listing(name: "metrics", summary: "what importance curves measure") {
      EvaluationMetric.Kind.allCases.map { Item(name: $0.rawValue, summary: $0.summary) }
    },
    Listing(name: "edits", summary: "kinds of edits, with the settings of surgeon locate --edit") {
      EditKind.all.map { kind in
        let settings = kind.parameters.map { "\($0.name) (\($0.range); \($0.standard))" }
        return Item(
          name: kind.name,
          summary:
            "\(kind.summary); strength 1: \(kind.strength); settings: \(settings.joined(separator: "; "))",
          reference: kind.reference)
      }
    },
    Listing(name: "spaces", summary: "coordinates in which rows are compared with a direction") {
      EditSpace.allCases.map { Item(name: $0.rawValue, summary: $0.summary) }
    },
    Listing(name: "controls", summary: "edits that should not work as well as the chosen one") {
      Control.Kind.allCases.map { Item(name: $0.rawValue, summary: $0.summary) }
    },
    Listing(name: "gates", summary: "limits that a recipe or sweep can set") {
      Gates.Quantity.allCases.map { Item(name: $0.rawValue, summary: $0.summary) }
    },
    Listing(name: "scores", summary: "how much a weight, row or column matters; the lowest are pruned first")
    {
      ScoreKind.all.map { kind in
        Item(
          name: kind.name,
          summary:
            "\(kind.summary); of a \(kind.finest.rawValue)"
            + (kind.needs == .weights ? "" : "; needs \(kind.needs.summary)") + settings(kind.parameters),
          reference: kind.reference)
      } + [
        Item(
          name: PruningMethod.sparseGPTName,
          summary: "of surgeon prune only: " + PruningMethod.sparseGPTSummary
            + settings(PruningMethod.sparseGPTParameters), reference: PruningMethod.sparseGPTReference)
      ]
    },
    Listing(name: "groups", summary: "which weights compete with one another") {
      ComparisonGroup.kinds.map { Item(name: $0.name, summary: $0.summary) }
    },
    Listing(name: "budgets", summary: "how the weights to prune are spread over matrices") {
      BudgetKind.all.map { kind in
        Item(
          name: kind.name,
          summary:
            kind.summary + (kind.needs == .weights ? "" : "; needs \(kind.needs.summary)")
            + settings(kind.parameters), reference: kind.reference)
      }
    },
    Listing(name: "knobs", summary: "temperature-like settings of surgeon regimes") {
      TemperatureKnob.all.map { Item(name: $0.name, summary: $0.summary, reference: $0.reference) }
    },
    Listing(name: "grains", summary: "what can be scored, from a weight to a block") {
      Grain.allCases.map { Item(name: $0.rawValue, summary: $0.summary) }
    },
    Listing(name: "networks", summary: "networks that are trained from a recipe, with their settings") {
      NetworkKind.all.map {
        Item(name: $0.name, summary: $0.summary + settings($0.parameters), reference: $0.reference)
      }
    },
    Listing(name: "data", summary: "data that networks are trained on, with their files and settings") {
      DataKind.all.map { kind in
        let files = kind.slots.map { "\($0.name) (\($0.summary)\($0.isRequired ? "" : "; may be left out"))" }
        return Item(
          name: kind.name,
          summary: kind.summary + (files.isEmpty ? "" : "; files: " + files.joined(separator: "; "))
            + settings(kind.parameters), reference: kind.reference)
      }
    },
    Listing(name: "optimisers", summary: "what moves weights along gradients, with their settings") {
      OptimiserKind.all.map {
        Item(name: $0.name, summary: $0.summary + settings($0.parameters), reference: $0.reference)
      }
    },
    Listing(name: "schedules", summary: "how learning rates move over a training") {
      ScheduleKind.all.map { Item(name: $0.name, summary: $0.summary + settings($0.parameters)) }
    },
    Listing(name: "augmentations", summary: "random changes of items before a network sees them") {
      AugmentationKind.all.map { Item(name: $0.name, summary: $0.summary + settings($0.parameters)) }
    },
    Listing(
      name: "arms", summary: "what surgeon distill trains towards, with the settings of a recipe's arms"
    ) {
      ArmKind.all.map {
        Item(name: $0.name, summary: $0.summary + settings($0.parameters), reference: $0.reference)
      }
    },
    Listing(name: "warnings", summary: "what inspect warns of") {
      CheckpointWarning.Code.allCases.map { Item(name: $0.rawValue, summary: $0.summary) }
    },
    Listing(name: "schemas", summary: "kinds of reports, and the recipe; print one with surgeon schema KIND")
    {
      SchemaRegistry.kinds.map { Item(name: $0, summary: SchemaRegistry.summary($0) ?? "") }
    },
  ]
}

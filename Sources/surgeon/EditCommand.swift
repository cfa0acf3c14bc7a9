import ArgumentParser
import Checkpoints
import JSON
import Reports
import Runtime
import Tensors

/// `surgeon edit …`.
struct EditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "edit",
    abstract:
      "Applies patches to checkpoints, reverts and verifies them, puts patches together, exports them.",
    discussion: """
      The source is never written to: apply and revert write a whole new folder, checked before it gets its name.

      Example: surgeon edit apply models/llama --patch calm.patch.safetensors -o models/llama-calm
      """,
    subcommands: [
      EditBuildCommand.self, EditApplyCommand.self, EditRevertCommand.self, EditVerifyCommand.self,
      EditComposeCommand.self,
      EditExportCommand.self,
    ])
}

extension Patch {
  /// The tensors of the patch as reports list them.
  func tensorsJSON(_ effects: [TensorEffect] = []) -> JSONValue {
    let places = Dictionary(sparse.map { ($0.tensor, $0.places.count) }) { first, _ in first }
    return .array(
      touched.map { tensor in
        var json: JSONValue = [
          "name": .string(tensor.tensor), "rows": .integer(tensor.rows),
          "edit": .string(
            tensor.isWhole ? "ablate" : places[tensor.tensor] == nil ? "add-rows" : "sparse"),
          "sha256_before": .string(tensor.beforeSHA256), "sha256_after": .string(tensor.afterSHA256),
        ]
        if let count = places[tensor.tensor] { json["places"] = .integer(count) }
        if let effect = effects.first(where: { $0.tensor == tensor.tensor }) {
          json["rows_changed"] = .integer(effect.rowsChanged)
          json["values_edited"] = .integer(effect.edited)
          json["values_changed"] = .integer(effect.changed)
          json["strength_reached"] = .number(effect.delivered)
        }
        return json
      })
  }
}

extension [TensorEffect] {
  /// What the stored type did to the edit, as reports carry it.
  func rounding(_ checkpoint: Checkpoint) -> JSONValue {
    let edited = reduce(0) { $0 + $1.edited }
    let types = Set(compactMap { checkpoint.entry($0.tensor)?.dtype.rawValue }).sorted()
    let asked = reduce(0) { $0 + $1.asked }
    return [
      "dtype": .string(types.joined(separator: ", ")), "values": .integer(edited),
      "values_unchanged": .integer(edited - reduce(0) { $0 + $1.changed }),
      "rows_unchanged": .integer(reduce(0) { $0 + $1.rows - $1.rowsChanged }),
      "strength_reached": .optional(asked == 0 ? nil : reduce(0) { $0 + $1.projection } / asked),
    ]
  }

  /// A line a tensor, for people.
  var table: Table {
    var table = Table([
      .init("Tensor"), .init("Rows", numeric: true), .init("Rows changed", numeric: true),
      .init("Values rounded away", key: "rounded_away", numeric: true),
      .init("Strength reached", key: "strength_reached", numeric: true),
    ])
    for effect in self {
      table.add([
        .text(effect.tensor), .count(effect.rows), .count(effect.rowsChanged), .percent(effect.roundedAway),
        .percent(effect.delivered),
      ])
    }
    return table
  }
}

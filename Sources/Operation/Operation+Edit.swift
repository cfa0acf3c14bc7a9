import Checkpoints
import JSON
import Layers
import Recipes
import Runtime
import Surgery
import Tensors
import Tokenizers
import Transformers

/// The edit as it was written, with what was checked.
struct EditStage {
  /// The edited model, opened from its folder.
  var edited: Model
  /// The patch.
  var patch: Patch
  /// What the patch did to the stored numbers.
  var effects: [TensorEffect]
  /// Checks after writing, each with whether it held.
  var checks: [(name: String, passed: Bool, detail: String)]
}

extension Operation {
  /// Builds the patch of the chosen point, writes the edited checkpoint beside the base, and checks it.
  /// - Throws: ``SurgeryError/nothingPasses(points:best:)`` when nothing was chosen, ``CheckpointError``.
  func writeEdit(_ sweep: SweepStage) throws -> EditStage {
    guard let point = sweep.chosen, let arm = sweep.arm else {
      let nearest = sweep.outcome.nearest
      let text = nearest.map { point in
        let misses = point.missed.map { "\($0.gate.quantity.rawValue) \(Format.significant($0.value))" }
        return "\(sweep.outcome.arms[point.arm].name) at \(point.strength): \(misses.joined(separator: ", "))"
      }
      throw SurgeryError.nothingPasses(points: sweep.outcome.points.count, best: text ?? "none was measured")
    }
    let path = folder.file("edit.patch.safetensors")
    let patch: Patch
    if Files.exists(path) {
      patch = try Patch(file: path)
    } else {
      patch = try arm.plan.patch(
        strength: point.strength, binding: base.binding, checkpoint: base.checkpoint,
        origin: [
          "behaviour": .string(recipe.behaviour.name), "direction": .string(arm.direction),
          "seed": .integer(recipe.seed),
        ], progress: progress)
      try patch.write(to: path)
    }
    let output = folder.file("edited")
    if !Files.exists(output) {
      try Files.remove(folder.file("edit.undo.safetensors"))
      try patch.apply(
        to: base.checkpoint, output: output, undo: .file(folder.file("edit.undo.safetensors")),
        progress: progress)
    }
    let edited = try Model(folder: output).computing(in: base.compute)
    let effects = try patch.effects(on: base.checkpoint)
    return EditStage(
      edited: edited, patch: patch, effects: effects, checks: try checks(patch, edited, effects))
  }

  /// Reopens what was written: hashes, rows, and the logits of canary texts against the overlay of the patch.
  private func checks(
    _ patch: Patch, _ edited: Model, _ effects: [TensorEffect]
  ) throws -> [(name: String, passed: Bool, detail: String)] {
    let hashes = try edited.checkpoint.sha256(ofTensors: edited.checkpoint.tensorNames)
    let before = try base.checkpoint.sha256(ofTensors: base.checkpoint.tensorNames)
    let touched = patch.touched.allSatisfy { hashes[$0.tensor] == $0.afterSHA256 }
    let names = Set(patch.tensors)
    let untouched = before.filter { !names.contains($0.key) }
    let kept = untouched.filter { hashes[$0.key] == $0.value }.count
    let changed = effects.reduce(0) { $0 + $1.rowsChanged }
    let canaries = Array(encode(data.targetValidation).prefix(8))
    let overlay = try patch.overlay(base.binding, base.checkpoint)
    let (original, written) = (try base.computing(in: .f32), try edited.computing(in: .f32))
    let expected = try original.forward(canaries, overlay: overlay).logits
    let found = try written.forward(canaries).logits
    let equal = zip(expected, found).allSatisfy { $0.bytes.elementsEqual($1.bytes) }
    let unedited = try original.forward(canaries).logits
    let moved = zip(unedited, found).contains { !$0.bytes.elementsEqual($1.bytes) }
    let settings = try EditCheck.settings(base: base.checkpoint, edited: edited.checkpoint)
    let alike = try Tokenizer(folder: edited.checkpoint.folder).sha256 == tokenizer.sha256
    return [
      ("touched_hashes", touched, "\(names.count) touched tensors have the hashes that the patch promises"),
      (
        "untouched_bytes", kept == untouched.count,
        "\(kept) of \(untouched.count) untouched tensors are byte-identical"
      ),
      (
        // Of a tensor that loses a direction a row may have nothing to lose.
        "rows_changed", patch.projections.isEmpty ? changed == patch.rowCount : changed > 0,
        "\(changed) of \(patch.rowCount) rows hold a changed number"
      ),
      (
        "canary_logits", equal,
        "logits of \(canaries.count) canary texts equal the run-time edit's, bit for bit"
      ),
      ("canary_moved", moved, "logits of \(canaries.count) canary texts differ from the base's"),
      ("canary_tokens", alike, "the tokenizer's files are the base's"),
    ] + settings.map { ($0.id, $0.passed ?? true, $0.detail) }
  }
}

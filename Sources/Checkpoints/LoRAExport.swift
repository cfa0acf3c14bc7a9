import JSON
import OrderedCollections
import Runtime
import Tensors

/// A patch as a PEFT LoRA adapter: a row edit is exactly rank one per matrix and delta, A = δ and B = the rows' mask.
///
/// Merging the adapter adds the same δ to the same rows; the merging program's own rounding decides the last place.
public enum LoRAExport {
  /// Writes `adapter_config.json` and `adapter_model.safetensors` into a new folder.
  ///
  /// `module` turns a tensor's name into the module's path in the Hugging Face model; by default the name without
  /// `.weight`, with `transformer.` before it for GPT-2 checkpoints stored without.
  /// - Throws: ``CheckpointError/cannotExport(tensor:format:reason:)``, ``FileError``.
  public static func write(
    _ patch: Patch, base: Checkpoint, baseName: String? = nil, to folder: String,
    module: ((String) -> String)? = nil
  ) throws {
    guard !Files.exists(folder) else { throw FileError.exists(path: folder) }
    var items: [SafetensorsWriter.Item] = []
    var ranks: OrderedDictionary<String, JSONValue> = [:]
    var transposed: Set<Bool> = []
    for name in patch.tensors {
      let edits = patch.edits(of: name)
      guard let edit = edits.first else { continue }
      try checkExportable(edit)
      transposed.insert(edit.transposed)
      let path = module?(name) ?? defaultModule(name, base: base)
      let used = Array(OrderedSet(edits.map(\.delta)))
      let a = Tensor(zeros: [used.count, edit.rowWidth])
      let b = Tensor(zeros: [edit.rowCount, used.count])
      for (slot, delta) in used.enumerated() {
        for (column, value) in patch.deltas[delta].enumerated() {
          a.f32[slot * edit.rowWidth + column] = value
        }
        for row in edits.filter({ $0.delta == delta }).flatMap(\.rows) {
          b.f32[row * used.count + slot] = 1
        }
      }
      items.append(.init("base_model.model.\(path).lora_A.weight", a))
      items.append(.init("base_model.model.\(path).lora_B.weight", b))
      ranks[path] = .integer(used.count)
    }
    guard transposed.count == 1 else {
      throw CheckpointError.cannotExport(
        tensor: patch.tensors.first ?? "", format: "a LoRA adapter",
        reason: "matrices of both storage orders: one adapter has one fan_in_fan_out")
    }
    let partial = "\(folder).partial"
    try Files.remove(partial)
    try Files.makeFolder(partial)
    do {
      try Files.write(
        try config(ranks, transposed: transposed.contains(true), base: baseName ?? base.folder).text(.pretty)
          + "\n", to: "\(partial)/adapter_config.json")
      try SafetensorsWriter.write(items, to: "\(partial)/adapter_model.safetensors")
      try Files.rename(partial, to: folder)
    } catch {
      try? Files.remove(partial)
      throw error
    }
  }

  private static func checkExportable(_ edit: RowEdit) throws {
    func refuse(_ reason: String) -> CheckpointError {
      .cannotExport(tensor: edit.tensor, format: "a LoRA adapter", reason: reason)
    }
    guard edit.shape.count == 2 else { throw refuse("shape \(edit.shape) is no matrix of a linear layer") }
    guard edit.tensor.hasSuffix(".weight") else { throw refuse("it is no module's weight") }
    for part in ["embed", "wte", "wpe"] where edit.tensor.contains(part) {
      throw refuse("embeddings are no linear layer")
    }
  }

  private static func defaultModule(_ tensor: String, base: Checkpoint) -> String {
    let path = String(tensor.dropLast(".weight".count))
    let bare = base.config["model_type"]?.string == "gpt2" && !path.hasPrefix("transformer.")
    return bare && path != "lm_head" ? "transformer.\(path)" : path
  }

  /// Rank and alpha are equal for every module, so that the adapter's factor alpha / rank is 1.
  private static func config(
    _ ranks: OrderedDictionary<String, JSONValue>, transposed: Bool, base: String
  ) -> JSONValue {
    [
      "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": .string(base),
      "inference_mode": true, "r": 1, "lora_alpha": 1, "lora_dropout": 0.0, "bias": "none",
      "fan_in_fan_out": .bool(transposed), "use_rslora": false, "use_dora": false,
      "init_lora_weights": true, "modules_to_save": nil, "target_modules": .strings(ranks.keys),
      "rank_pattern": .object(ranks), "alpha_pattern": .object(ranks),
    ]
  }
}

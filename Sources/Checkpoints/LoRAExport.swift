import JSON
import OrderedCollections
import Runtime
import Tensors

/// A patch as a PEFT LoRA adapter.
///
/// - A row edit is exactly rank one per matrix and delta: A = δ and B = the rows' mask. Rows of a fused matrix
///   (`gate_up_proj`, `query_key_value`) count in the fused module, which is the one that PEFT can name.
/// - A direction taken out of a matrix is exactly rank one: A = p (what the direction makes of the matrix's columns) and
///   B = −a, in the notation of ``ProjectionArithmetic``; of embeddings likewise, under `lora_embedding_A` and `_B`; of a
///   bias it is `lora_B.bias` (`lora_bias`).
/// - Experts that have a tensor each are one parameter to transformers 5, gate and up together: PEFT joins their adapters and wants
///   all of a block, of one rank. What is not edited comes along as zeros.
///
/// Merging the adapter adds the same numbers to the same weights; the merging program's own rounding decides the last
/// place.
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
    var adapter = Adapter()
    for touched in patch.touched {
      let name = touched.tensor
      let stem = String(name.dropLast(name.hasSuffix(".bias") ? ".bias".count : ".weight".count))
      let path = module?(name) ?? defaultModule(stem, base: base)
      if patch.sparse.contains(where: { $0.tensor == name }) {
        throw refusal(name, "new values at single places are no product of two narrow matrices")
      }
      if let edit = patch.projections.first(where: { $0.tensor == name }) {
        try adapter.add(edit, direction: patch.directions[edit.direction], base: base, to: path)
      } else {
        try adapter.add(patch.edits(of: name), deltas: patch.deltas, to: path)
      }
    }
    try adapter.completeExperts(base)
    let config = try adapter.config(base: baseName ?? base.folder)
    let partial = "\(folder).partial"
    try Files.remove(partial)
    try Files.makeFolder(partial)
    do {
      try Files.write(try config.text(.pretty) + "\n", to: "\(partial)/adapter_config.json")
      try SafetensorsWriter.write(adapter.items, to: "\(partial)/adapter_model.safetensors")
      try Files.rename(partial, to: folder)
    } catch {
      try? Files.remove(partial)
      throw error
    }
  }

  private static func defaultModule(_ path: String, base: Checkpoint) -> String {
    let bare = base.config["model_type"]?.string == "gpt2" && !path.hasPrefix("transformer.")
    return bare && path != "lm_head" ? "transformer.\(path)" : path
  }

  static func refusal(_ tensor: String, _ reason: String) -> CheckpointError {
    .cannotExport(tensor: tensor, format: "a LoRA adapter", reason: reason)
  }

  /// Whether a tensor is a table that tokens or positions are looked up in.
  static func isTable(_ tensor: String) -> Bool {
    ["embed", "wte", "wpe"].contains { tensor.contains($0) }
  }
}

/// A product of one expert by its module's path, such as `model.layers.0.block_sparse_moe.experts.3.w1`.
private struct ExpertPath: Hashable {
  /// Gate, up and down of the two spellings.
  private static let spellings = [["w1", "w3", "w2"], ["gate_proj", "up_proj", "down_proj"]]

  /// Up to and with `experts.`.
  let experts: String
  let leaf: String

  init?(_ path: String) {
    let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 3, parts[parts.count - 3] == "experts", Int(parts[parts.count - 2]) != nil,
      Self.spellings.contains(where: { $0.contains(parts[parts.count - 1]) })
    else { return nil }
    experts = parts.dropLast(2).joined(separator: ".") + "."
    leaf = parts[parts.count - 1]
  }

  /// The leaves of its spelling.
  var leaves: [String] { Self.spellings.first { $0.contains(leaf) } ?? [] }
  /// Whether it is gate or up, which transformers 5 holds in one parameter.
  var isJoined: Bool { leaves.prefix(2).contains(leaf) }

  /// Whether PEFT takes a module outside of the experts for one of theirs.
  static func isMistaken(_ path: String) -> Bool {
    let leaf = path.split(separator: ".").last.map(String.init) ?? ""
    return ExpertPath(path) == nil && spellings[1].contains(leaf)
  }
}

/// The modules of an adapter on their way into its files.
private struct Adapter {
  /// One module: ΔW = B A and, where `bias` is there, what is added to its bias.
  private struct Module {
    var a, b: Tensor
    var bias: [Float]?
    var isTable = false
    var tensor: String
  }

  private var modules: OrderedDictionary<String, Module> = [:]
  private var biases: OrderedDictionary<String, (tensor: String, change: [Float])> = [:]
  private var transposed: Set<Bool> = []

  /// The row edits of one tensor.
  mutating func add(_ edits: [RowEdit], deltas: [[Float]], to path: String) throws {
    guard let edit = edits.first else { return }
    try check(edit.tensor, shape: edit.shape)
    if LoRAExport.isTable(edit.tensor) {
      throw LoRAExport.refusal(edit.tensor, "rows of embeddings are no rows of a linear layer")
    }
    transposed.insert(edit.transposed)
    let used = Array(OrderedSet(edits.map(\.delta)))
    let a = Tensor(zeros: [used.count, edit.rowWidth])
    let b = Tensor(zeros: [edit.rowCount, used.count])
    for (slot, delta) in used.enumerated() {
      for (column, value) in deltas[delta].enumerated() { a.f32[slot * edit.rowWidth + column] = value }
      for row in edits.filter({ $0.delta == delta }).flatMap(\.rows) { b.f32[row * used.count + slot] = 1 }
    }
    modules[path] = Module(a: a, b: b, tensor: edit.tensor)
  }

  /// A direction that one tensor loses.
  mutating func add(_ edit: ProjectionEdit, direction: [Float], base: Checkpoint, to path: String) throws {
    if edit.norms != nil {
      throw LoRAExport.refusal(
        edit.tensor, "lines that get their length back make the change one of full rank")
    }
    let arithmetic = ProjectionArithmetic(
      edit, direction: direction, entry: try base.place(edit.tensor).entry,
      tensor: try base.tensor(edit.tensor))
    let (products, scaled) = arithmetic.factorsOfChange
    let down = scaled.map { -$0 }
    if edit.shape.count == 1 {
      guard edit.tensor.hasSuffix(".bias") else {
        throw LoRAExport.refusal(edit.tensor, "shape \(edit.shape) is no matrix of a linear layer")
      }
      biases[path] = (edit.tensor, down.map { $0 * products[0] })
      return
    }
    try check(edit.tensor, shape: edit.shape)
    if LoRAExport.isTable(edit.tensor) {
      if base.config["tie_word_embeddings"]?.bool != false && base.entry("lm_head.weight") == nil
        && base.entry("embed_out.weight") == nil
      {
        throw LoRAExport.refusal(
          edit.tensor,
          "it is the output matrix as well: PEFT adapts the two apart, and merging would change the tensor twice; "
            + "leave the embeddings out of the ablation")
      }
      modules[path] = Module(
        a: Tensor(products, shape: [1, products.count]), b: Tensor(down, shape: [down.count, 1]),
        isTable: true, tensor: edit.tensor)
      return
    }
    // ΔW = −a pᵀ where the vectors are the columns of the logical W [out, in]; a head's rows are vectors: ΔW = −p aᵀ.
    let isOutput = path == "lm_head" || path.hasSuffix("embed_out")
    if edit.vectors == .rows && isOutput {
      transposed.insert(false)
      modules[path] = Module(
        a: Tensor(down, shape: [1, down.count]), b: Tensor(products, shape: [products.count, 1]),
        tensor: edit.tensor)
    } else {
      transposed.insert(edit.vectors == .rows)
      modules[path] = Module(
        a: Tensor(products, shape: [1, products.count]), b: Tensor(down, shape: [down.count, 1]),
        tensor: edit.tensor)
    }
  }

  /// Gives every expert of an edited block what PEFT needs to join them: zeros where nothing is edited.
  mutating func completeExperts(_ base: Checkpoint) throws {
    let own = modules.compactMap { path, module in ExpertPath(path).map { (path: $0, module: module) } }
    guard !own.isEmpty else {
      if base.tensorNames.contains(where: { ExpertPath(String($0.dropLast(7))) != nil }),
        let other = modules.first(where: { ExpertPath.isMistaken($0.key) })
      {
        throw LoRAExport.refusal(other.value.tensor, "PEFT takes it for an expert's of the same name")
      }
      return
    }
    if let other = modules.first(where: { ExpertPath.isMistaken($0.key) }) {
      throw LoRAExport.refusal(
        other.value.tensor,
        "PEFT takes it for an expert's of the same name; leave dense blocks and shared experts out")
    }
    if let wide = own.first(where: { $0.module.a.shape[0] != 1 }) {
      throw LoRAExport.refusal(
        wide.module.tensor,
        "experts are joined by PEFT at rank 1, and this one has \(wide.module.a.shape[0]) deltas")
    }
    // Gate and up are joined to the inner of two wrappers, down to the outer: either comes with both.
    let joined = own.contains { $0.path.isJoined }
    for experts in OrderedSet(own.map(\.path.experts)) {
      for name in base.tensorNames where name.hasPrefix(experts) && name.hasSuffix(".weight") {
        let path = String(name.dropLast(".weight".count))
        guard modules[path] == nil, let place = ExpertPath(path), joined || !place.isJoined,
          let shape = base.entry(name)?.shape, shape.count == 2
        else { continue }
        modules[path] = Module(
          a: Tensor(zeros: [1, shape[1]]), b: Tensor(zeros: [shape[0], 1]), tensor: name)
      }
    }
  }

  private func check(_ tensor: String, shape: [Int]) throws {
    guard shape.count != 3 else {
      throw LoRAExport.refusal(
        tensor, "the experts of a block are stacked in it; write the edited folder with edit apply instead")
    }
    guard shape.count == 2 else {
      throw LoRAExport.refusal(tensor, "shape \(shape) is no matrix of a linear layer")
    }
    guard tensor.hasSuffix(".weight") else { throw LoRAExport.refusal(tensor, "it is no module's weight") }
  }

  /// The tensors by their names in the adapter file.
  var items: [SafetensorsWriter.Item] {
    var items: [SafetensorsWriter.Item] = []
    for (path, module) in modules {
      let stem = "base_model.model.\(path)"
      if module.isTable {
        items.append(.init("\(stem).lora_embedding_A", module.a))
        items.append(.init("\(stem).lora_embedding_B", module.b))
      } else {
        items.append(.init("\(stem).lora_A.weight", module.a))
        items.append(.init("\(stem).lora_B.weight", module.b))
        if !biases.isEmpty {
          let change = biases[path]?.change ?? [Float](repeating: 0, count: module.b.shape[0])
          items.append(.init("\(stem).lora_B.bias", Tensor(change)))
        }
      }
    }
    return items
  }

  /// `adapter_config.json`. Rank and alpha are equal for every module, so that the adapter's factor alpha / rank is 1.
  /// - Throws: ``CheckpointError/cannotExport(tensor:format:reason:)`` for what one adapter cannot say.
  func config(base: String) throws -> JSONValue {
    guard transposed.count <= 1 else {
      throw LoRAExport.refusal(
        modules.values.first?.tensor ?? "",
        "matrices of both storage orders: one adapter has one fan_in_fan_out")
    }
    for (path, bias) in biases where modules[path] == nil {
      throw LoRAExport.refusal(bias.tensor, "its module's weight is not edited")
    }
    if !biases.isEmpty, let table = modules.values.first(where: \.isTable) {
      throw LoRAExport.refusal(
        table.tensor,
        "PEFT has no lora_bias for embeddings, and biases are edited too; leave the embeddings out")
    }
    let ranks = OrderedDictionary(
      uniqueKeysWithValues: modules.map { ($0.key, JSONValue.integer($0.value.a.shape[0])) })
    var config: JSONValue = [
      "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": .string(base),
      "inference_mode": true, "r": 1, "lora_alpha": 1, "lora_dropout": 0.0, "bias": "none",
      "fan_in_fan_out": .bool(transposed.contains(true)), "use_rslora": false, "use_dora": false,
      "init_lora_weights": true, "modules_to_save": nil, "target_modules": .strings(ranks.keys),
      "rank_pattern": .object(ranks), "alpha_pattern": .object(ranks),
    ]
    if !biases.isEmpty { config["lora_bias"] = true }
    return config
  }
}

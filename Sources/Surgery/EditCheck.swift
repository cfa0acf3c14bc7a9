import Architectures
import Checkpoints
import JSON
import Runtime
import Tensors
import Tokenizers
import Transformers

/// Whether an edited checkpoint is its base and the edit, and nothing else: what is looked at after every write.
public struct EditCheck: Sendable, Equatable {
  /// Stable name, such as `canary_logits`.
  public let id: String
  /// Whether it holds; nil where it could not be looked at, which ``detail`` explains.
  public let passed: Bool?
  /// What was found.
  public let detail: String

  /// Short texts that every tokenizer can cut; nothing depends on what they say.
  public static let canaries = [
    "The river runs past the old mill.", "You are wrong about this, and you know it.",
    "def add(a, b): return a + b",
    "1, 2, 3, 5, 8, 13: what comes next?",
  ]

  /// Tensors and side files: everything but what the patch names is byte-identical, and the types are the same.
  ///
  /// Without a patch every tensor that moved counts as meant.
  public static func bytes(_ difference: CheckpointDifference, patch: Patch?) -> [EditCheck] {
    let named = Set(patch?.tensors ?? difference.changed.map(\.tensor))
    let strays = difference.changed.filter { !named.contains($0.tensor) }
    let files =
      (difference.filesChanged + difference.filesOnlyInFirst + difference.filesOnlyInSecond)
      .filter { $0 != CheckpointWriter.recordName }
    let missing = difference.onlyInFirst + difference.onlyInSecond
    return [
      EditCheck(
        id: "untouched_tensors", passed: strays.isEmpty && missing.isEmpty,
        detail: strays.isEmpty && missing.isEmpty
          ? "\(difference.identical) tensors are byte-identical to the base"
          : "moved, added or gone: \(list(strays.map(\.tensor) + missing))"),
      EditCheck(
        id: "dtypes", passed: difference.retyped.isEmpty,
        detail: difference.retyped.isEmpty
          ? "every tensor has the base's type and shape"
          : difference.retyped.prefix(4).map { "\($0.tensor) was \($0.first), is \($0.second)" }
            .joined(separator: "; ")),
      EditCheck(
        id: "side_files", passed: files.isEmpty,
        detail: files.isEmpty
          ? "all side files but \(CheckpointWriter.recordName) are byte-identical" : "differ: \(list(files))"),
    ]
  }

  /// Ties, vocabulary, EOS ids and generation settings of both folders.
  /// - Throws: ``Interrupted``, and what hashing throws.
  public static func settings(base: Checkpoint, edited: Checkpoint) throws -> [EditCheck] {
    func same(_ id: String, _ name: String, _ first: JSONValue?, _ second: JSONValue?) -> EditCheck {
      let (a, b) = (first ?? .null, second ?? .null)
      func text(_ value: JSONValue) -> String { value.isNull ? "not set" : (try? value.text()) ?? "?" }
      return EditCheck(
        id: id, passed: a == b,
        detail: a == b ? "\(name): \(text(a))" : "\(name) was \(text(a)), is \(text(b))")
    }
    let ends = [base, edited].map { checkpoint -> JSONValue in
      [
        "config": checkpoint.config["eos_token_id"] ?? .null,
        "generation_config": checkpoint.generationConfig?["eos_token_id"] ?? .null,
      ]
    }
    return try [
      ties(base: base, edited: edited),
      same("vocabulary", "vocab_size", base.config["vocab_size"], edited.config["vocab_size"]),
      same("eos", "eos_token_id", ends[0], ends[1]),
      same(
        "generation_settings", "generation_config.json", base.generationConfig, edited.generationConfig),
    ]
  }

  /// Matrices that hold the same bytes in the base must do so in the edited checkpoint.
  private static func ties(base: Checkpoint, edited: Checkpoint) throws -> EditCheck {
    let hashes = try base.sha256(ofTensors: base.tensorNames)
    var groups: [String: [String]] = [:]
    for name in base.tensorNames {
      guard let entry = base.entry(name), entry.shape.count >= 2, let hash = hashes[name] else { continue }
      groups["\(hash) \(entry.description)", default: []].append(name)
    }
    let tied = groups.values.filter { $0.count > 1 }.sorted { $0[0] < $1[0] }
    for names in tied {
      let after = try names.filter { edited.entry($0) != nil }.map { try edited.sha256(ofTensor: $0) }
      if Set(after).count > 1 {
        return EditCheck(
          id: "ties", passed: false, detail: "\(list(names)) held the same bytes and do not any more")
      }
    }
    let flags = [base, edited].map { $0.config["tie_word_embeddings"] ?? .null }
    return EditCheck(
      id: "ties", passed: flags[0] == flags[1],
      detail: flags[0] == flags[1]
        ? "\(tied.count) groups of equal matrices are still equal, tie_word_embeddings is the same"
        : "tie_word_embeddings changed")
  }

  /// Canary texts through base, base with the patch (or another change) at run time, and edited checkpoint: they must be
  /// cut alike, the edited logits (an encoder's last hidden states) must equal the predicted ones bit for bit, and must
  /// not be the base's.
  ///
  /// Models that cannot be run, and patches that cannot be predicted, give checks without a verdict.
  /// - Throws: ``Interrupted``.
  public static func canaries(
    base: Checkpoint, edited: Checkpoint, patch: Patch?, overlay change: Overlay? = nil,
    texts: [String] = canaries
  ) throws -> [EditCheck] {
    guard !texts.isEmpty else { return [] }
    var checks: [EditCheck] = []
    do {
      let (original, changed) = (try Model(base), try Model(edited))
      let (ids, check) = canaryTokens(texts, base: base, edited: edited, network: original.network)
      checks.append(check)
      try Cancellation.check()
      let what = original.network.hasHead ? "logits" : "hidden states"
      let before = try results(original, ids)
      let after = try results(changed, ids)
      let moved = zip(before, after).map { largestChange($0, $1) }.max() ?? 0
      checks.append(
        EditCheck(
          id: "canary_moved", passed: moved > 0,
          detail: moved > 0
            ? "\(what) of \(ids.count) canary texts moved by up to \(Format.significant(Double(moved), 3))"
            : "\(what) of \(ids.count) canary texts are the base's: the edit does not act"))
      guard let overlay = try change ?? patch?.overlay(original.binding, base) else { return checks }
      try Cancellation.check()
      let predicted = try results(original, ids, overlay: overlay)
      let differing = zip(predicted, after).filter { !$0.bytes.elementsEqual($1.bytes) }
      let largest = differing.map { largestChange($0, $1) }.max() ?? 0
      checks.append(
        EditCheck(
          id: "canary_logits", passed: differing.isEmpty,
          detail: differing.isEmpty
            ? "\(what) of \(ids.count) canary texts equal the run-time edit's, bit for bit"
            : "\(what) of \(differing.count) canary texts differ from the run-time edit's by up to "
              + Format.significant(Double(largest), 3)))
      return checks
    } catch let interruption as Interrupted {
      throw interruption
    } catch let error as any SurgeonError {
      return checks + [EditCheck(id: "canary_logits", passed: nil, detail: "not run: \(error.found)")]
    }
  }

  /// What the end of the network gives for each text: logits, or the last hidden states where it makes none.
  private static func results(_ model: Model, _ ids: [[Int32]], overlay: Overlay? = nil) throws -> [Tensor] {
    guard !model.network.hasHead else { return try model.forward(ids, overlay: overlay).logits }
    let last = model.network.lastSite
    return try model.forward(ids, capture: [last], logits: .none, overlay: overlay).states[last] ?? []
  }

  /// Token ids of the texts; random ones where the folder has no tokenizer that can be used.
  private static func canaryTokens(
    _ texts: [String], base: Checkpoint, edited: Checkpoint, network: Network
  ) -> ([[Int32]], EditCheck) {
    let vocabulary = network.vocabulary, longest = min(32, max(1, network.contextLength))
    if let first = try? Tokenizer(folder: base.folder), let second = try? Tokenizer(folder: edited.folder) {
      let ids = texts.map { first.encode($0).ids }
      let same = ids == texts.map { second.encode($0).ids }
      let usable = ids.map { ids in Array(ids.filter { $0 < Int32(clamping: vocabulary) }.prefix(longest)) }
        .filter { !$0.isEmpty }
      let check = EditCheck(
        id: "canary_tokens", passed: same,
        detail: same ? "\(texts.count) canary texts are cut alike" : "canary texts are cut differently")
      if !usable.isEmpty { return (usable, check) }
    }
    var random = CounterRandom(seed: 0, stream: "canaries")
    let ids = texts.map { _ in (0..<min(12, longest)).map { _ in Int32(random.below(max(1, vocabulary))) } }
    return (
      ids,
      EditCheck(
        id: "canary_tokens", passed: nil, detail: "no tokenizer that can be used: random ids stand for texts")
    )
  }

  private static func largestChange(_ a: Tensor, _ b: Tensor) -> Float {
    guard a.shape == b.shape else { return .infinity }
    return withExtendedLifetime((a, b)) {
      (0..<a.count).reduce(Float(0)) { max($0, abs(a.f32[$1] - b.f32[$1])) }
    }
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(6).joined(separator: ", ") + (names.count > 6 ? " and \(names.count - 6) more" : "")
  }
}

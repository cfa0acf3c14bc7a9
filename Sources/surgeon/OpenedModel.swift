import Architectures
import ArgumentParser
import Checkpoints
import Evaluation
import JSON
import Layers
import Reports
import Runtime
import Surgery
import Tokenizers
import Transformers

/// A model to run, with a patch at run time where one was named, both listed in the report.
struct OpenedModel {
  let model: Model
  let patch: Patch?
  let overlay: Overlay?

  /// Opens a folder in the mode that the session asks for, or in the one of another model beside which it runs.
  init(
    _ folder: String, patch path: String? = nil, role: String = "model", compute: ComputeChoice? = nil,
    into report: inout ReportEnvelope, _ session: Session
  ) throws {
    let model = try Model(folder: folder, compute: compute ?? session.compute)
    report.computed(by: model)
    try report.read(model.checkpoint, role: role, progress: session.progress)
    for note in model.checkpoint.notes { report.warn("CHECKPOINT_NOTE", note) }
    report.warn(of: model.binding.detection)
    let patch = try path.map { try Patch(file: $0) }
    if let path, let patch {
      try report.read(file: path, role: "patch")
      try patch.checkFits(model.checkpoint, progress: session.progress)
    }
    self.model = model
    self.patch = patch
    overlay = try patch.map { try $0.overlay(model.binding, model.checkpoint) }
  }

  /// The folder's tokenizer, with its hash in the report.
  func tokenizer(into report: inout ReportEnvelope) throws -> Tokenizer {
    let tokenizer = try Tokenizer(folder: model.checkpoint.folder)
    report.inputs[0].facts["tokenizer_sha256"] = .string(tokenizer.sha256)
    guard tokenizer.count <= model.network.vocabulary || model.network.vocabulary == 0 else {
      report.warn(
        "TOKENIZER_LARGER",
        "the tokenizer has \(tokenizer.count) tokens, the model \(model.network.vocabulary): tokens beyond are refused"
      )
      return tokenizer
    }
    return tokenizer
  }
}

extension OpenedModel {
  /// This model and another one in one mode, in which both can be compared: f32 where `auto` took different ones.
  func alike(_ other: Model, into report: inout ReportEnvelope) throws -> (own: Model, other: Model) {
    guard model.compute != other.compute else { return (model, other) }
    report.system.compute = ComputeMode.f32.rawValue
    return (try model.computing(in: .f32), try other.computing(in: .f32))
  }
}

extension ReportEnvelope {
  /// Records the mode of a model that runs, and says where a mode brings less than its name promises.
  mutating func computed(by model: Model) {
    system.compute = model.compute.rawValue
    guard model.compute == .bf16 else { return }
    let (stored, all) = model.blockProducts
    if stored < all {
      warn(
        "COMPUTE_F32_LAYERS",
        "the weights of \(all - stored) of \(all) products in the blocks are not stored as bf16: they compute in f32"
      )
    }
    if stored > 0, !ComputeMode.hasBF16Products {
      warn(
        "COMPUTE_EMULATED",
        "this processor has no AVX512_BF16: products of bf16 are emulated, which brings no speed over --compute f32"
      )
    }
  }

  /// Says that the roles were detected from names and shapes, and what was assumed.
  mutating func warn(of detection: Detection?) {
    guard let detection else { return }
    let assumed = detection.assumptions.joined(separator: "; ")
    let unread =
      detection.unreadKeys.isEmpty
      ? "" : ". Keys not looked at: " + detection.unreadKeys.joined(separator: ", ")
    warn("FAMILY_DETECTED", "\(detection.warning). Assumed: \(assumed)\(unread)")
  }
}

/// Where texts come from: `-f FILE` and how it is read.
struct TextFileOptions: ParsableArguments {
  @Option(name: [.customShort("f"), .long], help: "Texts: .jsonl, .json (a list), or one a line.")
  var file: String?

  @Option(help: "Field of the text in JSON objects.")
  var column: String?

  @Flag(help: "The whole file is one text.")
  var whole = false

  @Option(name: [.customShort("L"), .long], help: "Texts at most.")
  var limit: Int?

  func read(keys: [String], chats: Bool = false, into report: inout ReportEnvelope) throws -> TextDocuments? {
    guard let file else { return nil }
    let documents = try TextDocuments(
      file: file, keys: column.map { [$0] } ?? keys, chats: chats, whole: whole, limit: limit)
    try report.read(file: file, role: "texts")
    if documents.copies > 0 {
      report.warn(
        "TEXTS_DUPLICATE", "\(documents.copies) of \(documents.texts.count) texts repeat an earlier one")
    }
    return documents
  }
}

extension OpenedModel {
  /// The ids that end a reply: those of the config, and the token of each stop text (`\\n` and `\\t` may be spelt so).
  func stops(_ texts: [String], _ tokenizer: Tokenizer) throws -> Set<Int32>? {
    guard !texts.isEmpty else { return nil }
    var stops = Set(model.network.eos.map(Int32.init))
    for text in texts {
      let text = text.replacing("\\n", with: "\n").replacing("\\t", with: "\t")
      let ids = tokenizer.encode(text, addSpecialTokens: false).ids
      guard ids.count == 1 else {
        throw ProgramError.flags(
          found: "--stop \"\(text)\" is \(ids.count) tokens of this tokenizer",
          expected: "a text that is one token")
      }
      stops.insert(ids[0])
    }
    return stops
  }
}

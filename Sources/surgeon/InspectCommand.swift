import Architectures
import ArgumentParser
import Checkpoints
import JSON
import OrderedCollections
import Reports
import Runtime
import Tensors
import Tokenizers

/// `surgeon inspect MODEL`.
struct InspectCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Family, sizes, roles and their tensors, dtypes, ties, sites; what is unsupported and why.",
    discussion: """
      Reads headers and config.json, and a few bytes of each matrix; needs no tokenizer. An unknown layout is described, not
      refused. Warns of what breaks elsewhere (surgeon ls warnings); --values also looks for NaN and infinity in every byte.

      Example: surgeon inspect models/llama --format json | jq .results.family
      """)
  static let kind = "inspect"

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Flag(help: "Every tensor by itself instead of one line for all blocks.")
  var all = false

  @Flag(help: "Hash all tensors for the model hash (reads every byte once; remembered).")
  var hash = false

  @Flag(help: "Look for NaN and infinity in all weights (reads every byte once).")
  var values = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { nil }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let checkpoint = try Checkpoint(folder: model)
    let description = ModelDescription(checkpoint)
    try report.read(checkpoint, hashing: hash, progress: session.progress)
    let (tokenizer, summary) = tokenizerFacts()
    report.results = description.json(checkpoint, tokenizer: tokenizer)
    let warnings = try description.warnings(
      checkpoint, tokenizer: summary, values: values, progress: session.progress)
    report.add(warnings: warnings, valuesRead: values)
    report.results["quantisation"] = Quantisation(checkpoint)?.json ?? .null
    for note in checkpoint.notes { report.warn("CHECKPOINT_NOTE", note) }
    report.warn(of: description.binding?.detection)
    let template = ChatTemplateFacts(folder: model)
    report.results["chat_template"] = template.json
    for warning in template.warnings { report.warn("CHAT_TEMPLATE", warning) }
    var heading = description.headline(checkpoint)
    heading.append("chat template: \(template.line)")
    heading.append("tokenizer: \(tokenizer.string ?? "")")
    if !values { heading.append("values: not looked at (--values reads all of them)") }
    try session.show(
      report, heading: heading,
      tables: [all ? description.wholeTable : description.table, warnings.table])
  }

  private func tokenizerFacts() -> (JSONValue, TokenizerSummary?) {
    do {
      let tokenizer = try Tokenizer(folder: model)
      return (
        .string("\(Format.count(tokenizer.count)) tokens"),
        TokenizerSummary(count: tokenizer.count, eos: tokenizer.eos.map(Int.init))
      )
    } catch let error as any SurgeonError {
      return (.string("none that can be used: \(error.found); \(error.suggestion)"), nil)
    } catch { return (.string("\(error)"), nil) }
  }
}

extension ModelDescription {
  fileprivate func headline(_ checkpoint: Checkpoint) -> [String] {
    var lines: [String] = []
    if let network = binding?.network {
      let window = network.windows.contains { $0 != nil } ? ", sliding window" : ""
      lines.append(
        "\(network.family): \(network.blocks) blocks, width \(Format.count(network.width)), \(network.heads) heads "
          + "(\(network.keyValueHeads) key-value) of \(network.headSize), MLP \(Format.count(network.mlpWidth)) "
          + "\(network.gatedMLP ? "gated " : "")\(network.activation.rawValue), \(network.norm.kind.rawValue) norm, "
          + "vocabulary \(Format.count(network.vocabulary)), context \(Format.count(network.contextLength))\(window)"
      )
      if let experts = network.experts { lines.append(network.line(of: experts)) }
      let matrices = (0..<network.blocks).reduce(0) { $0 + network.surgeryRows(in: $1).parts.count }
      lines.append(
        "Model Surgery edits \(network.surgeryRole.rawValue): \(Format.count(network.surgeryRowCount)) rows of "
          + "\(network.width) in \(Format.count(matrices)) matrices")
      if let detection = binding?.detection {
        lines.append("assumed: \(detection.assumptions.joined(separator: "; "))")
        if !detection.alternatives.isEmpty {
          lines.append(
            "the tensors also fit \(detection.alternatives.joined(separator: ", ")), which compute something else"
          )
        }
        if !detection.unreadKeys.isEmpty {
          lines.append("keys of config.json not looked at: \(detection.unreadKeys.joined(separator: ", "))")
        }
      }
      let choices = network.choices
      if !choices.isEmpty { lines.append("arithmetic: \(choices.joined(separator: "; "))") }
      lines.append("sites: \(network.sites.joined(separator: ", "))")
    } else {
      for (what, reason) in unsupported { lines.append("unsupported: \(what)\n  \(reason)") }
    }
    let types = parameters.map { "\(Format.count($0.value)) \($0.key.rawValue)" }.joined(separator: ", ")
    lines.append(
      "\(types) in \(checkpoint.tensorNames.count) tensors, \(checkpoint.shardNames.count) file"
        + "\(checkpoint.shardNames.count == 1 ? "" : "s"), \(Format.bytes(UInt64(checkpoint.weightBytes)))")
    for tie in ties { lines.append("tied: \(tie.joined(separator: " = "))") }
    return lines
  }

  fileprivate var table: Table {
    var table = Table([
      .init("Role"), .init("Tensor"), .init("Shape"), .init("Type"), .init("Tensors", numeric: true),
      .init("Bytes", numeric: true), .init("Note"),
    ])
    for group in groups {
      table.add([
        .text(group.role), .text(group.tensor), .text("\(group.line.shape)"),
        .text(group.line.dtype.rawValue),
        .count(group.count), .bytes(UInt64(group.bytes)), .text(group.note),
      ])
    }
    return table
  }

  fileprivate var wholeTable: Table {
    var table = Table([
      .init("Role"), .init("Tensor"), .init("Shape"), .init("Type"), .init("Bytes", numeric: true),
      .init("Note"),
    ])
    for line in lines {
      table.add([
        .text(line.role), .text(line.tensor), .text("\(line.shape)"), .text(line.dtype.rawValue),
        .bytes(UInt64(line.bytes)), .text(line.note),
      ])
    }
    return table
  }

  fileprivate func json(_ checkpoint: Checkpoint, tokenizer: JSONValue) -> JSONValue {
    var dtypes = JSONValue.object([:])
    for (type, count) in parameters { dtypes[type.rawValue] = .integer(count) }
    let network = binding?.network
    return [
      "family": .optional(network?.family), "supported": .bool(network != nil),
      "unsupported": .array(unsupported.map { ["what": .string($0.what), "reason": .string($0.reason)] }),
      "parameters": .integer(checkpoint.parameterCount), "weight_bytes": .integer(checkpoint.weightBytes),
      "dtypes": dtypes, "tied": .array(ties.map(JSONValue.strings)), "tokenizer": tokenizer,
      "network": network?.json ?? .null, "detection": binding?.detection?.json ?? .null,
      "sites": .strings(network?.sites ?? []),
      "tensors": .array(
        lines.map {
          [
            "name": .string($0.tensor), "role": .optional($0.role), "block": .optional($0.block),
            "expert": .optional($0.expert),
            "shape": .integers($0.shape), "dtype": .string($0.dtype.rawValue), "bytes": .integer($0.bytes),
            "note": .string($0.note),
          ]
        }),
    ]
  }
}

extension Detection {
  fileprivate var json: JSONValue {
    [
      "model_type": .string(modelType), "pattern": .string(pattern), "alternatives": .strings(alternatives),
      "assumptions": .strings(assumptions), "unread_keys": .strings(unreadKeys),
    ]
  }
}

extension Network {
  /// The sites of this network, as users type them.
  fileprivate var sites: [String] {
    Site.kinds.map(\.name).filter { hasFinalNorm || $0 != Site.finalNorm.description }
  }

  /// Experts and blocks that have them, counted.
  fileprivate func line(of experts: Experts) -> String {
    let sparse = experts.blocks.count { $0 }
    let shared = experts.sharedWidth.map { ", and a shared one of width \(Format.count($0))" } ?? ""
    return
      "experts: \(Format.count(experts.count)) of width \(Format.count(experts.width)) in \(sparse) of \(blocks) blocks, "
      + "\(experts.chosen) a token\(experts.normalised ? ", weights divided by their sum" : "")\(shared)"
  }

  fileprivate var json: JSONValue {
    [
      "experts": experts.map { experts in
        [
          "count": .integer(experts.count), "chosen": .integer(experts.chosen),
          "width": .integer(experts.width),
          "normalised": .bool(experts.normalised), "shared_width": .optional(experts.sharedWidth),
          "blocks": .integer(experts.blocks.count { $0 }),
        ]
      } ?? .null,
      "surgery_rows": .integer(surgeryRowCount),
      "blocks": .integer(blocks), "width": .integer(width), "heads": .integer(heads),
      "key_value_heads": .integer(keyValueHeads), "head_size": .integer(headSize),
      "mlp_width": .integer(mlpWidth),
      "gated_mlp": .bool(gatedMLP), "activation": .string(activation.rawValue),
      "norm": .string(norm.kind.rawValue), "vocabulary": .integer(vocabulary),
      "context_length": .integer(contextLength), "tied_head": .bool(tiedHead),
      "surgery_role": .string(surgeryRole.rawValue), "arithmetic": .strings(choices),
    ]
  }
}

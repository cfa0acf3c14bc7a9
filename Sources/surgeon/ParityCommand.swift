import ArgumentParser
import JSON
import Layers
import Reports
import Runtime
import Statistics
import Transformers

/// `surgeon parity MODEL --against REF`.
struct ParityCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "parity",
    abstract:
      "Hidden states and logits against a recorded reference, site by site; exit 2 above the tolerance.",
    discussion: """
      REF is a safetensors file with input_ids [B,T], attention_mask [B,T], logits [B,T,V] and hidden_states.0 … L
      [B,T,D] numbered as Hugging Face does. Padding is left out by the mask, left or right. Needs no tokenizer.

      Example: surgeon parity models/llama --against reference.safetensors
      """)
  static let kind = "parity"

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(help: "The recorded reference.")
  var against: String

  @Option(help: "What the largest difference may be, in units of max(1, largest reference value).")
  var tolerance = 5e-5

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { nil }

  func validate() throws {
    if !(tolerance > 0) { throw ValidationError("--tolerance must be positive") }
    if common.compute == .bf16 {
      throw ValidationError("--compute bf16: parity is judged in f32; leave the option out")
    }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let opened = try OpenedModel(model, compute: .f32, into: &report, session)
    try report.read(file: against, role: "reference")
    let parity = try Parity(
      opened.model, reference: against, tolerance: tolerance, progress: session.progress)
    report.results = [
      "passed": .bool(parity.passed), "tolerance": .number(tolerance), "tokens": .integer(parity.tokens),
      "sites": .array(
        parity.comparisons.map {
          [
            "site": .string($0.place), "tensor": .string($0.tensor), "max_abs": .number($0.difference),
            "max_abs_reference": .number($0.magnitude), "limit": .number($0.limit),
            "passed": .bool($0.passed),
            "text": .integer($0.worst[0]), "token": .integer($0.worst[1]), "column": .integer($0.worst[2]),
          ]
        }),
    ]
    report.add(
      Metric(
        name: "parity_ratio", value: parity.worstRatio, unit: "ratio", n: parity.texts, higherIsBetter: false,
        reason: parity.worstRatio.isNaN ? "a difference is NaN" : nil))
    report.gates.append(try Gate(metric: "parity_ratio", requires: "<= 1").outcome(report.metrics))
    var table = Table([
      .init("Site"), .init("Reference"), .init("Max |Δ|", numeric: true),
      .init("Max |reference|", numeric: true),
      .init("Limit", numeric: true), .init("", key: "passed"),
    ])
    for item in parity.comparisons {
      table.add([
        .text(item.place), .text(item.tensor), .number(item.difference, 3), .number(item.magnitude, 3),
        .number(item.limit, 3), Table.Cell(item.passed ? "ok" : "ABOVE", value: .bool(item.passed)),
      ])
    }
    try session.show(
      report,
      heading: [
        "\(parity.texts) texts, \(Format.count(parity.tokens)) tokens, tolerance \(tolerance) · max(1, max |reference|)"
      ],
      tables: [table])
  }
}

import Architectures
import Foundation
import Layers
import Runtime
import Tensors
import TestSupport
import Testing
import Transformers

/// Measures every case and site and holds PARITY.md to it:
/// `SURGEON_WRITE_PARITY=1 swift test --filter ParityTableTests` writes the page anew.
@Suite struct ParityTableTests {
  static let columns = [
    "embeddings", "blocks.*.output", "final_norm", "attention.output", "mlp.input", "mlp.output",
    "role inputs",
    "logits",
  ]
  static let path = Files.folder(of: #filePath) + "/PARITY.md"

  @Test func everyCaseHasItsRow() throws {
    let page = try Files.readText(Self.path)
    for name in ParityFixture.names {
      #expect(page.contains("| \(name) |"), "run with SURGEON_WRITE_PARITY=1")
    }
  }

  @Test(.enabled(if: ProcessInfo.processInfo.environment["SURGEON_WRITE_PARITY"] != nil))
  func write() throws {
    var rows: [String] = []
    var versions: Set<String> = []
    for name in ParityFixture.names {
      let fixture = try ParityFixture(name)
      versions.insert(fixture.recordedWith)
      let folder = try TemporaryFolder()
      let model = try fixture.model("rope_parameters", in: folder)
      var worst: [String: Float] = [:]
      for error in try fixture.errors(model) {
        worst[Self.column(error.site), default: 0] = max(worst[Self.column(error.site)] ?? 0, error.relative)
      }
      let logits = model.network.hasHead ? try model.forward(fixture.texts).logits : []
      let losses = zip(zip(logits, fixture.texts), fixture.losses).compactMap { pair, expected in
        expected.map { abs(meanLoss(pair.0, pair.1) - $0) }
      }
      let cells = Self.columns.map { worst[$0].map { Self.text(Double($0)) } ?? "–" }
      let dtype = Set(fixture.tensors.map(\.dtype.rawValue)).sorted().joined(separator: ", ")
      let lengths = fixture.texts.map { String($0.count) }.joined(separator: ", ")
      rows.append(
        "| \(name) | \(dtype) | \(lengths) | " + cells.joined(separator: " | ")
          + " | \(losses.max().map(Self.text) ?? "–") |")
    }
    try Files.write(Self.page(rows, versions.sorted()), to: Self.path)
  }

  private static func page(_ rows: [String], _ versions: [String]) -> String {
    """
    # Parity with Hugging Face, as measured

    The largest |Δ| / max(1, max |reference|) over the texts of a case, for each kind of site; the bound is 5e-5. Last
    column: the largest |Δ| of a text's mean loss in nats. Measured with the `rope_parameters` config; ParityTests hold the
    other two to the same bound, and greedy replies of 20 tokens to be equal. Encoders make no logits.

    Written by `SURGEON_WRITE_PARITY=1 swift test --filter ParityTableTests`, kernels: \(InstructionSet.current.name).
    The references are recorded by `record_parity.py`, one text at a time:
    \(versions.map { "- \($0)" }.joined(separator: "\n"))

    | case | weights | tokens of the texts | \(columns.joined(separator: " | ")) | loss |
    |---|---|---|\(String(repeating: "---|", count: columns.count))---|
    \(rows.joined(separator: "\n"))

    """
  }

  private static func column(_ site: String) -> String {
    if site.hasSuffix(":input") { return "role inputs" }
    guard site.hasPrefix("blocks.") else { return site }
    let part = site.split(separator: ".", maxSplits: 2)[2]
    return part == "output" ? "blocks.*.output" : String(part)
  }

  private static func text(_ value: Double) -> String { value == 0 ? "0" : String(format: "%.1e", value) }
}

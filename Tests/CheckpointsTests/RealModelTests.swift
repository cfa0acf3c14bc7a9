import Glibc
import Runtime
import Testing

@testable import Checkpoints

/// Real checkpoints from the shared fixtures: f32, f16, Conv1D; with READMEs, tokenizers and sub-folders beside them.
@Suite struct RealModelTests {
  static let models: String = {
    if let folder = getenv("SURGEON_FIXTURES") { return "\(String(cString: folder))/models" }
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return "/\(root)/../shared/fixtures/models"
  }()
  static let present = Files.isFolder(models)

  @Test(
    .enabled(if: present, "needs SURGEON_FIXTURES"),
    arguments: [
      ("stories260K/hf", "model.layers.2.mlp.gate_proj.weight", false),
      ("minilm-l6-v2", "encoder.layer.3.intermediate.dense.weight", false),
      ("gpt-nano-sort/hf", "transformer.h.1.mlp.c_fc.weight", true),
    ])
  func editAndBack(_ model: String, _ tensor: String, _ transposed: Bool) throws {
    let scratch = try Scratch()
    let base = try Checkpoint(folder: "\(Self.models)/\(model)", cache: .none)
    #expect(try base.firstNonFinite() == nil)
    let name = base.entry(tensor) == nil ? String(tensor.trimmingPrefix("transformer.")) : tensor
    let entry = try #require(base.entry(name), "\(base.tensorNames)")
    let width = transposed ? entry.shape[0] : entry.shape[1]
    let change = RowChange(tensor: name, rows: [0, 5, 17], transposed: transposed, delta: delta(width))
    let patch = try Patch.build(base, [change])
    let report = try patch.apply(to: base, output: scratch.file("edited"))
    #expect(report.rowsChanged == 3 && report.edited == 3 * width)
    let edited = try open(scratch.file("edited"))
    #expect(try edited.verify(base: base, patch: patch).agrees)
    #expect(try Undo(file: try #require(report.undo)).revert(edited, output: scratch.file("back")).isOriginal)
    #expect(try contents(scratch.file("back")) == (try contents(base.folder)))
  }
}

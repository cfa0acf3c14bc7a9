import Checkpoints
import JSON
import Reports
import Runtime
import Tensors
import Testing

/// Sparse files and sparse patches, from the command line to the report.
struct SparseProgramTests {
  /// A copy of the model whose MLP weights are zero at two of three places.
  static func prune(_ scratch: Scratch, as name: String = "pruned") throws {
    let model = try Checkpoint(folder: scratch.path("model"), cache: .none)
    var transforms: [String: CheckpointWriter.Transform] = [:]
    for name in model.tensorNames where name.contains("mlp") && name.hasSuffix(".weight") {
      guard let entry = model.entry(name) else { continue }
      let size = entry.dtype.size
      transforms[name] = { rows, bytes in
        for place in 0..<bytes.count / size where (rows.lowerBound * entry.width + place) % 3 != 0 {
          for byte in 0..<size { bytes[place * size + byte] = 0 }
        }
      }
    }
    try CheckpointWriter(source: model, output: scratch.path(name)).write(transforms, record: nil)
  }

  static func tree(_ folder: String, _ path: String = "") throws -> [String: [UInt8]] {
    var all: [String: [UInt8]] = [:]
    for name in try Files.list("\(folder)/\(path)") {
      let inner = path.isEmpty ? name : "\(path)/\(name)"
      if Files.isFolder("\(folder)/\(inner)") {
        try all.merge(tree(folder, inner)) { $1 }
      } else {
        all[inner] = try Files.read("\(folder)/\(inner)")
      }
    }
    return all
  }

  @Test func sparseFileAndBack() throws {
    let scratch = try Scratch()
    try Self.prune(scratch)
    let dry = try scratch.run(
      "convert", "pruned", "--to", "sparse", "-o", "small", "--dry-run", "--report", "dry.json")
    #expect(dry.code == 0, "\(dry.errors)")
    #expect(!scratch.has("small"))
    let planned = try scratch.report("dry.json")
    let made = try scratch.run("convert", "pruned", "--to", "sparse", "-o", "small")
    #expect(made.code == 0, "\(made.errors)")
    #expect(made.output.contains("dense kernels run no faster"))
    let report = try scratch.report("small.report.json")
    let sparse = try #require(report["results"]?["sparse"])
    let (before, after) = (sparse["bytes_before"]?.int ?? 0, sparse["bytes_after"]?.int ?? 0)
    #expect(after < before * 8 / 10)
    #expect(try Files.size(scratch.path("small/\(SparseCheckpoint.fileName)")) == after)
    #expect(sparse["note"]?.string?.contains("no faster") == true)
    #expect(planned["results"]?["sparse"]?["nonzero"] == sparse["nonzero"])
    #expect(!scratch.has("small/model.safetensors"))

    let refused = try scratch.run("inspect", "small")
    #expect(
      refused.code == 69 && refused.errors.contains("surgeon convert small -o OUT"), "\(refused.errors)")
    let plan = try scratch.run("convert", "small", "-o", "again", "--dry-run")
    #expect(plan.code == 0 && !scratch.has("again"))
    let back = try scratch.run("convert", "small", "-o", "again")
    #expect(back.code == 0, "\(back.errors)")
    _ = try scratch.report("again.report.json")
    #expect(try Self.tree(scratch.path("again")) == Self.tree(scratch.path("pruned")))
    // A second copy in the way, and a damaged file.
    #expect(try scratch.run("convert", "small", "-o", "again").code == 73)
    var bytes = try Files.read(scratch.path("small/\(SparseCheckpoint.fileName)"))
    bytes[bytes.count - 3] ^= 0x10
    try Files.write(bytes, to: scratch.path("small/\(SparseCheckpoint.fileName)"))
    let damaged = try scratch.run("convert", "small", "-o", "third")
    #expect(damaged.code == 65, "\(damaged.errors)")
    #expect(!scratch.has("third"))
  }

  /// A model without zeros does not get smaller, and the report says so.
  @Test func denseModelsGainNothing() throws {
    let scratch = try Scratch()
    let made = try scratch.run("convert", "model", "--to", "sparse", "-o", "small")
    #expect(made.code == 0, "\(made.errors)")
    let warnings = try scratch.report("small.report.json")["warnings"]?.array ?? []
    #expect(warnings.contains { $0["code"]?.string == "NOT_SMALLER" })
    #expect(try scratch.run("convert", "model", "--to", "gguf", "-o", "x").code == 64)
  }

  @Test func sparsePatch() throws {
    let scratch = try Scratch()
    try Self.prune(scratch)
    let built = try scratch.run("edit", "build", "model", "--edited", "pruned", "-o", "p.patch.safetensors")
    #expect(built.code == 0, "\(built.errors)")
    let report = try scratch.report("p.patch.safetensors.report.json")
    #expect(report["results"]?["edit"]?.string == "sparse")
    #expect((report["results"]?["tensors"]?.array?.first?["places"]?.int ?? 0) > 0)
    // The values are zeros: the file is a bit a weight and no more.
    let patch = try Files.size(scratch.path("p.patch.safetensors"))
    let model = try Files.size(scratch.path("model/model.safetensors"))
    #expect(patch < model / 8)

    let applied = try scratch.run("edit", "apply", "model", "--patch", "p.patch.safetensors", "-o", "out")
    #expect(applied.code == 0, "\(applied.errors)")
    let checks = try scratch.report("out.report.json")["results"]?["checks"]?.array ?? []
    #expect(checks.contains { $0["id"]?.string == "canary_logits" && $0["passed"]?.bool == true })
    let own = "model.safetensors"
    #expect(try Files.read(scratch.path("out/\(own)")) == Files.read(scratch.path("pruned/\(own)")))
    let verified = try scratch.run(
      "edit", "verify", "out", "--base", "model", "--patch", "p.patch.safetensors")
    #expect(verified.code == 0, "\(verified.errors)")
    let again = try scratch.run("edit", "apply", "out", "--patch", "p.patch.safetensors", "-o", "twice")
    #expect(again.code == 65 && again.errors.contains("already"))
    let reverted = try scratch.run("edit", "revert", "out", "--undo", "out.undo.safetensors", "-o", "back")
    #expect(reverted.code == 0, "\(reverted.errors)")
    #expect(try Self.tree(scratch.path("back")) == Self.tree(scratch.path("model")))

    // Half of the difference, and an edit of rows on top of it.
    try scratch.patch("rows.patch.safetensors")
    let composed = try scratch.run(
      "edit", "compose", "model", "p.patch.safetensors", "rows.patch.safetensors", "--scale", "0.5",
      "--scale",
      "1", "-o", "both.patch.safetensors")
    #expect(composed.code == 0, "\(composed.errors)")
    let both = try scratch.run("edit", "apply", "model", "--patch", "both.patch.safetensors", "-o", "both")
    #expect(both.code == 0, "\(both.errors)")
    let exported = try scratch.run(
      "edit", "export", "model", "--patch", "p.patch.safetensors", "-o", "adapter")
    #expect(exported.code == 69)
  }

  @Test func flagsThatDoNotFit() throws {
    let scratch = try Scratch()
    for words in [
      ["edit", "build", "model", "-o", "p"],
      ["edit", "build", "model", "--plan", "a", "--edited", "b", "-o", "p"],
      ["edit", "build", "model", "--edited", "model", "--strength", "1", "-o", "p"],
      ["edit", "build", "model", "--edited", "model", "--rows", "2%", "-o", "p"],
    ] {
      #expect(try Program.run(words, in: scratch.folder).code == 64, "\(words)")
    }
    let same = try scratch.run("edit", "build", "model", "--edited", "model", "-o", "p")
    #expect(same.code == 65, "\(same.errors)")
    #expect(try scratch.run("edit", "build", "model", "--edited", "nothing", "-o", "p").code == 66)
    #expect(!scratch.has("p"))
    let locate = try scratch.run("locate", "model", "--edit", "sparse", "--probe", "x", "-o", "plan")
    #expect(locate.code == 64, "\(locate.errors)")
    #expect(try scratch.run("ls", "edits").output.contains("sparse"))
  }
}

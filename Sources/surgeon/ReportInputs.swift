import Checkpoints
import JSON
import OrderedCollections
import Probing
import Reports
import Runtime
import Transformers

extension ReportEnvelope {
  /// Lists a checkpoint among the inputs: small files with their hashes, weights with their sizes and, where asked
  /// for, the model hash over all tensors (computed once for a file and remembered).
  mutating func read(
    _ checkpoint: Checkpoint, role: String = "model", hashing: Bool = true, progress: ProgressSink
  ) throws {
    var facts = JSONValue.object([:])
    if hashing { facts["model_hash"] = .string(try checkpoint.modelHash(progress: progress)) }
    inputs.append(try Artefact(checkpoint: checkpoint, role: role, facts: facts))
  }

  /// Lists a written checkpoint among the outputs.
  mutating func wrote(checkpoint folder: String, modelHash: String) throws {
    outputs.append(
      try Artefact(
        checkpoint: Checkpoint(folder: folder), role: "edited_model",
        facts: ["model_hash": .string(modelHash)]))
  }

  /// Lists a probe's two files among the inputs.
  mutating func read(probe path: String) throws {
    let folder = Files.isFolder(path) ? path : Files.folder(of: path)
    let files = try ["probe.json", "probe.safetensors"].map { name in
      Artefact.File(
        name: name, bytes: try Files.size("\(folder)/\(name)"), sha256: try Files.sha256("\(folder)/\(name)"))
    }
    inputs.append(Artefact(role: "probe", path: folder, files: files))
  }

  /// Warns where a probe was trained on another model.
  mutating func check(_ probe: Probe, belongsTo model: Model) throws {
    if probe.belongs(to: try model.checkpoint.modelHash) == false {
      warn(
        "PROBE_OF_ANOTHER_MODEL",
        "probe \(probe.name) was trained on another model; its scores may mean nothing here")
    }
  }

  /// Lists a file among the inputs, with its hash.
  mutating func read(file path: String, role: String) throws {
    inputs.append(try Artefact(role: role, at: path))
  }

  /// Lists a written file among the outputs, with its hash.
  mutating func wrote(file path: String, role: String) throws {
    outputs.append(try Artefact(role: role, at: path))
  }
}

extension Artefact {
  /// A checkpoint folder: weights are not hashed as files, their tensors are.
  fileprivate init(checkpoint: Checkpoint, role: String, facts: JSONValue) throws {
    let weights = Set(checkpoint.shardNames)
    let names = (checkpoint.shardNames + checkpoint.sideFiles + [checkpoint.indexFile].compactMap { $0 })
      .sorted()
    let files = try names.map { name in
      let path = "\(checkpoint.folder)/\(name)"
      let size = try Files.size(path)
      let small = !weights.contains(name) && size < 64 << 20
      return File(name: name, bytes: size, sha256: small ? try Files.sha256(path) : nil)
    }
    self.init(role: role, path: checkpoint.folder, files: files, facts: facts)
  }
}

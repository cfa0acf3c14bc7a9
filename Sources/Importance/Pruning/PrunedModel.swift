import Architectures
import Checkpoints
import JSON
import Runtime
import Tensors
import Transformers

/// What happened to one matrix.
public struct PrunedMatrix: Sendable {
  /// What it is in the network.
  public let role: Role
  /// The tensor that holds it.
  public let tensor: String
  /// Outputs N and inputs K.
  public let outputs, inputs: Int
  /// Weights that were to go, and that went.
  public let asked, pruned: Int
  /// Zeros that the matrix holds now, those of before included.
  public let zeros: Int
  /// Calibration tokens that reached it, and inputs that were zero on all of them; nil where none were looked at.
  public let tokens, dead: Int?
  /// What was added before XᵀX was factored; nil where it was not.
  public let damping: GramMatrix.Damping?
  /// The error on the calibration texts; nil where it was not measured.
  public let error: ReconstructionError?

  init(
    _ matrix: PrunableMatrix, asked: Int, pruned: Int, zeros: Int, input: InputStatistics.Input?,
    damping: GramMatrix.Damping?, error: ReconstructionError?
  ) {
    role = matrix.role
    tensor = matrix.bound.tensor
    (outputs, inputs) = (matrix.outputs, matrix.inputs)
    (self.asked, self.pruned, self.zeros) = (asked, pruned, zeros)
    (tokens, dead) = (input?.tokens, input?.dead)
    self.damping = damping
    self.error = error
  }

  /// Weights in all.
  public var count: Int { outputs * inputs }
  /// The share that went.
  public var sparsity: Double { count == 0 ? 0 : Double(pruned) / Double(count) }
}

/// A pruned checkpoint before it is written: its changed tensors, ready to be run or stored.
public final class PrunedModel: Sendable {
  /// What was asked for.
  public let pruning: Pruning
  /// What happened to each matrix, in network order.
  public let matrices: [PrunedMatrix]
  /// The texts that were looked at.
  public let calibration: CalibrationTexts?
  private let scratch: TensorScratch

  init(pruning: Pruning, matrices: [PrunedMatrix], scratch: TensorScratch, calibration: CalibrationTexts?) {
    self.pruning = pruning
    self.matrices = matrices
    self.scratch = scratch
    self.calibration = calibration
  }

  /// Weights of all matrices, and those that went.
  public var count: Int { matrices.reduce(0) { $0 + $1.count } }
  /// Weights that went.
  public var pruned: Int { matrices.reduce(0) { $0 + $1.pruned } }
  /// Weights that were to go.
  public var asked: Int { matrices.reduce(0) { $0 + $1.asked } }
  /// Zeros that the matrices hold now.
  public var zeros: Int { matrices.reduce(0) { $0 + $1.zeros } }
  /// The share that went.
  public var sparsity: Double { count == 0 ? 0 : Double(pruned) / Double(count) }

  /// Error of all measured products together: the sum of errors over the sum of energies.
  public var reconstruction: ReconstructionError? {
    let errors = matrices.compactMap(\.error)
    return errors.isEmpty ? nil : ReconstructionError(summing: errors)
  }

  /// The pruned network at run time, with the bits of the checkpoint that ``write(to:provenance:progress:)`` writes.
  public var overlay: Overlay { Pruning.overlay(scratch.names, scratch) }

  /// The changed tensors, as they are stored.
  public var tensors: [String: Tensor] {
    Dictionary(uniqueKeysWithValues: scratch.names.map { ($0, scratch.tensor($0)) })
  }

  /// Writes the checkpoint: zeros in place, everything else byte for byte, `surgeon.edit.json` added.
  /// - Throws: ``FileError``, ``CheckpointError``, ``Interrupted``.
  public func write(
    to output: String, provenance: JSONValue, progress: ProgressSink = ignoreProgress
  ) throws -> ReplacementReport {
    let writer = try CheckpointWriter(source: pruning.model.checkpoint, output: output)
    let replacements = scratch.names.map { name in
      let tensor = scratch.tensor(name)
      return TensorReplacement(tensor: name, sha256: SHA256.hex(tensor.bytes)) { [scratch] rows, bytes in
        bytes.copyMemory(from: scratch.rows(name, rows))
      }
    }
    return try writer.write(
      replacing: replacements, kind: "prune", provenance: provenance, progress: progress)
  }
}

import Architectures
import Checkpoints
import OrderedCollections

extension InputStatistics {
  /// The statistics that an importance matrix of llama.cpp has for a network's products.
  /// - Throws: ``ImportanceMatrixError``.
  public init(_ file: ImportanceMatrixFile, binding: Binding) throws {
    let (energies, _) = try ImportanceMatrix.energies(file, binding: binding)
    var inputs: [Role: Input] = [:]
    for (role, energy) in energies {
      inputs[role] = Input(squares: energy.sums, tokens: energy.tokens, gram: nil)
    }
    self.init(inputs, network: binding.network)
  }

  /// The same numbers as a file, for `llama-quantize --imatrix`.
  /// - Parameters:
  ///   - binding: the network's products.
  ///   - datasets: what the texts were, such as file names.
  ///   - chunks: pieces of text run, and tokens of each.
  /// - Throws: ``ImportanceMatrixError``.
  public func importanceMatrix(
    binding: Binding, datasets: [String], chunks: (count: Int, size: Int)
  ) throws -> ImportanceMatrixFile {
    var energies: [Role: ChannelEnergy] = [:]
    for role in binding.tensors.keys {
      guard let kind = role.inBlock, !kind.isNorm, let input = self[role] else { continue }
      energies[role] = ChannelEnergy(sums: input.squares, tokens: input.tokens)
    }
    return try ImportanceMatrix.file(energies, binding: binding, datasets: datasets, chunks: chunks)
  }
}

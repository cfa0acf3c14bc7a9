import Layers

extension ScoreKind {
  /// Σ x_j² of the input that a weight multiplies, a token's mean where the number of tokens is known: llama.cpp's
  /// importance matrix holds the same sums.
  public static let activationEnergy = ScoreKind(
    name: "activation-energy", summary: "the energy of the input that the weight multiplies",
    reference: "llama.cpp imatrix", needs: .activations, finest: .column
  ) { matrix, evidence, score in
    let energy = try evidence.required(\.inputEnergy, score, matrix)
    return MatrixScore(matrix, columns: energy.map(Float.init))
  }
}

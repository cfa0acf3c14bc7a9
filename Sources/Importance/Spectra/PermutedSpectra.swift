import Runtime

/// What the spectrum of a matrix would be without its structure: the same entries in random places, several times.
///
/// Every permuted copy has the matrix's own distribution of entries, heavy tails included, so what differs between the
/// two is order, not size. Copies are a function of the seed, the matrix's name and the copy's number alone.
public struct PermutedSpectra: Sendable, Equatable {
  /// How many copies.
  public var copies: Int { largest.count }
  /// λmax of each copy.
  public let largest: [Double]
  /// α of the exact fit of each copy; nil where there is none.
  public let alpha: [Double?]
  /// α by the Hill estimator of each copy; nil where there is none.
  public let hill: [Double?]
  /// The first copy's eigenvalues, ascending: for a figure.
  public let example: [Double]

  /// Permutes the entries of `values` `[N, K]` and takes the spectra; `values` is left in another order.
  /// - Throws: ``LinearAlgebraError``, ``Interrupted``.
  /// - Complexity: `copies` times ``Spectrum``.
  public init(
    _ values: inout [Float], outputs: Int, inputs: Int, copies: Int, seed: UInt64, name: String
  ) throws {
    let random = CounterRandom(seed: seed, stream: "spectra \(name)")
    var (largest, alpha, hill, example): ([Double], [Double?], [Double?], [Double]) = ([], [], [], [])
    for copy in 0..<copies {
      try Cancellation.check()
      var own = random.stream(UInt64(copy))
      for index in stride(from: values.count - 1, to: 0, by: -1) {
        values.swapAt(index, own.below(index + 1))
      }
      let spectrum = try Spectrum(values, outputs: outputs, inputs: inputs)
      largest.append(spectrum.largest)
      alpha.append(PowerLawFit(exact: spectrum.nonZero)?.alpha)
      hill.append(PowerLawFit(hill: spectrum.nonZero)?.alpha)
      if copy == 0 { example = spectrum.eigenvalues }
    }
    (self.largest, self.alpha, self.hill, self.example) = (largest, alpha, hill, example)
  }

  /// Eigenvalues above every copy's largest one: what order, not size, puts there.
  public func spikes(_ spectrum: Spectrum) -> Int? {
    guard let top = largest.max() else { return nil }
    return spectrum.eigenvalues.reversed().prefix { $0 > top }.count
  }

  /// The share of copies, the matrix itself counted among them, whose largest eigenvalue is at least the matrix's:
  /// a permutation test's p-value, never 0. Nil without copies.
  public func pValue(_ spectrum: Spectrum) -> Double? {
    guard !largest.isEmpty else { return nil }
    return Double(1 + largest.count { $0 >= spectrum.largest }) / Double(1 + largest.count)
  }
}

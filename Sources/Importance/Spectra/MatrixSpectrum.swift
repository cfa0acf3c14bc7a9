import Glibc
import Layers
import Runtime
import Statistics
import Tensors

/// Everything that the spectrum of one matrix says.
public struct MatrixSpectrum: Sendable, Equatable {
  /// How much is computed.
  public struct Options: Sendable, Equatable {
    /// Permuted copies a matrix.
    public var copies: Int
    /// Resamples of the eigenvalues for the interval of α.
    public var resamples: Int
    /// Seed of both.
    public var seed: UInt64

    /// Options; the standard ones are 20 copies and 200 resamples.
    public init(copies: Int = 20, resamples: Int = 200, seed: UInt64 = 0) {
      self.copies = copies
      self.resamples = resamples
      self.seed = seed
    }
  }

  /// The name that the matrix's random numbers hang on, such as a role's.
  public let name: String
  /// The eigenvalues.
  public let spectrum: Spectrum
  /// The exact power-law fit; nil where ``why`` says so.
  public let fit: PowerLawFit?
  /// The Hill fit; nil as ``fit``.
  public let hill: PowerLawFit?
  /// 95 % intervals of both α over resampled eigenvalues; the tail is chosen anew in each resample.
  ///
  /// Eigenvalues repel one another and are no independent draws, so that such an interval is a measure of how far α hangs on single
  /// eigenvalues and on where the tail begins, not a statement about other trainings of the same model.
  public let alphaInterval, hillInterval: Interval?
  /// Outliers that make α too large; nil where there are none.
  public let fingers: Fingers?
  /// The random matrix law fitted to the bulk; nil where half of the eigenvalues are zero.
  public let law: MarchenkoPastur?
  /// The permuted copies; nil where none were asked for.
  public let permuted: PermutedSpectra?
  /// Why there is no fit, or what to beware of; nil where nothing is.
  public let why: String?

  /// Reads the spectrum of a matrix.
  /// - Throws: ``LinearAlgebraError`` for numbers that are not finite, ``Interrupted``.
  /// - Complexity: `1 + copies` times ``Spectrum``.
  public init(_ weight: LinearWeight, name: String, options: Options = Options()) throws {
    var values = weight.toFloats()
    let spectrum = try Spectrum(values, outputs: weight.outputs, inputs: weight.inputs)
    let permuted =
      options.copies > 0 && spectrum.largest > 0
      ? try PermutedSpectra(
        &values, outputs: weight.outputs, inputs: weight.inputs, copies: options.copies, seed: options.seed,
        name: name) : nil
    self.init(spectrum, name: name, permuted: permuted, options: options)
  }

  /// Reads a spectrum that is there already.
  public init(
    _ spectrum: Spectrum, name: String, permuted: PermutedSpectra? = nil, options: Options = Options()
  ) {
    self.name = name
    self.spectrum = spectrum
    self.permuted = permuted
    law = MarchenkoPastur(spectrum)
    let values = Array(spectrum.nonZero)
    let fit = PowerLawFit(exact: values)
    self.fit = fit
    hill = PowerLawFit(hill: values)
    fingers = fit.flatMap { Fingers(values, fit: $0) }
    if spectrum.largest == 0 {
      why = "a matrix of zeros"
    } else if values.count < PowerLawFit.leastValues {
      why = "too few eigenvalues: \(values.count), \(PowerLawFit.leastValues) are needed"
    } else if values.count < PowerLawFit.fewValues {
      why = "few eigenvalues: \(values.count)"
    } else if fit == nil {
      why = "all eigenvalues are the same"
    } else {
      why = nil
    }
    guard fit != nil, options.resamples > 1 else {
      (alphaInterval, hillInterval) = (nil, nil)
      return
    }
    let bootstrap = Bootstrap(
      count: values.count, resamples: options.resamples, seed: options.seed, stream: "spectra \(name)")
    let resampled = Slots(repeating: (nil, nil) as (Double?, Double?), count: options.resamples)
    let logarithms = values.map { log($0) }
    Parallel.forEach(options.resamples, grain: 1) { range in
      for index in range {
        let weights = bootstrap.weights(index)
        var (own, logs): ([Double], [Double]) = ([], [])
        own.reserveCapacity(values.count)
        logs.reserveCapacity(values.count)
        for (place, weight) in weights.enumerated() {
          for _ in 0..<Int(weight) {
            own.append(values[place])
            logs.append(logarithms[place])
          }
        }
        resampled[index] = (
          PowerLawFit(exact: own, logarithms: logs)?.alpha, PowerLawFit(hill: own)?.alpha
        )
      }
    }
    alphaInterval = bootstrap.interval(of: resampled.values.map(\.0))
    hillInterval = bootstrap.interval(of: resampled.values.map(\.1))
  }

  /// α · log₁₀ λmax, a weighting by size; nil without a fit.
  public var alphaWeighted: Double? {
    guard let fit, let norm = spectrum.logSpectralNorm else { return nil }
    return fit.alpha * norm
  }

  /// log₁₀ Σ λ^α; nil without a fit.
  public var logAlphaNorm: Double? {
    guard let fit, spectrum.largest > 0 else { return nil }
    // λmax^α may overflow: its logarithm is taken out of the sum.
    let top = log10(spectrum.largest)
    let rest = spectrum.nonZero.reduce(0.0) { $0 + pow(10, fit.alpha * (log10($1) - top)) }
    return fit.alpha * top + log10(rest)
  }
}

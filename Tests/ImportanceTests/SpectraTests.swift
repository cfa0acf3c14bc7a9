import Checkpoints
import Glibc
import JSON
import Layers
import Runtime
import Statistics
import Tensors
import TestSupport
import Testing

@testable import Importance

/// Spectra against the `weightwatcher` package (Scripts/record_spectra.py), against random matrix theory, and against themselves.
@Suite struct SpectraTests {
  static let here = Files.folder(of: #filePath)
  static let recorded: [JSONValue] =
    (try? JSONValue(file: here + "/Fixtures/spectra.json"))?["matrices"]?.array ?? []

  /// The matrix that record_spectra.py makes under a name.
  static func entries(_ kind: String, _ rows: Int, _ columns: Int) -> [Float] {
    var random = CounterRandom(seed: 7, stream: kind)
    var values = [Double](repeating: 0, count: rows * columns)
    for i in 0..<rows {
      for j in 0..<columns {
        var value = (0..<12).reduce(0.0) { sum, _ in sum + random.uniform() } - 6
        switch kind {
        case "heavy": value /= random.uniform() + 0.02
        case "decaying": value /= 1 + Double(i) / 8
        case "spiked": value += Double(i % 3 - 1) * Double(j % 5 - 2) * 0.5
        case "finger":
          let last = rows - 1
          value = i != j ? 0 : (i == last ? 15 : 1 + 9 * (Double(i) + 0.5) / Double(last)).squareRoot()
        case "repeated" where i >= rows / 2: value = values[(i - rows / 2) * columns + j]
        default: break
        }
        values[i * columns + j] = value
      }
    }
    return values.map { Float($0) }
  }

  static func spectrum(_ kind: String, _ rows: Int, _ columns: Int) throws -> Spectrum {
    try Spectrum(entries(kind, rows, columns), outputs: rows, inputs: columns)
  }

  /// Relative agreement; weightwatcher decomposes in f32.
  static func near(_ a: Double?, _ b: Double?, _ tolerance: Double = 2e-5) -> Bool {
    guard let a, let b else { return false }
    return abs(a - b) <= tolerance * max(1, abs(b))
  }

  @Test(arguments: recorded.indices) func agreesWithWeightwatcher(_ index: Int) throws {
    let item = Self.recorded[index]
    let name = try #require(item["name"]?.string)
    let shape = try #require(item["shape"]?.array).compactMap(\.int)
    let values: [Float]
    if name.hasPrefix("model.") {
      guard SharedFixtures.has("models/stories260K/hf") else { return }
      values = try Checkpoint(folder: SharedFixtures.path("models/stories260K/hf"), cache: .none).tensor(name)
        .toFloats()
    } else {
      values = Self.entries(name, shape[0], shape[1])
    }
    let spectrum = try Spectrum(values, outputs: shape[0], inputs: shape[1])
    let read = MatrixSpectrum(spectrum, name: name, options: .init(copies: 0, resamples: 0))
    let fit = try #require(read.fit)
    for (key, value) in [
      ("alpha", fit.alpha), ("D", fit.distance), ("xmin", fit.xmin), ("sigma", fit.sigma),
      ("stable_rank", spectrum.stableRank), ("entropy", spectrum.entropy), ("log_norm", spectrum.logNorm),
      ("log_spectral_norm", spectrum.logSpectralNorm), ("alpha_weighted", read.alphaWeighted),
      ("log_alpha_norm", read.logAlphaNorm), ("alpha_hill", read.hill?.alpha),
    ] as [(String, Double?)] {
      #expect(Self.near(value, item[key]?.double), "\(name) \(key): \(value ?? .nan), \(item[key] ?? .null)")
    }
    #expect(spectrum.rank == item["matrix_rank"]?.double.map { Int($0) }, "\(name)")
    #expect(fit.tail == item["num_pl_spikes"]?.double.map { Int($0) }, "\(name)")
    let fingers = try #require(item["fingers"]?.int)
    #expect(read.fingers?.count ?? 0 == fingers, "\(name)")
    // The package leaves out one value more than it counts.
    let without =
      fingers > 0 ? PowerLawFit(exact: spectrum.nonZero.dropLast(fingers + 1))?.alpha : fit.alpha
    #expect(Self.near(without, item["alpha_without_fingers"]?.double), "\(name)")
  }

  @Test func fixturesAreThere() { #expect(Self.recorded.count >= 6) }

  /// The pruned search gives what trying everything gives, ties included.
  @Test(arguments: 0..<12) func exactFitIsExact(_ seed: Int) throws {
    var random = CounterRandom(seed: UInt64(seed), stream: "fit")
    let values = (0..<(20 + 17 * seed)).map { _ in
      let value = exp(random.normal() * 1.5)
      return seed % 3 == 0 ? (value * 4).rounded() / 4 + 0.25 : value  // ties
    }.sorted()
    var best: (distance: Double, alpha: Double, xmin: Double)?
    for start in 0..<values.count - 1 where start == 0 || values[start] != values[start - 1] {
      let tail = values[start...]
      let n = Double(tail.count)
      let sum = tail.reduce(0) { $0 + log($1 / values[start]) }
      guard sum > 0 else { continue }
      let alpha = 1 + n / sum
      let distance =
        tail.enumerated().map {
          abs(1 - pow($1 / values[start], 1 - alpha) - Double($0) / n)
        }.max() ?? 1
      if distance < best?.distance ?? 9 { best = (distance, alpha, values[start]) }
    }
    let fit = try #require(PowerLawFit(exact: values))
    #expect(fit.xmin == best?.xmin)
    #expect(Self.near(fit.alpha, best?.alpha, 1e-9))
    #expect(Self.near(fit.distance, best?.distance, 1e-9))
  }

  /// Draws from a power law give its exponent back.
  @Test func recoversAnExponent() throws {
    var random = CounterRandom(seed: 3, stream: "pareto")
    let values = (0..<3000).map { _ in pow(1 - random.uniform(), -1 / 1.5) }.sorted()
    let fit = try #require(PowerLawFit(exact: values))
    let hill = try #require(PowerLawFit(hill: values))
    #expect(abs(fit.alpha - 2.5) < 4 * fit.sigma)
    #expect(abs(hill.alpha - 2.5) < 4 * hill.sigma)
    #expect(fit.distance < 0.03)
  }

  @Test func tooFewEigenvalues() throws {
    let values = (1...19).map(Double.init)
    #expect(PowerLawFit(exact: values) == nil)
    #expect(PowerLawFit(hill: values) == nil)
    let small = MatrixSpectrum(
      Spectrum(eigenvalues: values, outputs: 19, inputs: 400), name: "small", options: .init(copies: 0))
    #expect(small.fit == nil && small.alphaInterval == nil)
    #expect(small.why?.hasPrefix("too few eigenvalues: 19") == true)
    #expect(small.spectrum.stableRank != nil && small.law != nil)
    let few = MatrixSpectrum(
      Spectrum(eigenvalues: (1...30).map(Double.init), outputs: 30, inputs: 30), name: "few",
      options: .init(copies: 0))
    #expect(few.fit != nil && few.why == "few eigenvalues: 30")
    let same = MatrixSpectrum(
      Spectrum(eigenvalues: [Double](repeating: 2, count: 64), outputs: 64, inputs: 64), name: "same",
      options: .init(copies: 0))
    #expect(same.fit == nil && same.why == "all eigenvalues are the same")
  }

  @Test func zerosAndNaN() throws {
    let zero = try MatrixSpectrum(
      LinearWeight(Tensor(zeros: [32, 40])), name: "zero", options: .init(copies: 2))
    #expect(zero.why == "a matrix of zeros")
    #expect(zero.spectrum.stableRank == nil && zero.spectrum.logNorm == nil && zero.permuted == nil)
    #expect(zero.spectrum.rank == 0 && zero.law == nil)
    var values = [Float](repeating: 1, count: 32 * 40)
    values[7] = .nan
    #expect(throws: (any Error).self) { try Spectrum(values, outputs: 32, inputs: 40) }
  }

  /// Σλ = ‖W‖², the transpose has the same values, and a transposed store is read as the same matrix.
  @Test func spectrumOfTheTranspose() throws {
    let values = Self.entries("bell", 30, 50)
    let wide = try Spectrum(values, outputs: 30, inputs: 50)
    var turned = [Float](repeating: 0, count: 1500)
    for i in 0..<30 { for j in 0..<50 { turned[j * 30 + i] = values[i * 50 + j] } }
    let tall = try Spectrum(turned, outputs: 50, inputs: 30)
    for (a, b) in zip(wide.eigenvalues, tall.eigenvalues) { #expect(abs(a - b) <= 1e-11 * wide.largest) }
    let squares = values.reduce(0.0) { $0 + Double($1) * Double($1) }
    #expect(Self.near(wide.sum, squares, 1e-12))
    let stored = try Spectrum(LinearWeight(Tensor(turned, shape: [50, 30]), transposed: true))
    #expect(stored == wide)
  }

  /// The law's constants: the median against Gavish and Donoho's table, and the fit of a random matrix.
  @Test func marchenkoPasturOfARandomMatrix() throws {
    #expect(abs(MarchenkoPastur.median(1) - 0.6529) < 2e-4)  // 4/√3 over ω(1) = 2.858, squared
    #expect(abs(MarchenkoPastur.median(1e-6) - 1) < 1e-3)
    for (rows, columns) in [(200, 400), (300, 300), (400, 150)] {
      let spectrum = try Self.spectrum("random", rows, columns)
      let law = try #require(MarchenkoPastur(spectrum))
      #expect(abs(law.deviation - 1) < 0.02, "\(law.deviation)")
      #expect(law.spikes(spectrum) == 0)
      #expect(abs((law.softRank(spectrum) ?? 0) - 1) < 0.05)
      // The density holds all eigenvalues.
      let steps = 20000
      let width = (law.upper - law.lower) / Double(steps)
      let mass = (0..<steps).reduce(0.0) { $0 + law.density(law.lower + (Double($1) + 0.5) * width) * width }
      #expect(abs(mass - 1) < 0.02, "\(mass)")
    }
  }

  @Test func spikesAreCounted() throws {
    let spectrum = try Self.spectrum("spiked", 120, 80)
    let read = try MatrixSpectrum(
      LinearWeight(Tensor(Self.entries("spiked", 120, 80), shape: [120, 80])), name: "spiked",
      options: .init(copies: 20, resamples: 0))
    #expect(read.law?.spikes(spectrum) == 1)  // the added part has rank one
    #expect(read.permuted?.spikes(spectrum) == 1)
    #expect(Self.near(read.permuted?.pValue(spectrum), 1.0 / 21))
    let plain = try MatrixSpectrum(
      LinearWeight(Tensor(Self.entries("bell", 64, 48), shape: [64, 48])), name: "bell",
      options: .init(copies: 20, resamples: 0))
    #expect((plain.permuted?.pValue(plain.spectrum) ?? 0) > 0.05)
  }

  /// Permuting keeps the entries, and is the same for one seed whatever the threads.
  @Test func permutedCopiesAreReproducible() throws {
    let weight = LinearWeight(Tensor(Self.entries("heavy", 40, 60), shape: [40, 60]))
    let options = MatrixSpectrum.Options(copies: 3, resamples: 40, seed: 5)
    let threads = Parallel.threads
    defer { Parallel.setThreads(threads) }
    Parallel.setThreads(1)
    let one = try MatrixSpectrum(weight, name: "m", options: options)
    Parallel.setThreads(threads)
    let many = try MatrixSpectrum(weight, name: "m", options: options)
    #expect(one == many)
    let other = try MatrixSpectrum(weight, name: "n", options: options)
    #expect(other.permuted != one.permuted)
    let sum = one.permuted?.example.reduce(0, +)
    #expect(Self.near(sum, one.spectrum.sum, 1e-10))
  }

  @Test func intervalHoldsTheValue() throws {
    let read = MatrixSpectrum(
      try Self.spectrum("decaying", 90, 90), name: "decaying", options: .init(copies: 0))
    let alpha = try #require(read.fit?.alpha), interval = try #require(read.alphaInterval)
    #expect(interval.lower < alpha && alpha < interval.upper)
    #expect(interval.method.contains("200 resamples"))
    let hill = try #require(read.hillInterval)
    #expect(hill.lower < (read.hill?.alpha ?? 0) && (read.hill?.alpha ?? 0) < hill.upper)
  }
}

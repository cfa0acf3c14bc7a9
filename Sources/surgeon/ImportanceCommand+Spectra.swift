import Architectures
import ArgumentParser
import Importance
import JSON
import Layers
import OrderedCollections
import Reports
import Runtime
import Statistics

/// `surgeon importance MODEL --spectra`: the eigenvalues of every matrix.
struct SpectraOptions: ParsableArguments {
  @Flag(help: "Eigenvalues of every matrix: power laws, ranks, random-matrix edge, permuted copies.")
  var spectra = false

  @Option(help: "Of --spectra, copies of each matrix with its entries in random places, 0 for none.")
  var permuted = 20

  func validate() throws {
    if permuted < 0 || permuted > 10_000 { throw ValidationError("--permuted must be 0 to 10000") }
  }

  /// - Throws: ``LinearAlgebraError``, ``FileError``, ``Interrupted``.
  func answer(
    _ matrices: [PrunableMatrix], resamples: Int, seed: UInt64, output: String?, dryRun: Bool,
    _ report: inout ReportEnvelope, _ session: Session
  ) throws {
    if dryRun {
      let run = plan(matrices, output: output)
      report.results = ["spectra": [], "dry_run": run.json]
      return try session.show(report, heading: run.lines, tables: [])
    }
    let spectra = try ModelSpectra(
      matrices, options: .init(copies: permuted, resamples: resamples, seed: seed),
      progress: session.progress)
    report.results = spectra.json(permuted: permuted, resamples: resamples)
    report.add(spectra.metrics)
    let table = spectra.table
    if let output {
      try Files.write(table.csv(), to: output)
      try report.wrote(file: output, role: "spectra")
    }
    try session.show(report, heading: spectra.heading, tables: [table])
  }

  /// What reading the spectra takes: a Gram product and its eigenvalues for each matrix and each copy.
  private func plan(_ matrices: [PrunableMatrix], output: String?) -> DryRun {
    var (seconds, hold) = (0.0, 0)
    for matrix in matrices {
      let small = Double(min(matrix.outputs, matrix.inputs)),
        large = Double(max(matrix.outputs, matrix.inputs))
      seconds += Double(1 + permuted) * (large * small * small + 2 * small * small * small) / 1e10
      hold = max(hold, 4 * matrix.count + Int(24 * small * small))
    }
    return DryRun(
      readBytes: matrices.reduce(0) { $0 + $1.weight.byteCount }, writeBytes: 0,
      holdBytes: 2 * hold + (16 << 20),
      output: output ?? ".", seconds: seconds)
  }
}

extension ModelSpectra {
  private var fits: [(line: Line, alpha: Double)] {
    lines.compactMap { line in line.spectrum.fit.map { (line, $0.alpha) } }
  }

  fileprivate var heading: [String] {
    let few = lines.count { $0.spectrum.fit == nil }
    let ordered = lines.count { ($0.spectrum.permuted?.pValue($0.spectrum.spectrum) ?? 1) <= 0.05 }
    var text = ["\(Format.count(lines.count)) matrices; α of \(Format.count(fits.count)) of them"]
    if few > 0 { text.append("\(Format.count(few)) without a fit, each with its reason") }
    if lines.contains(where: { $0.spectrum.permuted != nil }) {
      text.append(
        "\(Format.count(ordered)) have a larger first eigenvalue than 95 % of their permuted copies: order, not size"
      )
    }
    return text
  }

  fileprivate var metrics: [Metric] {
    let alphas = fits.map(\.alpha)
    let hills = lines.compactMap { $0.spectrum.hill?.alpha }
    return [
      Metric(name: "alpha_mean", value: Descriptive.mean(alphas), unit: "exponent", n: alphas.count),
      Metric(name: "alpha_median", value: Descriptive.median(alphas), unit: "exponent", n: alphas.count),
      Metric(name: "alpha_hill_mean", value: Descriptive.mean(hills), unit: "exponent", n: hills.count),
      Metric(
        name: "without_fit", value: Double(lines.count - fits.count), unit: "count", n: lines.count,
        higherIsBetter: false),
    ]
  }

  fileprivate var table: Table {
    var table = Table([
      .init("Matrix", key: "role"), .init("Rows", numeric: true), .init("Columns", numeric: true),
      .init("α", key: "alpha", numeric: true), .init("from", key: "alpha_lower", numeric: true),
      .init("to", key: "alpha_upper", numeric: true),
      .init("Distance", key: "distance", numeric: true), .init("Tail", numeric: true),
      .init("α Hill", key: "alpha_hill", numeric: true),
      .init("α permuted", key: "alpha_permuted", numeric: true),
      .init("Stable rank", key: "stable_rank", numeric: true), .init("Rank", numeric: true),
      .init("Entropy", numeric: true), .init("log10 norm", key: "log_norm", numeric: true),
      .init("log10 largest", key: "log_spectral_norm", numeric: true),
      .init("Spikes", numeric: true), .init("Above copies", key: "spikes_permuted", numeric: true),
      .init("p", numeric: true), .init("Remark", key: "why"),
    ])
    for line in lines {
      let (read, spectrum) = (line.spectrum, line.spectrum.spectrum)
      let permuted = read.permuted.map { Descriptive.mean($0.alpha.compactMap { $0 }) } ?? nil
      var remark = read.why ?? ""
      if let fingers = read.fingers {
        remark +=
          (remark.isEmpty ? "" : "; ")
          + "\(fingers.count) outliers: α \(Format.fixed(fingers.fit.alpha, 2)) without them"
      }
      table.add([
        .text(line.role.description), .count(spectrum.outputs), .count(spectrum.inputs),
        .fixed(read.fit?.alpha, 3),
        .fixed(read.alphaInterval?.lower, 2), .fixed(read.alphaInterval?.upper, 2),
        .fixed(read.fit?.distance, 3), .count(read.fit?.tail),
        .fixed(read.hill?.alpha, 3), .fixed(permuted, 3), .fixed(spectrum.stableRank, 2),
        .count(spectrum.rank), .fixed(spectrum.entropy, 4), .fixed(spectrum.logNorm, 3),
        .fixed(spectrum.logSpectralNorm, 3), .count(read.law?.spikes(spectrum)),
        .count(read.permuted?.spikes(spectrum)),
        .fixed(read.permuted?.pValue(spectrum), 3), .text(remark),
      ])
    }
    return table
  }

  fileprivate func json(permuted: Int, resamples: Int) -> JSONValue {
    [
      "permuted": .integer(permuted), "resamples": .integer(resamples),
      "spectra": .array(lines.map(\.json)),
    ]
  }
}

extension ModelSpectra.Line {
  /// Eigenvalues that a report lists at most: evenly spread places of a longer spectrum, both ends among them.
  private static let listed = 400

  private static func thinned(_ values: [Double]) -> [Double] {
    guard values.count > listed else { return values }
    return (0..<listed).map { values[$0 * (values.count - 1) / (listed - 1)] }
  }

  fileprivate var json: JSONValue {
    let read = spectrum, values = spectrum.spectrum
    func fit(_ fit: PowerLawFit?, _ interval: Interval?) -> JSONValue {
      guard let fit else { return .null }
      return [
        "alpha": .number(fit.alpha), "lower": .optional(interval?.lower), "upper": .optional(interval?.upper),
        "sigma": .number(fit.sigma), "xmin": .number(fit.xmin), "distance": .number(fit.distance),
        "tail": .integer(fit.tail),
      ]
    }
    var json: JSONValue = [
      "role": .string(role.description), "block": .optional(role.block),
      "kind": .optional(role.inBlock?.rawValue), "expert": .optional(role.expert),
      "outputs": .integer(values.outputs), "inputs": .integer(values.inputs),
      "fit": fit(read.fit, read.alphaInterval), "hill": fit(read.hill, read.hillInterval),
      "why": .optional(read.why), "rank": .integer(values.rank), "stable_rank": .optional(values.stableRank),
      "entropy": .optional(values.entropy), "log_norm": .optional(values.logNorm),
      "log_spectral_norm": .optional(values.logSpectralNorm),
      "alpha_weighted": .optional(read.alphaWeighted), "log_alpha_norm": .optional(read.logAlphaNorm),
      "largest": .number(values.largest),
      "eigenvalues": .array(Self.thinned(values.eigenvalues).map(JSONValue.number)),
    ]
    if let fingers = read.fingers {
      json["fingers"] = ["count": .integer(fingers.count), "alpha": .number(fingers.fit.alpha)]
    }
    if let law = read.law {
      json["bulk"] = [
        "deviation": .number(law.deviation), "lower": .number(law.lower), "upper": .number(law.upper),
        "edge": .number(law.edge), "spikes": .integer(law.spikes(values)),
        "soft_rank": .optional(law.softRank(values)),
      ]
    }
    if let permuted = read.permuted {
      let alphas = permuted.alpha.compactMap { $0 }
      json["permuted"] = [
        "copies": .integer(permuted.copies), "largest": .number(permuted.largest.max() ?? 0),
        "alpha": .optional(Descriptive.mean(alphas)), "alpha_lower": .optional(alphas.min()),
        "alpha_upper": .optional(alphas.max()), "spikes": .optional(permuted.spikes(values)),
        "p": .optional(permuted.pValue(values)),
        "eigenvalues": .array(Self.thinned(permuted.example).map(JSONValue.number)),
      ]
    }
    return json
  }
}

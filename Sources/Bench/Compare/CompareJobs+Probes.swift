/// Logistic probes beside scikit-learn on the same data.
extension CompareJobs {
  static func probes(_ places: ComparePlaces) -> [CompareJob] {
    [
      probe(places, "probe-9k", 9000, 768, "rotated", "scaled", reach: 8, better: 15),
      probe(places, "probe-45k", 45_000, 4096, "rotated", "scaled", reach: 6, better: 15),
      probe(places, "probe-raw", 9000, 768, "rotated", "raw", reach: 20, better: 40),
      probe(places, "probe-isotropic", 9000, 768, "isotropic", "raw", reach: 1, better: 2),
      probe(places, "probe-isotropic-45k", 45_000, 4096, "isotropic", "raw", reach: 1, better: 2),
      probe(places, "probe-spectrum", 9000, 768, "spectrum", "scaled", reach: nil, better: nil),
      sweep(places),
    ]
  }

  /// All layers of the shape of 7 B.
  private static func sweep(_ places: ComparePlaces) -> CompareJob {
    var call = places.bench("probe", "--runs", "1", "--threads", "\(places.threads)")
    call.words += [
      "--rows", "2000", "--width", "4096", "--data", "rotated", "--folder", "\(places.scratch)/probe-data",
      "--sites", "33",
    ]
    return CompareJob(
      name: "sweep-7b",
      summary: "a probe sweep over 33 sites of 2,000×4,096, two kinds, with metrics and controls",
      ours: call,
      rows: [
        .init(
          title: "probe sweep, 2,000 texts × 33 sites × 4,096", unit: "s", kind: .value, reach: 60,
          ours: .number("seconds_median", stage: "sweep"))
      ])
  }

  private static func probe(
    _ places: ComparePlaces, _ name: String, _ rows: Int, _ width: Int, _ shape: String, _ how: String,
    reach: Double?, better: Double?
  ) -> CompareJob {
    let folder = "\(places.scratch)/probe-data"
    let words = [
      "probe", "--rows", "\(rows)", "--width", "\(width)", "--data", shape, "--folder", folder,
    ]
    let isLarge = rows * width > 50_000_000
    var ours = places.bench("probe", "--runs", isLarge ? "1" : "5", "--threads", "\(places.threads)")
    ours.words = [places.bench] + words + Array(ours.words.dropFirst(2))
    let make = CompareJob.Call(name: "data", words: [places.bench] + words + ["--make-only"])
    let peer = places.ownPeer(
      how == "scaled" ? "StandardScaler + scikit-learn lbfgs" : "scikit-learn lbfgs", "probe_fit.py",
      ["\(folder)/\(shape)-\(rows)x\(width)", how], runs: isLarge ? 1 : 3)
    let size = "\(rows / 1000),\(String(1000 + rows % 1000).dropFirst())×\(width)"
    let title = "logistic probe, \(size), \(shape == "rotated" ? "correlated" : shape) features"
    var list: [CompareJob.Row] = [
      .init(
        title: how == "raw" && shape == "rotated" ? title + ", raw" : title, peer: 0, unit: "s",
        kind: .speedup,
        reach: reach, better: better, ours: .number("seconds_median", stage: "probe"),
        theirs: .number("seconds_median"))
    ]
    if how == "scaled" {
      // The same objective on the same scaled data; one part in a million is f32's own noise.
      list.append(
        .init(
          title: "same, objective above the peer's", peer: 0, unit: "nats", kind: .excess, reach: 1e-6,
          ours: .number("objective"), theirs: .number("objective")))
    }
    return CompareJob(
      name: name, summary: "\(title), beside scikit-learn, \(how) features there", ours: ours, peers: [peer],
      needs: [.call(make)], rows: list)
  }
}

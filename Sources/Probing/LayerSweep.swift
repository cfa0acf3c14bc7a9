import Glibc
import JSON
import OrderedCollections
import Runtime
import Statistics

/// Every site with every kind of probe, judged on validation; one site is chosen there and looked at once on test.
public struct LayerSweep: Sendable {
  /// A site whose features are made or read when it is its turn.
  public struct Source: Sendable {
    /// The site's name.
    public let site: String
    /// The features of all texts.
    public let load: @Sendable () throws -> Features

    /// A site with a way to get its features.
    public init(site: String, load: @escaping @Sendable () throws -> Features) {
      self.site = site
      self.load = load
    }

    /// A site with features in memory.
    public init(_ features: Features) { self.init(site: features.site) { features } }
  }

  /// One site with one kind.
  public struct Cell: Sendable {
    /// The site's name.
    public let site: String
    /// The kind's name.
    public let kind: String
    /// The trained direction.
    public let fit: LinearFit
    /// On the validation texts.
    public let metrics: [Metric]
    /// Standard deviation of the criterion over resampled groups; nil where undefined.
    public let standardError: Double?
    /// AUROC on the training texts: far above validation's means that the fit learned the texts by heart.
    public let trainAUROC: Double?
  }

  /// What the sites are compared by, on validation.
  public enum Criterion: String, Sendable, CaseIterable {
    /// Area under the ROC, highest.
    case auroc
    /// Log-loss, lowest.
    case logLoss = "log_loss"
  }

  /// How a sweep is made.
  public struct Options: Sendable {
    /// Kinds by name with their settings, in the order of preference.
    public var kinds: [(name: String, settings: [String: MethodValue])] = [("logistic", [:]), ("means", [:])]
    /// What sites are compared by.
    public var criterion: Criterion = .auroc
    /// Resamples of every interval.
    public var resamples = 1000
    /// Label permutations of the shuffled control; 0: none.
    public var permutations = 20
    /// Whether the bag-of-words and length controls are made; they need the texts.
    public var textControls = true
    /// The seed of everything random.
    public var seed: UInt64 = 0

    /// The standard sweep.
    public init() {}
  }

  /// What a sweep found.
  public struct Outcome: Sendable {
    /// All cells, sites in the order given, kinds in order within a site.
    public let cells: [Cell]
    /// The place of the chosen cell in `cells`.
    public let chosen: Int
    /// Why, in one sentence.
    public let reason: String
    /// The chosen probe on the test texts.
    public let testMetrics: [Metric]
    /// Controls on the test texts.
    public let controls: [Controls.Result]
    /// Cosines between the kinds' directions at each site: site, first kind, second kind, cosine.
    public let agreements: [(site: String, first: String, second: String, cosine: Double)]

    /// The chosen cell.
    public var best: Cell { cells[chosen] }
  }

  /// Sweeps sites, in network order, over one set of texts.
  /// - Throws: ``ProbingError``, ``MethodError``, ``LinearAlgebraError``, ``Interrupted``.
  public static func run(
    _ sources: [Source], texts: LabelledTexts, split: Split, options: Options = Options(),
    progress: ProgressSink = ignoreProgress
  ) throws -> Outcome {
    let kinds = try options.kinds.map { given in
      let kind = try ProbeKind.named(given.name)
      _ = try kind.settings(given.settings)
      return (kind: kind, settings: given.settings)
    }
    guard !sources.isEmpty, !kinds.isEmpty else {
      throw ProbingError.sizes(what: "sites or kinds of a sweep", found: 0, expected: 1)
    }
    let labels = texts.labels
    let truth = split.validation.map { labels[$0] }, groups = split.validation.map { texts.groups[$0] }
    let bootstrap = Bootstrap(
      count: groups.count, groups: groups, resamples: options.resamples, seed: options.seed)
    var cells: [Cell] = []
    var agreements: [(site: String, first: String, second: String, cosine: Double)] = []
    for (place, source) in sources.enumerated() {
      let problem = try SiteProblem(source.load(), labels: labels, split: split, seed: options.seed)
      let start = cells.count
      for (kind, settings) in kinds {
        try Cancellation.check()
        let fit = try fitOrConstant(kind, problem, settings)
        let logits = fit.logits(problem.features, rows: split.validation)
        let spread: Double?
        switch options.criterion {
        case .auroc:
          let area = AUROC(scores: logits, labels: truth)
          spread = bootstrap.standardError { area.value(weights: $0) }
        case .logLoss:
          spread = bootstrap.standardError {
            ProperScores.logLoss(logits: logits, labels: truth, weights: $0)
          }
        }
        cells.append(
          Cell(
            site: source.site, kind: kind.name, fit: fit,
            metrics: ProbeMetrics.of(
              logits: logits, labels: truth, groups: groups, resamples: options.resamples, seed: options.seed),
            standardError: spread,
            trainAUROC: AUROC.value(
              scores: fit.logits(problem.features, rows: split.train), labels: problem.trainLabels)))
        progress(
          ProgressEvent(
            stage: "probes", completed: cells.count, total: sources.count * kinds.count, unit: "probes"))
      }
      for a in start..<cells.count {
        for b in a + 1..<max(a + 1, cells.count) {
          if let cosine = LinearFit.cosine(cells[a].fit.direction, cells[b].fit.direction) {
            agreements.append((sources[place].site, cells[a].kind, cells[b].kind, cosine))
          }
        }
      }
    }
    let (chosen, reason) = choose(cells, options.criterion)
    let cell = cells[chosen]
    // Only now, and only this cell, sees the test texts.
    guard let source = sources.first(where: { $0.site == cell.site }),
      let kind = kinds.first(where: { $0.kind.name == cell.kind })
    else { throw ProbingError.unknownKind(name: cell.kind, known: kinds.map(\.kind.name)) }
    let problem = try SiteProblem(source.load(), labels: labels, split: split, seed: options.seed)
    let testMetrics = ProbeMetrics.of(
      logits: cell.fit.logits(problem.features, rows: split.test), labels: split.test.map { labels[$0] },
      groups: split.test.map { texts.groups[$0] }, resamples: options.resamples, seed: options.seed)
    var controls: [Controls.Result] = []
    if options.permutations > 0 {
      controls.append(
        try Controls.shuffledLabels(
          problem, kind: kind.kind, settings: cell.fit.chosenSettings(kind.kind, kind.settings), part: .test,
          observed: testMetrics.value("auroc"), permutations: options.permutations, progress: progress))
    }
    if options.textControls {
      controls.append(
        try Controls.bagOfWords(
          texts, split: split, part: .test, resamples: options.resamples, seed: options.seed))
      controls.append(
        try Controls.length(
          texts, split: split, part: .test, resamples: options.resamples, seed: options.seed))
    }
    return Outcome(
      cells: cells, chosen: chosen, reason: reason, testMetrics: testMetrics, controls: controls,
      agreements: agreements)
  }

  /// A site that says nothing (equal features in every text, as the embedding of a prompt's last token often has)
  /// gets a probe of the majority odds alone instead of ending the sweep.
  private static func fitOrConstant(
    _ kind: ProbeKind, _ problem: SiteProblem, _ settings: [String: MethodValue]
  ) throws -> LinearFit {
    do {
      return try kind.fit(problem, settings)
    } catch ProbingError.degenerate {
      let positives = Double(problem.split.train.count { problem.labels[$0] })
      let negatives = Double(problem.split.train.count) - positives
      return LinearFit(
        direction: [Double](repeating: 0, count: problem.features.width), scale: 0,
        bias: log(positives / negatives), details: ["constant": true])
    }
  }

  /// The earliest site that lies within one standard error of the best cell, among cells of the best one's kind.
  static func choose(_ cells: [Cell], _ criterion: Criterion) -> (chosen: Int, reason: String) {
    func goodness(_ cell: Cell) -> Double {
      guard let value = cell.metrics.value(criterion.rawValue) else { return -.infinity }
      return criterion == .auroc ? value : -value
    }
    let best =
      cells.indices.max {
        goodness(cells[$0]) < goodness(cells[$1]) || (goodness(cells[$0]) == goodness(cells[$1]) && $0 > $1)
      } ?? 0
    let error = cells[best].standardError ?? 0
    let floor = goodness(cells[best]) - error
    let earliest =
      cells.indices.first { cells[$0].kind == cells[best].kind && goodness(cells[$0]) >= floor } ?? best
    let name = criterion.rawValue, value = abs(goodness(cells[best]))
    if earliest == best {
      return (
        best,
        "\(cells[best].site) has the best validation \(name) (\(value)) with \(cells[best].kind); "
          + "no earlier site lies within one standard error (\(error))"
      )
    }
    return (
      earliest,
      "\(cells[earliest].site) is the earliest site whose validation \(name) (\(abs(goodness(cells[earliest])))) lies "
        + "within one standard error (\(error)) of the best (\(value) at \(cells[best].site)) with \(cells[best].kind)"
    )
  }
}

extension LinearFit {
  /// The settings under which a kind fits again without choosing on validation: what was chosen becomes given.
  func chosenSettings(_ kind: ProbeKind, _ given: [String: MethodValue]) -> [String: MethodValue] {
    var settings = given
    if kind.name == LogisticProbe.kind.name, let c = details["c"]?.double { settings["c"] = .number(c) }
    if kind.name == LDAProbe.kind.name, let shrinkage = details["shrinkage"]?.double {
      settings["rule"] = .choice("fixed")
      settings["shrinkage"] = .number(shrinkage)
    }
    return settings
  }
}

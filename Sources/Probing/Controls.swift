import Glibc
import Runtime
import Statistics
import Tensors

/// What a probe's numbers are shown beside.
public enum Controls {
  /// A control's metrics on one part of the data.
  public struct Result: Sendable, Equatable {
    /// `bag_of_words`, `length` or `shuffled_labels`.
    public var name: String
    /// One line: what it is.
    public var summary: String
    /// On the part looked at.
    public var metrics: [Metric]
  }

  /// Logistic regression on the words alone, looked at on one part.
  /// - Throws: ``LinearAlgebraError``, ``Interrupted``.
  public static func bagOfWords(
    _ texts: LabelledTexts, split: Split, part: SplitPart, resamples: Int = 1000, seed: UInt64 = 0
  ) throws -> Result {
    let contents = texts.texts.map(\.content)
    let bag = try BagOfWords(texts: contents, labels: texts.labels, split: split)
    let items = split[part]
    return Result(
      name: "bag_of_words",
      summary:
        "logistic regression on \(bag.words.count) words of the training texts, C \(bag.c) chosen on validation",
      metrics: ProbeMetrics.of(
        logits: items.map { bag.logit(contents[$0]) }, labels: items.map { texts.labels[$0] },
        groups: items.map { texts.groups[$0] }, resamples: resamples, seed: seed))
  }

  /// Logistic regression on a text's length in bytes, words and lines (logarithms), looked at on one part.
  /// - Throws: ``ProbingError``, ``LinearAlgebraError``, ``Interrupted``.
  public static func length(
    _ texts: LabelledTexts, split: Split, part: SplitPart, resamples: Int = 1000, seed: UInt64 = 0
  ) throws -> Result {
    let rows = texts.texts.map { text -> [Float] in
      let content = text.content
      let lines = content.utf8.count { $0 == UInt8(ascii: "\n") } + 1
      return [content.utf8.count, BagOfWords.words(of: content).count, lines].map {
        Float(log(Double($0 + 1)))
      }
    }
    let features = try Features(site: "length", rows: rows)
    let problem = try SiteProblem(features, labels: texts.labels, split: split, seed: seed)
    let items = split[part]
    let logits: [Double]
    do {
      logits = try LogisticProbe.kind.fit(problem).logits(features, rows: items)
    } catch ProbingError.degenerate {
      // Lengths that say nothing at all: the same score for every text.
      logits = items.map { _ in 0 }
    }
    return Result(
      name: "length", summary: "logistic regression on the logarithms of bytes, words and lines",
      metrics: ProbeMetrics.of(
        logits: logits, labels: items.map { texts.labels[$0] },
        groups: items.map { texts.groups[$0] }, resamples: resamples, seed: seed))
  }

  /// The same probe trained on permuted labels, several times, against the true labels of one part.
  ///
  /// Labels are permuted among training texts. The interval of `auroc` is the range that holds 95 % of the permutations;
  /// `p` is the share of permutations that reach `observed`, never 0. What validation would choose (C, shrinkage) is taken
  /// over from the probe, so that no control chooses on true labels.
  /// - Throws: ``ProbingError``, ``LinearAlgebraError``, ``Interrupted``.
  public static func shuffledLabels(
    _ problem: SiteProblem, kind: ProbeKind, settings: [String: MethodValue], part: SplitPart,
    observed: Double?,
    permutations: Int = 20, progress: ProgressSink = ignoreProgress
  ) throws -> Result {
    let items = problem.split[part], truth = items.map { problem.labels[$0] }
    var areas: [Double] = []
    for permutation in 0..<permutations {
      try Cancellation.check()
      var random = CounterRandom(seed: problem.seed, stream: "shuffled labels").stream(UInt64(permutation))
      var labels = problem.labels
      for (index, label) in zip(problem.split.train, random.shuffled(problem.trainLabels)) {
        labels[index] = label
      }
      let fit = try kind.fit(problem.relabelled(labels), settings)
      if let area = AUROC.value(scores: fit.logits(problem.features, rows: items), labels: truth) {
        areas.append(area)
      }
      progress(
        ProgressEvent(
          stage: "shuffled labels", completed: permutation + 1, total: permutations, unit: "permutations"))
    }
    var interval: Interval?
    if let lower = Descriptive.quantile(areas, 0.025), let upper = Descriptive.quantile(areas, 0.975),
      areas.count > 1
    {
      interval = Interval(
        lower: lower, upper: upper, level: 0.95, method: "range of \(areas.count) label permutations")
    }
    let reached = observed.map { value in areas.count { $0 >= value } }
    return Result(
      name: "shuffled_labels",
      summary: "the same probe trained on permuted labels, \(areas.count) times",
      metrics: [
        Metric(
          name: "auroc", value: Descriptive.mean(areas), unit: "fraction", n: items.count, interval: interval,
          reason: areas.isEmpty ? "one class only" : nil),
        Metric(
          name: "p", value: reached.map { Double($0 + 1) / Double(areas.count + 1) }, unit: "fraction",
          n: areas.count, higherIsBetter: false, reason: observed == nil ? "no probe to compare with" : nil),
      ])
  }
}

import Runtime

/// What can go wrong between labelled texts and a probe.
public enum ProbingError: SurgeonError, Equatable {
  /// A line of an input that cannot be read.
  case badLine(file: String, line: Int, problem: String, expected: String)
  /// A text without content.
  case emptyText(file: String, line: Int)
  /// An example without a label.
  case missingLabel(file: String, line: Int, key: String)
  /// A label that says neither class.
  case unknownLabel(file: String, line: Int, value: String, expected: String)
  /// A column that a table does not have.
  case missingColumn(file: String, name: String, columns: [String])
  /// Labels of one class only.
  case oneClass(place: String, positives: Int, negatives: Int)
  /// The same text twice, where that was to be refused.
  case duplicate(first: String, second: String, count: Int)
  /// The same text or group in two of the given splits.
  case leakage(first: String, second: String, count: Int)
  /// Some examples say their split and others do not, or no split at all can be made.
  case badSplit(problem: String, expected: String)
  /// A matrix of features that cannot be used.
  case badFeatures(file: String, problem: String, expected: String)
  /// NaN or infinity in features.
  case notFinite(place: String, row: Int, column: Int)
  /// Two things that must have one size.
  case sizes(what: String, found: Int, expected: Int)
  /// A kind of probe that does not exist.
  case unknownKind(name: String, known: [String])
  /// A fit without a direction.
  case degenerate(kind: String, site: String, problem: String)
  /// A probe file that cannot be used.
  case badProbe(path: String, problem: String, expected: String)

  public var code: String {
    switch self {
    case .badLine: "TEXTS_BAD_LINE"
    case .emptyText: "TEXTS_EMPTY"
    case .missingLabel: "TEXTS_NO_LABEL"
    case .unknownLabel: "TEXTS_UNKNOWN_LABEL"
    case .missingColumn: "TEXTS_NO_COLUMN"
    case .oneClass: "ONE_CLASS"
    case .duplicate: "TEXTS_DUPLICATE"
    case .leakage: "SPLIT_LEAKAGE"
    case .badSplit: "SPLIT_IMPOSSIBLE"
    case .badFeatures: "FEATURES_BAD"
    case .notFinite: "FEATURES_NOT_FINITE"
    case .sizes: "SIZES_DIFFER"
    case .unknownKind: "UNKNOWN_PROBE_KIND"
    case .degenerate: "PROBE_DEGENERATE"
    case .badProbe: "PROBE_BAD_FILE"
    }
  }

  public var exitCode: ExitCode { if case .unknownKind = self { .usage } else { .badData } }

  public var found: String {
    switch self {
    case .badLine(let file, let line, let problem, _): "\(file), line \(line): \(problem)"
    case .emptyText(let file, let line): "\(file), line \(line): a text without content"
    case .missingLabel(let file, let line, let key): "\(file), line \(line): no \(key)"
    case .unknownLabel(let file, let line, let value, _): "\(file), line \(line): the label \(value)"
    case .missingColumn(let file, let name, let columns):
      "\(file) has no column \(name); its columns are \(columns.joined(separator: ", "))"
    case .oneClass(let place, let positives, let negatives):
      "\(positives) positive and \(negatives) negative in \(place)"
    case .duplicate(let first, let second, let count):
      "\(count) repeated texts; the first: \(second) repeats \(first)"
    case .leakage(let first, let second, let count):
      "\(count) texts or groups that lie in two splits; the first: \(second) repeats \(first)"
    case .badSplit(let problem, _): problem
    case .badFeatures(let file, let problem, _): "\(file): \(problem)"
    case .notFinite(let place, let row, let column):
      "NaN or infinity in \(place), row \(row), column \(column) (both from 0)"
    case .sizes(let what, let found, _): "\(what): \(found)"
    case .unknownKind(let name, _): "the probe kind \(name)"
    case .degenerate(let kind, let site, let problem): "\(kind) at \(site): \(problem)"
    case .badProbe(let path, let problem, _): "\(path): \(problem)"
    }
  }

  public var expected: String {
    switch self {
    case .badLine(_, _, _, let expected), .unknownLabel(_, _, _, let expected), .badSplit(_, let expected),
      .badFeatures(_, _, let expected), .badProbe(_, _, let expected):
      expected
    case .emptyText: "a text in every example"
    case .missingLabel: "a label in every example: 0 or 1, true or false, or a named class"
    case .missingColumn: "a column of that name in the first line"
    case .oneClass: "examples of both classes"
    case .duplicate: "each text once"
    case .leakage:
      "each text and each group in one split only: anything else is tested on what it was trained on"
    case .notFinite: "finite features"
    case .sizes(_, _, let expected): "\(expected)"
    case .unknownKind(_, let known): "one of \(known.joined(separator: ", "))"
    case .degenerate: "classes that differ in some feature"
    }
  }

  public var suggestion: String {
    switch self {
    case .badLine: "look at the line named"
    case .emptyText: "remove the line, or give it a text"
    case .missingLabel: "add the field, or name the one that holds the label"
    case .unknownLabel: "name the positive class, and the negative one where there are more"
    case .missingColumn(_, let name, let columns): Suggestion.hint(for: name, in: columns)
    case .oneClass: "add examples of the other class, or check the label's field"
    case .duplicate: "remove them, or let repeated texts be grouped together"
    case .leakage: "remove them from one of the splits, or let the split be made by group"
    case .badSplit: "add texts or groups, or choose other fractions"
    case .badFeatures: "write the matrix again as stated"
    case .notFinite: "look for an overflow of half precision in the pass that wrote them"
    case .sizes: "give one label, group and feature row a text, in the same order"
    case .unknownKind(let name, let known): Suggestion.hint(for: name, in: known)
    case .degenerate: "check that labels and features belong together"
    case .badProbe: "train the probe again, or keep probe.json and probe.safetensors of one training together"
    }
  }
}

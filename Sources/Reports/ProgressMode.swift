import Glibc

/// How progress is shown.
public enum ProgressMode: String, Sendable, CaseIterable {
  /// A bar on a terminal, plain lines elsewhere.
  case auto
  /// A line each 10 % or 30 s.
  case plain
  /// One JSON object a line.
  case jsonl
  /// Nothing.
  case none

  /// Reads a `--progress`.
  /// - Throws: ``ReportError/unknownName(what:name:known:)``.
  public init(named name: String) throws {
    guard let mode = ProgressMode(rawValue: name) else {
      throw ReportError.unknownName(what: "progress mode", name: name, known: Self.allCases.map(\.rawValue))
    }
    self = mode
  }
}

/// What is known about the place that progress and tables are written to.
public struct TerminalFacts: Sendable, Equatable {
  /// Whether a person looks at it.
  public var isTerminal: Bool
  /// Whether a line can be written over (not under `TERM=dumb` or in CI logs).
  public var canRewrite: Bool
  /// Whether colours may be used.
  public var hasColour: Bool
  /// Whether the environment asks for no bars at all.
  public var isSilenced: Bool
  /// Columns of a line.
  public var columns: Int

  /// From what the environment says. Honours `NO_COLOR`, `CLICOLOR_FORCE`, `CI`, `TERM=dumb`, `COLUMNS`, and the
  /// switches of two common Python tools, `TQDM_DISABLE` and `HF_HUB_DISABLE_PROGRESS_BARS`.
  public init(isTerminal: Bool, width: Int?, environment: (String) -> String?) {
    func isSet(_ name: String) -> Bool {
      guard let value = environment(name)?.lowercased() else { return false }
      return !["", "0", "false", "no", "off"].contains(value)
    }
    self.isTerminal = isTerminal
    canRewrite = isTerminal && environment("TERM") != "dumb" && !isSet("CI")
    let refused = !(environment("NO_COLOR") ?? "").isEmpty
    hasColour = !refused && (isSet("CLICOLOR_FORCE") || canRewrite)
    isSilenced = isSet("TQDM_DISABLE") || isSet("HF_HUB_DISABLE_PROGRESS_BARS")
    let said = environment("COLUMNS").flatMap { Int($0) } ?? width ?? 0
    columns = said >= 20 ? said : 80
  }

  /// About a descriptor of this process: 1 for results, 2 for everything else.
  public init(descriptor: Int32) {
    var size = winsize()
    let known = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    self.init(isTerminal: isatty(descriptor) == 1, width: known ? Int(size.ws_col) : nil) { name in
      getenv(name).map { String(cString: $0) }
    }
  }
}

import JSON

/// A report as one page: no network, no script that runs, figures inline, the data inside.
///
/// A value built from sections; ``html()`` gives the text. ``render(report:)`` builds it from any report of this
/// program.
public struct HTMLReport: Sendable {
  /// How something came out.
  public enum Tone: String, Sendable {
    case good, bad, open
  }

  /// One big number at the top.
  public struct Card: Sendable {
    /// What it is.
    public var label: String
    /// The number.
    public var value: String
    /// The number before, shown with an arrow.
    public var before: String?
    /// A line below: interval, sample size.
    public var detail: String

    /// One card.
    public init(_ label: String, value: String, before: String? = nil, detail: String = "") {
      self.label = label
      self.value = value
      self.before = before
      self.detail = detail
    }
  }

  /// A question with its answer.
  public struct Answer: Sendable {
    /// The question.
    public var question: String
    /// Whether the answer is the one hoped for; nil where nothing was asked.
    public var passed: Bool?
    /// What was measured.
    public var measured: String
    /// What was asked for.
    public var asked: String
    /// More.
    public var detail: String

    /// One answer.
    public init(_ question: String, passed: Bool?, measured: String, asked: String = "", detail: String = "")
    {
      self.question = question
      self.passed = passed
      self.measured = measured
      self.asked = asked
      self.detail = detail
    }
  }

  /// A part of a text to point out.
  public struct Highlight: Sendable, Equatable {
    /// UTF-8 offsets.
    public var range: Range<Int>
    /// `behaviour`, `wanted`, or `changed` for a word that the other side does not have.
    public var kind: String

    /// One part.
    public init(_ range: Range<Int>, _ kind: String) {
      self.range = range
      self.kind = kind
    }
  }

  /// A text with what a judge said of it.
  public struct JudgedText: Sendable {
    /// The text.
    public var text: String
    /// The judge's word, if any.
    public var verdict: String
    /// How the word is coloured: `behaviour`, `wanted`, or anything else for neither.
    public var verdictKind: String
    /// What is pointed out.
    public var highlights: [Highlight]

    /// One text.
    public init(_ text: String, verdict: String = "", verdictKind: String = "", highlights: [Highlight] = [])
    {
      self.text = text
      self.verdict = verdict
      self.verdictKind = verdictKind
      self.highlights = highlights
    }
  }

  /// One prompt with the texts before and after.
  public struct Pair: Sendable {
    /// The prompt.
    public var prompt: String
    /// The kind of prompt.
    public var note: String
    /// The reply of the model as it was.
    public var before: JudgedText
    /// The reply of the edited one.
    public var after: JudgedText

    /// One pair.
    public init(prompt: String, note: String = "", before: JudgedText, after: JudgedText) {
      self.prompt = prompt
      self.note = note
      self.before = before
      self.after = after
    }
  }

  /// One or several charts under one caption, with their numbers.
  public struct Figure: Sendable {
    /// What is to be seen.
    public var caption: String
    /// The charts, side by side where there is room.
    public var charts: [any Chart]
    /// The numbers; those of the charts where nil.
    public var tables: [Table]?
    /// Whether the charts share the legend of the first one, which stands above them all.
    public var sharesLegend: Bool

    /// One figure.
    public init(
      _ charts: [any Chart], caption: String, tables: [Table]? = nil, sharesLegend: Bool = false
    ) {
      self.sharesLegend = sharesLegend
      self.charts = charts
      self.caption = caption
      self.tables = tables
    }
  }

  /// One piece of a section.
  public enum Block: Sendable {
    case paragraph(String)
    /// A heading below the section's own.
    case heading(String)
    case cards([Card])
    case answers([Answer])
    case figure(Figure)
    /// A table; the rows numbered in `strong` are pointed out.
    case table(Table, strong: Set<Int> = [])
    case pairs([Pair])
    /// Names and what they are.
    case definitions([(name: String, text: String)])
    /// A box: an error (bad), a warning (open).
    case notice(Tone, title: String, text: String)
    /// Text to copy.
    case code(String)
    /// Folded away until asked for; printed open.
    case folded(String, [Block])
  }

  /// One section.
  public struct Section: Sendable {
    /// Its heading.
    public var title: String
    /// Its name in the list of sections.
    public var short: String
    /// A sentence below the heading.
    public var lead: String
    /// What it holds.
    public var blocks: [Block]

    /// One section.
    public init(_ title: String, short: String? = nil, lead: String = "", _ blocks: [Block]) {
      self.title = title
      self.short = short ?? title
      self.lead = lead
      self.blocks = blocks
    }
  }

  /// The small line above the title.
  public var kicker: String
  /// The title: what came out, in a line.
  public var title: String
  /// A line below the title.
  public var subtitle: String
  /// The verdict, if there is one.
  public var verdict: (tone: Tone, text: String)?
  /// What stands before the first section: big numbers, an error.
  public var top: [Block]
  /// The sections.
  public var sections: [Section]
  /// The data of the page, embedded.
  public var data: JSONValue?

  /// One page.
  public init(
    kicker: String, title: String, subtitle: String = "", verdict: (tone: Tone, text: String)? = nil,
    top: [Block] = [], sections: [Section], data: JSONValue? = nil
  ) {
    self.kicker = kicker
    self.title = title
    self.subtitle = subtitle
    self.verdict = verdict
    self.top = top
    self.sections = sections
    self.data = data
  }

  /// The page of any report: the operation's own page for `operate`, and one that shows whatever there is for every
  /// other kind, for runs that failed and for runs that never finished.
  /// - Throws: ``JSONError`` where the report holds a number that JSON cannot say.
  public static func render(report: JSONValue) throws -> String {
    let isOperation = report["kind"] == "operate" && report["results"]?["test"]?["edited"] != nil
    return try (isOperation ? operation(report) : generic(report)).html()
  }
}

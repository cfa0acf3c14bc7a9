import ArgumentParser
import Probing
import Reports
import Runtime

/// Where labelled texts come from.
struct LabelledTextOptions: ParsableArguments {
  @Option(name: [.customShort("f"), .long], help: "Labelled texts: .jsonl, .json, .csv or .tsv.")
  var file: String?

  @Option(help: "Texts that show the behaviour: .jsonl, or one a line.")
  var positiveFile: String?

  @Option(help: "Texts that do not.")
  var negativeFile: String?

  @Option(help: "Field or column of the text.")
  var column = "text"

  @Option(help: "Field or column of the label.")
  var labelColumn = "label"

  @Option(help: "Field or column of what must stay in one split: a source, template or pair.")
  var group = "group"

  @Option(help: "The label that means the behaviour, where labels are words.")
  var positive: String?

  @Option(help: "Repeated texts: group (kept in one split) or refuse.")
  var duplicates = "group"

  func validate() throws {
    let pair = [positiveFile, negativeFile].compactMap { $0 }
    if (file == nil) == pair.isEmpty || pair.count == 1 {
      throw ValidationError("give labelled texts with -f FILE, or both --positive-file and --negative-file")
    }
    if DuplicateRule(rawValue: duplicates) == nil {
      throw ValidationError("--duplicates must be group or refuse")
    }
  }

  /// Reads the texts and lists the files in the report.
  func read(into report: inout ReportEnvelope) throws -> LabelledTexts {
    var reader = LabelledTextReader()
    (reader.textKey, reader.labelKey, reader.groupKey) = (column, labelColumn, group)
    reader.positiveClass = positive
    reader.duplicates = DuplicateRule(rawValue: duplicates) ?? .group
    for path in [file, positiveFile, negativeFile].compactMap({ $0 }) {
      try report.read(file: path, role: "texts")
    }
    let texts: LabelledTexts
    if let file {
      texts = try reader.read(file)
    } else {
      texts = try reader.read(positive: positiveFile ?? "", negative: negativeFile ?? "")
    }
    if texts.copies > 0 {
      report.warn(
        "TEXTS_DUPLICATE",
        "\(texts.copies) texts repeat an earlier one (\(texts.conflicts) with another label); copies share a group"
      )
    }
    return texts
  }
}

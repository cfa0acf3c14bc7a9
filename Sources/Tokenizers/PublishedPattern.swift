/// The regular expressions that published tokenizers split by, each with a scanner written by hand.
///
/// A pattern is chosen by exact comparison with the text in `tokenizer.json`: one that is not a row here is refused
/// by name.
enum PublishedPattern: String, CaseIterable {
  case gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
  case gpt2Grouped = #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
  case llama3 =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  case qwen2 =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  case qwen35 =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  case o200k =
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  case tekken =
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  case threeDigits = "[0-9][0-9][0-9]"
  case upToThreeNumbers = #"\p{N}{1,3}"#
  case number = #"\p{N}"#
  case space = #"\s"#
  case spaces = #"\s+"#
  case lineEnd = #"[\r\n]"#
  case spaceRun = " {2,}"
  case edgeSpaces = #"\A +| +\z"#

  /// Where the match that starts at byte `index` ends; `index` itself when none starts there. `start` is the first
  /// byte of the text.
  @inline(__always) func match(_ run: UTF8Run, at index: Int, start: Int) -> Int {
    switch self {
    case .gpt2, .gpt2Grouped: PatternScanner.gpt2(run, index)
    case .llama3: PatternScanner.cl100k(run, index, digits: 3, marks: false)
    case .qwen2: PatternScanner.cl100k(run, index, digits: 1, marks: false)
    case .qwen35: PatternScanner.cl100k(run, index, digits: 1, marks: true)
    case .o200k: PatternScanner.o200k(run, index, digits: 3, contractions: true)
    case .tekken: PatternScanner.o200k(run, index, digits: 1, contractions: false)
    case .threeDigits: PatternScanner.threeDigits(run, index)
    case .upToThreeNumbers: PatternScanner.numbers(run, index, limit: 3)
    case .number: PatternScanner.numbers(run, index, limit: 1)
    case .space: PatternScanner.one(run, index, where: ScalarClass.isSpace)
    case .spaces: run.skip(from: index, while: ScalarClass.isSpace)
    case .lineEnd: PatternScanner.one(run, index) { $0 == 10 || $0 == 13 }
    case .spaceRun: PatternScanner.spaceRun(run, index)
    case .edgeSpaces: PatternScanner.edgeSpaces(run, index, start: start)
    }
  }
}

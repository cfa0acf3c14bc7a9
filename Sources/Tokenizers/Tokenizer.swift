import JSON
import Runtime
import Synchronization

/// Turns texts into token ids and back, as the folder of a checkpoint says.
///
/// Works on bytes and Unicode scalars, never on grapheme clusters. Equal texts give equal ids on every thread.
public final class Tokenizer: Sendable {
  /// SHA-256 of the tokenizer's file; with several files that of the lines `sha256sum` prints for them, by name.
  public let sha256: String
  /// The id that begins a text, where the files name one.
  public let bos: Int32?
  /// The id that ends a text, where the files name one.
  public let eos: Int32?
  /// All ids that end a generation: ``eos`` and what `generation_config.json` lists.
  public let endTokens: [Int32]

  private let pipeline: Pipeline
  private let pool = Mutex<[Scratch]>([])

  init(pipeline: Pipeline, facts: TokenizerFacts, sha256: String) {
    self.pipeline = pipeline
    self.sha256 = sha256
    bos = facts.bos
    eos = facts.eos
    endTokens = facts.endTokens
  }

  /// Reads what a `tokenizer.json` holds; `source` names it in errors.
  /// - Throws: ``TokenizerError``.
  public convenience init(json: JSONValue, source: String = "tokenizer.json") throws {
    let bytes = Array(try json.text().utf8)
    var pipeline = try Pipeline(bytes: bytes, source: source)
    pipeline.prepare()
    self.init(pipeline: pipeline, facts: TokenizerFacts(), sha256: SHA256.hex(bytes))
  }

  /// Number of tokens: the largest id plus one.
  public var count: Int { pipeline.idBound }

  /// The id of a token as the file writes it.
  public func id(of token: String) -> Int32? { pipeline.id(of: Array(token.utf8)) }

  /// The token with an id, as the file writes it.
  public func token(_ id: Int32) -> String? { pipeline.written(id)?.text }

  /// Whether an id belongs to a special token.
  public func isSpecial(_ id: Int32) -> Bool { pipeline.added.token(id)?.special ?? false }

  /// The tokens of a text.
  /// - Parameters:
  ///   - text: any text, also an empty one.
  ///   - addSpecialTokens: whether the tokens that stand around a text (BOS, EOS, …) are put there.
  ///   - recognizesSpecialTokens: whether the names of special tokens in the text (`</s>`) become these tokens. False
  ///     for text of strangers, and for ids equal to sentencepiece's own.
  /// - Returns: ids with offsets; what no token stands for is listed apart.
  /// - Complexity: O(n log n) in the bytes of the text.
  public func encode(
    _ text: String, addSpecialTokens: Bool = true, recognizesSpecialTokens: Bool = true
  ) -> Encoding {
    let scratch = pool.withLock { $0.popLast() } ?? Scratch()
    defer { pool.withLock { $0.append(scratch) } }
    var text = text
    return text.withUTF8 {
      pipeline.encode(
        $0, scratch, addSpecialTokens: addSpecialTokens, recognizesSpecial: recognizesSpecialTokens)
    }
  }

  /// The tokens of two texts that belong together, such as a question and its answer.
  ///
  /// ``Encoding/unencodable`` is not filled.
  /// - Complexity: O(n log n) in the bytes of the texts.
  public func encode(
    _ text: String, pair: String, addSpecialTokens: Bool = true, recognizesSpecialTokens: Bool = true
  ) -> PairEncoding {
    let scratch = pool.withLock { $0.popLast() } ?? Scratch()
    defer { pool.withLock { $0.append(scratch) } }
    var (text, pair) = (text, pair)
    return text.withUTF8 { first in
      pair.withUTF8 { second in
        pipeline.encode(
          first, second, scratch, addSpecialTokens: addSpecialTokens,
          recognizesSpecial: recognizesSpecialTokens)
      }
    }
  }

  /// The text of tokens. Ids without a token give nothing.
  public func decode(_ ids: [Int32], skipSpecialTokens: Bool = true) -> String {
    pipeline.decode(ids, skipSpecialTokens: skipSpecialTokens)
  }
}

/// What a folder's side files say about a tokenizer.
struct TokenizerFacts {
  var bos: Int32?
  var eos: Int32?
  var endTokens: [Int32] = []
}

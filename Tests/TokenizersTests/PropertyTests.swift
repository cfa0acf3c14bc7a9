import Glibc
import JSON
import Runtime
import Testing

@testable import Tokenizers

/// Generated texts against the Python packages: needs SURGEON_ORACLE_PYTHON, a Python with `tokenizers` and
/// `sentencepiece`. SURGEON_ORACLE_SEED moves the seeds, SURGEON_ORACLE_FACTOR multiplies the cases.
@Suite(.enabled(if: Oracle.python != nil, "SURGEON_ORACLE_PYTHON names no Python with the packages"))
struct PropertyTests {
  @Test(arguments: [11, 12])
  func tokenizersEqualThePackage(seed: Int) throws {
    var tokenizers: [String: Tokenizer] = [:]
    var different: [String] = []
    var count = 0
    try Oracle.forEachCase("tokenizers", seed: seed, count: 60) { one in
      let name = one["name"]?.string ?? ""
      let text = one["text"]?.string ?? ""
      if tokenizers[name] == nil {
        let record = try JSONValue(file: Fixture.folder + "/" + name + ".json")
        tokenizers[name] = try Tokenizer(json: try #require(record["tokenizer"]), source: name)
      }
      let encoding = try #require(tokenizers[name]).encode(text)
      count += 1
      let ids = one["ids"]?.array?.compactMap(\.int) ?? []
      let offsets = one["offsets"]?.array?.compactMap(\.int) ?? []
      if encoding.ids.map(Int.init) != ids
        || encoding.offsets.flatMap({ [$0.lowerBound, $0.upperBound] }) != offsets
      {
        different.append(
          "\(name): \(text.unicodeScalars.map { String($0.value, radix: 16) }) \(ids) \(encoding.ids) \(offsets) \(encoding.offsets)"
        )
      }
    }
    #expect(count > 3000)
    #expect(
      different.isEmpty, "\(different.count) of \(count): \(different.prefix(5).joined(separator: "\n"))")
  }

  @Test(arguments: [21, 22])
  func expressionsEqualThePackage(seed: Int) throws {
    var different: [String] = []
    var (count, refused) = (0, 0)
    try Oracle.forEachCase("expressions", seed: seed, count: 4000) { one in
      let pattern = one["pattern"]?.string ?? ""
      let text = one["text"]?.string ?? ""
      guard let expected = one["matches"]?.array?.compactMap(\.int), let expression = try? Expression(pattern)
      else {
        refused += 1
        return
      }
      count += 1
      let bytes = Array(text.utf8)
      let found = TextPattern.expression(expression).matches(bytes, in: 0..<bytes.count).filter {
        !$0.isEmpty
      }
      if found.flatMap({ [$0.lowerBound, $0.upperBound] }) != expected {
        different.append("\(pattern) in \(text.debugDescription): \(expected), here \(found)")
      }
    }
    #expect(count > 2000 && refused > 0)
    #expect(
      different.isEmpty, "\(different.count) of \(count): \(different.prefix(8).joined(separator: "\n"))")
  }

  @Test func sentencePieceModelsEqualThePackage() throws {
    var tokenizers: [String: Pipeline] = [:]
    var different: [String] = []
    var count = 0
    let models = SentencePieceTests.models.filter(Files.exists)
    try Oracle.forEachCase("sentencepiece", seed: 31, count: 500, models) { one in
      let name = one["name"]?.string ?? ""
      let text = one["text"]?.string ?? ""
      if tokenizers[name] == nil { tokenizers[name] = try SentencePieceTests.pipeline(name) }
      let pipeline = try #require(tokenizers[name])
      let ids = SentencePieceTests.ids(pipeline, text)
      let expected = one["ids"]?.array?.compactMap(\.int).map(Int32.init) ?? []
      count += 1
      if ids != expected {
        different.append("\(Files.name(of: name)): \(text.debugDescription) \(expected) \(ids)")
      }
      let decoded = pipeline.decode(expected, skipSpecialTokens: true)
      if Array(decoded.utf8) != Array((one["decoded"]?.string ?? "").utf8) {
        different.append(
          "\(Files.name(of: name)): decoding \(expected) \(one["decoded"]?.string?.debugDescription ?? "") \(decoded.debugDescription)"
        )
      }
    }
    #expect(count >= 500)
    #expect(
      different.isEmpty, "\(different.count) of \(count): \(different.prefix(5).joined(separator: "\n"))")
  }
}

/// Runs Scripts/oracle.py.
enum Oracle {
  static let python: String? = {
    guard let path = getenv("SURGEON_ORACLE_PYTHON").map({ String(cString: $0) }), !path.isEmpty else {
      return nil
    }
    return system("'\(path)' -c 'import tokenizers, sentencepiece' >/dev/null 2>&1") == 0 ? path : nil
  }()

  /// Calls `body` with each case that the script prints.
  static func forEachCase(
    _ kind: String, seed: Int, count: Int, _ models: [String] = [], _ body: (JSONValue) throws -> Void
  ) throws {
    let folder = try TemporaryFolder()
    let script = Files.folder(of: #filePath) + "/Scripts/oracle.py"
    let output = folder.path + "/cases"
    let names = models.map { "'\($0)'" }.joined(separator: " ")
    func number(_ name: String) -> Int? { getenv(name).flatMap { Int(String(cString: $0)) } }
    let seed = seed + (number("SURGEON_ORACLE_SEED") ?? 0)
    let count = count * max(1, number("SURGEON_ORACLE_FACTOR") ?? 1)
    let command =
      "'\(python ?? "")' '\(script)' '\(Fixture.folder)' \(seed) \(count) \(kind) \(names) > '\(output)'"
    #expect(system(command) == 0)
    for line in try Files.read(output).split(separator: 10) {
      try body(try JSONValue(parsing: Array(line), source: "the oracle"))
    }
  }
}

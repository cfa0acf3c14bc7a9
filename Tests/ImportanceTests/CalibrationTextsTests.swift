import Importance
import Testing

/// The draw of calibration texts: a function of documents and seed, exact in count and length.
struct CalibrationTextsTests {
  /// Documents of 5, 40, 9, 23 and 10 tokens; the ids tell document and place.
  static let documents: [[Int32]] = [5, 40, 9, 23, 10].enumerated().map { index, count in
    (0..<count).map { Int32(100 * index + $0) }
  }

  private func draw(count: Int, length: Int, seed: UInt64 = 0) throws -> CalibrationTexts {
    var options = CalibrationTexts.Options()
    (options.count, options.length, options.seed) = (count, length, seed)
    return try CalibrationTexts(Self.documents, options: options, context: 64)
  }

  @Test func stretchesAreWholeAndApart() throws {
    for seed in 0..<20 {
      let drawn = try draw(count: 6, length: 10, seed: UInt64(seed))
      #expect(drawn.texts.count == 6 && drawn.texts.allSatisfy { $0.count == 10 })
      #expect(drawn.documents == 5 && drawn.usable == 3 && drawn.tokens == 60)
      for (text, place) in zip(drawn.texts, drawn.places) {
        #expect(text == (0..<10).map { Int32(100 * place.document + place.start + $0) })
      }
      // No token is in two stretches.
      #expect(Set(drawn.texts.flatMap { $0 }).count == 60)
    }
  }

  @Test func theSeedDecides() throws {
    let first = try draw(count: 3, length: 10, seed: 1)
    #expect(try draw(count: 3, length: 10, seed: 1).texts == first.texts)
    let others = try (2..<12).map { try draw(count: 3, length: 10, seed: UInt64($0)) }
    #expect(others.contains { $0.texts != first.texts })
    #expect(others.filter { $0.texts != first.texts }.allSatisfy { $0.sha256 != first.sha256 })
    // Where a stretch starts inside its document is drawn too.
    #expect(Set(others.flatMap(\.places).map { $0.start % 10 }).count > 2)
  }

  @Test func tooFewStretchesAreRefused() throws {
    #expect(try draw(count: 7, length: 10).texts.count == 7)
    #expect(
      throws: CalibrationError.tooShort(stretches: 7, documents: 5, longest: 40, count: 8, length: 10)
    ) { try draw(count: 8, length: 10) }
    #expect(throws: CalibrationError.size(count: 1, length: 65, context: 64)) {
      try draw(count: 1, length: 65)
    }
    #expect(throws: CalibrationError.size(count: 0, length: 4, context: 64)) { try draw(count: 0, length: 4) }
    #expect(throws: CalibrationError.size(count: 1, length: 0, context: 64)) { try draw(count: 1, length: 0) }
    #expect(CalibrationTexts.Options().length(context: 64) == 64)
    #expect(CalibrationTexts.Options().length(context: 4096) == 256)
  }
}

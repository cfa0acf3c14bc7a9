import Testing

@testable import Tokenizers

@Suite struct ScalarClassTests {
  /// The committed table against the toolchain: scalars that were assigned when the table was made.
  @Test func tableEqualsToolchain() {
    #expect(ScalarClassTable.unicodeVersion == "16.0")
    var different = 0
    for value in UInt32(0)..<0x110000 {
      guard let scalar = Unicode.Scalar(value), let age = scalar.properties.age, age.major <= 16 else {
        continue
      }
      let properties = scalar.properties
      let known = ScalarClass(value)
      let category = properties.generalCategory
      let isMark = [.nonspacingMark, .spacingMark, .enclosingMark].contains(category)
      let isNumber = [.decimalNumber, .letterNumber, .otherNumber].contains(category)
      let isLetter = [.uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter]
        .contains(category)
      let isWord =
        properties.isAlphabetic || isMark || category == .decimalNumber || category == .connectorPunctuation
        || properties.isJoinControl
      let same =
        known.isMark == isMark && known.isNumber == isNumber && known.isLetter == isLetter
        && known.isNonspacingMark == (category == .nonspacingMark)
        && ScalarClass.isSpace(value) == properties.isWhitespace && ScalarClass.isWord(value) == isWord
      if !same { different += 1 }
    }
    #expect(different == 0)
  }

  /// Swift compares texts by canonical equivalence: every form must equal its source, and forms are stable.
  @Test func normalisationAgreesWithToolchain() {
    var different = 0
    for value in UInt32(0xA0)..<0x30000 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let source = String(scalar)
      var decomposed = AlignedText(bytes: Array(source.utf8))
      decomposed.normalize(.nfd)
      var composed = decomposed
      composed.normalize(.nfc)
      var again = composed
      again.normalize(.nfd)
      if decomposed.bytes.text != source || composed.bytes.text != source || again.bytes != decomposed.bytes {
        different += 1
      }
    }
    #expect(different == 0)
    #expect(DecompositionTable.unicodeVersion == "12.0")
  }

  @Test func composesInUnicodeOrder() {
    func form(_ text: String, _ form: NormalizationForm) -> [UInt32] {
      var aligned = AlignedText(bytes: Array(text.utf8))
      aligned.normalize(form)
      return aligned.bytes.text.unicodeScalars.map(\.value)
    }
    #expect(form("a\u{307}\u{323}", .nfd) == [0x61, 0x323, 0x307])
    #expect(form("a\u{307}\u{323}", .nfc) == [0x1EA1, 0x307])
    #expect(form("\u{227}\u{323}", .nfc) == [0x1EA1, 0x307])
    #expect(form("\u{1112}\u{1161}\u{11AB}", .nfc) == [0xD55C])
    #expect(form("\u{D55C}", .nfkd) == [0x1112, 0x1161, 0x11AB])
    #expect(form("\u{FB01}\u{2460}", .nfkc) == [0x66, 0x69, 0x31])
    #expect(form("\u{0958}", .nfc) == [0x915, 0x93C])
  }
}

import Glibc
import Probing
import Runtime
import Testing

/// Public data sets, where they lie beside the package (or where SURGEON_FIXTURES says).
enum RealTexts {
  static let folder: String = {
    if let folder = getenv("SURGEON_FIXTURES") { return String(cString: folder) }
    let package = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(
      separator: "/")
    return package + "/../shared/fixtures"
  }()

  static var exist: Bool { Files.exists(folder + "/data/tox-surge/toxicity_en.csv") }
}

@Suite(.enabled(if: RealTexts.exist, "no public data sets beside the package")) struct RealTextsTests {
  @Test func toxicComments() throws {
    var reader = LabelledTextReader()
    (reader.labelKey, reader.positiveClass, reader.negativeClass) = ("is_toxic", "Toxic", "Not Toxic")
    let texts = try reader.read(RealTexts.folder + "/data/tox-surge/toxicity_en.csv")
    #expect(texts.texts.count == 1000 && texts.labels.count { $0 } == 501)
    let split = try Split(texts)
    let bag = try Controls.bagOfWords(texts, split: split, part: .test, resamples: 100)
    let auroc = try #require(bag.metrics.value("auroc"))
    #expect(auroc > 0.8 && auroc < 1)
  }

  @Test func movieReviews() throws {
    var reader = LabelledTextReader()
    (reader.textKey, reader.labelKey, reader.hasHeader) = ("1", "2", false)
    let texts = try reader.read(RealTexts.folder + "/data/sent-sst2/dev.tsv")
    #expect(texts.texts.count == 872)
    let length = try Controls.length(texts, split: Split(texts), part: .test, resamples: 100)
    #expect(abs(try #require(length.metrics.value("auroc")) - 0.5) < 0.15)
  }
}

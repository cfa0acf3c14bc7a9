import JSON
import OrderedCollections
import Runtime
import Tensors
import Testing
import Training

/// The generated set against what the published package makes (record_mnist1d.py).
@Suite struct MNIST1DTests {
  @Test func equalsThePublishedSet() throws {
    let here = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
      separator: "/")
    let recorded = try JSONValue(file: here + "/Fixtures/mnist1d.json")
    let (signals, labels) = MNIST1D.make()
    #expect(signals.shape == [5000, 40])
    #expect(Array(labels.prefix(200)) == recorded["labels"]?.array?.compactMap(\.int))
    #expect((0..<10).allSatisfy { digit in labels.count { $0 == digit } == 500 })
    for (row, values) in recorded["rows"]?.object ?? [:] {
      let row = try #require(Int(row))
      for (i, value) in (values.array ?? []).compactMap(\.double).enumerated() {
        #expect(abs(Double(signals.f32[row * 40 + i]) - value) < 1e-6)
      }
    }
    let sums = (recorded["row_sums"]?.array ?? []).compactMap(\.double)
    #expect(sums.count == 50)
    for (index, sum) in sums.enumerated() {
      let own = (0..<40).reduce(0.0) { $0 + Double(signals.f32[index * 100 * 40 + $1]) }
      #expect(abs(own - sum) < 1e-5)
    }
  }

  /// The sums in `datasets/mnist1d/README.md` are those of the set that is made.
  @Test func hashesAreTheOnesThatAreWritten() throws {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(
      separator: "/")
    let readme = try Files.readText(root + "/datasets/mnist1d/README.md")
    let (signals, labels) = MNIST1D.make()
    let sums = [SHA256.hex(Array(signals.bytes)), SHA256.hex(labels.map(UInt8.init))]
    for sum in sums { #expect(readme.contains("`\(sum)`"), "\(sum)") }
  }

  @Test func partsKeepTheirOrder() throws {
    let (train, validation, test) = try LabelledData.mnist1D()
    #expect([train.count, validation.count, test.count] == [3500, 500, 1000])
    let (_, labels) = MNIST1D.make()
    #expect(train.labels + validation.labels + test.labels == labels)
  }
}

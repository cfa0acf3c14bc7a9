import Checkpoints
import Glibc
import JSON
import Probing
import Recipes
import Runtime
import Tensors
import TestSupport
import Testing
import Training

/// Arrays of `.npz` archives as NumPy writes them (`record_npz.py`).
@Suite struct NPZTests {
  private func path(_ name: String) -> String {
    let here = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
      separator: "/")
    return "\(here)/Fixtures/\(name).npz"
  }

  private func floats(_ tensor: Tensor) -> [Float] { (0..<tensor.count).map { tensor.f32[$0] } }

  @Test func packedItemsAreNumPys() throws {
    let packed = path("packed")
    let data = try LabelledData(npy: packed + ":images", labels: packed + ":labels")
    #expect(data.shape == [4, 5] && data.count == 300 && data.classes == 10)
    for i in 0..<6000 { try #require(data.inputs.f32[i] == Float(i % 3 == 0 ? i * i / 7 % 251 : 0), "\(i)") }
    #expect(data.labels == (0..<300).map { $0 % 10 })
    let noise = try NPYFile.items(packed + ":noise")
    #expect((0..<640).allSatisfy { noise.f32[$0] == Float($0 * 2_654_435_761 / 65536 % 256) })
    #expect(floats(try NPYFile.matrix(packed + ":few")) == [0.5, -2])
  }

  /// A recipe's data may lie in an archive, whose one hash stands for all its arrays.
  @Test func recipesReadArchives() throws {
    let packed = path("packed")
    let data = try DataDescription(
      KeyReader(
        ["kind": "npy", "inputs": .string(packed + ":images"), "labels": .string(packed + ":labels")],
        path: "data"))
    #expect(data.storedFiles == [packed])
    #expect(try data.hashes() == [packed: .string(try Files.sha256(packed))])
  }

  @Test func storedArraysAreRead() throws {
    let stored = path("stored")
    #expect(floats(try NPYFile.matrix(stored + ":few")) == [0.5, -2])
    #expect(try NumPyArchive(path: stored).names == ["few", "labels"])
    let error = #expect(throws: ProbingError.self) { try NPYFile.matrix(stored + ":fwe") }
    #expect(error?.expected == "one of few, labels")
  }

  /// No damage of any byte passes unseen: the numbers are the same or there is an error, and nothing crashes.
  @Test func damageIsFound() throws {
    let folder = try TemporaryFolder()
    let bytes = try Files.read(path("packed"))
    let good = floats(try NPYFile.items(path("packed") + ":images"))
    let damaged = folder.file("damaged.npz")
    for place in stride(from: 0, to: bytes.count, by: 7) {
      var copy = bytes
      copy[place] ^= 1 << UInt8(place % 8)
      try Files.write(copy, to: damaged)
      guard let read = try? NPYFile.items(damaged + ":images") else { continue }
      #expect(floats(read) == good, "byte \(place)")
    }
    for count in [0, 1, bytes.count / 2, bytes.count - 1] {
      try Files.write(Array(bytes.prefix(count)), to: damaged)
      #expect(throws: (any Error).self) { try NPYFile.items(damaged + ":images") }
    }
  }
}

import OrderedCollections
import Probing
import Runtime
import Tensors
import Testing

@Suite struct FeaturesTests {
  let scratch: Scratch
  init() throws { scratch = try Scratch() }

  @Test func npyRoundTrip() throws {
    let features = try Features(
      site: "blocks.1.output", rows: [[1, -2.5, 3e-30], [0.1, 7, .greatestFiniteMagnitude]])
    let path = scratch.folder + "/x.npy"
    try NPYFile.write(features, to: path)
    #expect(try Files.size(path) == 128 + 24)
    let back = try NPYFile.features(path, site: "s")
    #expect(back.vector(0) == [1, -2.5, 3e-30] && back.vector(1)[2] == .greatestFiniteMagnitude)
  }

  /// Header and data as NumPy 2 writes them.
  private func npy(_ header: String, _ data: [UInt8], version: UInt8 = 1) throws -> String {
    let body = Array((header + "\n").utf8)
    let length = version == 1 ? [UInt8(body.count), 0] : [UInt8(body.count), 0, 0, 0]
    let path = scratch.folder + "/a.npy"
    try Files.write([0x93] + Array("NUMPY".utf8) + [version, 0] + length + body + data, to: path)
    return path
  }

  @Test func otherTypes() throws {
    let half = try npy(
      "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 2), }", [0x00, 0x3C, 0x00, 0xC1])
    #expect(try NPYFile.features(half, site: "s").vector(0) == [1, -2.5])
    let double = try npy(
      "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }", [0, 0, 0, 0, 0, 0, 0xF8, 0x3F],
      version: 3)
    #expect(try NPYFile.features(double, site: "s").vector(0) == [1.5])
    let flags = try npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", [1, 0, 1])
    #expect(try NPYFile.integers(flags) == [1, 0, 1])
    let short = try npy("{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }", [0xFF, 0xFF, 3, 0])
    #expect(try NPYFile.integers(short) == [-1, 3])
  }

  @Test(arguments: [
    "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 16), }",
    "{'descr': '>f4', 'fortran_order': False, 'shape': (1, 1), }x",
    "{'descr': '<c8', 'fortran_order': False, 'shape': (1, 1), }", "{'descr': '<f4', 'shape': (1, 1), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1, -1), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }",
  ])
  func hostileHeaders(header: String) throws {
    let path = try npy(header, header.hasSuffix("x") ? [0, 0, 0] : [0, 0, 0, 0])
    #expect(throws: ProbingError.self) { try NPYFile.features(path, site: "s") }
  }

  @Test func truncatedHeaders() throws {
    let path = try scratch.write("t.npy", "\u{93}NUM")
    #expect(throws: ProbingError.self) { try NPYFile.features(path, site: "s") }
    let long = scratch.folder + "/l.npy"
    try Files.write([0x93] + Array("NUMPY".utf8) + [2, 0, 255, 255, 255, 127, 1, 2], to: long)
    #expect(throws: ProbingError.self) { try NPYFile.features(long, site: "s") }
  }

  @Test func nanIsFound() {
    let error = #expect(throws: ProbingError.self) {
      try Features(site: "s", rows: [[1, 2, 3], [4, 5, .nan], [7, .infinity, 9]])
    }
    #expect(error == .notFinite(place: "s", row: 1, column: 2))
    #expect(throws: ProbingError.notFinite(place: "s", row: 0, column: 0)) {
      try Features(site: "s", rows: [[-.infinity]])
    }
  }

  @Test func projectionIsExactEnough() throws {
    var random = CounterRandom(seed: 2)
    for width in [1, 7, 8, 9, 31, 64] {
      let rows = (0..<5).map { _ in (0..<width).map { _ in Float(random.normal()) } }
      let direction = (0..<width).map { _ in random.normal() }
      let features = try Features(site: "s", rows: rows)
      for (row, value) in zip(rows, features.project(direction)) {
        let expected = zip(row, direction).reduce(0) { $0 + Double($1.0) * $1.1 }
        #expect(abs(value - expected) < 1e-13)
      }
      #expect(features.project(direction, rows: [3, 1]) == [3, 1].map { features.project(direction)[$0] })
      #expect(features.subset([4, 0]).vector(0) == rows[4])
    }
  }

  @Test func featureFileRoundTrip() throws {
    let sites = try ["embeddings", "blocks.0.output"].map { site in
      try Features(site: site, rows: [[1, 2], [3, 4], [5, 6.5]])
    }
    let path = scratch.folder + "/f.safetensors"
    try FeatureFile(sites: sites, labels: [true, false, true], groups: [0, 0, 9]).write(
      to: path, metadata: ["pooling": "mean"])
    let back = try FeatureFile(reading: path)
    #expect(back.sites.map(\.site) == ["embeddings", "blocks.0.output"])
    #expect(back.labels == [true, false, true] && back.groups == [0, 0, 9])
    #expect(back.sites[1].vector(2) == [5, 6.5])
    #expect(throws: ProbingError.sizes(what: "labels", found: 1, expected: 3)) {
      try FeatureFile(sites: sites, labels: [true])
    }
  }
}

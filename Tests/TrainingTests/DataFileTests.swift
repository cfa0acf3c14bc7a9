import Glibc
import Runtime
import Tensors
import TestSupport
import Testing
import Training

/// Files of images and tables.
@Suite struct DataFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Files.write(bytes, to: folder.file(name))
    return folder.file(name)
  }

  @Test func imagesOfIDX() throws {
    let images = try write("i", [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 51, 255, 102, 0, 0])
    let labels = try write("l", [0, 0, 8, 1, 0, 0, 0, 2, 1, 4])
    let data = try IDXFile.read(images: images, labels: labels)
    #expect(data.shape == [1, 1, 3] && data.labels == [1, 4] && data.classes == 5)
    #expect((0..<6).map { data.inputs.f32[$0] } == [0, 0.2, 1, 0.4, 0, 0])
  }

  @Test(
    arguments: [
      [0x1f, 0x8b, 8, 3], [0, 0, 13, 1, 0, 0, 0, 1, 0], [0, 0, 8, 1, 0, 0, 0, 2, 0], [0, 0, 8],
      [0, 0, 8, 9, 0, 0, 0, 1, 0],
      [0, 0, 8, 4, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255],
      [0, 0, 8, 1, 0, 0, 0, 0],
    ] as [[UInt8]])
  func brokenIDX(_ bytes: [UInt8]) throws {
    let path = try write("broken", bytes)
    #expect(throws: TrainingError.self) { try IDXFile.read(images: path, labels: path) }
  }

  @Test func recordsOfCIFAR() throws {
    var record = [UInt8](repeating: 0, count: 3074)
    (record[0], record[1], record[2], record[2 + 1024]) = (3, 77, 255, 255)
    let data = try CIFARFile.read([try write("c", record + record)], kind: .cifar100)
    #expect(data.labels == [77, 77] && data.shape == [3, 32, 32] && data.classes == 100)
    #expect(abs(data.inputs.f32[0] - (1 - 0.4914) / 0.2023) < 1e-6)
    #expect(abs(data.inputs.f32[1024] - (1 - 0.4822) / 0.1994) < 1e-6)
    #expect(throws: TrainingError.self) { try CIFARFile.read([folder.file("c")], kind: .cifar10) }
    #expect(throws: TrainingError.self) {
      try CIFARFile.read([try write("d", [12] + Array(repeating: 0, count: 3072))], kind: .cifar10)
    }
  }

  @Test func tables() throws {
    let path = try write("t.csv", Array("a,label,b\n1,0,2\n3,1,4\n".utf8))
    let data = try LabelledData(csv: path)
    #expect(data.labels == [0, 1] && (0..<4).map { data.inputs.f32[$0] } == [1, 2, 3, 4])
    #expect(throws: TrainingError.self) { try LabelledData(csv: path, labelColumn: "c") }
    #expect(throws: TrainingError.self) { try LabelledData(csv: path, classes: 1) }
    let nan = try write("n.csv", Array("a,label\nnan,0\n".utf8))
    #expect(throws: TrainingError.self) { try LabelledData(csv: nan) }
  }

  @Test(.enabled(if: SharedFixtures.has("data/img-mnist"), "MNIST is not at hand"))
  func mnist() throws {
    for name in ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
      let packed = SharedFixtures.path("data/img-mnist/\(name).gz")
      #expect(system("gzip -dc '\(packed)' > '\(folder.file(name))'") == 0)
    }
    let data = try IDXFile.read(
      images: folder.file("t10k-images-idx3-ubyte"), labels: folder.file("t10k-labels-idx1-ubyte"))
    #expect(data.count == 10_000 && data.shape == [1, 28, 28] && data.classes == 10)
    #expect(data.labels.prefix(5).elementsEqual([7, 2, 1, 0, 4]))
  }
}

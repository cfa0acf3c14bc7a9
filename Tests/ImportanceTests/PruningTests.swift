import Architectures
import Checkpoints
import Foundation
import JSON
import Layers
import OrderedCollections
import Runtime
import Tensors
import TestSupport
import Testing
import Transformers

@testable import Importance

/// Whole checkpoints, from texts to files.
struct PruningTests {
  /// The weights of a matrix, `[N, K]`.
  private func floats(_ matrix: PrunableMatrix) -> [Float] { matrix.weight.toFloats() }

  private func options(
    _ score: String, _ sparsity: Double? = 0.5, group: String? = nil, budget: BudgetKind = .uniform
  ) throws -> Pruning.Options {
    try Pruning.Options(
      PruningMethod(parsing: score), group: group.map { try ComparisonGroup(parsing: $0) },
      budget: Budget(budget, sparsity: sparsity))
  }

  // MARK: Against PyTorch

  @Test(arguments: ["wanda", "sparsegpt", "wanda-one-shot"]) func equalsTheRendition(method: String) throws {
    let folder = try TemporaryFolder()
    let recorded = try JSONValue(file: SparseGPTTests.fixtures + "/pruning-checkpoint.json")
    let expected = try SafetensorsFile(path: SparseGPTTests.fixtures + "/pruning-checkpoint.safetensors")
    try RandomCheckpoint.write(
      try #require(recorded["tensors"]?.array).map { try #require(RandomTensor(json: $0)) },
      seed: UInt64(try #require(recorded["seed"]?.int)), config: try #require(recorded["config"]),
      to: folder.file("model"))
    let model = try Model(folder: folder.file("model"))
    let texts = try #require(recorded["texts"]?.array).map {
      try #require($0.array).map { Int32(try #require($0.int)) }
    }
    var draw = CalibrationTexts.Options()
    (draw.count, draw.length) = (texts.count, texts[0].count)
    let calibration = try CalibrationTexts(texts, options: draw, context: 64)
    #expect(calibration.texts == texts)
    var options = try options(method == "sparsegpt" ? "sparsegpt" : "wanda", recorded["share"]?.double)
    #expect(options.sequential)
    if method == "wanda-one-shot" { options.sequential = false }
    let pruned = try Pruning(model, options: options).run(calibration: calibration, scratch: folder.path)
    var compared = 0
    for (name, tensor) in pruned.tensors {
      let (found, wanted) = (tensor.toFloats(), try expected.tensor("\(method)/\(name)").toFloats())
      #expect(found.map { $0 == 0 } == wanted.map { $0 == 0 }, "the mask of \(name)")
      let largest = wanted.map(abs).max() ?? 0
      let difference = zip(found, wanted).map { abs($0 - $1) }.max() ?? .infinity
      #expect(
        difference <= (method == "sparsegpt" ? 5e-5 * largest : 0), "\(name): \(difference) of \(largest)")
      compared += 1
    }
    #expect(compared == 14)
    if method == "sparsegpt" {
      // Spreading the errors helps every single product.
      for matrix in pruned.matrices {
        let error = try #require(matrix.error)
        #expect(error.compensated < error.masked, "\(matrix.role)")
      }
    }
  }

  // MARK: Every layout

  static let families = [
    "llama-bf16", "gpt2-bf16", "gpt_neox", "phi3", "falcon-grouped", "mixtral", "qwen3_moe-stacked-bf16",
    "qwen2_moe", "bert",
  ]

  @Test(arguments: families) func writtenCheckpointsHoldTheZerosAndNothingElse(name: String) throws {
    let random = try RandomModel(name)
    let model = random.model
    let pruning = try Pruning(model, options: options("wanda"))
    let pruned = try pruning.run(calibration: random.calibration(), scratch: random.folder.path)
    let output = random.folder.file("out")
    let report = try pruned.write(to: output, provenance: [:])
    #expect(report.rowsChanged > 0 && report.modelBefore != report.modelAfter)
    let written = try Model(folder: output)
    #expect(try written.checkpoint.modelHash == report.modelAfter)
    let touched = Set(report.touched.map(\.tensor))
    for tensor in model.checkpoint.tensorNames where !touched.contains(tensor) {
      #expect(
        try model.checkpoint.sha256(ofTensor: tensor) == written.checkpoint.sha256(ofTensor: tensor))
    }
    var total = 0
    for (before, after) in zip(try model.prunableMatrices(), try written.prunableMatrices()) {
      let (old, new) = (floats(before), floats(after))
      #expect(zip(old, new).allSatisfy { $1 == $0 || $1 == 0 }, "\(before.role)")
      let zeros = zip(old, new).count { $0 != 0 && $1 == 0 }
      // Rows of equal size differ by one weight at most.
      for row in 0..<before.outputs {
        let line = (row * before.inputs)..<((row + 1) * before.inputs)
        let gone = line.count { old[$0] != 0 && new[$0] == 0 }
        #expect(abs(2 * gone - before.inputs) <= 2, "row \(row) of \(before.role)")
      }
      total += zeros
    }
    #expect(total == pruned.pruned && total == (pruned.count + 1) / 2)
    // The network with the tensors at run time has the bits of the written one.
    let sites: [Site] = [model.network.lastSite]
    let first = try model.forward(random.texts, capture: sites, logits: .none, overlay: pruned.overlay)
    let second = try written.forward(random.texts, capture: sites, logits: .none)
    let plain = try model.forward(random.texts, capture: sites, logits: .none)
    func bits(_ pass: Pass) -> [Float] { pass.states.values.flatMap { $0.flatMap { $0.toFloats() } } }
    #expect(bits(first) == bits(second) && bits(first) != bits(plain))
    let record = try JSONValue(file: output + "/surgeon.edit.json")
    #expect(record["edits"]?.array?.last?["kind"]?.string == "prune")
  }

  @Test(arguments: ["llama-bf16", "gpt2-bf16", "gpt_neox", "qwen3_moe-stacked-bf16"])
  func patternsOfSparseGPT(name: String) throws {
    let random = try RandomModel(name)
    let pruning = try Pruning(random.model, options: options("sparsegpt", nil, group: "2:4:keep-rest"))
    let pruned = try pruning.run(calibration: random.calibration(), scratch: random.folder.path)
    _ = try pruned.write(to: random.folder.file("out"), provenance: [:])
    for matrix in try Model(folder: random.folder.file("out")).prunableMatrices() {
      let weights = floats(matrix)
      for row in 0..<matrix.outputs {
        for start in stride(from: 0, to: matrix.inputs / 4 * 4, by: 4) {
          let zeros = (0..<4).count { weights[row * matrix.inputs + start + $0] == 0 }
          #expect(zeros == 2, "row \(row) of \(matrix.role)")
        }
      }
    }
    for matrix in pruned.matrices where (matrix.tokens ?? 0) > 0 {
      let error = try #require(matrix.error)
      #expect(error.compensated < error.masked, "\(matrix.role)")
    }
  }

  // MARK: Counts, threads, order

  @Test(arguments: [0.0, 0.001, 0.37, 0.9, 1.0]) func sharesAreExact(share: Double) throws {
    let random = try RandomModel("llama-bf16")
    for score in ["magnitude", "wanda", "sparsegpt"] {
      let pruned = try Pruning(random.model, options: options(score, share)).run(
        calibration: score == "magnitude" ? nil : random.calibration(), scratch: random.folder.path)
      let weights = try random.model.prunableMatrices().reduce(0) { $0 + $1.count }
      #expect(pruned.count == weights && pruned.pruned == Int((share * Double(weights)).rounded()))
      #expect(pruned.asked == pruned.pruned && pruned.zeros >= pruned.pruned)
      if share == 1 { #expect(pruned.matrices.allSatisfy { $0.zeros == $0.count }) }
    }
  }

  @Test(arguments: ["wanda", "sparsegpt"]) func threadsChangeNothing(score: String) throws {
    let random = try RandomModel("mixtral")
    func run(_ threads: Int) throws -> [String: [Float]] {
      Parallel.setThreads(threads)
      defer { Parallel.setThreads(Machine.processors) }
      return try Pruning(random.model, options: options(score)).run(
        calibration: random.calibration(), scratch: random.folder.path
      ).tensors.mapValues { $0.toFloats() }
    }
    #expect(try run(1) == run(2))
  }

  @Test func prunedBlocksFeedTheNext() throws {
    let random = try RandomModel("llama-bf16")
    func run(sequential: Bool) throws -> PrunedModel {
      var options = try options("wanda", 0.7)
      options.sequential = sequential
      options.measuresError = true
      return try Pruning(random.model, options: options).run(
        calibration: random.calibration(), scratch: random.folder.path)
    }
    let (sequential, oneShot) = (try run(sequential: true), try run(sequential: false))
    for (a, b) in zip(sequential.matrices, oneShot.matrices) {
      let (first, second) = (try #require(a.error), try #require(b.error))
      // The first block sees the same texts either way, the others do not.
      #expect((first == second) == (a.role.block == 0), "\(a.role)")
    }
    // Without XᵀX all blocks are seen in one pass: the same masks.
    var plain = try options("wanda", 0.7)
    plain.sequential = false
    let single = try Pruning(random.model, options: plain).run(
      calibration: random.calibration(), scratch: random.folder.path)
    #expect(
      single.tensors.mapValues { $0.toFloats() } == oneShot.tensors.mapValues { $0.toFloats() })
    #expect(single.matrices.allSatisfy { $0.error == nil && $0.tokens == 72 })
  }

  @Test func someBlocksAndRoles() throws {
    let random = try RandomModel("llama-bf16")
    let pruning = try Pruning(
      random.model, blocks: [1], roles: [.down, .query], options: options("wanda", 0.25))
    let pruned = try pruning.run(calibration: random.calibration(), scratch: random.folder.path)
    #expect(pruned.matrices.map(\.role) == [.block(1, .query), .block(1, .down)])
    #expect(pruned.tensors.count == 2)
  }

  @Test func groupsThatSpanMatrices() throws {
    let random = try RandomModel("llama-bf16")
    for group in ["layer", "global"] {
      let pruned = try Pruning(random.model, options: options("wanda", 0.5, group: group)).run(
        calibration: random.calibration(), scratch: random.folder.path)
      #expect(pruned.pruned == pruned.asked)
      #expect(Set(pruned.matrices.map { ($0.sparsity * 1000).rounded() }).count > 2, "\(group)")
    }
  }

  // MARK: Refusals

  @Test func refusesByName() throws {
    let random = try RandomModel("llama-bf16")
    let model = random.model
    func code(_ body: () throws -> Void) -> String? {
      do {
        try body()
        return nil
      } catch { return (error as? any SurgeonError)?.code }
    }
    #expect(
      code { _ = try Pruning(model, options: options("sparsegpt", group: "row")) } == "COMBINATION_REFUSED")
    #expect(
      code {
        var one = try options("wanda", group: "global")
        one.sequential = true
        _ = try Pruning(model, options: one)
      } == "COMBINATION_REFUSED")
    #expect(
      code {
        _ = try Pruning(model, options: options("wanda")).run(calibration: nil, scratch: random.folder.path)
      } == "CALIBRATION_MISSING")
    #expect(
      code { _ = try Pruning(model, options: options("magnitude", nil, group: "3:7")) } == "PATTERN_WIDTH")
    #expect(code { _ = try options("wandda") } == "UNKNOWN_SCORE")
    #expect(code { _ = try options("sparsegpt:dampling=3") } == "UNKNOWN_PARAMETER")
    #expect(code { _ = try options("sparsegpt:damping=-3") } == "BAD_PARAMETER")
    let names = try [Role.block(0, .gate), .block(0, .up)].map { try model.binding.tensor($0).tensor }
    #expect(try PruningMethod(parsing: "sparsegpt:damping=0.1").description == "sparsegpt:damping=0.1")
    for (value, expected) in [(Float.nan, "WEIGHT_NOT_FINITE"), (0, "MATRIX_ALL_ZERO")] {
      let folder = try TemporaryFolder()
      let source = random.path
      try FileManager.default.copyItem(atPath: source, toPath: folder.file("m"))
      let file = folder.file("m/model.safetensors")
      let entry = try #require(try SafetensorsFile(path: file).entries.first { $0.name == names[0] })
      var bytes = try Files.read(file)
      let word = UInt16(value.bitPattern >> 16)
      for place in stride(from: 0, to: value.isNaN ? 2 : entry.byteRange.count, by: 2) {
        bytes[entry.byteRange.lowerBound + place] = UInt8(word & 0xFF)
        bytes[entry.byteRange.lowerBound + place + 1] = UInt8(word >> 8)
      }
      try Files.write(bytes, to: file)
      #expect(
        code { _ = try Pruning(Model(folder: folder.file("m")), options: options("magnitude")) } == expected)
    }
  }
}

import Architectures
import JSON
import Testing

@testable import Transformers

/// Work that is counted before it is done.
struct WorkEstimateTests {
  /// Two blocks of width 8, MLP 12, two heads of 4 with one of keys and values, 10 tokens.
  private static func network(
    causal: Bool = true, width: Int = 8, mlpWidth: Int = 12
  ) throws -> Network {
    let config: JSONValue = [
      "model_type": "llama", "hidden_size": .integer(width), "intermediate_size": .integer(mlpWidth),
      "num_hidden_layers": 2,
      "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 10, "max_position_embeddings": 64,
      "rms_norm_eps": 1e-5, "tie_word_embeddings": false,
    ]
    var network = try #require(Family.find(config: config)).network(config: config)
    network.isCausal = causal
    return network
  }

  /// Twice q 8×8, k and v 4×8, o 8×8, gate and up 12×8, down 8×12.
  private let weights: Double = 960

  @Test func aPassCountsEveryWeightAndEveryPair() throws {
    var work = WorkEstimate()
    work.addPass(of: try Self.network(), texts: 3, length: 5, logits: 3, weightBytes: 1000)
    // Each of the five tokens looks at itself and what comes before: 15 pairs a text, 8 numbers, twice, two blocks.
    let products = 15 * 2 * weights
    let attention: Double = 3 * 15 * 8 * 4 * 2
    let head: Double = 3 * 2 * 8 * 10
    #expect(work.operations == products + attention + head)
    #expect(work.readBytes == 1000)
    var both = WorkEstimate()
    both.addPass(of: try Self.network(causal: false), texts: 3, length: 5, weightBytes: 1000, times: 2)
    let whole: Double = 3 * 25 * 8 * 4 * 2
    #expect(both.operations == 2 * (products + whole))
  }

  @Test func weightsAreReadOnceABatch() throws {
    var work = WorkEstimate()
    work.addPass(
      of: try Self.network(), texts: Double(2 * Model.defaultBatchTokens) / 4 + 1, length: 4, weightBytes: 7)
    #expect(work.readBytes == 21)
  }

  @Test func narrowNetworksTakeWhatStaysInTheCache() throws {
    #expect(try Self.network().batchTokens == Model.defaultBatchTokens)
    // 6 MiB of f32 in 4 · 288 + 2 · 768 + 4 · 288 numbers a token.
    let narrow = try Self.network(width: 288, mlpWidth: 768)
    #expect(narrow.batchTokens == 409)
    #expect(try Self.network(width: 768, mlpWidth: 2048).batchTokens == Model.defaultBatchTokens)
    var work = WorkEstimate()
    work.addPass(of: narrow, texts: 10, length: 82, weightBytes: 7)
    #expect(work.readBytes == 21)
  }

  @Test func everyNewTokenReadsTheWeights() throws {
    var work = WorkEstimate()
    work.addGeneration(
      of: try Self.network(), prompts: 4, length: 6, new: 11, batch: 2, weightBytes: 100)
    // The prompts, then ten steps for each of two groups of two.
    #expect(work.readBytes == 100 + 10 * 2 * 100)
    let head: Double = 2 * 8 * 10
    let looks: Double = 4 * 12.5 * 8 * 2
    let step = 2 * (2 * weights + looks + head)
    let pairs: Double = 4 * 21 * 8 * 4 * 2
    let prompts = 24 * 2 * weights + pairs + 4 * head
    #expect(work.operations == prompts + 20 * step)
    var none = WorkEstimate()
    none.addGeneration(of: try Self.network(), prompts: 0, length: 6, new: 11, batch: 2, weightBytes: 100)
    #expect(none.operations == 0 && none.readBytes == 0)
  }

  @Test func aStepTakesTheLongerOfArithmeticAndReading() throws {
    let rates = MachineRates(
      threads: 1, operationsPerSecond: 1000, readBytesPerSecond: 100, hashBytesPerSecond: 10,
      writeBytesPerSecond: 5)
    var work = WorkEstimate()
    work.addRead(50)
    #expect(work.seconds(at: rates) == 0.5)
    work.hashedBytes = 20
    work.writtenBytes = 10
    #expect(work.seconds(at: rates) == 4.5)
    var pass = WorkEstimate()
    pass.addPass(of: try Self.network(), texts: 1, length: 1, weightBytes: 1)
    #expect(abs(pass.seconds(at: rates) - pass.operations / 1000) < 1e-12)
    pass.add(work)
    let operations = 2 * weights + 64
    #expect(abs(pass.seconds(at: rates) - 4.5 - operations / 1000) < 1e-9)
  }

  /// Windows limit what a token looks at.
  @Test func windowsLimitAttention() throws {
    var network = try Self.network()
    network.windows = [4, nil]
    let looks: Double = 4 * 8 * (4 + 100)
    #expect(network.operationsPerToken(past: 99) == 2 * weights + looks)
  }

  /// Rates are positive, and made once for a number of threads.
  @Test func thisMachineHasRates() {
    let rates = MachineRates.quick
    for rate in [rates.operationsPerSecond, rates.readBytesPerSecond, rates.hashBytesPerSecond] {
      #expect(rate > 1e6 && rate < 1e15)
    }
    #expect(MachineRates.quick == rates)
  }
}

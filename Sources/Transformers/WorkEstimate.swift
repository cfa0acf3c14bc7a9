import Architectures

/// The work of a run, counted before it is done, and the time it takes at given rates.
///
/// A step takes as long as its arithmetic or the bytes it must read, whichever is longer; steps follow one another. Norms,
/// softmax and the like are left out: they are small beside the products.
public struct WorkEstimate: Sendable, Equatable {
  /// Something done before the next begins.
  struct Step: Sendable, Equatable {
    /// f32 operations; a multiply-add is two.
    var operations: Double
    /// Bytes that must come from memory.
    var bytes: Double
    /// How often it is done.
    var times: Double
  }

  private var steps: [Step] = []
  /// Bytes hashed.
  public var hashedBytes = 0.0
  /// Bytes written to files.
  public var writtenBytes = 0.0

  /// No work.
  public init() {}

  /// Operations of all steps.
  public var operations: Double { steps.reduce(0) { $0 + $1.times * $1.operations } }

  /// Bytes that all steps read from memory.
  public var readBytes: Double { steps.reduce(0) { $0 + $1.times * $1.bytes } }

  /// Adds reading of bytes, such as a scan of matrices or a comparison of files.
  public mutating func addRead(_ bytes: Double) { steps.append(Step(operations: 0, bytes: bytes, times: 1)) }

  /// Adds a pass over texts without a cache of keys.
  /// - Parameters:
  ///   - network: the network.
  ///   - texts: texts, all of about one length.
  ///   - length: tokens of a text.
  ///   - logits: tokens whose logits are made.
  ///   - weightBytes: stored weights; read once for each ``Model/defaultBatchTokens`` tokens, without logits for each
  ///     ``Model/batchTokens``.
  ///   - times: how often all this is done.
  public mutating func addPass(
    of network: Network, texts: Double, length: Double, logits: Double = 0, weightBytes: Int,
    times: Double = 1
  ) {
    let tokens = texts * length
    guard tokens > 0, times > 0 else { return }
    let past = network.isCausal ? (length - 1) / 2 : length - 1
    let batch = logits > 0 ? Model.defaultBatchTokens : network.batchTokens
    let batches = (tokens / Double(batch)).rounded(.up)
    steps.append(
      Step(
        operations: tokens * network.operationsPerToken(past: past)
          + logits * network.operationsPerLogits,
        bytes: batches * Double(weightBytes), times: times))
  }

  /// Adds continuing prompts token by token: first the prompts, then steps of up to `batch` texts with the head, each of
  /// which reads every weight once.
  public mutating func addGeneration(
    of network: Network, prompts: Double, length: Double, new: Double, batch: Double, weightBytes: Int,
    times: Double = 1
  ) {
    guard prompts > 0, new > 0 else { return }
    addPass(
      of: network, texts: prompts, length: length, logits: prompts, weightBytes: weightBytes, times: times)
    let rows = min(prompts, batch)
    steps.append(
      Step(
        operations: rows
          * (network.operationsPerToken(past: length + new / 2) + network.operationsPerLogits),
        bytes: Double(weightBytes), times: times * max(0, new - 1) * (prompts / rows).rounded(.up)))
  }

  /// Adds other work.
  public mutating func add(_ other: WorkEstimate) {
    steps += other.steps
    hashedBytes += other.hashedBytes
    writtenBytes += other.writtenBytes
  }

  /// Seconds at some rates.
  public func seconds(at rates: MachineRates) -> Double {
    steps.reduce(hashedBytes / rates.hashBytesPerSecond + writtenBytes / rates.writeBytesPerSecond) {
      $0 + $1.times * max($1.operations / rates.operationsPerSecond, $1.bytes / rates.readBytesPerSecond)
    }
  }
}

extension Network {
  /// Operations of a token in all blocks that attends to itself and `past` others on average: two a weight it meets, and
  /// four a number of a head for each token it looks at. Windows of attention limit what is looked at.
  public func operationsPerToken(past: Double) -> Double {
    let seen = windows.reduce(0.0) { $0 + min(past + 1, $1.map(Double.init) ?? .infinity) }
    return 2 * Double(multiplyAddsPerToken) + 4 * seen * Double(heads * headSize)
  }

  /// Operations of one token's logits.
  public var operationsPerLogits: Double { hasHead ? 2 * Double(headWidth) * Double(vocabulary) : 0 }
}

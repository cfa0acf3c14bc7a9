import Architectures
import Checkpoints
import Layers
import LinearAlgebra
import Runtime
import Tensors
import Transformers

/// What the products of a network read on some texts: Σx² of every input channel, and XᵀX where wanted.
///
/// Products that read the same numbers (q, k and v; gate and up) share one entry. Sums are f64, token after token in
/// the order of the texts: they depend on neither threads nor how texts are cut into batches.
///
/// Shapes: `K` inputs of a product.
public struct InputStatistics: Sendable {
  /// What one product reads.
  public struct Input: Sendable {
    /// Σx² of each channel over the tokens, `[K]`.
    public let squares: [Double]
    /// Tokens that reached the product: all, or an expert's own.
    public let tokens: Int
    /// XᵀX, where it was asked for.
    public let gram: GramMatrix?

    /// Channels that were zero on every token.
    public var dead: Int { squares.count { $0 == 0 } }
  }

  private var inputs: [Role: Input] = [:]
  private let gated: Bool

  /// Nothing yet.
  public init(_ network: Network) { gated = network.gatedMLP }

  /// Statistics of the given products, such as those of an importance matrix file.
  public init(_ inputs: [Role: Input], network: Network) {
    self.inputs = inputs
    gated = network.gatedMLP
  }

  /// What the product of a role reads; nil where it was not collected.
  public subscript(role: Role) -> Input? { inputs[role] ?? inputs[Self.reader(role, gated: gated)] }

  /// The roles that entries are kept under: the first product that reads each input.
  public var readers: [Role] { Array(inputs.keys) }

  /// Adds the entries of other blocks.
  public mutating func merge(_ other: InputStatistics) {
    inputs.merge(other.inputs) { _, new in new }
  }

  /// The first product that reads what the product of a role reads.
  static func reader(_ role: Role, gated: Bool) -> Role {
    switch role {
    case .block(let block, .key), .block(let block, .value): .block(block, .query)
    case .block(let block, .up) where gated: .block(block, .gate)
    case .block(let block, .sharedUp): .block(block, .sharedGate)
    case .expert(let block, let expert, .up) where gated: .expert(block, expert, .gate)
    default: role
    }
  }

  /// Collects in one pass over all texts and all blocks, nothing else kept.
  /// - Parameters:
  ///   - model: the model.
  ///   - texts: their tokens, each at most the context.
  ///   - roles: products inside blocks.
  ///   - gram: whether XᵀX is collected, 8·K² bytes for each input.
  ///   - batchTokens: tokens of a batch, nil ``Model/batchTokens``; changes no result.
  /// - Throws: ``TransformerError``, ``CalibrationError/notFinite(site:tensor:)``, ``LinearAlgebraError``,
  ///   ``Interrupted``.
  public static func collect(
    _ model: Model, texts: [[Int32]], roles: [Role], gram: Bool = false, overlay: Overlay? = nil,
    batchTokens: Int? = nil, progress: ProgressSink = ignoreProgress
  ) throws -> InputStatistics {
    let collector = InputCollector(model.network, roles: roles, gram: gram)
    try model.observe(texts, sites: collector.sites, overlay: overlay, batchTokens: batchTokens) {
      run, batch, site, rows, width in
      try Cancellation.check()
      try collector.add(site, batch, rows, width)
      progress(
        ProgressEvent(stage: "calibration", completed: run.upperBound, total: texts.count, unit: "texts"))
    }
    return try collector.finish(model)
  }

  /// Collects what the next block of a walk reads; the walk stays where it is unless `advancing`.
  /// - Throws: as ``collect(_:texts:roles:gram:overlay:batchTokens:progress:)``.
  public static func collect(
    _ model: Model, walk: BlockWalk, roles: [Role], gram: Bool, advancing: Bool = false
  ) throws -> InputStatistics {
    let collector = InputCollector(model.network, roles: roles, gram: gram)
    try walk.run(sites: collector.sites, advancing: advancing) { _, batch, site, rows, width in
      try Cancellation.check()
      try collector.add(site, batch, rows, width)
    }
    return try collector.finish(model)
  }

  /// Adds x² of some rows, one after the other, to the sums of their columns `[K]`.
  static func addSquares(
    of x: UnsafePointer<Float>, rows: some RandomAccessCollection<Int>, to squares: inout [Double]
  ) {
    let width = squares.count
    squares.withUnsafeMutableBufferPointer { squares in
      guard let base = squares.baseAddress else { return }
      let (sums, x) = (UncheckedAddress(base), UncheckedAddress(UnsafeMutablePointer(mutating: x)))
      Parallel.forEach(width, grain: 512) { range in
        let sums = sums.pointer + range.lowerBound
        for row in rows {
          let line = x.pointer + row * width + range.lowerBound
          for k in 0..<range.count { sums[k] += Double(line[k]) * Double(line[k]) }
        }
      }
    }
  }

  /// Bytes that a collection holds.
  public static func bytes(_ model: Model, roles: [Role], gram: Bool) throws -> Int {
    let readers = Set(roles.map { reader($0, gated: model.network.gatedMLP) })
    return try readers.reduce(0) { sum, role in
      let inputs = try model.linear(role).inputs
      return sum + 8 * inputs + (gram ? GramMatrix.bytes(inputs: inputs) : 0)
    }
  }
}

/// Sums of one collection while it runs.
private final class InputCollector {
  private final class Sum {
    var squares: [Double] = []
    var tokens = 0
    var gram: GramMatrix?
  }

  let sites: [Site]
  private let network: Network
  private let gram: Bool
  private var sums: [Site: Sum] = [:]
  /// Rows of one text as f64, `[tokens, K]`.
  private var scratch: [Double] = []

  init(_ network: Network, roles: [Role], gram: Bool) {
    self.network = network
    self.gram = gram
    var seen: Set<Role> = []
    sites = roles.map { InputStatistics.reader($0, gated: network.gatedMLP) }
      .filter { seen.insert($0).inserted }.map(Site.input)
    for site in sites { sums[site] = Sum() }
  }

  func add(_ site: Site, _ batch: Batch, _ rows: UnsafePointer<Float>, _ width: Int) throws {
    guard let sum = sums[site] else { return }
    if sum.squares.isEmpty {
      sum.squares = Array(repeating: 0, count: width)
      if gram { sum.gram = GramMatrix(size: width) }
    }
    let isExpert = if case .input(.expert) = site { true } else { false }
    for segment in batch.segments {
      var places = Array(segment.rows)
      if isExpert {
        // Tokens that another expert takes are shown as zeros.
        places = places.filter { row in (0..<width).contains { rows[row * width + $0] != 0 } }
      }
      sum.tokens += places.count
      InputStatistics.addSquares(of: rows, rows: places, to: &sum.squares)
      guard let gram = sum.gram, !places.isEmpty else { continue }
      if scratch.count < places.count * width {
        scratch = Array(repeating: 0, count: places.count * width)
      }
      try scratch.withUnsafeMutableBufferPointer { scratch in
        guard let base = scratch.baseAddress else { return }
        for (place, row) in places.enumerated() {
          for k in 0..<width { base[place * width + k] = Double(rows[row * width + k]) }
        }
        try gram.add(base, count: places.count)
      }
    }
  }

  func finish(_ model: Model) throws -> InputStatistics {
    var inputs: [Role: InputStatistics.Input] = [:]
    for (site, sum) in sums {
      guard case .input(let role) = site else { continue }
      if sum.squares.isEmpty {
        // Nothing reached it: an expert that no batch ran.
        sum.squares = Array(repeating: 0, count: try model.linear(role).inputs)
        if gram { sum.gram = GramMatrix(size: sum.squares.count) }
      }
      guard sum.squares.allSatisfy(\.isFinite) else {
        throw CalibrationError.notFinite(
          site: site.description, tensor: try model.checkpoint.firstNonFinite()?.tensor)
      }
      inputs[role] = InputStatistics.Input(squares: sum.squares, tokens: sum.tokens, gram: sum.gram)
    }
    return InputStatistics(inputs, network: network)
  }
}

/// An address that threads use, each its own part.
private struct UncheckedAddress<Element>: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Element>

  init(_ pointer: UnsafeMutablePointer<Element>) { self.pointer = pointer }
}

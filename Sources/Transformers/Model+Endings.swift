import Architectures
import Runtime
import Tensors

/// Texts with a beginning in common: the choices of a question, each after the question.
public struct SharedText: Sendable, Equatable {
  /// Tokens that all begin with; at least one.
  public var beginning: [Int32]
  /// What follows in each text; at least one token each.
  public var endings: [[Int32]]

  /// Some texts.
  public init(beginning: [Int32], endings: [[Int32]]) {
    self.beginning = beginning
    self.endings = endings
  }

  /// Tokens that have to run: the beginning once, then all but the last token of each ending.
  public var tokens: Int { endings.reduce(beginning.count) { $0 + $1.count - 1 } }
  /// Tokens of the endings, each of which is predicted.
  public var predicted: Int { endings.reduce(0) { $0 + $1.count } }

  /// Whole texts, but for the last token of each, which predicts nothing.
  var texts: [[Int32]] { endings.map { beginning + $0.dropLast() } }
}

extension Model {
  /// What the head reads where each token of the endings is predicted, `[predicted tokens, headWidth]`, endings in
  /// order. A beginning runs once, whatever the number of its endings; the bits are those of the whole texts.
  /// - Throws: ``TransformerError``.
  public func predictingStates(_ groups: [SharedText], overlay: Overlay? = nil) throws -> Tensor {
    precondition(
      groups.allSatisfy { !$0.beginning.isEmpty && $0.endings.allSatisfy { !$0.isEmpty } }, "empty texts")
    try requireHead()
    // The last token of an ending is predicted only: it needs no place in the context, but one in the vocabulary.
    try check(groups.flatMap(\.texts))
    try check(groups.flatMap { $0.endings.map { Array($0.suffix(1)) } })
    let width = network.headWidth
    let result = Tensor(zeros: [groups.reduce(0) { $0 + $1.predicted }, width])
    let placed = try PlacedOverlay(overlay, model: self)
    // Where wavelengths depend on a text's length, its beginning is another in every text.
    let isShared = !network.rotaries.contains { $0?.scaling.dependsOnLength ?? false }
    var row = 0
    for run in Batch.cut(groups.map { $0.texts.flatMap { $0 } }, tokens: Self.defaultBatchTokens) {
      let part = Array(groups[run])
      if isShared {
        try shared(part, placed, result.f32 + row * width)
      } else {
        try whole(part, placed, result.f32 + row * width)
      }
      row += part.reduce(0) { $0 + $1.predicted }
    }
    try requireFinite(result)
    return result
  }

  /// Every text by itself.
  private func whole(_ groups: [SharedText], _ overlay: PlacedOverlay?, _ out: UnsafeMutablePointer<Float>)
    throws
  {
    let width = network.headWidth
    let batch = Batch(groups.flatMap(\.texts))
    let workspace = try run(batch, overlay, caches: nil)
    var (row, text) = (0, 0)
    for group in groups {
      for ending in group.endings {
        let last = batch.segments[text].rows.upperBound
        (out + row * width).update(
          from: workspace.final.f32 + (last - ending.count) * width, count: ending.count * width)
        (row, text) = (row + ending.count, text + 1)
      }
    }
  }

  /// The beginnings with caches, then the endings, each with a copy of its beginning's.
  private func shared(_ groups: [SharedText], _ overlay: PlacedOverlay?, _ out: UnsafeMutablePointer<Float>)
    throws
  {
    let width = network.headWidth
    let keyWidth = network.keyValueHeads * network.headSize
    let caches = groups.map {
      KeyValueCache(blocks: network.blocks, width: keyWidth, capacity: $0.beginning.count)
    }
    let first = Batch(groups.map(\.beginning))
    let beginnings = try run(first, overlay, caches: caches)
    var ends: [[Int32]] = []
    var copies: [KeyValueCache] = []
    var places: [Int] = []
    var row = 0
    for (index, group) in groups.enumerated() {
      caches[index].advance(by: group.beginning.count)
      let last = first.segments[index].rows.upperBound - 1
      for ending in group.endings {
        (out + row * width).update(from: beginnings.final.f32 + last * width, count: width)
        if ending.count > 1 {
          ends.append(Array(ending.dropLast()))
          copies.append(
            KeyValueCache(copying: caches[index], capacity: group.beginning.count + ending.count - 1))
          places.append(row + 1)
        }
        row += ending.count
      }
    }
    guard !ends.isEmpty else { return }
    let second = Batch(ends, past: copies.map(\.count))
    let workspace = try run(second, overlay, caches: copies)
    for (segment, place) in zip(second.segments, places) {
      (out + place * width).update(
        from: workspace.final.f32 + segment.rows.lowerBound * width, count: segment.rows.count * width)
    }
  }

  private func run(_ batch: Batch, _ overlay: PlacedOverlay?, caches: [KeyValueCache]?) throws -> Workspace {
    let workspace = Workspace(network, rows: batch.tokens.count)
    let pass = ForwardPass(
      model: self, batch: batch, workspace: workspace, overlay: overlay, observed: [], observer: nil,
      caches: caches)
    try pass.run(through: network.blocks - 1, finalNorm: true)
    return workspace
  }
}

extension KeyValueCache {
  /// The same tokens with room for more.
  convenience init(copying other: KeyValueCache, capacity: Int) {
    let width = other.keys.first?.rowCount ?? 0
    precondition(capacity >= other.count, "room for \(capacity) tokens of \(other.count)")
    self.init(blocks: other.keys.count, width: width, capacity: capacity)
    for (own, theirs) in zip(keys + values, other.keys + other.values) {
      own.f32.update(from: theirs.f32, count: other.count * width)
    }
    advance(by: other.count)
  }
}

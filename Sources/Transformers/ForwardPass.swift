import Architectures
import Layers
import Tensors

/// Sees the rows of a site during a pass: `[M, width]`, valid only during the call.
public typealias StateObserver = (_ site: Site, _ rows: UnsafePointer<Float>, _ width: Int) throws -> Void

/// One walk of a batch through the blocks. The only description of the network's arithmetic in this package.
struct ForwardPass {
  let model: Model
  let batch: Batch
  let workspace: Workspace
  let overlay: PlacedOverlay?
  /// Sites somebody wants to see.
  let observed: Set<Site>
  let observer: StateObserver?
  /// Caches of the batch's texts, in their order; nil runs every text on its own tokens.
  let caches: [KeyValueCache]?
  /// Remembers what was computed from what, for a backward pass; nil computes only.
  var tape: Tape?

  var network: Network { model.network }
  var count: Int { batch.tokens.count }

  /// Runs the blocks `0 ... last` and, when asked, the end; the result lies in the workspace (`residual` after the
  /// blocks; what the head reads in `final` after the end).
  func run(through last: Int, finalNorm: Bool) throws {
    try begin()
    let reach = Reach(self)
    for block in 0...max(last, 0) where block <= last { try run(block, reach) }
    guard finalNorm else { return }
    normalise(\.normed, \.residual, model.finalNorm)
    if model.finalNorm != nil { try visit(.finalNorm, workspace.normed) }
    if let projection = model.headProjection {
      try see(.input(.headProjection), workspace.normed)
      try product(workspace.final, workspace.normed, projection, .headProjection)
    }
    try see(.input(.head), workspace.final)
  }

  /// What the batch's lengths decide: rotary tables and biases of keys.
  struct Reach {
    fileprivate let tables: [[RotaryTable]]
    fileprivate let biases: KeyBias?

    init(_ pass: ForwardPass) {
      let lengths = pass.batch.segments.map { $0.past + $0.rows.count }
      tables = pass.model.rotaryTables.map { $0.tables(lengths: lengths) }
      biases = pass.network.alibi.flatMap { KeyBias($0, keys: lengths.max() ?? 0) }
    }
  }

  /// Puts what enters block 0 into `residual`.
  func begin() throws {
    renew(\.residual)
    try embed()
    try visit(.embeddings, workspace.residual)
  }

  /// One block on what lies in `residual`, which its output replaces.
  func run(_ block: Int, _ reach: Reach) throws {
    try run(block, model.rotaryOfBlock[block].map { reach.tables[$0] }, reach.biases)
    try visit(.blockOutput(block), workspace.residual)
  }

  /// Token embeddings, projected and scaled, plus learned positions, normed.
  private func embed() throws {
    let width = network.width
    let residual = workspace.residual.f32
    let embedding = overlay?.tables[.tokenEmbedding] ?? model.embedding
    let narrow = model.embeddingProjection == nil ? workspace.residual : workspace.final
    for (row, token) in batch.tokens.enumerated() {
      embedding.rows(Int(token)..<(Int(token) + 1)).copyFloats(
        to: narrow.f32 + row * network.headWidth)
    }
    if let projection = model.embeddingProjection {
      try see(.input(.embeddingProjection), narrow)
      try product(workspace.residual, narrow, projection, .embeddingProjection)
    }
    overlay?.project(.tokenEmbedding, residual, rows: count)
    if network.embeddingScale != 1 {
      Vector.scale(residual, by: network.embeddingScale, count: count * width)
    }
    if let types = overlay?.tables[.tokenTypeEmbedding] ?? model.tokenTypes {
      for (row, type) in batch.tokenTypes.enumerated() {
        types.rows(Int(type)..<(Int(type) + 1)).copyFloats(to: workspace.normed.f32)
        Vector.add(residual + row * width, workspace.normed.f32, count: width)
      }
    }
    if let positions = overlay?.tables[.positionEmbedding] ?? model.positions {
      for (row, position) in tablePositions.enumerated() {
        positions.rows(position..<(position + 1)).copyFloats(to: workspace.normed.f32)
        overlay?.project(.positionEmbedding, workspace.normed.f32, rows: 1)
        Vector.add(residual + row * width, workspace.normed.f32, count: width)
      }
    }
    tape?.add(
      .embedding(workspace.residual, positions: model.positions.map { ($0, tablePositions) }))
    if let norm = model.embeddingNorm { normalise(\.residual, \.residual, norm) }
  }

  /// The row of the position table for every token of the batch.
  private var tablePositions: [Int] {
    let offset = network.positionOffset
    guard let padding = network.paddingToken else { return batch.positions.map { Int($0) + offset } }
    // A padding token inside a text takes no position: it stands right before those of all others.
    var result: [Int] = []
    for segment in batch.segments {
      var next = segment.past + offset
      for token in batch.tokens[segment.rows] {
        let isPadding = Int(token) == padding
        result.append(isPadding ? offset - 1 : next)
        if !isPadding { next += 1 }
      }
    }
    return result
  }

  /// One block: attention, then the MLP, each between the norms that the network places there.
  private func run(_ block: Int, _ tables: [RotaryTable]?, _ biases: KeyBias?) throws {
    let weights = model.blocks[block]
    normalise(\.normed, \.residual, weights.attentionNorm)
    try attention(block, tables, biases)
    switch network.blockOrder {
    case .sequential:
      try add(.attentionOutput(block), weights.attentionPostNorm)
      normalise(\.normed, \.residual, weights.mlpNorm)
    case .parallel:
      normalise(\.normed, \.residual, weights.mlpNorm)
      try add(.attentionOutput(block), weights.attentionPostNorm)
    case .parallelOneNorm:  // what attention has read still lies there
      try add(.attentionOutput(block), weights.attentionPostNorm)
    }
    try visit(.mlpInput(block), workspace.normed)
    switch weights.mlp {
    case .dense(let gate, let up, let down): try mlp(block, gate: gate, up: up, down: down)
    case .experts(let weights): try experts(block, weights)
    }
    try add(.mlpOutput(block), weights.mlpPostNorm)
  }

  /// Adds what a half of a block gives to the residual stream.
  private func add(_ site: Site, _ postNorm: NormWeights?) throws {
    let afterSum = network.normPlacement == .afterSum
    if let postNorm, !afterSum { normalise(\.addition, \.addition, postNorm) }
    if network.residualScale != 1 {
      Vector.scale(workspace.addition.f32, by: network.residualScale, count: count * network.width)
      tape?.add(.scale(workspace.addition, network.residualScale))
    }
    try visit(site, workspace.addition)
    let before = workspace.residual
    if renew(\.residual) { workspace.residual.f32.update(from: before.f32, count: count * network.width) }
    Vector.add(workspace.residual.f32, workspace.addition.f32, count: count * network.width)
    tape?.add(.sum(workspace.residual, before, workspace.addition))
    if let postNorm, afterSum { normalise(\.residual, \.residual, postNorm) }
  }

  private func attention(_ block: Int, _ tables: [RotaryTable]?, _ biases: KeyBias?) throws {
    let weights = model.blocks[block]
    let network = self.network
    try see(.input(.block(block, .query)), workspace.normed)
    try see(.input(.block(block, .key)), workspace.normed)
    try see(.input(.block(block, .value)), workspace.normed)
    renew(\.queries, \.keys, \.values)
    try product(workspace.queries, workspace.normed, weights.query, .block(block, .query))
    try product(workspace.keys, workspace.normed, weights.key, .block(block, .key))
    try product(workspace.values, workspace.normed, weights.value, .block(block, .value))
    if let limit = network.queryKeyValueLimit {
      for rows in [workspace.queries, workspace.keys, workspace.values] {
        Vector.limit(rows.f32, to: limit, count: count * rows.rowCount)
      }
    }
    if let norm = weights.queryNorm { normaliseHeads(\.queries, heads: network.heads, norm) }
    if let norm = weights.keyNorm { normaliseHeads(\.keys, heads: network.keyValueHeads, norm) }
    if let tables, let rotary = network.rotaries[block] {
      rotate(workspace.queries, heads: network.heads, rotary, tables)
      rotate(workspace.keys, heads: network.keyValueHeads, rotary, tables)
    }
    renew(\.attended)
    attend(block, biases)
    tape?.add(.attention(workspace.attended, workspace.queries, workspace.keys, workspace.values, block))
    try see(.input(.block(block, .attentionOutput)), workspace.attended)
    renew(\.addition)
    try product(
      workspace.addition, workspace.attended, weights.attentionOutput, .block(block, .attentionOutput))
  }

  /// The MLP that every token meets, from `normed` into `addition`.
  private func mlp(_ block: Int, gate: LinearWeight?, up: LinearWeight, down: LinearWeight) throws {
    let network = self.network
    try see(.input(.block(block, .gate)), workspace.normed)
    try see(.input(.block(block, .up)), workspace.normed)
    renew(\.up)
    try product(workspace.up, workspace.normed, up, .block(block, .up))
    let (width, activation) = (network.mlpWidth, Activation(network.activation))
    let before = workspace.up
    if let gate {
      renew(\.gate)
      try product(workspace.gate, workspace.normed, gate, .block(block, .gate))
      renew(\.up)
      activation.gated(
        workspace.up.f32, outStride: width, gate: workspace.gate.f32, gateStride: width, up: before.f32,
        upStride: width, rows: count, width: width)
      tape?.add(.gated(workspace.up, workspace.gate, before, activation))
    } else {
      if renew(\.up) { workspace.up.f32.update(from: before.f32, count: count * width) }
      activation.apply(workspace.up.f32, count: count * width)
      tape?.add(.activation(workspace.up, before, activation))
    }
    try see(.input(.block(block, .down)), workspace.up)
    renew(\.addition)
    try product(workspace.addition, workspace.up, down, .block(block, .down))
  }

  /// Every text attends to its own tokens (and its cache); texts are independent, so they run in parallel.
  private func attend(_ block: Int, _ biases: KeyBias?) {
    let network = self.network
    let queryWidth = network.heads * network.headSize
    let keyWidth = network.keyValueHeads * network.headSize
    if let caches {
      for (segment, cache) in zip(batch.segments, caches) {
        let bytes = segment.rows.count * keyWidth * 4
        let from = segment.rows.lowerBound * keyWidth
        let to = segment.past * keyWidth
        (cache.keys[block].f32 + to).withMemoryRebound(to: UInt8.self, capacity: bytes) { target in
          UnsafeMutableRawPointer(target).copyMemory(from: workspace.keys.f32 + from, byteCount: bytes)
        }
        (cache.values[block].f32 + to).withMemoryRebound(to: UInt8.self, capacity: bytes) { target in
          UnsafeMutableRawPointer(target).copyMemory(from: workspace.values.f32 + from, byteCount: bytes)
        }
      }
    }
    let batch = self.batch
    let scale = network.attentionScales[block]
    let window = network.windows[block]
    let (queries, keys, values, attended) = (
      workspace.queries, workspace.keys, workspace.values, workspace.attended
    )
    let caches = self.caches
    func one(_ index: Int) {
      let segment = batch.segments[index]
      let start = segment.rows.lowerBound
      let k =
        caches.map { UnsafePointer($0[index].keys[block].f32) } ?? UnsafePointer(keys.f32 + start * keyWidth)
      let v =
        caches.map { UnsafePointer($0[index].values[block].f32) }
        ?? UnsafePointer(values.f32 + start * keyWidth)
      Attention.forward(
        attended.f32 + start * queryWidth, outStride: queryWidth, q: queries.f32 + start * queryWidth,
        qStride: queryWidth, k: k, kStride: keyWidth, v: v, vStride: keyWidth, queries: segment.rows.count,
        keys: segment.past + segment.rows.count, heads: network.heads, kvHeads: network.keyValueHeads,
        headSize: network.headSize, scale: scale, window: window, softcap: network.attentionSoftcap,
        alibiSlopes: biases == nil ? network.alibi?.slopes : nil,
        keyBias: biases.map { UnsafePointer($0.rows.f32) }, keyBiasStride: biases?.rows.rowCount ?? 0,
        causal: network.isCausal)
    }
    if batch.segments.count == 1 {
      one(0)
    } else {
      Parallel.forEach(batch.segments.count, grain: 1) { for index in $0 { one(index) } }
    }
  }

  /// y = x Wᵀ + b with the overlay's changes of this role; for all rows of the batch, or the first `rows` of x.
  func product(_ y: Tensor, _ x: Tensor, _ weight: LinearWeight, _ role: Role, rows: Int? = nil) throws {
    let rows = rows ?? count
    if let tape {
      Linear.trainingForward(y.f32, x.f32, rows: rows, weight)
      tape.add(.product(y, x, weight))
      return
    }
    var weight = overlay?.replaced[role] ?? weight
    if let bits = overlay?.masks[role] { weight = workspace.masked(weight, bits) }
    Linear.forward(
      y.f32, yStride: weight.outputs, x.f32, xStride: weight.inputs, rows: rows, weight,
      compute: model.compute)
    overlay?.change(role, y.f32, outputs: weight.outputs, x.f32, inputs: weight.inputs, rows: rows)
  }

  /// Before a buffer is written as a whole: with a tape another one takes its place, since the old numbers are needed.
  /// - Returns: whether the buffer is another one now.
  @discardableResult
  private func renew(_ buffers: ReferenceWritableKeyPath<Workspace, Tensor>...) -> Bool {
    guard let tape else { return false }
    for buffer in buffers {
      workspace[keyPath: buffer] = tape.room(count, workspace[keyPath: buffer].rowCount)
    }
    return true
  }

  /// y = norm(x), or x itself where there is no norm.
  private func normalise(
    _ y: ReferenceWritableKeyPath<Workspace, Tensor>, _ x: KeyPath<Workspace, Tensor>, _ norm: NormWeights?
  ) {
    let x = workspace[keyPath: x]
    renew(y)
    if let norm {
      normalise(workspace[keyPath: y], x, rows: count, width: network.width, network.norm, norm)
    } else {
      workspace[keyPath: y].f32.update(from: x.f32, count: count * network.width)
      tape?.add(.copy(workspace[keyPath: y], x))
    }
  }

  private func normalise(
    _ y: Tensor, _ x: Tensor, rows: Int, width: Int, _ kind: Network.Norm, _ norm: NormWeights
  ) {
    model.normalise(y.f32, x.f32, rows: rows, width: width, kind, norm)
    tape?.add(.norm(y, x, norm, kind, rows: rows, width: width))
  }

  private func normaliseHeads(
    _ buffer: ReferenceWritableKeyPath<Workspace, Tensor>, heads: Int, _ weights: NormWeights
  ) {
    guard let kind = network.queryKeyNorm else { return }
    let size = network.headSize
    let x = workspace[keyPath: buffer]
    switch kind.scope {
    case .head:
      renew(buffer)
      normalise(workspace[keyPath: buffer], x, rows: count * heads, width: size, kind.norm, weights)
    case .whole:
      renew(buffer)
      normalise(workspace[keyPath: buffer], x, rows: count, width: heads * size, kind.norm, weights)
    case .eachHead:
      let plain = NormWeights(
        gain: Tensor(Array(repeating: 1 - kind.norm.gainOffset, count: size)), bias: nil)
      model.normalise(x.f32, x.f32, rows: count * heads, width: size, kind.norm, plain)
      Vector.scaleColumns(x.f32, by: weights.gain.f32, rows: count, width: heads * size)
    }
  }

  private func rotate(_ x: Tensor, heads: Int, _ rotary: Network.Rotary, _ tables: [RotaryTable]) {
    network.rotate(x, heads: heads, batch, rotary, tables)
    tape?.add(.rotation(x, heads: heads, rotary, tables))
  }

  /// Changes a site as the overlay says, then shows it.
  private func visit(_ site: Site, _ rows: Tensor) throws {
    overlay?.change(site, rows.f32, rows: count, width: network.width)
    try see(site, rows)
  }

  func see(_ site: Site, _ rows: Tensor) throws {
    guard let observer, observed.contains(site) else { return }
    try observer(site, rows.f32, rows.rowCount)
  }
}

extension Network {
  /// Turns queries or keys `[M, heads · head]` of a batch in place, each text by its own table; or back.
  func rotate(
    _ x: Tensor, heads: Int, _ batch: Batch, _ rotary: Rotary, _ tables: [RotaryTable], inverse: Bool = false
  ) {
    let stride = heads * headSize
    batch.positions.withUnsafeBufferPointer { positions in
      guard let base = positions.baseAddress else { return }
      // Texts that follow one another by the same table turn together.
      var text = 0
      while text < batch.segments.count {
        let (first, table) = (batch.segments[text].rows.lowerBound, tables[text])
        while text < batch.segments.count, tables[text].isSame(as: table) { text += 1 }
        let rows = first..<batch.segments[text - 1].rows.upperBound
        Layers.Rotary.apply(
          x.f32 + first * stride, rows: rows.count, rowStride: stride, heads: heads,
          headSize: headSize, rotaryWidth: rotary.width, positions: base + first, table: table,
          interleaved: rotary.interleaved, inverse: inverse)
      }
    }
  }
}

/// The biases of keys, whatever the query: `[H, Tk]`, one table for all texts, since they count from a text's start.
struct KeyBias {
  let rows: Tensor

  /// Nil where the biases are slopes that need no table.
  init?(_ alibi: Network.Alibi, keys: Int) {
    guard let factor = alibi.roundedFactor else { return nil }
    func rounded(_ numbers: [Float]) -> [Float] { Tensor(numbers, dtype: .bf16).toFloats() }
    let positions = rounded((0..<keys).map(Float.init))
    rows = Tensor(
      rounded(alibi.slopes).flatMap { slope in rounded(positions.map { slope * $0 }).map { $0 * factor } },
      shape: [alibi.slopes.count, keys])
  }
}

extension Model {
  func normalise(
    _ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, rows: Int, width: Int, _ kind: Network.Norm,
    _ norm: NormWeights
  ) {
    switch kind.kind {
    case .rms:
      Norm.rms(
        y, x, gain: norm.gain.f32, rows: rows, width: width, eps: kind.epsilon, gainOffset: kind.gainOffset)
    case .layer:
      Norm.layer(
        y, x, gain: norm.gain.f32, bias: norm.bias.map { UnsafePointer($0.f32) }, rows: rows, width: width,
        eps: kind.epsilon)
    }
  }
}

extension Activation {
  init(_ activation: Network.Activation) {
    switch activation {
    case .silu: self = .silu
    case .gelu: self = .gelu
    case .geluTanh: self = .geluTanh
    case .relu: self = .relu
    case .quickGelu: self = .quickGelu
    }
  }
}

extension PlacedOverlay {
  /// Changes the outputs of a role's product in place.
  func change(
    _ role: Role, _ y: UnsafeMutablePointer<Float>, outputs: Int, _ x: UnsafePointer<Float>, inputs: Int,
    rows: Int
  ) {
    if role != .head { project(role, y, rows: rows) }
    guard let changes = products[role] else { return }
    for change in changes {
      let width = change.rows.count
      if let weights = change.weights {
        let fresh = Tensor(zeros: [rows, width])
        Linear.forward(
          fresh.f32, yStride: width, x, xStride: inputs, rows: rows, weights, compute: compute)
        for row in 0..<rows {
          for (column, target) in change.rows.enumerated() {
            y[row * outputs + target] = fresh.f32[row * width + column]
          }
        }
      } else if let direction = change.direction {
        let dots = Tensor(zeros: [rows])
        Linear.forward(dots.f32, yStride: 1, x, xStride: inputs, rows: rows, direction)
        for row in 0..<rows {
          for (target, coefficient) in zip(change.rows, change.coefficients) {
            y[row * outputs + target] += coefficient * dots.f32[row]
          }
        }
      }
    }
  }

  /// Changes the rows of a site in place.
  func change(_ site: Site, _ x: UnsafeMutablePointer<Float>, rows: Int, width: Int) {
    guard let changes = sites[site] else { return }
    for change in changes {
      guard let direction = change.direction else {
        for row in 0..<rows { for k in 0..<width { x[row * width + k] += change.vector[k] } }
        continue
      }
      let dots = Tensor(zeros: [rows])
      Linear.forward(dots.f32, yStride: 1, x, xStride: width, rows: rows, direction)
      for row in 0..<rows {
        let dot = dots.f32[row]
        for k in 0..<width { x[row * width + k] -= dot * change.vector[k] }
      }
    }
  }
}

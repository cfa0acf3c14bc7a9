import Architectures
import Layers
import Tensors

/// The weights of a block with experts.
struct ExpertWeights: Sendable {
  /// The products of one expert.
  struct Expert: Sendable {
    let gate: LinearWeight?
    let up: LinearWeight
    let down: LinearWeight
  }

  let kind: Network.Experts
  let router: LinearWeight
  let experts: [Expert]
  /// The expert that every token goes through, and the product whose sigmoid weighs it.
  let shared: (expert: Expert, router: LinearWeight)?

  init(_ source: WeightSource, block: Int, kind: Network.Experts, gated: Bool) throws {
    func linear(_ role: BlockRole) throws -> LinearWeight { try source.linear(.block(block, role)) }
    self.kind = kind
    router = try linear(.router)
    experts = try (0..<kind.count).map { expert in
      func linear(_ role: BlockRole) throws -> LinearWeight {
        try source.linear(.expert(block, expert, role))
      }
      return Expert(gate: gated ? try linear(.gate) : nil, up: try linear(.up), down: try linear(.down))
    }
    guard kind.sharedWidth != nil else {
      shared = nil
      return
    }
    shared = (
      Expert(gate: try linear(.sharedGate), up: try linear(.sharedUp), down: try linear(.sharedDown)),
      try linear(.sharedRouter)
    )
  }
}

extension ForwardPass {
  /// The experts of every token, from `normed` into `addition`: Σ weight · expert(x) in the order of the experts, plus
  /// sigmoid(s · x) · shared(x).
  ///
  /// An expert takes its tokens of the whole batch together; every number of a row is that row's alone, so neither batch
  /// nor threads matter.
  func experts(_ block: Int, _ weights: ExpertWeights) throws {
    let (width, kind) = (network.width, weights.kind)
    let normed = workspace.normed
    try see(.input(.block(block, .router)), normed)
    let logits = Tensor(zeros: [count, kind.count])
    try product(logits, normed, weights.router, .block(block, .router))
    let routing = ExpertRouting(
      logits.f32, rows: count, experts: kind.count, chosen: kind.chosen, normalised: kind.normalised)
    workspace.addition.f32.update(repeating: 0, count: count * width)
    for (expert, own) in weights.experts.enumerated() {
      let visits = routing.visits[expert]
      if visits.isEmpty && observed.isEmpty { continue }
      for (place, visit) in visits.enumerated() {
        (workspace.visitors.f32 + place * width).update(from: normed.f32 + visit.row * width, count: width)
      }
      try run(own, visits.map(\.row), workspace.visitors) { .expert(block, expert, $0) }
      for (place, visit) in visits.enumerated() {
        Vector.addScaled(
          workspace.addition.f32 + visit.row * width, visit.weight,
          workspace.expertOutput.f32 + place * width,
          count: width)
      }
    }
    guard let shared = weights.shared else { return }
    let weighers = Tensor(zeros: [count])
    try see(.input(.block(block, .sharedRouter)), normed)
    try product(weighers, normed, shared.router, .block(block, .sharedRouter))
    try run(shared.expert, nil, normed) { role in
      switch role {
      case .gate: .block(block, .sharedGate)
      case .up: .block(block, .sharedUp)
      default: .block(block, .sharedDown)
      }
    }
    for row in 0..<count {
      Vector.addScaled(
        workspace.addition.f32 + row * width, sigmoid(weighers.f32[row]),
        workspace.expertOutput.f32 + row * width, count: width)
    }
  }

  /// 1 / (1 + e^-x) as the softmax of x and 0: the kernels' exponential.
  private func sigmoid(_ x: Float) -> Float {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2) { pair in
      pair.initialize(repeating: 0)
      pair[0] = x
      if let base = pair.baseAddress { Softmax.apply(base, count: 2) }
      return pair[0]
    }
  }

  /// One expert on some rows of the batch (nil: all), which lie in `x`, into `expertOutput`.
  private func run(
    _ expert: ExpertWeights.Expert, _ rows: [Int]?, _ x: Tensor, _ role: (BlockRole) -> Role
  ) throws {
    let number = rows?.count ?? count
    let inner = expert.up.outputs
    let (gate, up) = (workspace.expertGate, workspace.expertUp)
    try see(.input(role(.gate)), x, width: network.width, of: rows)
    try see(.input(role(.up)), x, width: network.width, of: rows)
    try product(up, x, expert.up, role(.up), rows: number)
    if let matrix = expert.gate {
      try product(gate, x, matrix, role(.gate), rows: number)
      Activation(network.activation).gated(
        up.f32, outStride: inner, gate: gate.f32, gateStride: inner, up: up.f32, upStride: inner,
        rows: number,
        width: inner)
    } else {
      Activation(network.activation).apply(up.f32, count: number * inner)
    }
    try see(.input(role(.down)), up, width: inner, of: rows)
    try product(workspace.expertOutput, up, expert.down, role(.down), rows: number)
  }

  /// Shows what a product reads that sees only some rows of the batch: zeros in the others.
  private func see(_ site: Site, _ x: Tensor, width: Int, of rows: [Int]?) throws {
    guard let observer, observed.contains(site) else { return }
    guard let rows else { return try observer(site, x.f32, width) }
    let all = Tensor(zeros: [count, width])
    for (place, row) in rows.enumerated() {
      (all.f32 + row * width).update(from: x.f32 + place * width, count: width)
    }
    try observer(site, all.f32, width)
  }
}

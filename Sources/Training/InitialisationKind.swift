import Architectures
import Glibc
import Runtime
import Tensors

/// How the weights of a new decoder begin, as recipes name it. Gains begin at one and biases at zero.
public struct InitialisationKind: Sendable {
  /// The name.
  public let name: String
  /// One line.
  public let summary: String
  /// The paper.
  public let reference: String?
  /// Settings with their ranges.
  public let parameters: [MethodParameter]
  /// The standard deviation of a table's or matrix's normal numbers, mean 0.
  let deviation: @Sendable (_ settings: MethodSettings, _ tensor: Drawn, _ network: Network) -> Double

  /// A table or matrix whose numbers are drawn.
  struct Drawn {
    /// Numbers that one output sums over; nil for tables.
    let inputs: Int?
    /// Whether the product is added to the residual stream.
    let writesStream: Bool
  }

  /// All of them.
  public static let all: [InitialisationKind] = [
    InitialisationKind(
      name: "family",
      summary: "one deviation for all, smaller by √(2 · blocks) for what GPT-2 adds to the residual stream",
      reference: "Hugging Face's classes of llama, qwen3 and gpt2",
      parameters: [
        MethodParameter(
          "deviation", "standard deviation (initializer_range)", .number(0...10, standard: 0.02))
      ],
      deviation: { settings, tensor, network in
        let deviation = settings.number("deviation") ?? 0.02
        let isSmaller = tensor.writesStream && network.family == "gpt2"
        return isSmaller ? deviation / Double(2 * network.blocks).squareRoot() : deviation
      }),
    InitialisationKind(
      name: "fan-in",
      summary:
        "gain / √inputs for matrices, smaller by √(2 · blocks) for what is added to the residual stream",
      reference: nil,
      parameters: [
        MethodParameter("gain", "times 1 / √inputs", .number(0...10, standard: 0.7)),
        MethodParameter("table", "standard deviation of embeddings", .number(0...10, standard: 0.02)),
      ],
      deviation: { settings, tensor, network in
        guard let inputs = tensor.inputs else { return settings.number("table") ?? 0.02 }
        let deviation = (settings.number("gain") ?? 0.7) / Double(inputs).squareRoot()
        return tensor.writesStream ? deviation / Double(2 * network.blocks).squareRoot() : deviation
      }),
  ]

  /// The kind of a name.
  /// - Throws: ``TrainingError/unknownName(what:name:known:)``.
  public static func named(_ name: String) throws(TrainingError) -> InitialisationKind {
    guard let kind = all.first(where: { $0.name == name }) else {
      throw .unknownName(what: "initialisation", name: name, known: all.map(\.name))
    }
    return kind
  }

  /// The first numbers of a tensor; every tensor has a stream of its own, its name.
  func tensor(
    _ laid: LaidTensor, _ family: Family, _ network: Network, settings: MethodSettings, seed: UInt64
  ) -> Tensor {
    let result = Tensor(zeros: laid.shape)
    let drawn: Drawn
    switch laid.kind {
    case .gain:
      result.f32.update(repeating: 1 - network.norm.gainOffset, count: result.count)
      return result
    case .bias: return result
    case .table: drawn = Drawn(inputs: nil, writesStream: false)
    case .matrix(let role):
      let inputs = laid.shape[family.transposedLinears && role != .head ? 0 : 1]
      drawn = Drawn(inputs: inputs, writesStream: [.attentionOutput, .down].contains(role.inBlock))
    }
    let deviation = deviation(settings, drawn, network)
    var random = CounterRandom(seed: seed, stream: "initial." + laid.name)
    for i in 0..<result.count { result.f32[i] = Float(deviation * random.normal()) }
    return result
  }
}

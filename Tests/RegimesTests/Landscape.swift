import JSON
import Layers
import Regimes
import Tensors
import Training

/// The recorded landscape: a tanh network 3-5-4 with its data, and what NumPy and PyTorch say of it.
struct Landscape {
  let json: JSONValue
  let network: TrainableNetwork
  let data: LabelledData

  init(pruned: Bool = false) throws {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    json = try JSONValue(file: "/\(folder)/Fixtures/landscape.json")
    network = TrainableNetwork.mlp(widths: [3, 5, 4], activation: .tanh, seed: 0)
    network.setWeights(Self.floats(json["weights"]))
    let labels = json["labels"]?.array?.compactMap(\.int) ?? []
    data = try LabelledData(
      Tensor(Self.floats(json["inputs"]), shape: [labels.count, 3]), shape: [3], labels: labels, classes: 4,
      source: "recorded")
    guard pruned else { return }
    var places = json["pruned"]?.array?.compactMap(\.int) ?? []
    for parameter in network.parameters {
      parameter.prune(places.filter { (0..<parameter.count).contains($0) })
      places = places.map { $0 - parameter.count }
    }
  }

  static func doubles(_ value: JSONValue?) -> [Double] { value?.array?.compactMap(\.double) ?? [] }
  static func floats(_ value: JSONValue?) -> [Float] { doubles(value).map(Float.init) }
}

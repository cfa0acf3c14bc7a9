import ArgumentParser
import Runtime
import Tensors
import Training

/// `Bench train`: images a second of the training engine, for the networks that peers are timed with.
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Times training: whole epochs of the engine on random items.",
    discussion: """
      mlp is 784-512-256-10; resnet20 and resnet8 have norms behind the convolutions and shortcuts of one tap (resnet20 on
      3×32×32, resnet8 on 1×28×28); preact18 is the self-distillation paper's network on 3×32×32; signals is a 1-D PreAct
      ResNet-20 of width 16 on 40 numbers. SGD with momentum 0.9, one epoch a run, the first run is left out.

      Example: Bench train --networks mlp,resnet20 --json
      """)

  @Option(help: "Networks: mlp, resnet20, resnet8, preact18, signals.")
  var networks = "mlp,resnet20"

  @Option(help: "Items of a step.")
  var batch = 128

  @Option(help: "Steps of a run; standard 100 for mlp, 5 for the others.")
  var steps: Int?

  @OptionGroup var timing: TimingOptions

  func validate() throws {
    guard batch > 0, (steps ?? 1) > 0 else {
      throw ValidationError("--batch and --steps must be at least 1")
    }
  }

  func run() throws {
    var watch = timing.begin()
    for name in networks.split(separator: ",") {
      let (network, shape) = try Self.network(String(name))
      let items = batch * (steps ?? (name == "mlp" ? 100 : 5))
      let training = try Self.training(
        network, shape: shape, items: items, batch: batch, epochs: timing.runs + 1)
      _ = try training.runEpoch()
      _ = try watch.measure(
        "train", "\(name), \(network.parameterCount) parameters, batch \(batch)", amount: Double(items),
        unit: "images", runs: timing.runs
      ) { try training.runEpoch() }
    }
    try watch.finish()
  }

  /// A training on random items of ten classes, SGD with momentum 0.9, for at most `epochs` epochs.
  static func training(
    _ network: TrainableNetwork, shape: [Int], items: Int, batch: Int, epochs: Int
  ) throws -> Training {
    var random = CounterRandom(seed: 0, stream: "bench-train")
    let inputs = Tensor((0..<items * network.inputs).map { _ in Float(random.normal()) })
    let data = try LabelledData(
      inputs, shape: shape, labels: (0..<items).map { _ in random.below(10) }, classes: 10,
      source: "random items")
    var plan = TrainingPlan()
    (plan.epochs, plan.batchSize, plan.learningRate) = (epochs, batch, 0.01)
    plan.settings = ["nesterov": .flag(false)]
    return try Training(network, plan: plan, data: data)
  }

  private static func network(_ name: String) throws -> (TrainableNetwork, shape: [Int]) {
    let image = [name == "resnet8" ? 1 : 3, name == "resnet8" ? 28 : 32, name == "resnet8" ? 28 : 32]
    switch name {
    case "mlp": return (.mlp(widths: [784, 512, 256, 10], seed: 0), [784])
    case "resnet20", "resnet8":
      var plan = try ResidualNetwork.thin(
        item: image, classes: 10, depth: name == "resnet20" ? 20 : 8, width: 16)
      (plan.order, plan.normalisesStem, plan.normalisesEnd) = (.behind, true, false)
      return (try plan.network(seed: 0), image)
    case "preact18": return (try ResidualNetwork.preAct18(item: image, classes: 10).network(seed: 0), image)
    case "signals":
      return (try ResidualNetwork.thin(item: [40], classes: 10, depth: 20, width: 16).network(seed: 0), [40])
    default: throw ValidationError("no network \(name); mlp, resnet20, resnet8, preact18, signals")
    }
  }
}

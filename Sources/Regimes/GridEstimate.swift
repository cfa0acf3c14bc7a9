import JSON
import Runtime
import Synchronization
import Tensors
import Training

/// What a grid will train and roughly take on this machine: a few steps and passes are timed, all threads busy as they will be.
public struct GridEstimate: Sendable {
  /// Name of the grid.
  public let name: String
  /// Numbers that are trained in the network.
  public let parameters: Int
  /// Trainings: dense networks and siblings.
  public let dense, siblings: Int
  /// Epochs of all of them.
  public let epochs: Int
  /// Seconds of the dense trainings, of the retrainings and of the measurements, on all threads together.
  public let denseSeconds, siblingSeconds, measurementSeconds: Double

  /// Seconds in all.
  public var seconds: Double { denseSeconds + siblingSeconds + measurementSeconds }

  /// Times a grid.
  /// - Throws: what reading data and building networks throws.
  public init(_ plan: RegimePlan) throws {
    try plan.check()
    let data = try plan.dense.data.read().train
    _ = try GivenCheckpoint.all(of: plan)
    let network = try plan.dense.network.network(for: data, seed: 0)
    name = plan.name
    parameters = network.parameterCount
    let seeds = plan.dense.seeds.count
    let timed = try Self.denseTrainings(plan)
    let threads = Double(Parallel.threads)
    let own = try timed.map { try Self.secondsPerItem($0, plan, data) * Double(data.count * $0.epochs) }
    dense = plan.isGiven ? 0 : plan.temperatures.count * seeds
    // Trainings run beside one another; the longest one bounds them.
    denseSeconds = max(own.reduce(0, +) * Double(seeds) / threads, own.max() ?? 0)
    let cells = plan.temperatures.count * plan.densities.count * seeds
    siblings = cells * plan.siblings
    let item = try Self.secondsPerItem(plan.retraining, plan, data)
    let rounds = (Double(cells) / threads).rounded(.up)
    let n = Double(data.count)
    siblingSeconds = rounds * Double(plan.siblings * plan.retraining.epochs) * item * n
    let pairs = Double(plan.siblings * (plan.siblings - 1) / 2)
    let forward = try Self.secondsPerAnswer(plan, data)
    let passes = network.buffers.isEmpty ? 1.0 : 3.0
    var measuring = pairs * Double(plan.measurement.points) * passes * forward * n
    if let curve = plan.measurement.curve {
      measuring +=
        pairs * (Double(curve.epochs) * item * n + Double(plan.measurement.points) * 2 * forward * n)
    }
    if let hessian = plan.measurement.hessian {
      let products = Double(hessian.products + 1 + hessian.vectors)
      measuring += Double(plan.siblings) * 2 * products * item * Double(min(hessian.items, data.count))
    }
    measurementSeconds = rounds * measuring
    let denseEpochs = timed.reduce(0) { $0 + $1.epochs } * seeds
    epochs = denseEpochs + siblings * plan.retraining.epochs
  }

  /// The plans of a seed's dense trainings: none where the networks are given, the longest where others are its stops.
  private static func denseTrainings(_ plan: RegimePlan) throws -> [TrainingPlan] {
    guard !plan.isGiven else { return [] }
    let knob = try TemperatureKnob.named(plan.knob)
    let plans = plan.temperatures.map { knob.plan($0, plan.dense.training) }
    return knob.isOneTraining ? plans.filter { $0.epochs == plans.map(\.epochs).max() } : plans
  }

  /// Seconds of a training step, by item, in each of all threads.
  private static func secondsPerItem(
    _ training: TrainingPlan, _ plan: RegimePlan, _ data: LabelledData
  ) throws -> Double {
    try busy {
      let run = try Training(plan.dense.network.network(for: data, seed: 0), plan: training, data: data)
      return try run.timeSteps(within: 0.25) / Double(training.batchSize * training.accumulation)
    }
  }

  /// Seconds of an answer, in each of all threads.
  private static func secondsPerAnswer(_ plan: RegimePlan, _ data: LabelledData) throws -> Double {
    let part = data.items(0..<min(data.count, 512))
    return try busy {
      let network = try plan.dense.network.network(for: data, seed: 0)
      _ = Training.logits(network, part)
      let start = Machine.seconds
      var items = 0
      repeat {
        _ = Training.logits(network, part)
        items += part.count
      } while Machine.seconds - start < 0.1
      return (Machine.seconds - start) / Double(items)
    }
  }

  /// The mean over threads that all do the same.
  private static func busy(_ time: () throws -> Double) throws -> Double {
    let sum = Mutex(0.0)
    let threads = Parallel.threads
    try ParallelJobs.run(threads) { _ in
      let seconds = try time()
      sum.withLock { $0 += seconds }
    }
    return sum.withLock { $0 } / Double(threads)
  }

  /// For `--dry-run`.
  public var json: JSONValue {
    [
      "grid": .string(name), "parameters": .integer(parameters), "dense_trainings": .integer(dense),
      "sibling_trainings": .integer(siblings), "epochs": .integer(epochs),
      "dense_seconds": .number(denseSeconds), "sibling_seconds": .number(siblingSeconds),
      "measurement_seconds": .number(measurementSeconds), "seconds": .number(seconds),
    ]
  }
}

import JSON
import Recipes
import Runtime
import Synchronization
import Training

/// The work of one grid in its folder: dense networks, then cells. What is done is a file, so a run goes on where it was killed and ends in
/// the same bytes.
///
/// ```
/// dense/t0-s0.safetensors, .json     the dense network of temperature 0 and seed 0, and what was measured of it
/// cells/t0-d1-s0.json                its siblings at density 1
/// ```
final class GridRun {
  let plan: RegimePlan
  let data: DataSplit
  let test: LabelledData
  private let given: [GivenCheckpoint]
  private let progress: ProgressSink
  private let done = Mutex(0)
  private var folder = ""

  /// A grid whose data are read and whose settings fit; nothing is written yet.
  /// - Throws: ``RegimesError``, ``TrainingError``, ``ImportanceError``, ``FileError``.
  init(_ plan: RegimePlan, progress: @escaping ProgressSink = ignoreProgress) throws {
    try plan.check()
    self.plan = plan
    self.progress = progress
    data = try plan.dense.data.read()
    guard let test = data.test else {
      throw RegimesError.badSetting(name: "data.test_items", value: "0", expected: "items to test on")
    }
    guard !plan.questions.contains(.checkpoint) && !plan.questions.contains(.radius) || data.validation != nil
    else {
      throw RegimesError.badSetting(
        name: "data.validation_items", value: "0",
        expected: "items that choose, for the question which network to prune")
    }
    self.test = test
    given = try GivenCheckpoint.all(of: plan)
    // What cannot be pruned, built or trained is said before anything is trained.
    _ = try plan.pruning.matrices(of: network(seed: 0))
    for temperature in plan.temperatures where !plan.isGiven {
      _ = try Training(
        network(seed: 0), plan: plan.densePlan(temperature: temperature, seed: 0), data: data.train)
    }
    _ = try Training(network(seed: 0), plan: plan.siblingPlan(0), data: data.train)
  }

  private func network(seed: UInt64) throws -> TrainableNetwork {
    try plan.dense.network.network(for: data.train, seed: seed)
  }

  /// Epochs of training in all, dense and siblings.
  var epochs: Int {
    let dense = denseJobs.reduce(0) { $0 + ($1.stops.map(\.epochs).max() ?? 0) }
    return dense + cells.count * plan.siblings * plan.retraining.epochs
  }

  private func advance(_ epochs: Int) {
    let now = done.withLock { value -> Int in
      value += epochs
      return value
    }
    progress(ProgressEvent(stage: plan.name, completed: now, total: self.epochs, unit: "epochs"))
  }

  /// Runs what is not done yet, in a folder, which is made.
  /// - Returns: the measured grid, and how many cells were found done.
  /// - Throws: ``TrainingError``, ``RegimesError``, ``ImportanceError``, ``FileError``, ``Interrupted``.
  func run(in folder: String) throws -> (grid: Grid, resumed: Int) {
    self.folder = folder
    for part in ["dense", "cells"] { try Files.makeFolder(folder + "/" + part) }
    let dense = denseJobs
    try ParallelJobs.run(given.count) { try take(given[$0], as: $0) }
    try ParallelJobs.run(dense.count) { try train(dense[$0]) }
    let cells = cells
    let resumed = Mutex(0)
    try ParallelJobs.run(cells.count) { index in
      if Files.exists(file(cells[index])) {
        resumed.withLock { $0 += 1 }
        advance(plan.siblings * plan.retraining.epochs)
        return
      }
      let measured = try measure(cells[index])
      try Files.write(measured.json.text(.pretty) + "\n", to: file(cells[index]))
    }
    return (try read(), resumed.withLock { $0 })
  }

  /// - Throws: ``RegimesError/damaged(file:problem:)``, ``JSONError``, ``FileError``.
  private func read() throws -> Grid {
    let sets = try cells.map { try SiblingSet(json: JSONValue(file: file($0)), file: file($0)) }
    let dense = try plan.temperatures.indices.map { temperature in
      try plan.dense.seeds.indices.map { seed -> MeasuredNetwork in
        let path = denseFile(temperature, seed) + ".json"
        guard let network = MeasuredNetwork(json: try JSONValue(file: path)) else {
          throw RegimesError.damaged(file: path, problem: "no measurements of a network")
        }
        return network
      }
    }
    return Grid(plan: plan, dense: dense, sets: sets)
  }

  // MARK: Dense networks

  /// One dense training with the epochs at which it is kept.
  private struct DenseJob {
    var seed: Int
    var plan: TrainingPlan
    var stops: [(temperature: Int, epochs: Int)]
  }

  private var denseJobs: [DenseJob] {
    guard let knob = try? TemperatureKnob.named(plan.knob) else { return [] }
    return plan.dense.seeds.indices.flatMap { seed -> [DenseJob] in
      var base = plan.dense.training
      base.seed = plan.dense.seeds[seed]
      let plans = plan.temperatures.map { knob.plan($0, base) }
      guard knob.isOneTraining else {
        return plans.enumerated().map { DenseJob(seed: seed, plan: $1, stops: [($0, $1.epochs)]) }
      }
      let longest = plans.max { $0.epochs < $1.epochs } ?? base
      return [DenseJob(seed: seed, plan: longest, stops: plans.enumerated().map { ($0, $1.epochs) })]
    }
  }

  private func denseFile(_ temperature: Int, _ seed: Int) -> String {
    "\(folder)/dense/t\(temperature)-s\(seed)"
  }

  private func train(_ job: DenseJob) throws {
    let last = job.stops.map(\.epochs).max() ?? 0
    if job.stops.allSatisfy({ Files.exists(denseFile($0.temperature, job.seed) + ".json") }) {
      advance(last)
      return
    }
    let training = try Training(network(seed: job.plan.seed), plan: job.plan, data: data.train)
    while training.epochsDone < last {
      _ = try training.runEpoch()
      advance(1)
      for stop in job.stops where stop.epochs == training.epochsDone {
        try keep(
          training.network, seed: job.plan.seed, epochs: stop.epochs,
          as: denseFile(stop.temperature, job.seed))
      }
    }
  }

  private func take(_ checkpoint: GivenCheckpoint, as place: Int) throws {
    let path = denseFile(place, 0)
    if Files.exists(path + ".json") { return }
    try keep(checkpoint.network, seed: checkpoint.seed, epochs: nil, as: path)
  }

  private func keep(_ network: TrainableNetwork, seed: UInt64, epochs: Int?, as path: String) throws {
    try NetworkFile.write(
      network, plan.dense.network, shape: data.train.shape,
      provenance: ["seed": .integer(seed), "epochs": .optional(epochs)], to: path + ".safetensors")
    let measured = MeasuredNetwork(
      network, seed: seed, sha256: network.sha256, train: data.train, validation: data.validation, test: test,
      curvature: nil)
    // The measurements come last: with them the network is done.
    try Files.write(measured.json.text(.pretty) + "\n", to: path + ".json")
  }

  // MARK: Cells

  /// A cell for one dense network.
  struct Place: Sendable, Equatable {
    var temperature: Int
    var density: Int
    var dense: Int
  }

  private var cells: [Place] {
    plan.temperatures.indices.flatMap { temperature in
      plan.densities.indices.flatMap { density in
        plan.dense.seeds.indices.map { Place(temperature: temperature, density: density, dense: $0) }
      }
    }
  }

  private func file(_ place: Place) -> String {
    "\(folder)/cells/t\(place.temperature)-d\(place.density)-s\(place.dense).json"
  }

  private func measure(_ place: Place) throws -> SiblingSet {
    var networks: [TrainableNetwork] = []
    var outcome: NetworkPruning.Outcome?
    for index in 0..<plan.siblings {
      let network = try network(seed: plan.siblingSeed(index))
      let dense = denseFile(place.temperature, place.dense) + ".safetensors"
      do {
        try NetworkFile.read(dense, into: network)
      } catch let error as TrainingError {
        throw RegimesError.damaged(file: dense, problem: error.found)
      }
      outcome = try plan.pruning.prune(network, density: plan.densities[place.density])
      let training = try Training(network, plan: plan.siblingPlan(index), data: data.train)
      while !training.isDone {
        _ = try training.runEpoch()
        advance(1)
      }
      networks.append(network)
    }
    guard let outcome, let first = networks.first else {
      preconditionFailure("a plan has two siblings or more")
    }
    let measured = try networks.enumerated().map { index, network in
      MeasuredNetwork(
        network, seed: plan.siblingSeed(index), sha256: network.sha256, train: data.train,
        validation: data.validation, test: test,
        curvature: try plan.measurement.hessian.map {
          try MeasuredNetwork.Curvature(network, data: data.train, plan: $0, seed: plan.siblingSeed(index))
        })
    }
    let mask = first.maskSHA256
    let compare = SiblingComparison(plan.measurement, train: data.train)
    var pairs: [SiblingPair] = []
    for a in networks.indices {
      for b in networks.indices where b > a { pairs.append(try compare.measure(a, b, of: networks)) }
    }
    return SiblingSet(
      temperature: place.temperature, density: place.density, dense: place.dense, outcome: outcome,
      maskSHA256: mask, siblings: measured, pairs: pairs)
  }
}

import Architectures
import Checkpoints
import JSON
import OrderedCollections
import Probing
import Runtime
import Surgery
import Tensors
import Training
import Transformers

/// Measures the points of growth curves.
struct GrowthMeasures {
  /// The checkpoints of random weights.
  let models: RandomModels
  /// Where edited copies go for a while.
  let scratch: String
  /// Fewer and smaller points, for a few minutes.
  let quick: Bool
  /// Whether costs are seconds of all processors, whoever else is at work, instead of seconds on the wall.
  var processorTime = false
  /// Told what runs now.
  let say: (String) -> Void

  /// Sizes of the curves over size.
  var shapes: [String] { quick ? ["organism", "15m", "110m"] : ["15m", "110m", "1.1b"] }

  /// The names of all curves, in order.
  static let names = [
    "batch", "length", "threads", "memory", "locate", "apply", "probe-rows", "probe-width", "training",
  ]

  /// Measures one curve.
  func curve(_ name: String) throws -> [GrowthCurve] {
    switch name {
    case "batch": try batch()
    case "length": try length()
    case "threads": try threads()
    case "memory": try memory()
    case "locate": try locate()
    case "apply": try apply()
    case "probe-rows": try probeRows()
    case "probe-width": try probeWidth()
    default: try training()
    }
  }

  /// Runs something until it has run for 0.4 s, twice at least and nine times at most.
  private func measured(
    _ name: String, amount: Double, unit: String, _ body: () throws -> Void
  ) throws -> Measurement {
    say(name)
    try body()
    let start = Machine.seconds
    try body()
    let once = Machine.seconds - start
    var watch = Stopwatch(json: false)
    try watch.measure(
      name, "", amount: amount, unit: unit, runs: min(9, max(2, Int((0.4 / once).rounded(.up)))), body)
    return watch.list[0]
  }

  private func point(
    _ measurement: Measurement, at: Double, label: String = "", work: Double
  ) -> GrowthCurve.Point {
    let cost = processorTime ? measurement.processorSeconds.min() ?? .nan : measurement.best
    return GrowthCurve.Point(
      at: at, label: label, work: work, cost: cost, rate: measurement.amount / cost, load: measurement.load)
  }

  /// One pass over texts, measured; the work counts attention too.
  private func pass(_ model: Model, _ name: String, texts count: Int, length: Int, at: Int) throws
    -> GrowthCurve.Point
  {
    let texts = RandomTexts(model, count: count, length: length)
    var work = WorkEstimate()
    work.addPass(
      of: model.network, texts: Double(count), length: Double(length),
      weightBytes: model.checkpoint.weightBytes)
    let measurement = try measured(
      name, amount: Double(texts.tokens), unit: "tokens", texts.hiddenStates)
    return point(measurement, at: Double(at), work: work.operations)
  }

  private var middle: String { quick ? "15m" : "110m" }

  private func batch() throws -> [GrowthCurve] {
    let model = try Model(folder: models.make(middle))
    var curve = GrowthCurve(
      name: "batch", title: "Forward pass of \(middle), texts of 64 tokens", of: "texts side by side",
      workUnit: "operations", rateUnit: "tokens/s")
    for count in [1, 2, 4, 8, 16, 32, 64] {
      curve.points.append(try pass(model, "batch \(count)", texts: count, length: 64, at: count))
    }
    return [curve]
  }

  private func length() throws -> [GrowthCurve] {
    let model = try Model(folder: models.make("15m", context: 4096))
    var curve = GrowthCurve(
      name: "length", title: "Forward pass of 15m, one text", of: "tokens of the text",
      workUnit: "operations",
      rateUnit: "tokens/s",
      // Attention, whose scores and values outgrow the caches, is the larger part from 4,096 tokens on.
      isJudged: false)
    for length in [32, 64, 128, 256, 512, 1024, 2048, 4096] {
      curve.points.append(try pass(model, "length \(length)", texts: 1, length: length, at: length))
    }
    return [curve]
  }

  private func threads() throws -> [GrowthCurve] {
    let model = try Model(folder: models.make(middle))
    let all = Parallel.threads
    defer { Parallel.setThreads(all) }
    var curve = GrowthCurve(
      name: "threads", title: "Forward pass of \(middle), 32 texts of 64 tokens", of: "threads",
      workUnit: "operations", rateUnit: "tokens/s", isJudged: false)
    for threads in Set([1, all]).sorted() {
      Parallel.setThreads(threads)
      var point = try pass(model, "threads \(threads)", texts: 32, length: 64, at: threads)
      // Each thread's share of the work: cost in proportion to it would be perfect sharing.
      point.work /= Double(threads)
      curve.points.append(point)
    }
    curve.points.sort { $0.work < $1.work }
    return [curve]
  }

  private func memory() throws -> [GrowthCurve] {
    let model = try Model(folder: models.make("15m", context: 4096))
    var curve = GrowthCurve(
      name: "memory", title: "Anonymous memory of a forward pass of 15m, one text", of: "tokens of the text",
      workUnit: "tokens", cost: "bytes", rateUnit: "bytes/token")
    let lengths = [512, 1024, 2048, 4096]
    for length in lengths {
      let texts = RandomTexts(model, count: 1, length: length)
      say("memory \(length)")
      var watch = Stopwatch(json: false)
      // Before the first pass: what the process holds anyway.
      try watch.measure("rest", "", amount: 1, unit: "tokens", runs: 1) {}
      // Memory is looked at every 20 ms: several passes, so that one look falls into the widest moment.
      try watch.measure(
        "forward", "", amount: Double(length), unit: "tokens", runs: max(2, 8192 / length), texts.hiddenStates
      )
      let held = Double(watch.list[1].anonymousBytes) - Double(watch.list[0].anonymousBytes)
      curve.points.append(
        GrowthCurve.Point(
          at: Double(length), work: Double(length), cost: max(held, 1), rate: max(held, 1) / Double(length),
          load: MachineFacts.load))
    }
    return [curve]
  }

  private func open(_ folder: String) throws -> Checkpoint { try Checkpoint(folder: folder, cache: .none) }

  /// Stages of editing on checkpoints of several sizes, with everything in memory.
  private func edit(
    _ stage: String, _ body: (EditStages, inout Stopwatch) throws -> Void
  ) throws -> [GrowthCurve.Point] {
    try shapes.map { shape in
      let folder = try models.make(shape)
      say("\(stage) \(shape)")
      var watch = Stopwatch(json: false)
      try body(EditStages(folder: folder, scratch: scratch, runs: 3, cold: false), &watch)
      guard let found = watch.list.first(where: { $0.stage == stage }) else {
        throw FileError.missing(path: folder)
      }
      let parameters = CheckpointShape.named.first { $0.name == shape }?.shape.parameterCount ?? 0
      return point(found, at: Double(parameters), label: shape, work: found.amount)
    }
  }

  private func locate() throws -> [GrowthCurve] {
    [
      GrowthCurve(
        name: "locate", title: "Ranking the rows of all gates", of: "parameters", workUnit: "bytes",
        rateUnit: "bytes/s", points: try edit("locate") { try $0.locate(&$1) })
    ]
  }

  private func apply() throws -> [GrowthCurve] {
    [
      GrowthCurve(
        name: "apply", title: "Applying a patch, with full verification", of: "parameters", workUnit: "bytes",
        rateUnit: "bytes/s", points: try edit("apply") { try $0.edit(&$1) })
    ]
  }

  private func probeRows() throws -> [GrowthCurve] {
    var curve = GrowthCurve(
      name: "probe-rows", title: "Logistic probe of width 768, correlated features", of: "texts",
      workUnit: "operations", rateUnit: "texts/s")
    for rows in quick ? [1000, 2000, 4000, 8000] : [1000, 2000, 4000, 8000, 16_000, 32_000] {
      curve.points.append(try probe(rows: rows, width: 768, at: rows))
    }
    return [curve]
  }

  private func probeWidth() throws -> [GrowthCurve] {
    var curve = GrowthCurve(
      name: "probe-width", title: "Logistic probe on 8,000 texts, correlated features", of: "width",
      workUnit: "operations", rateUnit: "texts/s")
    for width in quick ? [128, 256, 512, 1024] : [128, 256, 512, 1024, 2048, 4096] {
      curve.points.append(try probe(rows: 8000, width: width, at: width))
    }
    return [curve]
  }

  private func probe(rows: Int, width: Int, at: Int) throws -> GrowthCurve.Point {
    say("probe \(rows)×\(width)")
    let data = try ProbeData(.rotated, rows: rows, width: width)
    var watch = Stopwatch(json: false)
    let fit = try ProbeCommand.measure(data, &watch, runs: 3)
    let n = Double(data.split.train.count), d = Double(width), small = min(n, d)
    // Gram or kernel matrix, its factor, and two passes over the rows each step.
    let steps = Double(fit.details["iterations"]?.int ?? 0) + 2
    return point(
      watch.list[0], at: Double(at), work: n * d * small + small * small * small / 3 + 4 * steps * n * d)
  }

  private func training() throws -> [GrowthCurve] {
    var curve = GrowthCurve(
      name: "training", title: "Training an MLP 784-W-W-10, batch 128", of: "width W", workUnit: "operations",
      rateUnit: "images/s")
    for width in quick ? [64, 128, 256, 512] : [64, 128, 256, 512, 1024, 2048] {
      let items = 128 * 20
      let training = try TrainCommand.training(
        .mlp(widths: [784, width, width, 10], seed: 0), shape: [784], items: items, batch: 128, epochs: 12)
      let measurement = try measured("training \(width)", amount: Double(items), unit: "images") {
        _ = try training.runEpoch()
      }
      let weights = Double(784 * width + width * width + width * 10)
      curve.points.append(point(measurement, at: Double(width), work: 6 * weights * Double(items)))
    }
    return [curve]
  }
}

import JSON
import OrderedCollections
import Recipes
import Runtime
import Tokenizers

/// `surgeon train` for a decoder: one language model trained from a recipe, in one run folder.
///
/// The folder holds `state.safetensors` (to go on from) and, when all is done, `model/`, an ordinary checkpoint folder, and
/// `history.json`. While a new model is trained its first weights stand in `first/`.
public struct LanguageOperation {
  /// The recipe.
  public let recipe: LanguageRecipe
  /// The folder.
  public let folder: RunFolder
  private let data: LanguageData
  private let heldOut: [LanguageData]

  /// Reads the texts and opens the folder.
  /// - Throws: ``RecipeError``, ``TrainingError``, ``TokenizerError``, ``FileError``, ``CheckpointError``, ``ArchitectureError``.
  public init(_ recipe: LanguageRecipe, folder path: String) throws {
    self.recipe = recipe
    // What can be wrong is found before the folder is made.
    let tokenizer = try recipe.tokenizer()
    data = try recipe.data(recipe.files, tokenizer)
    heldOut = try recipe.validation.map { try recipe.data([$0], tokenizer) }
    try recipe.check(sequences: data.count)
    folder = try RunFolder(path, key: ["recipe": recipe.json(), "inputs": recipe.hashes()])
    try Files.write(recipe.json().text(.pretty) + "\n", to: folder.file("recipe.json"))
  }

  /// Some steps together, and how the model stood after them.
  public struct Stretch: Sendable, Equatable {
    /// Steps done.
    public let steps: Int
    /// Mean loss of the stretch's steps, nats a token.
    public let loss: Double
    /// The last learning rate.
    public let rate: Double
    /// Mean loss of each held-out file, nats a token; of the averaged weights where the recipe averages.
    public let validation: [Double]

    /// As the history has it.
    public var json: JSONValue {
      [
        "steps": .integer(steps), "loss": .number(loss), "learning_rate": .number(rate),
        "validation": .numbers(validation),
      ]
    }

    init?(_ json: JSONValue) {
      guard let steps = json["steps"]?.int, let loss = json["loss"]?.double,
        let rate = json["learning_rate"]?.double, let validation = json["validation"]?.array
      else { return nil }
      (self.steps, self.loss, self.rate) = (steps, loss, rate)
      self.validation = validation.compactMap(\.double)
    }

    init(steps: Int, loss: Double, rate: Double, validation: [Double]) {
      (self.steps, self.loss, self.rate, self.validation) = (steps, loss, rate, validation)
    }
  }

  /// What came out.
  public struct Outcome: Sendable {
    /// Every stretch.
    public let history: [Stretch]
    /// Steps that an interrupted run had done before.
    public let resumedSteps: Int
    /// Numbers that are trained.
    public let parameters: Int
    /// Tokens that count in the files to learn from, and sequences.
    public let tokens, sequences: Int
    /// Mean loss of each held-out file, nats a token, of the model as it is stored.
    public let stored: [Double]
    /// Files that were checked against their sums, where the run was finished before.
    public let verifiedFiles: Int?
  }

  /// Trains, or goes on, or checks a finished run's files. `stop` ends after so many steps, as an interruption would.
  /// - Throws: ``TrainingError``, ``Interrupted``, ``RecipeError/changed(file:)``, ``CheckpointError``, ``FileError``.
  public func run(progress: @escaping ProgressSink = ignoreProgress, stop: Int? = nil) throws -> Outcome {
    let (state, text) = (folder.file("state.safetensors"), try recipe.json())
    let verified = folder.isFinished ? try folder.verifySums() : nil
    let first = verified == nil ? try recipe.begin(in: folder.file("first")) : folder.file("model")
    let decoder = try Decoder(folder: first)
    let training = try DecoderTraining(decoder, plan: recipe.training, data: data, steps: recipe.steps)
    var history: [Stretch] = []
    if Files.exists(state) {
      let notes = try training.read(state: state, recipe: text)
      history = (notes["history"]?.array ?? []).compactMap(Stretch.init)
    }
    let before = training.stepsDone
    var (sum, tokens, since) = (0.0, 0, before)
    func keep(_ rate: Double) throws {
      let losses = try training.withFinalWeights { try heldOut.map { try decoder.loss($0) } }
      history.append(
        Stretch(
          steps: training.stepsDone, loss: sum / Double(max(1, tokens)), rate: rate, validation: losses))
      try training.write(
        state: state, recipe: text, notes: ["history": .array(history.map(\.json))])
      (sum, tokens, since) = (0, 0, training.stepsDone)
    }
    while !training.isDone {
      // A stretch that was begun is repeated by the next run, so that both end in the same history.
      if Cancellation.isRequested || training.stepsDone == stop { throw Interrupted() }
      let step: DecoderTraining.Step
      do {
        step = try training.step()
      } catch TrainingError.lossNotFinite(let step, let epoch, _) {
        let good = since > 0 ? "\(state) holds the state after \(since) steps" : "no state was kept before"
        throw TrainingError.lossNotFinite(step: step, epoch: epoch, kept: good)
      }
      sum += step.loss * Double(step.tokens)
      tokens += step.tokens
      progress(
        .init(
          stage: "training", completed: training.stepsDone, total: training.steps, unit: "steps"))
      if training.stepsDone % recipe.keepEvery == 0 || training.isDone { try keep(step.rate) }
    }
    if verified == nil {
      let model = folder.file("model")
      if Files.exists(model) { try Files.remove(model) }
      try training.withFinalWeights { try decoder.write(to: model, dtype: recipe.dtype) }
      try Files.write(
        JSONValue.array(history.map(\.json)).text(.pretty) + "\n", to: folder.file("history.json"))
      if folder.has("first") { try Files.remove(folder.file("first")) }
      try folder.writeSums()
    }
    let stored = try Decoder(folder: folder.file("model"))
    return Outcome(
      history: history, resumedSteps: before, parameters: decoder.parameterCount, tokens: data.counted,
      sequences: data.count, stored: try heldOut.map { try stored.loss($0) }, verifiedFiles: verified)
  }

  /// What a recipe would take.
  public struct Estimate: Sendable {
    /// Seconds of one step here and now.
    public let secondsPerStep: Double
    /// Steps.
    public let steps: Int
    /// Numbers that are trained.
    public let parameters: Int
    /// Sequences, and tokens that count.
    public let sequences, tokens: Int
    /// Bytes of a state.
    public let stateBytes: Int
  }

  /// Times a few steps; a new model's first weights are written beside `scratch` and removed.
  /// - Throws: ``TrainingError``, ``CheckpointError``, ``FileError``.
  public static func estimate(
    _ recipe: LanguageRecipe, scratch: String, within seconds: Double = 2
  ) throws -> Estimate {
    let own = scratch + ".first"
    defer { if case .new = recipe.start { try? Files.remove(own) } }
    let first = try recipe.begin(in: own)
    let decoder = try Decoder(folder: first)
    let data = try recipe.data(recipe.files, Tokenizer(folder: first))
    let training = try DecoderTraining(decoder, plan: recipe.training, data: data, steps: recipe.steps)
    _ = try training.step()
    let start = Machine.seconds
    var done = 0
    while !training.isDone, done < 2 || Machine.seconds - start < seconds {
      _ = try training.step()
      done += 1
    }
    return Estimate(
      secondsPerStep: (Machine.seconds - start) / Double(max(1, done)), steps: training.steps,
      parameters: decoder.parameterCount, sequences: data.count, tokens: data.counted,
      stateBytes: training.stateBytes)
  }
}

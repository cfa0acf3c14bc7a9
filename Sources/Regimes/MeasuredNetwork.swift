import JSON
import Statistics
import Training

/// What was measured of one network, dense or retrained.
public struct MeasuredNetwork: Sendable, Equatable {
  /// Seed of its training.
  public let seed: UInt64
  /// SHA-256 of its trained numbers, f32 in order, and of what batch norm remembers.
  public let sha256: String
  /// Share of wrong training answers, a fraction.
  public let trainError: Double
  /// Mean cross-entropy on the training items, nats.
  public let trainLoss: Double
  /// Share of wrong validation answers; nil without validation items.
  public let validationError: Double?
  /// Mean cross-entropy on the test items, nats.
  public let testLoss: Double
  /// Top eigenvalue and trace of the Hessian over the numbers that are kept, where they were asked for.
  public let curvature: Curvature?
  let wrongTest: ItemFlags

  /// Whether each test answer is wrong.
  public var isWrongTest: [Bool] { wrongTest.flags }
  /// Share of wrong test answers, a fraction.
  public var testError: Double { wrongTest.share }

  /// The Hessian of the mean training loss, nats over squared units of weight.
  public struct Curvature: Sendable, Equatable {
    /// The largest eigenvalue.
    public let top: Double
    /// Its numerical residual ‖H v − λ v‖.
    public let residual: Double
    /// Its standard error over groups of items.
    public let topError: Double?
    /// Hutchinson's estimate of the trace.
    public let trace: Double
    /// Its standard error over vectors.
    public let traceError: Double?
    /// Training items of the Hessian.
    public let items: Int
    /// Vectors of the trace.
    public let vectors: Int
  }

  init(
    _ network: TrainableNetwork, seed: UInt64, sha256: String, train: LabelledData, validation: LabelledData?,
    test: LabelledData, curvature: Curvature?
  ) {
    self.seed = seed
    self.sha256 = sha256
    let learnt = NetworkAnswers(network, train)
    (trainError, trainLoss) = (learnt.error, learnt.loss)
    validationError = validation.map { NetworkAnswers(network, $0).error }
    let answers = NetworkAnswers(network, test)
    testLoss = answers.loss
    wrongTest = ItemFlags(answers.isWrong)
    self.curvature = curvature
  }

  /// As files and reports hold it.
  var json: JSONValue {
    [
      "seed": .integer(seed), "weights_sha256": .string(sha256), "train_error": .number(trainError),
      "train_loss": .number(trainLoss), "validation_error": .optional(validationError),
      "test_error": .number(testError), "test_loss": .number(testLoss), "test_answers": wrongTest.json,
      "hessian": curvature?.json ?? .null,
    ]
  }

  init?(json: JSONValue?) {
    guard let json, let seed = json["seed"]?.int, let hash = json["weights_sha256"]?.string,
      let trainError = json["train_error"]?.double, let trainLoss = json["train_loss"]?.double,
      let testLoss = json["test_loss"]?.double, let wrong = ItemFlags(json: json["test_answers"])
    else { return nil }
    (self.seed, sha256, self.trainError, self.trainLoss) = (UInt64(seed), hash, trainError, trainLoss)
    validationError = json["validation_error"]?.double
    (self.testLoss, wrongTest) = (testLoss, wrong)
    curvature = Curvature(json: json["hessian"])
  }
}

extension MeasuredNetwork.Curvature {
  init(_ network: TrainableNetwork, data: LabelledData, plan: MeasurementPlan.Hessian, seed: UInt64) throws {
    let hessian = try HessianProduct(network, data: data, items: plan.items)
    let eigen = try TopEigenvalue(hessian, limit: plan.products, seed: seed)
    let sum = try HessianTrace(hessian, limit: plan.vectors, seed: seed).estimate
    (top, residual, topError) = (eigen.value, eigen.residual, eigen.standardError)
    (trace, traceError, vectors) = (sum.mean, sum.standardError, sum.n)
    items = hessian.items
  }

  var json: JSONValue {
    [
      "top_eigenvalue": .number(top), "residual": .number(residual),
      "top_eigenvalue_standard_error": .optional(topError), "trace": .number(trace),
      "trace_standard_error": .optional(traceError), "items": .integer(items), "vectors": .integer(vectors),
    ]
  }

  init?(json: JSONValue?) {
    guard let json, let top = json["top_eigenvalue"]?.double, let residual = json["residual"]?.double,
      let trace = json["trace"]?.double, let items = json["items"]?.int, let vectors = json["vectors"]?.int
    else { return nil }
    (self.top, self.residual, self.trace, self.items, self.vectors) = (top, residual, trace, items, vectors)
    topError = json["top_eigenvalue_standard_error"]?.double
    traceError = json["trace_standard_error"]?.double
  }
}

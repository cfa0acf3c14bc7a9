import JSON
import OrderedCollections
import Runtime
import Statistics

/// Logistic regression with an L2 penalty on standardised features, from zero, to the optimum.
///
/// C follows scikit-learn: the objective is C·Σ loss + ‖w‖²/2 over standardised weights, the bias unpenalised.
enum LogisticProbe {
  static let kind = ProbeKind(
    name: "logistic",
    summary: "L2 logistic regression on standardised features, fitted to the optimum",
    reference: "Cox 1958; preconditioned L-BFGS, or Newton",
    parameters: [
      MethodParameter(
        "c", "inverse regularisation as in scikit-learn; left out: chosen by validation log-loss",
        .number(1e-8...1e8, standard: nil)),
      MethodParameter(
        "tolerance", "largest component of the gradient of the mean loss at the end, nats",
        .number(1e-8...1e-2, standard: 1e-6)),
      MethodParameter("max_iterations", "steps at most for each C", .integer(1...100_000, standard: 200)),
      MethodParameter(
        "solver",
        "lbfgs with the Gram matrix factored; auto also renews the Hessian every 15 steps and first tries without the matrix where that is cheaper; newton each step",
        .choice(["auto", "newton", "lbfgs"], standard: "auto")),
      MethodParameter("balanced", "weigh both classes equally", .flag(standard: false)),
    ],
    fit: fit)

  /// The values of C that are tried, from strong to weak regularisation.
  static let grid: [Double] = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10]

  /// One fitted C.
  struct Candidate {
    var c: Double
    var outcome: LogisticSolver.Outcome
    var fit: LinearFit
    var validationLoss: Double?
  }

  private static func fit(_ problem: SiteProblem, _ settings: MethodSettings) throws -> LinearFit {
    let given = settings.number("c")
    var best: Candidate?
    var tried: [JSONValue] = []
    var start: (weights: [Double], bias: Double)?
    var worse = 0
    for c in given.map({ [$0] }) ?? grid {
      let candidate = try self.candidate(problem, c: c, settings, from: start, choosing: given == nil)
      start = (candidate.outcome.point.weights, candidate.outcome.point.bias)
      tried.append(
        [
          "c": .number(c), "validation_log_loss": candidate.validationLoss.map(JSONValue.number) ?? nil,
          "iterations": .integer(candidate.outcome.iterations),
          "converged": .bool(candidate.outcome.hasConverged),
        ])
      // Equal losses keep the stronger regularisation.
      if let loss = candidate.validationLoss, let lowest = best?.validationLoss, loss >= lowest {
        worse += 1
        // Two in a row: weaker regularisation only fits more noise from here.
        if worse == 2 { break }
      } else {
        best = candidate
        worse = 0
      }
    }
    guard let best else {
      throw ProbingError.degenerate(kind: "logistic", site: problem.features.site, problem: "no C")
    }
    var fit = best.fit
    fit.details = [
      "c": .number(best.c), "penalty": .number(1 / (best.c * Double(problem.split.train.count))),
      "objective": .number(best.outcome.point.value), "gradient": .number(best.outcome.point.slope),
      "iterations": .integer(best.outcome.iterations), "converged": .bool(best.outcome.hasConverged),
    ]
    if given == nil { fit.details["tried"] = .array(tried) }
    return fit
  }

  /// Fits one C.
  static func candidate(
    _ problem: SiteProblem, c: Double, _ settings: MethodSettings,
    from start: (weights: [Double], bias: Double)?,
    choosing: Bool
  ) throws -> Candidate {
    let rows = problem.rows
    let labels = problem.trainLabels
    let logistic = LogisticProblem(
      rows: rows, labels: labels, textWeights: settings.flag("balanced") == true ? balance(labels) : nil,
      penalty: 1 / (c * Double(rows.count)))
    var solver = LogisticSolver()
    solver.tolerance = settings.number("tolerance") ?? solver.tolerance
    solver.maxIterations = settings.integer("max_iterations") ?? solver.maxIterations
    let method = settings.choice("solver") ?? "auto"
    var first = start ?? (Array(repeating: 0, count: rows.width), logistic.priorLogit)
    var before = 0
    if start == nil, method == "auto", let easy = try easy(solver, logistic, from: first) {
      if easy.hasConverged { return try ended(problem, c: c, easy, choosing: choosing) }
      first = (easy.point.weights, easy.point.bias)
      before = easy.iterations
    }
    let renewed: (LogisticPoint) throws -> Preconditioner = { try rows.newton($0, penalty: logistic.penalty) }
    var preconditioner: Preconditioner?
    if method == "newton" {
      solver.memory = 0
      solver.refresh = 1
    } else {
      let share = ProperScores.sigmoid(logistic.priorLogit)
      preconditioner = try rows.constant(
        problem.solver(), curvature: share * (1 - share), penalty: logistic.penalty)
      solver.refresh = method == "auto" ? 15 : nil
    }
    solver.maxIterations = max(0, solver.maxIterations - before)
    var outcome = try solver.minimise(logistic, from: first, preconditioner: preconditioner, renewed: renewed)
    outcome.iterations += before
    return try ended(problem, c: c, outcome, choosing: choosing)
  }

  /// L-BFGS without a preconditioner, where the Gram matrix costs many passes over the rows: features that hardly
  /// correlate need no more. nil where the matrix is cheap.
  ///
  /// The matrix takes n·D·min(n, D) multiply-adds at the processor's rate, a pass 2·n·D at the memory's, some twenty
  /// times lower. A fit whose gradient has not fallen to a tenth after six steps is left to the matrix.
  private static func easy(
    _ solver: LogisticSolver, _ problem: LogisticProblem<DenseRows>,
    from start: (weights: [Double], bias: Double)
  ) throws -> LogisticSolver.Outcome? {
    let side = min(problem.rows.count, problem.rows.width)
    guard side >= 512 else { return nil }
    var plain = solver
    plain.maxIterations = min(side / 32, solver.maxIterations)
    plain.trial = (steps: 6, share: 0.1)
    return try plain.minimise(problem, from: start, preconditioner: nil)
  }

  private static func ended(
    _ problem: SiteProblem, c: Double, _ outcome: LogisticSolver.Outcome, choosing: Bool
  ) throws -> Candidate {
    let fit = LinearFit(standardised: outcome.point.weights, bias: outcome.point.bias, problem.standardised)
    let loss =
      choosing
      ? ProperScores.logLoss(
        logits: fit.logits(problem.features, rows: problem.split.validation), labels: problem.validationLabels
      )
      : nil
    return Candidate(c: c, outcome: outcome, fit: fit, validationLoss: loss)
  }

  /// Weights of mean 1 under which both classes count alike.
  static func balance(_ labels: [Bool]) -> [Double] {
    let up = Double(labels.count { $0 }), n = Double(labels.count)
    return labels.map { $0 ? n / (2 * up) : n / (2 * (n - up)) }
  }
}

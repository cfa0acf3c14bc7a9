import Runtime

/// A way to train a probe, as a value: help, recipes and listings derive from it.
public struct ProbeKind: Sendable {
  /// The name, such as `logistic`.
  public let name: String
  /// One line.
  public let summary: String
  /// Where it comes from.
  public let reference: String
  /// Its settings.
  public let parameters: [MethodParameter]
  private let fitter: @Sendable (SiteProblem, MethodSettings) throws -> LinearFit

  init(
    name: String, summary: String, reference: String, parameters: [MethodParameter],
    fit: @escaping @Sendable (SiteProblem, MethodSettings) throws -> LinearFit
  ) {
    self.name = name
    self.summary = summary
    self.reference = reference
    self.parameters = parameters
    self.fitter = fit
  }

  /// Checks settings and fills in the standard ones.
  /// - Throws: ``MethodError``.
  public func settings(_ given: [String: MethodValue] = [:]) throws(MethodError) -> MethodSettings {
    try MethodSettings(given, for: name, parameters)
  }

  /// Trains on the training texts, choosing on the validation texts what is left open.
  /// - Throws: ``ProbingError``, ``LinearAlgebraError``, ``MethodError``, ``Interrupted``.
  public func fit(_ problem: SiteProblem, _ given: [String: MethodValue] = [:]) throws -> LinearFit {
    let fit = try fitter(problem, settings(given))
    guard fit.norm > 0, fit.norm.isFinite, fit.bias.isFinite, fit.scale.isFinite else {
      throw ProbingError.degenerate(
        kind: name, site: problem.features.site, problem: "a direction of length \(fit.norm)")
    }
    return fit
  }

  /// All kinds, in the order of listings.
  public static let all: [ProbeKind] = [
    LogisticProbe.kind, MeansProbe.kind, LDAProbe.kind, SoftmaxProbe.kind,
  ]

  /// The kind of a name.
  /// - Throws: ``ProbingError/unknownKind(name:known:)``.
  public static func named(_ name: String) throws(ProbingError) -> ProbeKind {
    if let kind = all.first(where: { $0.name == name }) { return kind }
    throw .unknownKind(name: name, known: all.map(\.name))
  }
}

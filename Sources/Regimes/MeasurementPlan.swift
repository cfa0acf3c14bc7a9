/// What is measured of siblings, and on how much.
public struct MeasurementPlan: Sendable, Equatable {
  /// The Hessian of retrained networks.
  public struct Hessian: Sendable, Equatable {
    /// Training items of the loss, the first ones.
    public var items = 500
    /// Most products for the top eigenvalue.
    public var products = 20
    /// Most vectors for the trace.
    public var vectors = 30
  }

  /// Equally spaced places of a path, the ends included.
  public var points = 11
  /// Training items of the similarity, the first ones; 6,464 as published, or all there are.
  public var similarityItems = 6464
  /// Places of the trained curve and how it is trained; nil measures the line alone.
  public var curve: BezierPath.Plan?
  /// Nil leaves the Hessian out.
  public var hessian: Hessian?

  /// The line and the similarity, as published.
  public init() {}
}

/// The things that a score can be of, from fine to coarse.
public enum Grain: String, Sendable, CaseIterable {
  /// One weight.
  case weight
  /// M neighbouring weights of a row, of which keep-N-of-M keeps N.
  case pattern
  /// A row: the weights of one output.
  case row
  /// A column: the weights of one input.
  case column
  /// A matrix: one product.
  case matrix
  /// A neuron of an MLP: its gate and up rows with its down column.
  case neuron
  /// A key-value group of attention: its key and value rows, its query heads' rows and their output columns.
  case head
  /// An expert: all its products.
  case expert
  /// A block: all its products.
  case block

  /// One line for listings.
  public var summary: String {
    switch self {
    case .weight: "one weight"
    case .pattern: "M neighbouring weights of a row"
    case .row: "the weights of one output"
    case .column: "the weights of one input"
    case .matrix: "one product of a block"
    case .neuron: "an MLP neuron: gate and up row with the down column"
    case .head:
      "a key-value group of attention: key and value rows, its query heads' rows, their output columns"
    case .expert: "an expert: its gate, up and down products"
    case .block: "a block: all its products"
    }
  }
}

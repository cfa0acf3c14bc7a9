import Runtime

/// What can go wrong between a direction and an edit.
public enum SurgeryError: SurgeonError {
  /// A direction of another width than the model.
  case width(found: Int, expected: Int)
  /// A space that does not fit the probe's site.
  case spaceMismatch(space: EditSpace, site: String)
  /// No direction for a block.
  case noDirection(block: Int)
  /// A budget that cannot be met.
  case budget(text: String, reason: String)
  /// A direction of length zero, or with NaN.
  case degenerate
  /// A gate that cannot be read.
  case gate(text: String)
  /// A gate on a number that is not measured.
  case gateNotMeasured(Gates.Quantity)
  /// A plan file that is none.
  case plan(path: String, reason: String)
  /// A patch of a tensor that cannot be changed at run time.
  case patchRole(tensor: String)
  /// Factors of blocks that cannot be read or do not fit.
  case blockStrengths(text: String, reason: String)
  /// A model whose residual stream no change of its writers keeps free of a direction, or nothing to take it out of.
  case cannotAblate(reason: String)
  /// No point of a sweep passes the gates.
  case nothingPasses(points: Int, best: String)

  public var code: String {
    switch self {
    case .width: "DIRECTION_WIDTH"
    case .spaceMismatch: "SPACE_MISMATCH"
    case .noDirection: "DIRECTION_MISSING"
    case .budget: "BUDGET_INVALID"
    case .degenerate: "DIRECTION_DEGENERATE"
    case .gate: "GATE_INVALID"
    case .gateNotMeasured: "GATE_NOT_MEASURED"
    case .plan: "PLAN_INVALID"
    case .patchRole: "PATCH_ROLE"
    case .blockStrengths: "BLOCK_STRENGTHS_INVALID"
    case .cannotAblate: "ABLATION_UNSUPPORTED"
    case .nothingPasses: "NO_POINT_PASSES"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .width, .noDirection, .degenerate, .plan: .badData
    case .patchRole, .cannotAblate: .unsupported
    case .spaceMismatch, .budget, .gate, .gateNotMeasured, .blockStrengths: .usage
    case .nothingPasses: .gateFailed
    }
  }
  public var found: String {
    switch self {
    case .width(let found, _): "a direction with \(found) numbers"
    case .spaceMismatch(let space, let site): "space \(space.rawValue) with a direction at \(site)"
    case .noDirection(let block): "no direction for block \(block)"
    case .budget(let text, let reason): "rows \"\(text)\": \(reason)"
    case .degenerate: "a direction of length zero or with NaN"
    case .gate(let text): "gate \"\(text)\""
    case .gateNotMeasured(let quantity): "a gate on \(quantity.rawValue), which nothing here measures"
    case .plan(let path, let reason): "\(path): \(reason)"
    case .blockStrengths(let text, let reason): "strengths of blocks \"\(text)\": \(reason)"
    case .cannotAblate(let reason): reason
    case .patchRole(let tensor): "a patch of \(tensor), which is no product's matrix alone"
    case .nothingPasses(let points, let best): "none of \(points) points passes every gate; nearest: \(best)"
    }
  }
  public var expected: String {
    switch self {
    case .width(_, let expected): "\(expected), the model's width"
    case .spaceMismatch(let space, _):
      space == .perLayer
        ? "one probe a block at blocks.N.mlp.input" : "one probe at embeddings, blocks.N.output or final_norm"
    case .noDirection: "a probe at blocks.N.mlp.input for every block that may be edited"
    case .budget: "a count such as 512, or a share such as 2%"
    case .degenerate: "a trained probe"
    case .gateNotMeasured(let quantity):
      quantity == .taskDrop ? "a task to measure it on" : "a number that is measured: surgeon ls gates"
    case .gate: "a comparison such as \"<= 5%\" or \">= 0.5\""
    case .plan: "a plan that surgeon locate wrote"
    case .blockStrengths: "a number, one a block, or triangle:PEAK,REACH[,EDGE]"
    case .cannotAblate:
      "products and tables that write to the residual stream as they are, or through a norm of their own"
    case .patchRole: "rows of matrices inside the blocks"
    case .nothingPasses: "at least one point within the gates"
    }
  }
  public var suggestion: String {
    switch self {
    case .width: "train the probe on this model"
    case .spaceMismatch: "choose another --space or another probe"
    case .noDirection: "train with --sites 'blocks.*.mlp.input'"
    case .budget: "surgeon inspect MODEL prints the number of rows"
    case .degenerate: "look at the probe's metrics; its classes may be equal"
    case .gateNotMeasured(let quantity):
      quantity == .taskDrop
        ? "give surgeon sweep --task NAME=FILE, or leave the gate out" : "leave the gate out"
    case .gate: "operators are <, <=, >, >=; a % divides by one hundred"
    case .plan: "write it again with surgeon locate"
    case .blockStrengths: "surgeon inspect MODEL prints the number of blocks"
    case .cannotAblate: "edit rows instead (--edit add-rows), or leave writers out with --writes"
    case .patchRole: "apply the patch with surgeon edit apply and run the written checkpoint"
    case .nothingPasses: "loosen a gate, or add strengths and rows; the sweep lies in the run folder"
    }
  }
}

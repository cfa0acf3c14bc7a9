import Runtime

extension BudgetKind {
  /// What a global selection by LAMP's score prunes in each matrix (arXiv 2010.07611); another score may then choose
  /// the weights.
  public static let lamp = BudgetKind(
    name: "lamp", summary: "what LAMP's score would prune in each matrix if all weights competed",
    reference: "arXiv 2010.07611", unit: .matrix
  ) { budget, matrices, _, progress in
    let counts = try Budget.uniform(budget.sparsity).counts(for: matrices, group: .global)
    return try Selection(
      matrices, score: Score(.lamp), group: .global, counts: counts, progress: progress
    ).pruned
  }
}

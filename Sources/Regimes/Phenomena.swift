import Runtime
import Statistics

/// Which published phenomena a grid shows, each decided by its numbers.
public struct Phenomenon: Sendable, Equatable {
  /// A stable name.
  public let name: String
  /// What is asked.
  public let question: String
  /// Whether it appears; nil where the grid cannot say.
  public let appears: Bool?
  /// The numbers that decide.
  public let detail: String

  /// All of them, in the order of the paper's argument; of given checkpoints those that need no order of temperature.
  public static func all(_ grid: Grid) -> [Phenomenon] {
    if grid.plan.isGiven { return [barrier(grid), similarity(grid)] }
    return [
      uShape(grid), dichotomy(grid), barrier(grid), barrierPlace(grid), hotterAtTheBarrier(grid),
      similarity(grid),
    ]
  }

  private static func percent(_ value: Double) -> String { Format.percent(value) }

  /// At the lowest density both a hotter and a colder temperature than the best one are worse, beyond chance.
  private static func uShape(_ grid: Grid) -> Phenomenon {
    let question = "Is the test error U-shaped in the temperature at the lowest density?"
    let last = grid.plan.temperatures.count - 1
    let best = grid.best(density: 0)
    let errors = grid.testErrors(density: 0)
    let detail =
      "test error from the hottest: \(errors.map(percent).joined(separator: ", ")) at density \(percent(grid.plan.densities[0]))"
    guard last >= 2 else {
      return Phenomenon(
        name: "u_shape", question: question, appears: nil, detail: "three temperatures are needed")
    }
    guard best > 0, best < last else {
      let end = best == 0 ? "hottest" : "coldest"
      return Phenomenon(
        name: "u_shape", question: question, appears: false, detail: detail + "; the best one is the \(end)")
    }
    let rises = [0, last].map { grid.difference(($0, 0), (best, 0)).map { $0.lower > 0 } ?? false }
    return Phenomenon(
      name: "u_shape", question: question, appears: rises[0] && rises[1],
      detail: detail
        + "; the hottest is \(rises[0] ? "" : "not ")worse than the best beyond chance, the coldest is "
        + "\(rises[1] ? "" : "not ")")
  }

  /// The coldest temperature is as good as any at the highest density, and is not at the lowest.
  private static func dichotomy(_ grid: Grid) -> Phenomenon {
    let question = "Does a colder dense training help at the highest density and harm at the lowest?"
    let last = grid.plan.temperatures.count - 1, dense = grid.plan.densities.count - 1
    guard dense > 0 else {
      return Phenomenon(
        name: "dichotomy", question: question, appears: nil, detail: "two densities are needed")
    }
    func excess(_ density: Int) -> (value: Double, isReal: Bool) {
      let best = grid.best(density: density)
      guard best != last else { return (0, false) }
      let value = grid.cells[last][density].testError - grid.cells[best][density].testError
      return (value, grid.difference((last, density), (best, density)).map { $0.lower > 0 } ?? false)
    }
    let low = excess(0), high = excess(dense)
    return Phenomenon(
      name: "dichotomy", question: question, appears: low.isReal && !high.isReal,
      detail:
        "the coldest is \(percent(low.value)) above the best at density \(percent(grid.plan.densities[0]))"
        + " (\(low.isReal ? "beyond" : "within") chance) and \(percent(high.value)) above it at "
        + "\(percent(grid.plan.densities[dense])) (\(high.isReal ? "beyond" : "within") chance)")
  }

  private static func barriers(_ grid: Grid) -> [(temperature: Int, density: Int)] {
    grid.plan.temperatures.indices.flatMap { temperature in
      grid.plan.densities.indices.filter { grid.cells[temperature][$0].connectivity <= grid.plan.barrier }
        .map { (temperature, $0) }
    }
  }

  private static func barrier(_ grid: Grid) -> Phenomenon {
    let found = barriers(grid)
    let values = grid.cells.flatMap { $0.map(\.connectivity) }
    return Phenomenon(
      name: "barrier",
      question: "Is there a regime in which siblings are separated by a barrier of training error?",
      appears: !found.isEmpty,
      detail:
        "\(found.count) of \(values.count) cells have a connectivity of \(percent(grid.plan.barrier)) or less; it lies between "
        + "\(percent(values.min() ?? 0)) and \(percent(values.max() ?? 0))")
  }

  /// The barrier's cells are colder and sparser than those without.
  private static func barrierPlace(_ grid: Grid) -> Phenomenon {
    let question = "Does the barrier lie at low density and low temperature?"
    let found = barriers(grid)
    let count = grid.plan.temperatures.count * grid.plan.densities.count
    guard !found.isEmpty, found.count < count else {
      return Phenomenon(
        name: "barrier_place", question: question, appears: nil,
        detail: found.isEmpty ? "there is no barrier" : "the barrier is everywhere")
    }
    func mean(_ places: [Int]) -> Double { Double(places.reduce(0, +)) / Double(max(1, places.count)) }
    let temperatures = mean(Array(grid.plan.temperatures.indices)),
      densities = mean(Array(grid.plan.densities.indices))
    let own = (mean(found.map(\.temperature)), mean(found.map(\.density)))
    return Phenomenon(
      name: "barrier_place", question: question, appears: own.0 > temperatures && own.1 < densities,
      detail: "mean place of the barrier's cells: temperature \(Format.significant(own.0 + 1, 3)) of "
        + "\(grid.plan.temperatures.count) from the hottest, density \(Format.significant(own.1 + 1, 3)) of "
        + "\(grid.plan.densities.count) from the lowest")
  }

  /// In every density with a barrier the best temperature is hotter than the barrier's cells.
  private static func hotterAtTheBarrier(_ grid: Grid) -> Phenomenon {
    let question = "Where there is a barrier, is a hotter dense training better?"
    let found = barriers(grid)
    guard !found.isEmpty else {
      return Phenomenon(
        name: "hotter_at_barrier", question: question, appears: nil, detail: "there is no barrier")
    }
    let moves = found.map { grid.bestMove(temperature: $0.temperature, density: $0.density) }
    let raised = moves.count { $0 == .raise }
    return Phenomenon(
      name: "hotter_at_barrier", question: question, appears: raised * 2 > moves.count,
      detail:
        "of \(moves.count) cells with a barrier \(raised) are better hotter, \(moves.count { $0 == .lower }) better colder, "
        + "\(moves.count { $0 == .stay }) no worse than the best of their density")
  }

  private static func similarity(_ grid: Grid) -> Phenomenon {
    let question = "Do siblings answer more alike the denser they are?"
    let pairs = grid.cells.flatMap { row in
      zip(grid.plan.densities, row).compactMap { density, cell in cell.similarity.map { (density, $0) } }
    }
    guard grid.plan.densities.count > 1, let rank = Correlation.spearman(pairs.map(\.0), pairs.map(\.1))
    else {
      return Phenomenon(
        name: "similarity", question: question, appears: nil, detail: "two densities are needed")
    }
    return Phenomenon(
      name: "similarity", question: question, appears: rank > 0.5,
      detail:
        "Spearman's rank correlation of density and CKA over \(pairs.count) cells: \(Format.significant(rank, 3))"
    )
  }
}

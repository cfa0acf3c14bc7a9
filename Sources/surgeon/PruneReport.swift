import Architectures
import Checkpoints
import Importance
import JSON
import Reports
import Runtime
import Statistics

/// How a pruning run is told in reports.
extension Pruning {
  /// What was asked for.
  func json(_ calibration: CalibrationTexts?, file: String?) -> JSONValue {
    [
      "score": .string(options.method.description), "group": .string(options.group.description),
      "budget": .string(options.budget.kind.name),
      "sparsity_asked": .optional(options.budget.sparsity ?? options.group.patternSparsity),
      "sequential": .bool(options.sequential && needsCalibration),
      "calibration": calibration?.json(file: file) ?? .null,
      "matrices": [], "checks": [],
    ]
  }

  /// The same for `surgeon.edit.json`, which names no file.
  func provenance(_ calibration: CalibrationTexts?) -> JSONValue {
    var value = json(calibration, file: nil)
    value["matrices"] = nil
    value["checks"] = nil
    return value
  }

  /// Whether every block runs twice.
  var walksTwice: Bool { options.sequential && needsCalibration }

  /// Seconds of XᵀX, factors and compensation, very roughly: at 10 GFLOP/s of f64 a thread.
  func factorSeconds(calibrationTokens tokens: Int) -> Double {
    guard needsGram else { return 0 }
    let operations = matrices.reduce(0.0) { sum, matrix in
      let k = Double(matrix.inputs)
      return sum + k * k * (Double(tokens) + k + 4 * Double(matrix.outputs))
    }
    return operations / 2e10
  }
}

extension CalibrationTexts {
  func json(file: String?) -> JSONValue {
    var value: JSONValue = [
      "texts": .integer(texts.count), "length": .integer(length), "tokens": .integer(tokens),
      "seed": .integer(Int64(clamping: seed)), "documents": .integer(documents),
      "documents_long_enough": .integer(usable), "tokens_sha256": .string(sha256),
    ]
    if let file { value["file"] = .string(file) }
    return value
  }
}

extension PrunedMatrix {
  var json: JSONValue {
    [
      "role": .string(role.description), "tensor": .string(tensor), "outputs": .integer(outputs),
      "inputs": .integer(inputs), "asked": .integer(asked), "pruned": .integer(pruned),
      "sparsity": .number(sparsity), "zeros": .integer(zeros),
      "tokens": tokens.map { .integer($0) } ?? .null, "dead_inputs": dead.map { .integer($0) } ?? .null,
      "damping": damping.map {
        [
          "asked": .number($0.asked), "used": .number($0.used), "added": .number($0.added),
          "pivot_ratio": .number($0.pivotRatio),
        ]
      } ?? .null, "error_masked": .optional(error?.masked), "error": .optional(error?.compensated),
    ]
  }
}

extension PrunedModel {
  /// What everybody asks of pruned checkpoints.
  static let note =
    "zeros are stored like any number: the weight files keep their size, and dense kernels run no faster"

  var metrics: [Metric] {
    let n = matrices.count
    var metrics = [
      Metric(name: "sparsity", value: sparsity, unit: "fraction", n: n),
      Metric(
        name: "zeros", value: count == 0 ? 0 : Double(zeros) / Double(count), unit: "fraction", n: n),
    ]
    if let reconstruction {
      metrics += [
        Metric(
          name: "reconstruction_error", value: reconstruction.compensated, unit: "fraction", n: n,
          higherIsBetter: false),
        Metric(
          name: "reconstruction_error_masked", value: reconstruction.masked, unit: "fraction", n: n,
          higherIsBetter: false),
      ]
    }
    let dampings = matrices.compactMap(\.damping?.used)
    if let most = dampings.max() {
      metrics.append(Metric(name: "damping", value: most, unit: "fraction", n: n, higherIsBetter: false))
    }
    return metrics
  }

  /// A line a matrix.
  var table: Table {
    let measured = matrices.contains { $0.error != nil }
    let damped = matrices.contains { $0.damping != nil }
    var columns: [Table.Column] = [
      .init("Matrix", key: "role"), .init("Outputs", numeric: true), .init("Inputs", numeric: true),
      .init("Pruned", numeric: true), .init("Sparsity", numeric: true),
    ]
    if measured {
      columns += [
        .init("Error of the mask", key: "error_masked", numeric: true), .init("Error", numeric: true),
      ]
    }
    if damped { columns.append(.init("Damping", numeric: true)) }
    var table = Table(columns)
    for matrix in matrices {
      var row: [Table.Cell] = [
        .text(matrix.role.description), .count(matrix.outputs), .count(matrix.inputs),
        .count(matrix.pruned), .percent(matrix.sparsity, 2),
      ]
      if measured { row += [.number(matrix.error?.masked, 3), .number(matrix.error?.compensated, 3)] }
      if damped { row.append(.number(matrix.damping?.used, 3)) }
      table.add(row)
    }
    return table
  }
}

extension ReportEnvelope {
  /// Bytes of the weight files before and after, and what that means.
  func bytes(before: Checkpoint, after folder: String) throws -> JSONValue {
    [
      "before": .integer(before.weightBytes), "after": .integer(try Checkpoint(folder: folder).weightBytes),
      "note": .string(PrunedModel.note),
    ]
  }
}

extension Files {
  /// The nearest folder above a path that exists.
  static func existingFolder(above path: String) -> String {
    var place = folder(of: path)
    while !exists(place) { place = folder(of: place) }
    return place
  }
}

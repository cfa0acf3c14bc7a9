import JSON
import Statistics

extension GridOutcome {
  /// In the shape of `surgeon schema regimes`. Errors and connectivities are fractions.
  public var json: JSONValue {
    let plan = grid.plan
    return [
      "name": .string(plan.name),
      "recipe": (try? plan.json()) ?? .null,
      "temperature": [
        "knob": .string(plan.knob), "values": .numbers(plan.temperatures),
        "order": plan.isGiven ? "as given" : "from the hottest to the coldest",
        "checkpoints": plan.isGiven ? .strings(plan.checkpoints) : .null,
      ],
      "densities": .numbers(plan.densities),
      "dense": .array(plan.temperatures.indices.map { denseJSON($0) }),
      "cells": .array(
        plan.temperatures.indices.flatMap { temperature in
          plan.densities.indices.map { cellJSON(temperature, $0) }
        }),
      "siblings": .array(grid.sets.map(\.summary)),
      "labels": labels.json,
      "phenomena": .array(phenomena.map(\.json)),
      "choices": choices.isEmpty
        ? .null
        : [
          "connected_from": .number(threshold.value), "calibrated": .bool(threshold.isCalibrated),
          "of": plan.knob == "sharpness" ? "radius" : "checkpoint",
          "ways": .array(choices.map { $0.json(plan) }),
        ],
    ]
  }

  private func denseJSON(_ temperature: Int) -> JSONValue {
    let networks = grid.dense[temperature]
    func mean(_ values: [Double]) -> JSONValue { .optional(Descriptive.mean(values)) }
    return [
      "temperature": .number(grid.plan.temperatures[temperature]),
      "train_error": mean(networks.map(\.trainError)),
      "validation_error": mean(networks.compactMap(\.validationError)),
      "test_error": mean(networks.map(\.testError)),
      "networks": .array(
        networks.map {
          [
            "seed": .integer($0.seed), "weights_sha256": .string($0.sha256),
            "train_error": .number($0.trainError), "test_error": .number($0.testError),
          ]
        }),
    ]
  }

  private func cellJSON(_ temperature: Int, _ density: Int) -> JSONValue {
    let cell = grid.cells[temperature][density]
    let regime = labels.regime(cell)
    let best = grid.bestMove(temperature: temperature, density: density)
    var json: JSONValue = [
      "temperature": .number(grid.plan.temperatures[temperature]),
      "density": .number(grid.plan.densities[density]), "kept_share": .number(cell.keptShare),
      "test_error": .number(cell.testError), "test_interval": cell.testInterval?.ends ?? .null,
      "test_standard_error_over_dense": .optional(cell.denseSpread), "train_error": .number(cell.trainError),
      "validation_error": .optional(cell.validationError), "connectivity": .number(cell.connectivity),
      "connectivity_standard_error": .optional(cell.connectivitySpread), "place": .number(cell.place),
      "curve_connectivity": .optional(cell.curve), "cka_softmax": .optional(cell.similarity),
      "cka_softmax_unbiased": .optional(cell.unbiased), "cka_logits": .optional(cell.logits),
      "cka_logits_unbiased": .optional(cell.unbiasedLogits),
      "relative_distance": .number(cell.relativeDistance),
      "top_eigenvalue": .optional(cell.topEigenvalue?.mean), "trace": .optional(cell.trace?.mean),
      "regime": .string(regime?.rawValue ?? "uncalibrated"),
      "best_move": grid.plan.isGiven ? .null : .string(best.rawValue),
      "better": best == .stay ? .null : .number(grid.plan.temperatures[grid.best(density: density)]),
    ]
    if grid.plan.questions.contains(.direction) {
      json["advised_move"] = .optional(regime?.move.rawValue)
      json["advice_holds"] = regime.map { .bool($0.move == best) } ?? .null
    }
    return json
  }
}

extension Interval {
  /// Both ends.
  var ends: JSONValue {
    ["lower": .number(lower), "upper": .number(upper), "level": .number(level), "method": .string(method)]
  }
}

extension SiblingSet {
  /// Without the answers item by item, which the cell's file holds.
  fileprivate var summary: JSONValue {
    var json = json
    json["siblings"] = .array(
      siblings.map { network in
        var json = network.json
        json["test_answers"] = nil
        return json
      })
    return json
  }
}

extension Labels {
  fileprivate var json: JSONValue {
    [
      "calibrated": .bool(objection == nil), "objection": .optional(objection), "source": .string(source),
      "connectivity_below_is_I": .optional(rule?.connectivity),
      "similarity_below_is_II_A": .optional(rule?.similarity), "accuracy": .optional(accuracy?.value),
      "accuracy_interval": accuracy?.interval?.ends ?? .null, "cells": .optional(accuracy?.n),
      "commonest_move_accuracy": .optional(calibration?.baseline),
      "accuracy_where_fitted": .optional(calibration?.fitted),
      "confusion": calibration.map { table in
        [
          "order": .strings(TemperatureMove.allCases.map(\.rawValue)),
          "true_by_said": .array(table.confusion.map { .integers($0) }),
        ]
      } ?? .null,
    ]
  }
}

extension Phenomenon {
  fileprivate var json: JSONValue {
    [
      "name": .string(name), "question": .string(question), "appears": appears.map(JSONValue.bool) ?? .null,
      "detail": .string(detail),
    ]
  }
}

extension Choice {
  fileprivate func json(_ plan: RegimePlan) -> JSONValue {
    [
      "way": .string(way.rawValue), "density": .number(plan.densities[density]),
      "temperature": .number(plan.temperatures[temperature]), "regret": .number(regret),
      "gain": .optional(gain), "interval": interval?.ends ?? .null,
    ]
  }
}

import Importance
import JSON
import Recipes
import Runtime
import Testing
import Training

@testable import Regimes

/// Recipes of grids.
@Suite struct RegimePlanTests {
  private static let least: JSONValue = [
    "temperature": ["knob": "epochs", "values": [4, 1, 2]], "densities": [0.5, 0.1],
  ]

  private func changed(_ change: (inout JSONValue) -> Void) -> JSONValue {
    var json = Self.least
    change(&json)
    return json
  }

  @Test func standards() throws {
    let plan = try RegimePlan.grids(Self.least)[0]
    #expect(plan.temperatures == [1, 2, 4] && plan.densities == [0.1, 0.5] && plan.siblings == 2)
    #expect(plan.questions == [.direction, .checkpoint] && plan.rule == .grid && plan.barrier == -0.05)
    #expect(plan.retraining == plan.dense.training && plan.measurement == MeasurementPlan())
    #expect(plan.pruning == NetworkPruning())
  }

  /// What is written out reads as the same plan.
  @Test func roundTrip() throws {
    let full = changed {
      $0["temperature"] = ["knob": "sharpness", "values": [0, 0.1, 0.3]]
      $0["prune"] = ["score": "lamp", "group": "global", "layers": "inner"]
      $0["retraining"] = ["epochs": 7]
      $0["seeds"] = 2
      $0["siblings"] = 3
      $0["measure"] = [
        "points": 5, "similarity_items": 100, "curve": ["epochs": 3], "hessian": ["items": 50],
      ]
      $0["rule"] = [
        "kind": "stated", "connectivity": -0.1, "similarity": 0.9, "accuracy": 0.8, "cells": 50,
        "source": "s",
      ]
    }
    let plan = try RegimePlan.grids(full)[0]
    #expect(
      plan.temperatures == [0.3, 0.1, 0] && plan.retraining.epochs == 7 && plan.questions.contains(.radius))
    #expect(try RegimePlan.grids(plan.json())[0].json() == plan.json())
    let demonstration = try RegimePlan.demonstration()
    #expect(
      demonstration.allSatisfy { $0.temperatures.count == 4 && $0.densities.count == 4 && $0.siblings == 2 })
    for plan in demonstration {
      #expect(try RegimePlan.grids(plan.json())[0].json() == plan.json())
    }
  }

  @Test func checkpointsInPlaceOfTemperatures() throws {
    let json: JSONValue = ["checkpoints": ["x", "/y"], "densities": [0.5]]
    let plan = try RegimePlan.grids(json, folder: "in")[0]
    #expect(plan.checkpoints == ["in/x", "/y"] && plan.temperatures == [1, 2] && plan.knob == "checkpoint")
    #expect(plan.questions == [.checkpoint] && plan.isGiven)
    #expect(try RegimePlan.grids(plan.json())[0].json() == plan.json())
  }

  @Test func severalGrids() throws {
    let plans = try RegimePlan.grids(
      changed {
        $0["grids"] = ["a": ["densities": [0.3]], "b": ["network": ["kind": "mlp", "hidden": [8]]]]
      })
    #expect(
      plans.map(\.name) == ["a", "b"] && plans[0].densities == [0.3] && plans[1].densities == [0.1, 0.5])
    #expect(plans[0].dense.network != plans[1].dense.network)
    for name in ["../a", "a b", ""] {
      #expect(throws: RecipeError.self) { try RegimePlan.grids(changed { $0["grids"] = [name: [:]] }) }
    }
  }

  @Test(
    arguments: [
      ("temperature", ["knob": "epochs", "values": [3]]),
      ("temperature", ["knob": "epochs", "values": [3, 3]]),
      ("temperature", ["knob": "epochs", "values": [3, 2.5]]),
      ("temperature", ["knob": "heat", "values": [3, 2]]),
      ("temperature", ["knob": "sharpness", "values": [-1, 2]]),
      ("temperature", ["values": [1, 2], "also": 1]),
      ("densities", [0, 0.5]), ("densities", [0.5, 0.5]), ("densities", [1.5]), ("densities", []),
      ("siblings", 1), ("barrier", 0.1), ("questions", ["radius"]), ("questions", ["why"]),
      ("measure", ["points": 1]), ("measure", ["hessian": ["items": 3]]),
      ("measure", ["curve": ["momentum": 1]]),
      ("prune", ["score": "wanda"]), ("prune", ["layers": "some"]), ("prune", ["group": "pairs"]),
      ("rule", ["kind": "stated"]), ("rule", ["kind": "guess"]), ("rule", ["kind": "table"]),
      ("retraining", ["patience": 3]), ("densitys", [0.5]), ("grids", ["a": 3]),
    ] as [(String, JSONValue)])
  func refused(_ key: String, _ value: JSONValue) throws {
    let error = #expect(throws: (any Error).self) { try RegimePlan.grids(changed { $0[key] = value }) }
    #expect(error is any SurgeonError, "\(key) \(value): \(String(describing: error))")
  }

  @Test func knobs() throws {
    var base = TrainingPlan()
    (base.epochs, base.batchSize) = (12, 100)
    func plan(_ name: String, _ value: Double) throws -> TrainingPlan {
      try TemperatureKnob.named(name).plan(value, base)
    }
    #expect(try plan("epochs", 5).epochs == 5 && plan("full-epochs", 5).epochs == 5)
    // The number of steps stays.
    let small = try plan("batch-size", 25)
    #expect(small.epochs == 3 && small.batchSize == 25)
    #expect(try plan("learning-rate", 0.3).learningRate == 0.3 && plan("sharpness", 0.2).sharpness == 0.2)
    #expect(try TemperatureKnob.named("batch-size").ordered([64, 16, 32]) == [16, 32, 64])
    #expect(try TemperatureKnob.named("learning-rate").ordered([0.1, 0.3]) == [0.3, 0.1])
  }
}

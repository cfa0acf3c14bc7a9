import JSON
import Recipes

/// Where the thresholds of a study's labels come from.
public enum RuleSource: Sendable, Equatable {
  /// Fitted inside the grid and cross-validated over its densities.
  case grid
  /// Fitted to a table of cells (`connectivity,similarity,move,group`, such as another run's `cells.csv`) and cross-validated there.
  case table(file: String)
  /// Said by the user with the accuracy that was measured for them, and where.
  case stated(RegimeRule, accuracy: Double, cells: Int, source: String)

  /// Reads the mapping `rule` of a recipe; `folder` is that of the recipe's file.
  /// - Throws: ``RecipeError``, ``RegimesError``.
  init(_ reader: KeyReader, folder: String) throws {
    var reader = reader
    switch try reader.string("kind") ?? "grid" {
    case "grid": self = .grid
    case "table":
      guard let file = try reader.string("file") else {
        throw reader.error("file", "missing: a table of cells")
      }
      self = .table(file: file.hasPrefix("/") || folder.isEmpty ? file : folder + "/" + file)
    case "stated":
      guard let connectivity = try reader.number("connectivity"),
        let similarity = try reader.number("similarity"),
        let accuracy = try reader.number("accuracy"), let cells = try reader.int("cells"),
        let source = try reader.string("source")
      else {
        throw reader.error(
          "kind",
          "stated thresholds need connectivity, similarity, and the accuracy, cells and source of their test")
      }
      guard (0...1).contains(accuracy), cells > 0 else {
        throw reader.error("accuracy", "a share of at least one cell")
      }
      self = .stated(
        RegimeRule(connectivity: connectivity, similarity: similarity), accuracy: accuracy, cells: cells,
        source: source)
    case let name:
      throw RegimesError.unknownName(what: "rule", name: name, known: ["grid", "table", "stated"])
    }
    try reader.done()
  }

  /// What ``init(_:folder:)`` reads.
  var json: JSONValue {
    switch self {
    case .grid: ["kind": "grid"]
    case .table(let file): ["kind": "table", "file": .string(file)]
    case .stated(let rule, let accuracy, let cells, let source):
      [
        "kind": "stated", "connectivity": .number(rule.connectivity), "similarity": .number(rule.similarity),
        "accuracy": .number(accuracy), "cells": .integer(cells), "source": .string(source),
      ]
    }
  }
}

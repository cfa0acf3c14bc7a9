import JSON
import OrderedCollections
import Runtime

/// Figures for reports of the single steps, drawn as in the page of a whole operation.
struct KindFigures {
  let report: JSONValue
  private var results: JSONValue { report["results"] ?? .null }

  /// What can be drawn of the report's kind.
  var figures: [HTMLReport.Figure] {
    guard report["run"]?["status"] == "ok" else { return [] }
    switch report["kind"]?.string {
    case "sweep": return OperationFigures(page: OperationPage(sweep)).price.map { [$0] } ?? []
    case "probe.train": return OperationFigures(page: OperationPage(probes)).layers.map { [$0] } ?? []
    case "evaluate": return EvaluationFigures(results: results).figures
    case "locate": return OperationFigures(page: OperationPage(report)).rows
    case "importance": return ImportanceFigures(results: results).figures
    case "prune": return PruneFigures(results: results).figures
    case "regimes": return RegimeFigures(results: results).figures
    case "distill.eval": return AnswerFigures(results: results).figures
    case "train": return LearningFigures(results: results).figures
    case "distill": return StudyFigures(results: results).figures
    case "bench.growth": return GrowthFigures(results: results).figures
    default: return []
    }
  }

  /// Questions that the report's kind answers.
  var answers: [HTMLReport.Answer] {
    guard report["run"]?["status"] == "ok" else { return [] }
    switch report["kind"]?.string {
    case "regimes": return RegimeFigures(results: results).answers
    case "bench.compare": return CompareFigures(results: results).answers
    default: return []
    }
  }

  /// A sweep in the shape of an operation: everything is measured on one split.
  private var sweep: JSONValue {
    let points = results["points"]?.array ?? []
    let chosen = results["chosen"]?.int.flatMap { points.indices.contains($0) ? $0 : nil }
    var drawn = points.map { point in
      var point = point
      point["split"] = "validation"
      return point
    }
    if let chosen { drawn[chosen]["chosen"] = true }
    let base = results["base"] ?? .null
    return [
      "results": [
        "behaviour": results["behaviour"] ?? .null, "base": ["validation": base, "test": base],
        "sweep": .array(drawn),
        "controls": results["controls"] ?? [],
      ]
    ]
  }

  /// Trained probes in the shape of a layer curve.
  private var probes: JSONValue {
    var sites: OrderedSet<String> = []
    var kinds: OrderedDictionary<String, [String: JSONValue]> = [:]
    for probe in results["probes"]?.array ?? [] {
      guard let site = probe["site"]?.string, let kind = probe["kind"]?.string, probe["auroc"]?.double != nil
      else {
        continue
      }
      sites.append(site)
      kinds[kind, default: [:]][site] = [
        "auroc": probe["auroc"] ?? .null, "lower": probe["interval"]?["lower"] ?? .null,
        "upper": probe["interval"]?["upper"] ?? .null,
      ]
    }
    guard sites.count > 1 else { return .null }
    let curves = kinds.mapValues { values in
      JSONValue.array(sites.map { values[$0] ?? ["auroc": .null] })
    }
    var curve: JSONValue = ["sites": .strings(sites), "kinds": .object(curves)]
    if let pooling = results["pooling"] { curve["pooling"] = pooling }
    if let site = results["chosen"]?["site"] { curve["chosen_site"] = site }
    var behaviour: JSONValue = [:]
    if let name = results["behaviour"] { behaviour["name"] = name }
    return ["results": ["behaviour": behaviour, "layer_curve": curve]]
  }
}

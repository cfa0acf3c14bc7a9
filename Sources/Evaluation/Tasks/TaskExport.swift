import JSON
import OrderedCollections

/// Results under the keys of lm-evaluation-harness, for the tables and leaderboards that read its files.
///
/// `results` holds `acc,none` and `acc_norm,none` with `…_stderr,none` a task; `n-shot`, `versions`, `higher_is_better`
/// and `n-samples` say what they mean, `config` which program and model made them.
public enum TaskExport {
  /// The file's value.
  /// - Parameters:
  ///   - runs: each test with its result.
  ///   - model: the checkpoint's folder.
  ///   - config: what else is to be said of the run.
  public static func value(
    _ runs: [(test: MultipleChoiceTest, result: MultipleChoiceResult)], model: String, config: JSONValue = [:]
  ) -> JSONValue {
    var results = JSONValue.object([:])
    var (subtasks, configs, versions, shots) = (results, results, results, results)
    var (better, samples) = (results, results)
    for (test, result) in runs {
      let name = result.kind.name
      var row: JSONValue = ["alias": .string(name)]
      var directions: JSONValue = [:]
      for (metric, accuracy) in result.accuracies {
        row["\(metric),none"] = .number(accuracy.value)
        row["\(metric)_stderr,none"] = accuracy.standardError.map(JSONValue.number) ?? "N/A"
        directions[metric] = true
      }
      results[name] = row
      subtasks[name] = []
      better[name] = directions
      versions[name] = .number(result.kind.version)
      shots[name] = .integer(test.options.shots)
      samples[name] = ["original": .integer(test.file.total), "effective": .integer(result.answers.count)]
      configs[name] = [
        "task": .string(name), "output_type": "multiple_choice", "dataset_path": .string(test.file.path),
        "description": .string(result.kind.summary), "target_delimiter": " ", "fewshot_delimiter": "\n\n",
        "num_fewshot": .integer(test.options.shots),
        "metric_list": .array(
          result.accuracies.map {
            ["metric": .string($0.name), "aggregation": "mean", "higher_is_better": true]
          }), "metadata": ["version": .number(result.kind.version)],
      ]
    }
    var settings: JSONValue = [
      "model": "surgeon", "model_args": .string("pretrained=\(model),dtype=float32"), "bootstrap_iters": 0,
    ]
    for (key, value) in config.object ?? [:] { settings[key] = value }
    return [
      "results": results, "group_subtasks": subtasks, "configs": configs, "versions": versions,
      "n-shot": shots, "higher_is_better": better, "n-samples": samples, "config": settings,
    ]
  }
}

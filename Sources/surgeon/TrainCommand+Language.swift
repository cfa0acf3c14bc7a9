import JSON
import OrderedCollections
import Recipes
import Reports
import Runtime
import Training

/// `surgeon train` with a recipe whose network is a decoder.
extension TrainCommand {
  func workOnLanguage(_ reader: KeyReader, _ report: inout ReportEnvelope, _ session: Session) throws {
    var plan = try LanguageRecipe(reader, folder: Files.folder(of: recipe))
    if common.seed != 0 { (plan.seed, plan.training.seed) = (common.seed, common.seed) }
    report.run.seed = plan.seed
    report.run.configuration = try plan.json()
    if dryRun {
      let estimate = try LanguageOperation.estimate(plan, scratch: output)
      report.results = estimate.json
      try session.show(report, heading: estimate.lines, tables: [])
      return
    }
    let operation = try LanguageOperation(plan, folder: output)
    for path in plan.files + plan.validation { try report.read(file: path, role: "data") }
    let start = Machine.seconds
    let outcome = try operation.run(progress: session.progress)
    if let files = outcome.verifiedFiles {
      session.renderer.say("verified \(files) files of the finished run in \(output)")
    }
    let names = plan.validation.map { Files.name(of: $0) }
    report.results = [
      "parameters": .integer(outcome.parameters), "seconds": .number(Machine.seconds - start),
      "language": [
        "sequences": .integer(outcome.sequences), "tokens": .integer(outcome.tokens),
        "steps": .integer(outcome.history.last?.steps ?? 0), "resumed_steps": .integer(outcome.resumedSteps),
        "held_out": .strings(names), "held_out_nats": .numbers(outcome.stored),
        "history": .array(outcome.history.map(\.json)),
      ],
    ]
    report.outputs.append(try Artefact(role: "run", at: output))
    try session.show(report, heading: outcome.lines(names), tables: [])
  }
}

extension LanguageOperation.Outcome {
  fileprivate func lines(_ heldOut: [String]) -> [String] {
    let loss = history.last.map { Format.significant($0.loss, 4) } ?? "–"
    return [
      "\(Format.count(parameters)) numbers, \(Format.count(history.last?.steps ?? 0)) steps over "
        + "\(Format.count(sequences)) sequences with \(Format.count(tokens)) tokens to predict; last loss \(loss) nats a token"
    ]
      + zip(heldOut, stored).map { "\($0): \(Format.significant($1, 4)) nats a token, as it is stored" }
  }
}

extension LanguageOperation.Estimate {
  private var seconds: Double { secondsPerStep * Double(steps) }

  fileprivate var json: JSONValue {
    [
      "parameters": .integer(parameters), "seconds_per_step": .number(secondsPerStep),
      "estimated_seconds": .number(seconds), "state_bytes": .integer(stateBytes),
      "language": [
        "sequences": .integer(sequences), "tokens": .integer(tokens), "steps": .integer(steps),
      ],
    ]
  }

  fileprivate var lines: [String] {
    [
      "dry run: nothing was written",
      "\(Format.count(parameters)) numbers; \(Format.count(sequences)) sequences with \(Format.count(tokens)) tokens to predict",
      "\(Format.count(steps)) steps of \(Format.seconds(secondsPerStep)) each on this machine: "
        + "roughly \(Format.seconds(seconds)); a state takes \(Format.bytes(UInt64(stateBytes)))",
    ]
  }
}

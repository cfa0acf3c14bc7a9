import Organism
import Runtime
import Tensors

/// Runs jobs: what is needed first, then ours and the peers in turn, round by round.
struct CompareRun {
  let places: ComparePlaces
  /// Rounds; every program runs once in each.
  let rounds: Int
  /// Told what runs now.
  let say: (String) -> Void

  /// Runs one job.
  func run(_ job: CompareJob) throws -> [CompareOutcome] {
    var reasons: [Int: String] = [:]
    for need in job.needs {
      guard let reason = try prepare(need) else { continue }
      // Without its model a llama.cpp has nothing to run; ours and the other peers do not need it.
      for (index, peer) in job.peers.enumerated() {
        if case .call(let call) = need, peer.words.contains(call.name) || call.name == "data" {
          reasons[index] = reason
        }
      }
    }
    var ours: [ChildProcess] = []
    var theirs = [[ChildProcess]](repeating: [], count: job.peers.count)
    var failure = places.problem(job.ours)
    for round in 1...rounds where failure == nil {
      say("\(job.name), round \(round) of \(rounds): \(job.ours.name)")
      (ours, failure) = try append(job.ours, to: ours)
      for (index, peer) in job.peers.enumerated() where failure == nil && reasons[index] == nil {
        if let reason = places.problem(peer) {
          reasons[index] = reason
          continue
        }
        say("\(job.name), round \(round) of \(rounds): \(peer.name)")
        (theirs[index], reasons[index]) = try append(peer, to: theirs[index])
      }
    }
    return job.rows.map { row in
      CompareOutcome(
        job: job.name, row: row, peer: row.peer.map { job.peers[$0].name } ?? "",
        ours: ours.compactMap(row.ours.value),
        theirs: row.peer.map { theirs[$0].compactMap(row.theirs.value) } ?? [],
        missing: failure.map { "failed: \($0)" }
          ?? row.peer.flatMap { reasons[$0] }.map { "no peer: \($0)" },
        load: MachineFacts.load)
    }
  }

  /// Adds a call's runs, or says why there are none.
  private func append(_ call: CompareJob.Call, to runs: [ChildProcess]) throws -> ([ChildProcess], String?) {
    var runs = runs
    for _ in 0..<call.times {
      for path in call.clears { try Files.remove(path) }
      if let folder = call.warms { _ = try PageCache(folder: folder).warm() }
      let child = try ChildProcess.run(call.words, environment: call.environment)
      for path in call.clears { try Files.remove(path) }
      guard child.status == 0 else { return (runs, "exit \(child.status), \(child.complaint)") }
      runs.append(child)
    }
    return (runs, nil)
  }

  /// Makes what is not there yet; why not, where that fails.
  private func prepare(_ need: CompareJob.Preparation) throws -> String? {
    switch need {
    case .model(let shape):
      if !Files.exists("\(places.model(shape))/config.json") {
        say("making a checkpoint of random weights: \(shape)")
        try RandomModels(folder: places.models).make(shape)
      }
    case .prompts:
      let path = "\(places.scratch)/prompts.txt"
      guard !Files.exists(path) else { return nil }
      // Documents end to end until a prompt has more than its 64 tokens, which are then cut.
      let words = OrganismCorpus.documents().prefix(600).flatMap { $0.split { $0.isWhitespace } }
      let prompts = (0..<32).map { words[($0 * 90)..<($0 * 90 + 90)].joined(separator: " ") }
      try Files.write(prompts.joined(separator: "\n") + "\n", to: path)
    case .call(let call):
      if call.words.contains("convert"), let file = call.words.last, Files.exists(file) { return nil }
      if let problem = places.problem(call) { return problem }
      say("preparing \(call.name)")
      let child = try ChildProcess.run(call.words, environment: call.environment)
      if child.status != 0 { return "exit \(child.status), \(child.complaint)" }
    }
    return nil
  }
}

import Runtime

/// Where the programs of a comparison and their files lie.
struct ComparePlaces: Sendable {
  /// This program.
  var bench: String
  /// The program that users run.
  var surgeon: String
  /// A Python with the peers' packages; nil: no peer written in Python.
  var python: String?
  /// The folder of the peers' scripts.
  var scripts: String
  /// The folder of the scripts that come with this program.
  var own: String
  /// The folder of checkpoints of random weights.
  var models: String
  /// Where data, converted models and copies go.
  var scratch: String
  /// Threads on both sides.
  var threads: Int

  /// A checkpoint of random weights.
  func model(_ shape: String) -> String { "\(models)/\(shape)" }

  /// One of our own timings.
  func bench(_ words: String...) -> CompareJob.Call {
    CompareJob.Call(name: "surgeon", words: [bench] + words + ["--json"])
  }

  /// The program itself.
  func surgeon(_ words: String...) -> CompareJob.Call {
    CompareJob.Call(name: "surgeon", words: [surgeon] + words)
  }

  /// A script of the peers.
  func peer(
    _ name: String, _ script: String, _ words: [String], runs: Int, _ environment: [String: String] = [:]
  ) -> CompareJob.Call { python(name, "\(scripts)/\(script)", words, runs, environment) }

  /// A script of our own that runs a peer.
  func ownPeer(_ name: String, _ script: String, _ words: [String], runs: Int) -> CompareJob.Call {
    python(name, "\(own)/\(script)", words, runs, [:])
  }

  private func python(
    _ name: String, _ script: String, _ words: [String], _ runs: Int, _ environment: [String: String]
  ) -> CompareJob.Call {
    let common = ["RUNS": String(runs), "THREADS": String(threads), "OMP_NUM_THREADS": String(threads)]
    return CompareJob.Call(
      name: name, words: [python ?? "", script] + words,
      environment: common.merging(environment) { _, special in special })
  }

  /// Why a call cannot be made; nil where it can.
  func problem(_ call: CompareJob.Call) -> String? {
    guard let program = call.words.first, !program.isEmpty else { return "no --python was given" }
    if program.contains("/"), !Files.exists(program) { return "\(program) is not there" }
    if program == python, let script = call.words.dropFirst().first, !Files.exists(script) {
      return "\(script) is not there"
    }
    return nil
  }
}

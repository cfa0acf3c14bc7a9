import ArgumentParser

/// `surgeon probe …`.
struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe",
    abstract:
      "Linear behaviour probes on hidden states: trains, evaluates, scores, exports, imports and lists them.",
    discussion:
      "Example: surgeon probe train models/llama --positive-file bad.txt --negative-file good.txt -o probe",
    subcommands: [
      ProbeTrainCommand.self, ProbeEvalCommand.self, ProbeScoreCommand.self, ProbeExportCommand.self,
      ProbeImportCommand.self,
      ProbeListCommand.self,
    ])
}

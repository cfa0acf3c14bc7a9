import ArgumentParser

/// Timings of kernels and whole commands, and the making of the data that ships.
@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Timings, and the making of the data that ships with Surgeon.",
    subcommands: [
      MakeCorpusCommand.self, JudgeRepliesCommand.self, MakeCheckpointCommand.self, StagesCommand.self,
      PipelineCommand.self, KernelsCommand.self, DifferenceCommand.self, KillWritesCommand.self,
      TokenizerCommand.self, QuantileCommand.self, WandaCommand.self, PruningStudyCommand.self,
      TrainCommand.self, TrainLanguageCommand.self, HeldOutCommand.self, AverageCommand.self,
      ProbeCommand.self, MachineCommand.self, CompareCommand.self, GrowthCommand.self,
      ComputeModesCommand.self,
    ])
}

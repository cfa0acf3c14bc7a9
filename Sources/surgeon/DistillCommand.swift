import ArgumentParser

/// `surgeon distill …`.
struct DistillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "distill",
    abstract: "What self-distillation (PS-KD) is judged by: error, calibration, risk–coverage of answers.",
    discussion: "Example: surgeon distill eval logits.safetensors --fit-temperature validation.safetensors",
    subcommands: [DistillEvalCommand.self])
}

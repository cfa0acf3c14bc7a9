import ArgumentParser

/// `surgeon distill …`.
struct DistillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "distill",
    abstract: "Self-distillation (PS-KD) and what it is judged by.",
    discussion: "Example: surgeon distill eval logits.safetensors --fit-temperature validation.safetensors",
    subcommands: [DistillEvalCommand.self])
}

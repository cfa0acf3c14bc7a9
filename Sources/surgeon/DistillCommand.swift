import ArgumentParser

/// `surgeon distill …`.
struct DistillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "distill",
    abstract: "Self-distillation (PS-KD) against its baselines; scores of any table of logits.",
    discussion: """
      surgeon distill --demo -o RUN          MNIST-1D and a dense network, nothing downloaded
      surgeon distill RECIPE.yaml -o RUN     surgeon schema recipe.distill prints the recipe's shape
      surgeon distill eval logits.safetensors --fit-temperature validation.safetensors
      """,
    subcommands: [DistillRunCommand.self, DistillEvalCommand.self], defaultSubcommand: DistillRunCommand.self)
}

import ArgumentParser
import Runtime
import Tensors

/// `Bench make-checkpoint --shape organism|15m|110m|1.1b -o DIR`: a folder of random weights of a real shape.
struct MakeCheckpointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make-checkpoint",
    abstract: "Write a Llama-layout checkpoint of random weights: real in shape, meaningless in content.",
    discussion: """
      The tokenizer is the organism's (1,280 tokens), whatever the vocabulary of the config: its ids are valid.
      The same shape, type and seed give the same bytes.

      Example: Bench make-checkpoint --shape 1.1b -o models/random-1b
      """)

  @Option(help: "Sizes to start from: \(CheckpointShape.named.map(\.name).joined(separator: ", ")).")
  var shape = "organism"

  @Option(help: "Type of the weights: f32, f16 or bf16. Default: the shape's.")
  var dtype: String?

  @Option(name: .shortAndLong, help: "The folder to write; must not exist.")
  var output: String

  @Option(help: "Seed of the weights.")
  var seed: UInt64 = 0

  @Option(help: "Blocks, instead of the shape's.")
  var blocks: Int?

  @Option(help: "Width of the residual stream, instead of the shape's.")
  var width: Int?

  @Option(help: "Width of the MLP, instead of the shape's.")
  var mlpWidth: Int?

  @Option(help: "Attention heads, instead of the shape's.")
  var heads: Int?

  @Option(help: "Heads of keys and values, instead of the shape's.")
  var keyValueHeads: Int?

  @Option(help: "Tokens in the vocabulary, instead of the shape's; at least the tokenizer's.")
  var vocabulary: Int?

  @Option(help: "Positions, instead of the shape's.")
  var context: Int?

  func validate() throws { _ = try checkpoint() }

  func run() throws {
    let checkpoint = try checkpoint()
    let start = Machine.seconds
    try checkpoint.write(to: output)
    let seconds = Machine.seconds - start
    let bytes = UInt64(checkpoint.weightBytes)
    print(
      "\(output): \(Format.count(checkpoint.shape.parameterCount)) parameters, \(checkpoint.dtype.rawValue), "
        + "\(Format.bytes(bytes)) in \(Format.seconds(seconds))")
  }

  /// What the options ask for.
  func checkpoint() throws -> GeneratedCheckpoint {
    guard var sizes = CheckpointShape.named.first(where: { $0.name == shape })?.shape else {
      throw ValidationError(
        "--shape \(shape): known are \(CheckpointShape.named.map(\.name).joined(separator: ", "))")
    }
    sizes.blocks = blocks ?? sizes.blocks
    sizes.width = width ?? sizes.width
    sizes.mlpWidth = mlpWidth ?? sizes.mlpWidth
    sizes.heads = heads ?? sizes.heads
    sizes.keyValueHeads = keyValueHeads ?? sizes.keyValueHeads
    sizes.vocabulary = vocabulary ?? sizes.vocabulary
    sizes.context = context ?? sizes.context
    if let problem = sizes.problem { throw ValidationError(problem) }
    let tokens = CheckpointShape.named[0].shape.vocabulary
    guard sizes.vocabulary >= tokens else {
      throw ValidationError("--vocabulary \(sizes.vocabulary): the tokenizer has \(tokens) tokens")
    }
    let type = dtype.map { DType(rawValue: $0.uppercased()) } ?? sizes.dtype
    guard let type, type.isComputable else {
      throw ValidationError("--dtype \(dtype ?? ""): known are f32, f16, bf16")
    }
    return GeneratedCheckpoint(shape: sizes, dtype: type, seed: seed)
  }
}

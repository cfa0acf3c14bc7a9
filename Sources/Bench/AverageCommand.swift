import ArgumentParser
import Runtime
import Tensors
import Training

/// `Bench average MODEL… -o DIR`: the mean of checkpoints of one layout.
struct AverageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "average",
    abstract: "Write the mean of the weights of checkpoints that were trained from one another.",
    discussion: """
      Every number is the mean in f64, rounded to f32 and then to the stored type. Config and side files are the first folder's. Weights
      that were not trained from one another do not average to anything useful.

      Example: Bench average runs/organism-1/model runs/organism-2/model -o runs/organism-mean
      """)

  @Argument(help: "Checkpoint folders, two or more.")
  var models: [String]

  @Option(name: .shortAndLong, help: "The folder to write.")
  var output: String

  @Option(help: "Type of the stored weights: bf16, f16, f32.")
  var dtype = "bf16"

  func validate() throws {
    if models.count < 2 { throw ValidationError("give two folders or more") }
  }

  func run() throws {
    let types: [String: DType] = ["bf16": .bf16, "f16": .f16, "f32": .f32]
    guard let dtype = types[dtype] else { throw ValidationError("--dtype is one of bf16, f16, f32") }
    let decoders = try models.map { try Decoder(folder: $0) }
    let first = decoders[0]
    for (other, folder) in zip(decoders, models)
    where other.parameters.map(\.name) != first.parameters.map(\.name)
      || other.parameters.map(\.value.shape) != first.parameters.map(\.value.shape)
    {
      throw ValidationError("\(folder) has other tensors than \(models[0])")
    }
    for (index, parameter) in first.parameters.enumerated() {
      let values = decoders.map { $0.parameters[index].value.f32 }
      for place in 0..<parameter.count {
        let sum = values.reduce(0.0) { $0 + Double($1[place]) }
        values[0][place] = Float(sum / Double(decoders.count))
      }
    }
    try first.write(to: output, dtype: dtype)
  }
}

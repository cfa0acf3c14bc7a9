import Glibc
import JSON
import Layers
import LinearAlgebra
import OrderedCollections
import Runtime
import Tensors

/// What a timing means nothing without: machine, kernels, threads, and who else is at work.
struct MachineFacts: Sendable {
  /// The processor's name.
  let processor: String
  /// The instruction set whose kernels are in use.
  let instructionSet: String
  /// The processor type that OpenBLAS has kernels of in use for.
  let openblasCore: String
  /// Processors of this process.
  let processors: Int
  /// Physical memory in bytes.
  let memoryBytes: UInt64
  /// When the process started, UTC.
  let date: String

  /// Looks at the machine once.
  init() {
    processor = Machine.processorName
    instructionSet = KernelCheck().inUse
    openblasCore = BLASLibrary.coreName
    processors = Machine.processors
    memoryBytes = Machine.memoryBytes
    date = Machine.timestamp
  }

  /// Runnable processes, averaged over the last minute: far above the number of processors, others take their share.
  static var load: Double {
    var average = 0.0
    return getloadavg(&average, 1) == 1 ? average : .nan
  }

  /// One line for people.
  var line: String {
    "\(date), \(processor), \(processors) processors, \(Format.bytes(memoryBytes)), kernels \(instructionSet), "
      + "OpenBLAS core \(openblasCore)"
  }

  /// For every line of `--json`.
  var members: OrderedDictionary<String, JSONValue> {
    [
      "date": .string(date), "processor": .string(processor), "instruction_set": .string(instructionSet),
      "openblas_core": .string(openblasCore), "processors": .integer(processors),
      "memory_bytes": .integer(Int(memoryBytes)),
    ]
  }
}

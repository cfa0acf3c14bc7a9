import ArgumentParser
import JSON
import OrderedCollections
import Runtime
import Tensors
import Transformers

/// `Bench machine`: the rates that limits and estimates are made of.
struct MachineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "machine",
    abstract: "Measure this machine's rates: linear layers, reading and copying memory, hashing.",
    discussion: """
      The same self-measurement that --dry-run estimates with, here with longer runs: the best of several.

      Example: Bench machine --json
      """)

  @Option(help: "Threads.")
  var threads = Machine.processors

  @Option(help: "Seconds of each measurement.")
  var seconds = 1.0

  @Flag(help: "Print a line of JSON.")
  var json = false

  func validate() throws {
    guard threads > 0, seconds > 0 else {
      throw ValidationError("--threads must be at least 1 and --seconds above 0")
    }
  }

  func run() throws {
    Parallel.setThreads(threads)
    let rates = MachineRates.measured(seconds: 4 * seconds)
    var line = rates.json
    for (key, value) in MachineFacts().members { line[key] = value }
    line["load_average"] = .number(MachineFacts.load)
    if json { return print(try line.text()) }
    print(MachineFacts().line + "\n")
    print(
      """
      | rate | \(threads) threads |
      |---|---:|
      | linear layer, 256×768×768 f32 | \(Format.significant(rates.operationsPerSecond * 1e-9)) GFLOP/s |
      | reading memory | \(Format.bytes(UInt64(rates.readBytesPerSecond)))/s |
      | SHA-256 | \(Format.bytes(UInt64(rates.hashBytesPerSecond)))/s |
      """)
  }
}

extension MachineRates {
  /// For reports and lines of JSON.
  var json: JSONValue {
    [
      "threads": .integer(threads), "operations_per_second": .number(operationsPerSecond),
      "read_bytes_per_second": .number(readBytesPerSecond),
      "hash_bytes_per_second": .number(hashBytesPerSecond),
      "write_bytes_per_second": .number(writeBytesPerSecond),
    ]
  }
}

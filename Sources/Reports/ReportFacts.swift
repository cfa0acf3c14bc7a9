import JSON
import OrderedCollections
import Runtime

/// Which program wrote a report.
public struct ToolFacts: Sendable, Equatable {
  /// The program's name.
  public var name: String
  /// Its version.
  public var version: String
  /// How it was built: compiler, target, configuration.
  public var build: OrderedDictionary<String, String>

  /// Facts about a tool.
  public init(name: String, version: String, build: OrderedDictionary<String, String> = [:]) {
    self.name = name
    self.version = version
    self.build = build
  }

  /// This program.
  public static let surgeon = ToolFacts(name: "surgeon", version: "0.1.0", build: thisBuild)

  private static var thisBuild: OrderedDictionary<String, String> {
    var build: OrderedDictionary<String, String> = [:]
    #if compiler(>=6.4)
      build["swift"] = "6.4 or later"
    #elseif compiler(>=6.3)
      build["swift"] = "6.3"
    #else
      build["swift"] = "6.2"
    #endif
    #if arch(x86_64)
      build["target"] = "x86_64 linux"
    #elseif arch(arm64)
      build["target"] = "arm64 linux"
    #endif
    #if DEBUG
      build["configuration"] = "debug"
    #else
      build["configuration"] = "release"
    #endif
    return build
  }

  var json: JSONValue {
    [
      "name": .string(name), "version": .string(version),
      "build": .object(build.mapValues(JSONValue.string)),
    ]
  }
}

/// How a run stands.
public enum RunStatus: String, Sendable, CaseIterable {
  /// Started and not finished: what a killed job leaves behind.
  case running
  /// Finished; a gate may still not have held.
  case ok
  /// Ended by an error.
  case failed
  /// Stopped on request with its state saved.
  case interrupted
}

/// One run of one command.
public struct RunFacts: Sendable, Equatable {
  /// Names the run among others.
  public var id: String
  /// The command line, program name first.
  public var arguments: [String]
  /// Every setting as it was used, from the command line, the configuration file and the defaults.
  public var configuration: JSONValue
  /// The seed of all random numbers.
  public var seed: UInt64
  /// Threads used.
  public var threads: Int
  /// When it began, UTC.
  public var started: String
  /// When it ended, UTC.
  public var finished: String?
  /// Seconds from begin to end.
  public var wallSeconds: Double?
  /// Largest resident memory, mapped files included, in bytes.
  public var peakBytes: UInt64?
  /// Largest anonymous memory seen, in bytes.
  public var peakAnonymousBytes: UInt64?
  /// Bytes through read calls (pages of mapped files are not counted).
  public var bytesRead: UInt64?
  /// Bytes through write calls.
  public var bytesWritten: UInt64?
  /// How the run stands.
  public var status = RunStatus.running
  /// What the process ends with; nil while running.
  public var exitCode: ExitCode?
  /// What ended it, for failed and interrupted runs.
  public var error: ErrorFacts?

  /// A run that begins now.
  public init(arguments: [String] = CommandLine.arguments, seed: UInt64 = 0, threads: Int = 1) {
    self.arguments = arguments
    self.configuration = .object([:])
    self.seed = seed
    self.threads = threads
    self.started = Machine.timestamp
    let unique = "\(started) \(Machine.seconds) \(arguments)"
    self.id = started.filter { $0.isNumber || $0 == "T" } + "-" + SHA256.hex(unique).prefix(8)
  }

  var json: JSONValue {
    [
      "id": .string(id), "argv": .strings(arguments), "config_resolved": configuration,
      "seed": seed <= UInt64(Int64.max) ? .integer(seed) : .string(String(seed)),
      "threads": .integer(threads), "started": .string(started),
      "finished": .optional(finished), "wall_seconds": .optional(wallSeconds),
      "peak_rss_bytes": .optional(peakBytes), "peak_anonymous_bytes": .optional(peakAnonymousBytes),
      "bytes_read": .optional(bytesRead), "bytes_written": .optional(bytesWritten),
      "status": .string(status.rawValue), "exit_code": .optional(exitCode?.rawValue),
      "error": error?.json ?? .null,
    ]
  }
}

/// An error as a report carries it.
public struct ErrorFacts: Sendable, Equatable {
  /// Stable name, such as `HEADER_OVERLAP`.
  public var code: String
  /// One line for people.
  public var message: String
  /// What was found.
  public var found: String
  /// What was expected.
  public var expected: String
  /// What to try.
  public var hint: String
  /// What the process ends with.
  public var exitCode: ExitCode

  /// Any error: one of ours speaks for itself, another one is a defect of this program.
  public init(_ error: any Error) {
    if let error = error as? any SurgeonError {
      code = error.code
      found = error.found
      expected = error.expected
      hint = error.suggestion
      exitCode = error.exitCode
    } else {
      code = "INTERNAL"
      found = String(describing: error)
      expected = "an error this program knows"
      hint = "this is a defect of the program: please report it with the command line"
      exitCode = .internalError
    }
    message = expected.isEmpty ? found : "\(found); expected \(expected)"
  }

  var json: JSONValue {
    [
      "code": .string(code), "message": .string(message), "found": .string(found),
      "expected": .string(expected), "hint": .string(hint),
    ]
  }
}

/// The machine a run had.
public struct SystemFacts: Sendable, Equatable {
  /// System name and release.
  public var os: String
  /// The processor's name.
  public var cpu: String
  /// Instruction sets that matter here, such as `avx2`.
  public var isa: [String]
  /// Physical memory in bytes.
  public var memoryBytes: UInt64
  /// What OpenBLAS says its kernels are for; nil where it was not asked.
  public var openblasCore: String?
  /// How the linear layers of the models were computed, `f32` or `bf16`; nil where no model ran.
  public var compute: String?

  /// The machine this runs on; the caller knows what OpenBLAS chose.
  public init(openblasCore: String? = nil) {
    os = Machine.system
    cpu = Machine.processorName
    isa = Machine.instructionSets
    memoryBytes = Machine.memoryBytes
    self.openblasCore = openblasCore
  }

  var json: JSONValue {
    [
      "os": .string(os), "cpu": .string(cpu), "isa": .strings(isa), "ram_bytes": .integer(memoryBytes),
      "openblas_core": .optional(openblasCore), "compute": .optional(compute),
    ]
  }
}

/// Something to know that did not stop the run.
public struct ReportWarning: Sendable, Equatable {
  /// Stable name in capitals, such as `TIED_WEIGHTS`.
  public var code: String
  /// One or two sentences.
  public var message: String

  /// One warning.
  public init(code: String, message: String) {
    self.code = code
    self.message = message
  }
}

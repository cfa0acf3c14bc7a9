import ArgumentParser
import Glibc
import JSON
import Layers
import LinearAlgebra
import OrderedCollections
import Reports
import Runtime
import Statistics
import Tensors

/// `surgeon doctor`.
struct DoctorCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract:
      "Whether this machine and build can do the work: instruction sets, threads, memory, disk, self-check.",
    discussion: """
      The self-check runs small kernels on every instruction set of the processor: all must give the same bits (products
      of bf16, where the processor has its own, the same within rounding).

      Example: surgeon doctor --format json | jq '.results.checks[] | select(.passed == false)'
      """)
  static let kind = "doctor"

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { nil }

  /// Whether the processor has them, and what `--compute auto` takes.
  private static var bf16Products: String {
    ComputeMode.hasBF16Products
      ? "AVX512_BF16 here: --compute auto takes bf16 for weights stored as bf16, f32 otherwise"
      : "no AVX512_BF16, they are emulated without gain of speed: --compute auto takes f32"
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let kernels = KernelCheck()
    var checks: [Check] = [
      Check(
        "instruction_set", kernels.inUse == kernels.best,
        "\(kernels.inUse) in use, \(kernels.best) is the best here"),
      Check(
        "kernels", kernels.passed,
        kernels.outcomes.map {
          "\($0.instructionSet) \($0.sha256.prefix(12)) (error \(Format.significant($0.worstError, 2)))"
        }.joined(separator: ", ")),
      Check("bf16_products", nil, Self.bf16Products),
      Check(
        "sha256", SHA256.hex("abc").hasPrefix("ba7816bf8f01cfea414140de5dae2223"), "of \"abc\""),
      Check("threads", nil, "\(Parallel.threads) in use, \(Machine.processors) processors"),
      Check(
        "memory", nil,
        "\(Format.bytes(Machine.memoryBytes)), \(Format.bytes(Machine.availableMemoryBytes)) of it available"),
      Check("disk", nil, "\(Format.bytes(Files.availableSpace(at: "."))) free in the current folder"),
      Check("openblas", nil, "\(BLASLibrary.coreName); \(BLASLibrary.configuration)"),
    ]
    if let forced = getenv("OPENBLAS_CORETYPE") {
      let text = "OPENBLAS_CORETYPE=\(String(cString: forced)) forces OpenBLAS's kernels"
      checks.append(Check("openblas_forced", false, text))
      report.warn(
        "OPENBLAS_FORCED", "\(text): unset it, or probes may be half as fast and differ in last bits")
    }
    report.results = ["checks": .array(checks.map(\.json))]
    let required = ["kernels", "sha256"]
    let failed = checks.filter { required.contains($0.id) && $0.passed == false }
    report.add(
      Metric(
        name: "failed_checks", value: Double(failed.count), unit: "count", n: required.count,
        higherIsBetter: false))
    var table = Table([.init("Check"), .init("", key: "passed"), .init("Detail")])
    for check in checks {
      table.add([
        .text(check.id), Table.Cell(check.mark, value: check.passed.map(JSONValue.bool) ?? .null),
        .text(check.detail),
      ])
    }
    let tool = report.tool
    let build = tool.build.values.joined(separator: ", ")
    try session.show(
      report,
      heading: ["\(tool.name) \(tool.version) (\(build)) on \(Machine.processorName), \(Machine.system)"],
      tables: [table])
    if let first = failed.first { throw ProgramError.selfCheck(what: first.id, detail: first.detail) }
  }
}

/// Something that was looked at and is so or not; nil where there is nothing to judge.
struct Check {
  var id: String
  var passed: Bool?
  var detail: String

  init(_ id: String, _ passed: Bool?, _ detail: String) {
    self.id = id
    self.passed = passed
    self.detail = detail
  }

  var json: JSONValue {
    ["id": .string(id), "passed": passed.map(JSONValue.bool) ?? .null, "detail": .string(detail)]
  }

  var mark: String { passed.map { $0 ? "ok" : "NO" } ?? "" }
}

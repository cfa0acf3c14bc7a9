import ArgumentParser
import CKernels
import JSON
import Layers
import Runtime
import Tensors

/// `Bench kernels`: the speed of the kernels beside the processor's multiply-add rate.
struct KernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Time the kernels and print a Markdown table.",
    discussion: """
      A linear layer of M rows, N outputs and K inputs does 2·M·N·K operations. "of peak" is the share of the
      multiply-add rate that was measured in registers just before, on as many threads; of products of bf16, where the
      processor has them (AVX512_BF16), the rate of those. Medians of repeated runs, with minimum and maximum: on a shared
      machine look at the maximum too.
      """)

  @Option(help: "Numbers of threads, such as 1,2.")
  var threads = "1,2"

  @Option(help: "Instruction set: base, v3, v4, v4bf16, or best.")
  var set = "best"

  @Option(help: "Seconds a line.")
  var seconds = 0.5

  @Option(help: "Shapes of linear layers as MxNxK.")
  var shapes = "512x2048x2048,512x768x768,512x768x3072,64x2048x2048,8x2048x2048,1x2048x2048,1x32000x2048"

  @Option(help: "Types of the weights: f32, f16, bf16; with a t behind: stored transposed.")
  var types = "f32,bf16"

  @Flag(help: "Print lines of JSON instead of a table.")
  var json = false

  @Option(help: "Modes of weights that are bf16: f32, bf16 (inputs rounded, products of bf16).")
  var compute = "f32,bf16"

  func run() throws {
    let sets: [String: InstructionSet] = ["base": .base, "v3": .v3, "v4": .v4, "v4bf16": .v4bf16]
    if set != "best" {
      guard let chosen = sets[set], InstructionSet.use(chosen) else {
        throw ValidationError("this processor has no instruction set \(set)")
      }
    }
    let modes = try compute.split(separator: ",").map { name in
      guard let mode = ComputeMode(rawValue: String(name)) else {
        throw ValidationError("--compute \(name): f32 or bf16")
      }
      return mode
    }
    if !json {
      print("\(Machine.processorName), \(Machine.system), \(InstructionSet.current.name)\n")
      print("| kernel | threads | median | min – max | unit | of peak | weights GB/s |")
      print("|---|---|---|---|---|---|---|")
    }
    for count in threads.split(separator: ",").compactMap({ Int($0) }) {
      Parallel.setThreads(count)
      let peak = Self.peak(ck_multiply_add)
      if !json { print("| multiply-add in registers | \(count) | \(text(peak)) | | GFLOP/s | 100 % | |") }
      var peaks: [ComputeMode: Double] = [.f32: peak, .bf16: peak]
      if InstructionSet.current == .v4bf16 {
        let own = Self.peak(ck_bf16_multiply_add)
        peaks[.bf16] = own
        if !json {
          print(
            "| products of bf16 in registers (VDPBF16PS) | \(count) | \(text(own)) | | GFLOP/s | 100 % | |")
        }
      }
      for type in types.split(separator: ",") {
        for mode in modes where mode == .f32 || type.hasPrefix("bf16") {
          for shape in shapes.split(separator: ",") {
            try timeLinear(String(shape), String(type), mode, count, peaks[mode] ?? peak)
          }
        }
      }
      timeAttention(count, peak)
    }
  }

  private func timeLinear(
    _ shape: String, _ type: String, _ mode: ComputeMode, _ threads: Int, _ peak: Double
  ) throws {
    let sizes = shape.split(separator: "x").compactMap { Int($0) }
    let transposed = type.hasSuffix("t")
    let stored = transposed ? String(type.dropLast()) : type
    guard sizes.count == 3, let dtype = DType(rawValue: stored.uppercased()), dtype.isComputable else {
      throw ValidationError("no linear layer \(shape) with weights of \(type)")
    }
    let (m, n, k) = (sizes[0], sizes[1], sizes[2])
    let x = Tensor(Self.noise(m * k, 1)), y = Tensor(zeros: [m, n])
    let weight = LinearWeight(
      Tensor(Self.noise(n * k, 2), shape: transposed ? [k, n] : [n, k], dtype: dtype), transposed: transposed)
    let operations = 2 * Double(m) * Double(n) * Double(k)
    let times = Self.times(seconds) {
      Linear.forward(y.f32, yStride: n, x.f32, xStride: k, rows: m, weight, compute: mode)
    }
    let name = "linear \(shape) \(type)" + (mode == .bf16 ? ", products of bf16" : "")
    line(name, threads, operations, times, peak, bytes: weight.byteCount)
  }

  private func timeAttention(_ threads: Int, _ peak: Double) {
    for (queries, keys) in [(512, 512), (64, 64), (1, 1024)] {
      let (heads, headSize) = (12, 64)
      let width = heads * headSize
      let q = Tensor(Self.noise(queries * width, 1)), k = Tensor(Self.noise(keys * width, 2))
      let v = Tensor(Self.noise(keys * width, 3)), out = Tensor(zeros: [queries, width])
      let pairs = (0..<queries).reduce(0.0) { $0 + Double(keys - queries + $1 + 1) }
      let times = Self.times(seconds) {
        Attention.forward(
          out.f32, outStride: width, q: q.f32, qStride: width, k: k.f32, kStride: width, v: v.f32,
          vStride: width, queries: queries, keys: keys, heads: heads, kvHeads: heads, headSize: headSize,
          scale: 0.125)
      }
      line(
        "causal attention, \(queries) queries, \(keys) keys, 12 heads of 64", threads,
        4 * pairs * Double(width), times, peak, bytes: nil)
    }
  }

  private func line(
    _ name: String, _ threads: Int, _ operations: Double, _ times: [Double], _ peak: Double, bytes: Int?
  ) {
    let rates = times.map { operations / $0 * 1e-9 }.sorted()
    guard let low = rates.first, let high = rates.last else { return }
    let median = rates[rates.count / 2]
    if json {
      let facts: JSONValue = [
        "stage": .string(String(name.prefix { $0 != " " && $0 != "," })), "what": .string(name),
        "threads": .integer(threads), "operations_per_second": .number(median * 1e9),
        "of_peak": .number(median / peak), "peak_operations_per_second": .number(peak * 1e9),
      ]
      return print((try? facts.text()) ?? "")
    }
    let share = "\(Int((100 * median / peak).rounded())) %"
    let stream = bytes.map { text(Double($0) * median / operations) } ?? ""
    print(
      "| \(name) | \(threads) | \(text(median)) | \(text(low)) – \(text(high)) | GFLOP/s | \(share) | \(stream) |"
    )
  }

  private func text(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

  /// Seconds of repeated runs, the first of them left out; at least three.
  private static func times(_ seconds: Double, _ body: () -> Void) -> [Double] {
    body()
    let start = Machine.seconds
    var result: [Double] = []
    while result.count < 3 || (Machine.seconds - start < seconds && result.count < 1000) {
      let before = Machine.seconds
      body()
      result.append(Machine.seconds - before)
    }
    return result
  }

  /// Multiply-adds in registers on the current number of threads, in GFLOP/s: the best of as many runs as fit in 0.3 s, since
  /// threads that have just begun may share a processor for a while.
  private static func peak(_ work: @escaping @Sendable (Int) -> Double) -> Double {
    let count = Parallel.threads
    let rounds = InstructionSet.current == .base ? 20_000 : 1_000_000
    var best = 0.0
    let start = Machine.seconds
    while best == 0 || Machine.seconds - start < 0.3 {
      let before = Machine.seconds
      Parallel.forEach(count, grain: 1) { _ = work(rounds * $0.count) }
      let operations = work(1) * Double(rounds * count)
      best = max(best, operations / (Machine.seconds - before) * 1e-9)
    }
    return best
  }

  private static func noise(_ count: Int, _ seed: UInt64) -> [Float] {
    var random = CounterRandom(seed: seed, stream: "bench")
    return (0..<count).map { _ in Float(random.uniform()) - 0.5 }
  }
}

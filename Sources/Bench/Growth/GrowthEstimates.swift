import Architectures
import JSON
import Runtime
import Tensors
import Transformers

/// What jobs on larger checkpoints and machines would take, from rates that were measured here.
struct GrowthEstimates: Sendable {
  /// One job on one machine.
  struct Estimate: Sendable {
    var model: String
    var job: String
    var cores: Int
    var seconds: Double
    /// Amount of the job, such as tokens; nil where the time says it all.
    var amount: Double?
    var unit = ""
    /// Memory that the job holds, mapped weights included, in bytes.
    var memoryBytes: Double
    /// What it waits for: arithmetic, memory or the disk.
    var limit: String
  }

  /// Rates on one thread.
  let one: MachineRates
  /// Rates on all threads of this machine.
  let all: MachineRates

  /// The share of a linear layer's rate that a whole forward pass reached here, 0…1.
  var passShare = 1.0
  /// The share of the rate of reading memory that locating reached here, 0…1.
  var scanShare = 1.0

  /// Takes both shares from curves, where they were measured: of the fastest pass, and of the largest model.
  mutating func calibrate(_ curves: [GrowthCurve]) {
    if let best = curves.first(where: { $0.name == "batch" })?.points.map({ $0.work / $0.cost }).max() {
      passShare = min(1, best / all.operationsPerSecond)
    }
    if let last = curves.first(where: { $0.name == "locate" })?.points.last {
      scanShare = min(1, last.rate / all.readBytesPerSecond)
    }
  }

  /// Bytes a second that all cores of a large machine read together: eight to twelve channels of memory.
  static let socketBytesPerSecond = 200e9
  /// Cores that are asked about.
  static let cores = [2, 64]

  /// What the numbers rest on.
  var assumptions: [String] {
    let percent = Format.percent(serialShare, 1)
    return [
      "arithmetic: the rate of a linear layer on one thread here, \(Format.significant(one.operationsPerSecond * 1e-9)) GFLOP/s, "
        + "times c / (1 + s(c − 1)) on c cores, with s = \(percent) from one and \(all.threads) threads",
      "of these rates a forward pass takes \(Format.percent(passShare, 0)) and locating \(Format.percent(scanShare, 0)), as the curves "
        + "batch and locate show (100 % where they were not measured)",
      "memory: \(Format.bytes(UInt64(one.readBytesPerSecond)))/s a core, but no more than the "
        + "\(Format.bytes(UInt64(all.readBytesPerSecond)))/s measured here on 2 cores and \(Format.bytes(UInt64(Self.socketBytesPerSecond)))/s on 64",
      "hashing: \(Format.bytes(UInt64(one.hashBytesPerSecond)))/s a core; writing: 1 GB/s, whatever the cores",
      "weights are stored in bf16, computed with in f32, and stay in memory: a machine that holds less than the model reads it "
        + "from the disk again for every batch and every generated token",
      "a step takes as long as its arithmetic or its reading, whichever is longer; norms, softmax, tokenising and the disk's "
        + "first reading are left out",
    ]
  }

  /// The share of arithmetic that more threads do not make faster (Amdahl), from the rates of one and all threads.
  var serialShare: Double {
    let c = Double(all.threads)
    guard c > 1 else { return 0 }
    let speedup = all.operationsPerSecond / one.operationsPerSecond
    return min(1, max(0, (c / speedup - 1) / (c - 1)))
  }

  /// Rates that a machine of some cores would have.
  func rates(cores: Int) -> MachineRates {
    let c = Double(cores)
    let memory = cores <= 2 ? all.readBytesPerSecond : Self.socketBytesPerSecond
    return MachineRates(
      threads: cores, operationsPerSecond: one.operationsPerSecond * c / (1 + serialShare * (c - 1)),
      readBytesPerSecond: min(one.readBytesPerSecond * c, memory),
      hashBytesPerSecond: min(one.hashBytesPerSecond * c, memory))
  }

  /// Shapes of Llama 3.1.
  static let models: [(name: String, shape: CheckpointShape)] = [
    (
      "8 B",
      CheckpointShape(
        blocks: 32, width: 4096, mlpWidth: 14_336, heads: 32, keyValueHeads: 8, vocabulary: 128_256,
        context: 8192, tied: false, dtype: .bf16)
    ),
    (
      "70 B",
      CheckpointShape(
        blocks: 80, width: 8192, mlpWidth: 28_672, heads: 64, keyValueHeads: 8, vocabulary: 128_256,
        context: 8192, tied: false, dtype: .bf16)
    ),
  ]

  /// All jobs of all models on all machines.
  func estimates() throws -> [Estimate] {
    try Self.models.flatMap { model in
      try Self.cores.flatMap { try jobs(model.name, model.shape, cores: $0) }
    }
  }

  private func jobs(_ name: String, _ shape: CheckpointShape, cores: Int) throws -> [Estimate] {
    let config = shape.config(dtype: shape.dtype)
    guard let network = try Family.find(config: config)?.network(config: config) else { return [] }
    var rates = rates(cores: cores)
    rates.operationsPerSecond *= passShare
    let bytes = shape.parameterCount * shape.dtype.size
    let weights = Double(bytes)
    // Rows of one batch as f32 between the products of a block.
    let activations = Double(4 * Model.defaultBatchTokens * (4 * shape.width + 2 * shape.mlpWidth))
    func estimate(
      _ job: String, _ work: WorkEstimate, _ amount: Double?, _ unit: String, memory: Double
    ) -> Estimate {
      let arithmetic = work.operations / rates.operationsPerSecond
      let disk = work.writtenBytes / rates.writeBytesPerSecond
      let reading = work.readBytes / rates.readBytesPerSecond
      let hashing = work.hashedBytes / rates.hashBytesPerSecond
      let parts = [
        (arithmetic, "arithmetic"), (disk, "writing"), (reading, "memory"), (hashing, "hashing"),
      ]
      return Estimate(
        model: name, job: job, cores: cores, seconds: work.seconds(at: rates), amount: amount, unit: unit,
        memoryBytes: memory, limit: parts.max { $0.0 < $1.0 }?.1 ?? "")
    }
    var states = WorkEstimate()
    states.addPass(of: network, texts: 1000, length: 64, weightBytes: bytes)
    var generation = WorkEstimate()
    generation.addGeneration(of: network, prompts: 1, length: 64, new: 128, batch: 1, weightBytes: bytes)
    var locate = WorkEstimate()
    let gates = Double(shape.blocks * shape.mlpWidth * shape.width * shape.dtype.size)
    locate.addRead(gates / scanShare)
    var apply = WorkEstimate()
    apply.hashedBytes = weights
    apply.writtenBytes = weights
    apply.addRead(2 * weights)
    return [
      estimate(
        "hidden states of 1,000 texts × 64 tokens", states, 64_000, "tokens", memory: weights + activations),
      estimate("continuing one text by 128 tokens", generation, 128, "tokens", memory: weights),
      estimate("locate over all gate rows", locate, nil, "", memory: gates),
      estimate("apply a patch with full verification", apply, nil, "", memory: 3e8),
    ]
  }
}

extension GrowthEstimates.Estimate {
  /// For the report.
  var json: JSONValue {
    [
      "model": .string(model), "job": .string(job), "cores": .integer(cores), "seconds": .number(seconds),
      "per_second": .optional(amount.map { $0 / seconds }),
      "rate_unit": .string(unit.isEmpty ? "" : "\(unit)/s"),
      "memory_bytes": .integer(Int(memoryBytes)), "limit": .string(limit),
    ]
  }
}

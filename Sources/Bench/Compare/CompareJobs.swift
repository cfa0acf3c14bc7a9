/// The jobs of `Bench compare`, in the order in which they run.
enum CompareJobs {
  /// All of them.
  static func all(_ places: ComparePlaces) -> [CompareJob] {
    kernels(places) + hiddenStates(places) + [process(places), generation(places)] + probes(places)
      + [locate(places), write(places), quantile(places)] + training(places) + start(places)
  }

  private static func kernels(_ places: ComparePlaces) -> [CompareJob] {
    func job(_ name: String, _ type: String, _ peak: String, reach: Double, better: Double) -> CompareJob {
      CompareJob(
        name: name, summary: "a linear layer of \(type) beside the processor's rate of \(peak)",
        ours: places.bench(
          "kernels", "--threads", "\(places.threads)", "--shapes", "512x2048x2048", "--types", type,
          "--compute", type),
        rows: [
          .init(
            title: "\(type) linear layer, 512×2048×2048, share of the peak of \(peak)", unit: "of peak",
            kind: .floor, reach: reach, better: better, ours: .number("of_peak", stage: "linear"))
        ])
    }
    return [
      job("kernels", "f32", "multiply-adds", reach: 0.75, better: 0.88),
      // Without AVX512_BF16 the products are emulated, and the peak is that of f32.
      job("kernels-bf16", "bf16", "products of bf16", reach: 0.7, better: 0.9),
    ]
  }

  private static func process(_ places: ComparePlaces) -> CompareJob {
    let texts = "\(places.scratch)/prompts.txt", cache = "\(places.scratch)/cache"
    var ours = places.surgeon(
      "cache", places.model("15m"), "-f", texts, "--sites", "blocks.*.output,final_norm", "--max-tokens",
      "64", "-o",
      cache, "--threads", "\(places.threads)", "--quiet")
    ours.clears = [cache]
    ours.times = 5
    var peer = places.ownPeer(
      "transformers script", "hidden_process.py",
      [places.model("15m"), texts, "\(places.scratch)/cache.npz", "64"], runs: 1)
    peer.times = 2
    return CompareJob(
      name: "process", summary: "32 prompts of 64 tokens, 15 M, start of the program to written cache",
      ours: ours, peers: [peer], needs: [.model("15m"), .prompts],
      rows: [
        .init(
          title: "whole process, 32 prompts × 64 tokens, 15 M", peer: 0, unit: "s", kind: .speedup, reach: 15,
          better: 25, ours: .wall)
      ])
  }

  private static func locate(_ places: ComparePlaces) -> CompareJob {
    CompareJob(
      name: "locate", summary: "ranking all gate rows of 1.1 B beside reading memory",
      ours: places.bench("stages", places.model("1.1b"), "--parts", "locate", "--warm", "--runs", "5"),
      peers: [places.bench("machine", "--threads", "\(places.threads)").named("memory read rate")],
      needs: [.model("1.1b")],
      rows: [
        .init(
          title: "locate over all gate rows, 1.1 B, model open", peer: 0, unit: "B/s", kind: .rate,
          reach: 0.6,
          better: 0.8, ours: .number("per_second_median", stage: "locate open"),
          theirs: .number("read_bytes_per_second")),
        .init(
          title: "same, opening the model anew", peer: 0, unit: "B/s", kind: .rate, reach: nil, better: nil,
          ours: .number("per_second_median", stage: "locate"), theirs: .number("read_bytes_per_second")),
      ])
  }

  private static func write(_ places: ComparePlaces) -> CompareJob {
    let copy = "\(places.scratch)/copy"
    let ours = places.bench(
      "stages", places.model("1.1b"), "--parts", "edit", "--warm", "--runs", "1", "--scratch", places.scratch)
    var peer = CompareJob.Call(name: "cp -r", words: ["cp", "-r", places.model("1.1b"), copy])
    peer.clears = [copy]
    peer.warms = places.model("1.1b")
    return CompareJob(
      name: "write", summary: "writing and applying a patch to 1.1 B, warm, beside copying the folder",
      ours: ours, peers: [peer], needs: [.model("1.1b")],
      rows: [
        .init(
          title: "write a patched 1.1 B checkpoint, warm", peer: 0, unit: "s", kind: .share, reach: 1.1,
          better: 0.8, ours: .number("seconds_median", stage: "write"),
          note: "neither is flushed to the disk yet"),
        .init(
          title: "same, anonymous memory", unit: "B", kind: .value, reach: 1e8, better: 1e8,
          ours: .number("anonymous_peak_bytes", stage: "write")),
        .init(
          title: "apply with full verification, 1.1 B", peer: 0, unit: "s", kind: .share, reach: 3, better: 2,
          ours: .number("seconds_median", stage: "apply")),
      ])
  }

  private static func quantile(_ places: ComparePlaces) -> CompareJob {
    CompareJob(
      name: "quantile", summary: "the exact median magnitude of 969 M weights",
      ours: places.bench("quantile", places.model("1.1b"), "--threshold-only", "--runs", "5"),
      peers: [
        places.peer("numpy partition", "weights.py", ["quantile", places.model("1.1b")], runs: 1)
      ],
      needs: [.model("1.1b")],
      rows: [
        .init(
          title: "exact magnitude quantile, 1.1 B", peer: 0, unit: "s", kind: .speedup, reach: 8, better: 20,
          ours: .number("seconds_median", stage: "threshold"), theirs: .number("median_s")),
        .init(
          title: "same, anonymous memory", unit: "B", kind: .value, reach: 1e8, better: 1e8,
          ours: .number("anonymous_peak_bytes", stage: "threshold")),
      ])
  }

  private static func start(_ places: ComparePlaces) -> [CompareJob] {
    let commands: [(name: String, words: [String], limit: Double, needs: [CompareJob.Preparation])] = [
      ("--help", ["--help"], 0.05, []), ("doctor", ["doctor"], 0.1, []),
      ("inspect", ["inspect", places.model("1.1b")], 0.1, [.model("1.1b")]),
    ]
    return commands.map { command in
      var call = CompareJob.Call(name: "surgeon", words: [places.surgeon] + command.words)
      call.times = 9
      return CompareJob(
        name: command.name == "--help" ? "help" : command.name,
        summary: "how long surgeon \(command.name) takes", ours: call, needs: command.needs,
        rows: [
          .init(
            title: "surgeon \(command.name)" + (command.name == "inspect" ? " of a 1.1 B folder" : ""),
            unit: "s", kind: .value, reach: command.limit, ours: .wall)
        ])
    }
  }
}

extension CompareJob.Call {
  /// The same call under another name.
  func named(_ name: String) -> CompareJob.Call {
    var call = self
    call.name = name
    return call
  }
}

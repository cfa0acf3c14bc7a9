/// Hidden states, generation and training beside transformers, PyTorch and llama.cpp.
extension CompareJobs {
  /// A pass over 32 texts of 64 tokens here, all blocks shown.
  private static func forward(
    _ places: ComparePlaces, _ shape: String, runs: Int, compute: String = "f32"
  ) -> CompareJob.Call {
    places.bench(
      "stages", places.model(shape), "--parts", "forward", "--shapes", "32x64", "--threads",
      "\(places.threads)", "--runs", "\(runs)", "--compute", compute)
  }

  private static let ourRate = CompareJob.Reading.number("per_second_median", stage: "forward")

  /// A checkpoint of random weights as a model of llama.cpp.
  private static func converted(_ places: ComparePlaces, _ shape: String, _ type: String) -> (
    file: String, made: CompareJob.Preparation
  ) {
    let file = "\(places.scratch)/\(shape)-\(type).gguf"
    return (
      file,
      .call(
        places.ownPeer(
          file, "llama_cpp_peer.py", ["convert", places.model(shape), type, file], runs: 1))
    )
  }

  static func hiddenStates(_ places: ComparePlaces) -> [CompareJob] {
    [small(places), middle(places), large(places), smallProducts(places)]
      + [("110m", "110 M", 1.2, 1.5, 3), ("1.1b", "1.1 B", 1.15, 1.3, 1)].map { products(places, $0) }
  }

  private static func llama(
    _ places: ComparePlaces, _ file: String, _ type: String = "f32", runs: Int
  ) -> CompareJob.Call {
    places.ownPeer("llama.cpp \(type)", "llama_cpp_peer.py", ["hidden", file, "32", "64"], runs: runs)
  }

  /// Products of bf16 at 15 M, beside llama.cpp.
  private static func smallProducts(_ places: ComparePlaces) -> CompareJob {
    let model = converted(places, "15m", "bf16")
    return CompareJob(
      name: "hidden-15m-bf16", summary: "hidden states of all blocks, 15 M, bf16 arithmetic, 32×64",
      ours: forward(places, "15m", runs: 7, compute: "bf16"),
      peers: [llama(places, model.file, "bf16", runs: 7)], needs: [.model("15m"), model.made],
      rows: [
        .init(
          title: "hidden states bf16, 15 M, 32×64", peer: 0, unit: "tokens/s", kind: .rate, reach: 1.5,
          better: 2.5, ours: ourRate, theirs: .number("tok_s"), note: "llama.cpp returns no hidden states")
      ])
  }

  /// Products of bf16 at a larger size, beside transformers.
  private static func products(
    _ places: ComparePlaces, _ size: (shape: String, name: String, reach: Double, better: Double, runs: Int)
  ) -> CompareJob {
    CompareJob(
      name: "hidden-\(size.shape)-bf16",
      summary: "hidden states of all blocks, \(size.name), bf16 arithmetic, 32×64",
      ours: forward(places, size.shape, runs: size.runs, compute: "bf16"),
      peers: [transformers(places, size.shape, "bf16", "nohead", runs: size.runs)],
      needs: [.model(size.shape)],
      rows: [
        .init(
          title: "hidden states bf16, \(size.name), 32×64", peer: 0, unit: "tokens/s", kind: .rate,
          reach: size.reach, better: size.better, ours: ourRate, theirs: .number("tok_s"))
      ])
  }

  private static func transformers(
    _ places: ComparePlaces, _ shape: String, _ dtype: String, _ mode: String, runs: Int
  ) -> CompareJob.Call {
    places.peer(
      "transformers \(dtype) \(mode == "nohead" ? "without head" : mode)", "hidden.py",
      [places.model(shape), dtype, "32", "64", mode], runs: runs)
  }

  private static func small(_ places: ComparePlaces) -> CompareJob {
    let model = converted(places, "15m", "f32")
    return CompareJob(
      name: "hidden-15m", summary: "hidden states of all blocks, 15 M, f32 arithmetic, 32×64",
      ours: forward(places, "15m", runs: 7),
      peers: [llama(places, model.file, runs: 7), transformers(places, "15m", "f32", "nohead", runs: 7)],
      needs: [.model("15m"), model.made],
      rows: [
        .init(
          title: "hidden states f32, 15 M, 32×64", peer: 0, unit: "tokens/s", kind: .rate, reach: 1.5,
          better: 2, ours: ourRate, theirs: .number("tok_s"), note: "llama.cpp returns no hidden states"),
        .init(
          title: "hidden states f32, 15 M, 32×64", peer: 1, unit: "tokens/s", kind: .rate, reach: 1.5,
          better: 2, ours: ourRate, theirs: .number("tok_s")),
      ])
  }

  private static func middle(_ places: ComparePlaces) -> CompareJob {
    let model = converted(places, "110m", "f32")
    return CompareJob(
      name: "hidden-110m", summary: "hidden states of all blocks, 110 M, f32 arithmetic, 32×64",
      ours: forward(places, "110m", runs: 3),
      peers: [transformers(places, "110m", "f32", "nohead", runs: 3), llama(places, model.file, runs: 3)],
      needs: [.model("110m"), model.made],
      rows: [
        .init(
          title: "hidden states f32, 110 M, 32×64", peer: 0, unit: "tokens/s", kind: .rate, reach: 2,
          better: 2.4, ours: ourRate, theirs: .number("tok_s")),
        .init(
          title: "hidden states f32, 110 M, 32×64", peer: 1, unit: "tokens/s", kind: .rate, reach: 1.5,
          better: 1.8, ours: ourRate, theirs: .number("tok_s"), note: "llama.cpp returns no hidden states"),
      ])
  }

  private static func large(_ places: ComparePlaces) -> CompareJob {
    CompareJob(
      name: "hidden-1.1b",
      summary: "hidden states of all blocks, 1.1 B, weights bf16, f32 arithmetic, 32×64; resident memory",
      ours: forward(places, "1.1b", runs: 1),
      peers: [
        transformers(places, "1.1b", "f32", "eager", runs: 1),
        transformers(places, "1.1b", "bf16", "nohead", runs: 1),
      ],
      needs: [.model("1.1b")],
      rows: [
        .init(
          title: "hidden states f32, 1.1 B, 32×64", peer: 0, unit: "tokens/s", kind: .rate, reach: 2.3,
          better: 2.6, ours: ourRate, theirs: .number("tok_s")),
        .init(
          title: "peak resident memory, 1.1 B", peer: 0, unit: "B", kind: .share, reach: 0.45, ours: .peak,
          theirs: .peak),
        .init(
          title: "peak resident memory, 1.1 B", peer: 1, unit: "B", kind: .share, reach: 0.9, ours: .peak,
          theirs: .peak),
      ])
  }

  static func generation(_ places: ComparePlaces) -> CompareJob {
    let model = converted(places, "1.1b", "bf16")
    return CompareJob(
      name: "generation", summary: "continuing one text by 32 tokens, 1.1 B in bf16",
      ours: places.bench(
        "stages", places.model("1.1b"), "--parts", "generate", "--texts", "1", "--new-tokens", "32", "--runs",
        "3"),
      peers: [
        places.ownPeer("llama.cpp bf16", "llama_cpp_peer.py", ["generate", model.file, "1", "32"], runs: 3)
      ],
      needs: [.model("1.1b"), model.made],
      rows: [
        .init(
          title: "generation, 1.1 B bf16", peer: 0, unit: "tokens/s", kind: .rate, reach: 0.95, better: 1,
          ours: .number("per_second_median", stage: "generate"), theirs: .number("tok_s"))
      ])
  }

  static func training(_ places: ComparePlaces) -> [CompareJob] {
    let network: (String, String, Double, Double) -> CompareJob = { ours, name, reach, better in
      let isResidual = ours == "resnet20"
      return CompareJob(
        name: "train-\(isResidual ? "resnet" : ours)",
        summary: "training \(name) on random images, batch 128",
        ours: places.bench(
          "train", "--networks", ours, "--runs", "3", "--threads", "\(places.threads)"),
        peers: [
          places.peer(
            isResidual ? "PyTorch f32, channels last" : "PyTorch f32", "train.py", [ours], runs: 3,
            isResidual ? ["CL": "1"] : [:])
        ],
        rows: [
          .init(
            title: "training, \(name), f32", peer: 0, unit: "images/s", kind: .rate, reach: reach,
            better: better, ours: .number("per_second_median", stage: "train"), theirs: .number("median"))
        ])
    }
    return [
      network("mlp", "MLP 784-512-256-10", 1.7, 2.2), network("resnet20", "ResNet-20 32×32", 1.1, 1.4),
      CompareJob(
        name: "train-lm", summary: "training a 15 M decoder, 8×256 tokens, AdamW",
        ours: places.bench(
          "train-lm", places.model("15m"), "--runs", "3", "--threads", "\(places.threads)"),
        peers: [places.peer("PyTorch f32", "train.py", ["lm", places.model("15m")], runs: 3)],
        needs: [.model("15m")],
        rows: [
          .init(
            title: "training, 15 M decoder, f32", peer: 0, unit: "tokens/s", kind: .rate, reach: 1.8,
            better: 2.3, ours: .number("per_second_median", stage: "train lm"), theirs: .number("median"))
        ]),
    ]
  }
}

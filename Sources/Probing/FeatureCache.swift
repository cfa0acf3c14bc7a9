import Architectures
import Checkpoints
import JSON
import Layers
import OrderedCollections
import Runtime
import Tensors
import Tokenizers
import Transformers

/// Pooled hidden states of many sites on disk, made in one pass over the texts: a manifest and shards of rows.
///
/// A finished shard is never written again, so an interrupted pass resumes with the next one. The manifest carries
/// the hashes of model, tokenizer and texts, and the mode of computing; another key in the same folder is refused.
public struct FeatureCache: Sendable {
  /// What decides whether a cache can be used again.
  public struct Key: Sendable, Equatable {
    /// Hash over all tensors.
    public var model: String
    /// Hash of the tokenizer's files.
    public var tokenizer: String
    /// Hash over the tokens and reply positions of all texts.
    public var texts: String
    /// Sites by name.
    public var sites: [String]
    /// Poolings by name.
    public var poolings: [String]
    /// How the states were computed.
    public var compute: ComputeMode

    var json: JSONValue {
      [
        "model": .string(model), "tokenizer": .string(tokenizer), "texts": .string(texts),
        "sites": .strings(sites), "poolings": .strings(poolings), "compute": .string(compute.rawValue),
      ]
    }

    func differences(from json: JSONValue) -> [String] {
      var differs = (self.json.object ?? [:]).filter { json[$0.key] != $0.value }.map(\.key)
      if Self.compute(of: json) == compute { differs.removeAll { $0 == "compute" } }
      return differs
    }

    /// Caches of earlier versions do not say it: there was f32 only.
    static func compute(of json: JSONValue) -> ComputeMode? {
      guard let name = json["compute"] else { return .f32 }
      return name.string.flatMap(ComputeMode.init)
    }
  }

  /// The folder.
  public let folder: String
  /// Number of texts.
  public let count: Int
  /// Texts of one shard.
  public let shardRows: Int
  /// What was cached.
  public let key: Key

  private static let manifestName = "manifest.json"
  private static let format = 1

  /// Opens a finished cache.
  /// - Throws: ``CacheError``, ``JSONError``, ``FileError``.
  public init(folder: String) throws {
    let manifest = try JSONValue(file: folder + "/" + Self.manifestName)
    guard manifest["format"]?.int == Self.format, let count = manifest["count"]?.int,
      let shardRows = manifest["shard_rows"]?.int, let key = manifest["key"],
      let sites = key["sites"]?.array?.compactMap(\.string),
      let poolings = key["poolings"]?.array?.compactMap(\.string), let compute = Key.compute(of: key)
    else { throw CacheError.unreadable(folder: folder, reason: "manifest.json is of another format") }
    self.init(
      folder: folder, count: count, shardRows: shardRows,
      key: Key(
        model: key["model"]?.string ?? "", tokenizer: key["tokenizer"]?.string ?? "",
        texts: key["texts"]?.string ?? "", sites: sites, poolings: poolings, compute: compute))
    for shard in 0..<shardCount where !Files.exists(path(ofShard: shard)) {
      throw CacheError.unreadable(folder: folder, reason: "shard \(shard) of \(shardCount) is missing")
    }
  }

  private init(folder: String, count: Int, shardRows: Int, key: Key) {
    self.folder = folder
    self.count = count
    self.shardRows = shardRows
    self.key = key
  }

  private var shardCount: Int { (count + shardRows - 1) / shardRows }

  private func path(ofShard index: Int) -> String {
    let digits = String(index)
    return "\(folder)/shard-\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).safetensors"
  }

  /// Makes a cache, or finishes one of the same key.
  /// - Throws: ``CacheError``, ``TransformerError``, ``FileError``, ``Interrupted`` with all finished shards kept.
  public static func build(
    _ model: Model, tokenizerHash: String, texts: [EncodedText], sites: [Site], poolings: [Pooling],
    folder: String,
    shardRows: Int = 512, batchTokens: Int? = nil, progress: ProgressSink = ignoreProgress
  ) throws -> FeatureCache {
    let key = Key(
      model: try model.checkpoint.modelHash, tokenizer: tokenizerHash, texts: hash(texts),
      sites: sites.map(\.description), poolings: poolings.map(\.rawValue), compute: model.compute)
    let cache = FeatureCache(folder: folder, count: texts.count, shardRows: shardRows, key: key)
    try cache.claim()
    for shard in 0..<cache.shardCount {
      let range = (shard * shardRows)..<min(texts.count, (shard + 1) * shardRows)
      if !Files.exists(cache.path(ofShard: shard)) {
        try Cancellation.check()
        try cache.write(shard, model, texts, range, sites, poolings, batchTokens, progress)
      }
      progress(
        ProgressEvent(stage: "hidden states", completed: range.upperBound, total: texts.count, unit: "texts"))
    }
    return cache
  }

  /// Writes the manifest, or checks that the one that is there has the same key.
  private func claim() throws {
    let path = folder + "/" + Self.manifestName
    if Files.exists(path) {
      let found = try JSONValue(file: path)
      var differs = key.differences(from: found["key"] ?? .null)
      if found["shard_rows"]?.int != shardRows { differs.append("shard size") }
      guard differs.isEmpty else { throw CacheError.otherKey(folder: folder, differs: differs) }
      return
    }
    try Files.makeFolder(folder)
    let manifest: JSONValue = [
      "format": .integer(Self.format), "count": .integer(count), "shard_rows": .integer(shardRows),
      "key": key.json,
    ]
    try Files.write(manifest.text(.pretty), to: path)
  }

  private func write(
    _ shard: Int, _ model: Model, _ texts: [EncodedText], _ range: Range<Int>, _ sites: [Site],
    _ poolings: [Pooling], _ batchTokens: Int?, _ progress: ProgressSink
  ) throws {
    let columns = try Self.columns(
      model, texts, range, sites, poolings, batchTokens: batchTokens, progress: progress)
    try SafetensorsWriter.write(
      columns.map { SafetensorsWriter.Item($0.key, $0.value) }, to: path(ofShard: shard))
  }

  /// The features of one site, f32 `[texts, width]`, in memory: for texts that are scored once.
  /// - Throws: ``CacheError``, ``TransformerError``, ``Interrupted``.
  public static func pooled(
    _ model: Model, texts: [EncodedText], site: Site, pooling: Pooling, overlay: Overlay? = nil,
    batchTokens: Int? = nil, progress: ProgressSink = ignoreProgress
  ) throws -> Tensor {
    let columns = try columns(
      model, texts, texts.indices, [site], [pooling], overlay: overlay, batchTokens: batchTokens,
      progress: progress)
    return columns.values.first ?? Tensor(zeros: [0, 0])
  }

  private static func columns(
    _ model: Model, _ texts: [EncodedText], _ range: Range<Int>, _ sites: [Site], _ poolings: [Pooling],
    overlay: Overlay? = nil, batchTokens: Int?, progress: ProgressSink
  ) throws -> OrderedDictionary<String, Tensor> {
    var columns: OrderedDictionary<String, Tensor> = [:]
    try model.observe(texts[range].map(\.ids), sites: sites, overlay: overlay, batchTokens: batchTokens) {
      members, batch, site, rows, width in
      if site == sites.first { try Cancellation.check() }
      for pooling in poolings {
        let name = Self.name(site: site.description, pooling: pooling.rawValue)
        let column = columns[name] ?? Tensor(zeros: [range.count, width])
        columns[name] = column
        for (member, segment) in zip(members, batch.segments) {
          let text = texts[range.lowerBound + member]
          let tokens = try pooling.tokens(of: text, index: range.lowerBound + member)
          Self.average(
            column.f32 + member * width, rows + (segment.rows.lowerBound + tokens.lowerBound) * width,
            tokens: tokens.count, width: width)
        }
      }
      if site == sites.first {
        progress(
          ProgressEvent(
            stage: "hidden states", completed: range.lowerBound + members.upperBound, total: texts.count,
            unit: "texts"))
      }
    }
    return columns
  }

  /// The pooled state of one text at one site, `[1, width]`, without a cache.
  /// - Throws: ``CacheError``, ``TransformerError``.
  public static func features(
    _ model: Model, _ text: EncodedText, site: Site, pooling: Pooling
  ) throws -> Tensor {
    let tokens = try pooling.tokens(of: text, index: 0)
    var result = Tensor(zeros: [1, 0])
    try model.observe([text.ids], sites: [site]) { _, _, _, rows, width in
      result = Tensor(zeros: [1, width])
      average(result.f32, rows + tokens.lowerBound * width, tokens: tokens.count, width: width)
    }
    return result
  }

  /// Mean of some rows, summed in f64 in the order of the tokens.
  private static func average(
    _ result: UnsafeMutablePointer<Float>, _ rows: UnsafePointer<Float>, tokens: Int, width: Int
  ) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: width) { sums in
      for k in 0..<width { sums[k] = 0 }
      for token in 0..<tokens { for k in 0..<width { sums[k] += Double(rows[token * width + k]) } }
      for k in 0..<width { result[k] = Float(sums[k] / Double(tokens)) }
    }
  }

  /// The features of a site, `[texts, width]`, in the order of the texts.
  /// - Throws: ``CacheError``, ``CheckpointError``.
  public func features(site: String, pooling: Pooling) throws -> Tensor {
    let name = Self.name(site: site, pooling: pooling.rawValue)
    var result: Tensor?
    var row = 0
    for shard in 0..<shardCount {
      let file = try SafetensorsFile(path: path(ofShard: shard))
      guard file.entry(name) != nil else {
        throw CacheError.missingSite(site: site, pooling: pooling.rawValue, present: file.names)
      }
      let part = try file.tensor(name)
      let whole = result ?? Tensor(zeros: [count, part.rowCount])
      guard part.rowCount == whole.rowCount, row + part.shape[0] <= count else {
        throw CacheError.unreadable(folder: folder, reason: "shard \(shard) has another shape than the first")
      }
      (whole.f32 + row * whole.rowCount).update(from: part.f32, count: part.count)
      result = whole
      row += part.shape[0]
    }
    guard let result, row == count else {
      throw CacheError.unreadable(folder: folder, reason: "\(row) of \(count) rows are there")
    }
    return result
  }

  private static func name(site: String, pooling: String) -> String { "\(site)|\(pooling)" }

  private static func hash(_ texts: [EncodedText]) -> String {
    var hash = SHA256()
    for text in texts {
      text.ids.withUnsafeBytes { hash.update($0) }
      let end = text.replyEnd.map { "…\($0)" } ?? ""
      hash.update("|\(text.contentTokens)|\(text.replyStart ?? -1)\(end)\n")
    }
    return hash.hex()
  }
}

import OrderedCollections
import Runtime

/// llama.cpp's importance matrix as a GGUF file: what `llama-imatrix` writes and `llama-quantize --imatrix` reads.
///
/// For every product, by its tensor's name in llama.cpp (`blk.3.ffn_down.weight`): `NAME.in_sum2`, the sums Σx² of its input
/// channels over all tokens, and `NAME.counts`, how many tokens those were; both a row for each expert where experts are stacked.
public struct ImportanceMatrixFile: Sendable, Equatable {
  /// The sums of one product.
  public struct Entry: Sendable, Equatable {
    /// Σx² by input channel, `[matrices, K]` row-major.
    public var sums: [Float]
    /// Tokens seen, `[matrices]`; 0 where an expert was never chosen.
    public var counts: [Float]

    /// Sums and counts; there are as many channels for each matrix.
    public init(sums: [Float], counts: [Float]) {
      precondition(!counts.isEmpty && sums.count % counts.count == 0, "channels for each matrix")
      self.sums = sums
      self.counts = counts
    }

    /// Input channels, `K`.
    public var width: Int { sums.count / counts.count }
  }

  /// The products by name.
  public var entries: OrderedDictionary<String, Entry>
  /// Where the texts came from.
  public var datasets: [String]
  /// How many pieces of text were run.
  public var chunkCount: Int
  /// Tokens of one piece.
  public var chunkSize: Int

  /// A matrix out of its parts.
  public init(
    entries: OrderedDictionary<String, Entry>, datasets: [String], chunkCount: Int, chunkSize: Int
  ) {
    self.entries = entries
    self.datasets = datasets
    self.chunkCount = chunkCount
    self.chunkSize = chunkSize
  }

  /// Reads a file.
  /// - Throws: ``FileError``, ``GGUFError``.
  public init(file path: String) throws {
    let file = try GGUFFile(path: path)
    func bad(_ name: String, _ reason: String) -> GGUFError {
      .badRecord(file: path, name: name, reason: reason)
    }
    let kind = file.metadata["general.type"]?.string
    guard kind == "imatrix" else {
      throw GGUFError.otherKind(
        file: path, found: kind.map { "of type \($0)" } ?? "without general.type",
        expected: "an importance matrix: general.type imatrix")
    }
    datasets = (file.metadata["imatrix.datasets"]?.array ?? []).compactMap(\.string)
    chunkCount = file.metadata["imatrix.chunk_count"]?.int ?? 0
    chunkSize = file.metadata["imatrix.chunk_size"]?.int ?? 0
    entries = [:]
    let (sumsEnding, countsEnding) = (".in_sum2", ".counts")
    for entry in file.entries where entry.name.hasSuffix(sumsEnding) {
      let name = String(entry.name.dropLast(sumsEnding.count))
      guard let counted = file.entry(name + countsEnding) else { throw bad(name, "sums without counts") }
      guard entry.count > 0, counted.count > 0, entry.count % counted.count == 0,
        entry.dimensions.dropFirst().reduce(1, *) == counted.count
      else { throw bad(name, "sums \(entry.dimensions) with counts \(counted.dimensions)") }
      let sums = try file.floats(entry.name), counts = try file.floats(counted.name)
      guard sums.allSatisfy({ $0.isFinite && $0 >= 0 }), counts.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
        throw bad(name, "a sum or count that is negative or not finite")
      }
      entries[name] = Entry(sums: sums, counts: counts)
    }
    for entry in file.entries where entry.name.hasSuffix(countsEnding) {
      let name = String(entry.name.dropLast(countsEnding.count))
      if entries[name] == nil { throw bad(name, "counts without sums") }
    }
    if entries.isEmpty { throw bad("(the file)", "no sums at all") }
  }

  /// Writes the file, atomically and where nothing is yet; products by name.
  /// - Throws: ``FileError``.
  public func write(to path: String) throws {
    guard !Files.exists(path) else { throw FileError.exists(path: path) }
    try Files.makeFolder(Files.folder(of: path))
    try Files.write(bytes, to: path)
  }

  /// The bytes of the file.
  var bytes: [UInt8] {
    let names = entries.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    return GGUFWriter.bytes(
      [
        ("general.type", .string("imatrix")), ("imatrix.datasets", .strings(datasets)),
        ("imatrix.chunk_count", .u32(UInt32(clamping: chunkCount))),
        ("imatrix.chunk_size", .u32(UInt32(clamping: chunkSize))),
      ],
      names.flatMap { name -> [GGUFWriter.Item] in
        guard let entry = entries[name] else { return [] }
        return [
          .init(
            name: "\(name).in_sum2", dimensions: [entry.width, entry.counts.count], values: entry.sums),
          .init(name: "\(name).counts", dimensions: [1, entry.counts.count], values: entry.counts),
        ]
      })
  }
}

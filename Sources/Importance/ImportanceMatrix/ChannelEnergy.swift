import Architectures
import Checkpoints
import OrderedCollections
import Runtime

/// Σx² of a product's input channels over the tokens that went through it.
public struct ChannelEnergy: Sendable, Equatable {
  /// The sums, `[K]`.
  public var sums: [Double]
  /// Tokens; an expert's are those that chose it.
  public var tokens: Int

  /// Sums over some tokens.
  public init(sums: [Double], tokens: Int) {
    self.sums = sums
    self.tokens = tokens
  }
}

/// Channel energies of a network's products, to and from llama.cpp's importance matrix.
///
/// The file holds f32: the sums are rounded once, to within 6·10⁻⁸ of their size. Products that read the same input and are one
/// tensor to llama.cpp (a fused q, k, v) have one entry.
public enum ImportanceMatrix {
  /// The energies as a file, for `llama-quantize --imatrix`.
  ///
  /// `energies` is keyed by role; roles that llama.cpp knows no name for are left out. An expert that no token chose is written with a count of
  /// zero, as llama.cpp does.
  /// - Parameters:
  ///   - datasets: what the texts were, such as file names.
  ///   - chunks: pieces of text run, and tokens of each.
  /// - Throws: ``ImportanceMatrixError``.
  public static func file(
    _ energies: [Role: ChannelEnergy], binding: Binding, datasets: [String], chunks: (count: Int, size: Int)
  ) throws -> ImportanceMatrixFile {
    var entries: OrderedDictionary<String, ImportanceMatrixFile.Entry> = [:]
    var stacks: OrderedDictionary<String, [Int: ChannelEnergy]> = [:]
    for role in binding.tensors.keys {
      guard let energy = energies[role], let (name, matrix) = LlamaCppNames.name(role, binding) else {
        continue
      }
      let width = binding.tensors[role]?.shape.last ?? 0
      guard energy.sums.count == width else {
        throw ImportanceMatrixError.width(
          name: role.description, found: energy.sums.count, expected: width)
      }
      if let known = stacks[name]?[matrix], known != energy {
        throw ImportanceMatrixError.disagree(name: name, role: role.description)
      }
      stacks[name, default: [:]][matrix] = energy
    }
    for (name, parts) in stacks {
      let count = isStack(name) ? binding.network.experts?.count ?? 1 : 1
      let width = parts.values.first?.sums.count ?? 0
      var sums: [Float] = []
      var counts: [Float] = []
      for matrix in 0..<count {
        let part = parts[matrix] ?? ChannelEnergy(sums: Array(repeating: 0, count: width), tokens: 0)
        sums += part.sums.map { Float($0) }
        counts.append(Float(part.tokens))
      }
      entries[name] = .init(sums: sums, counts: counts)
    }
    guard !entries.isEmpty else { throw ImportanceMatrixError.nothing(family: binding.family.name) }
    return ImportanceMatrixFile(
      entries: entries, datasets: datasets, chunkCount: chunks.count, chunkSize: chunks.size)
  }

  private static func isStack(_ name: String) -> Bool { name.contains("_exps.") }

  /// The energies that a file has for a network's products.
  ///
  /// Every product of a block must be there (those outside of blocks need not); entries that no product has are named in `unused`.
  /// - Throws: ``ImportanceMatrixError``.
  public static func energies(
    _ file: ImportanceMatrixFile, binding: Binding
  ) throws -> (energies: OrderedDictionary<Role, ChannelEnergy>, unused: [String]) {
    var energies: OrderedDictionary<Role, ChannelEnergy> = [:]
    var used: Set<String> = []
    for (role, bound) in binding.tensors {
      guard let inner = role.inBlock, !inner.isNorm, let (name, matrix) = LlamaCppNames.name(role, binding)
      else { continue }
      let isOptional = inner == .router || inner == .sharedRouter
      guard let entry = file.entries[name] else {
        if isOptional { continue }
        throw ImportanceMatrixError.missing(name: name, role: role.description)
      }
      used.insert(name)
      let matrices = isStack(name) ? binding.network.experts?.count ?? 1 : 1
      guard entry.counts.count == matrices, entry.width == bound.shape.last ?? 0 else {
        throw ImportanceMatrixError.width(
          name: name, found: entry.sums.count, expected: matrices * (bound.shape.last ?? 0))
      }
      let range = matrix * entry.width..<(matrix + 1) * entry.width
      energies[role] = ChannelEnergy(
        sums: entry.sums[range].map(Double.init), tokens: Int(entry.counts[matrix]))
    }
    return (energies, file.entries.keys.filter { !used.contains($0) })
  }
}

/// Why an importance matrix and a network do not go together.
public enum ImportanceMatrixError: SurgeonError, Equatable {
  /// The file has no sums for a product of the network.
  case missing(name: String, role: String)
  /// Sums for another number of channels than the product has.
  case width(name: String, found: Int, expected: Int)
  /// Two products that are one to llama.cpp have different sums.
  case disagree(name: String, role: String)
  /// None of the network's products has a name in llama.cpp.
  case nothing(family: String)

  public var code: String {
    switch self {
    case .missing: "IMATRIX_MISSING"
    case .width: "IMATRIX_WIDTH"
    case .disagree: "IMATRIX_DISAGREE"
    case .nothing: "IMATRIX_EMPTY"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .missing, .width: .badData
    case .disagree: .internalError
    case .nothing: .unsupported
    }
  }
  public var found: String {
    switch self {
    case .missing(let name, let role): "no \(name) for \(role)"
    case .width(let name, let found, _): "\(found) sums for \(name)"
    case .disagree(let name, let role): "sums of \(role) that differ from the others of \(name)"
    case .nothing(let family): "no product of \(family) that llama.cpp has a name for"
    }
  }
  public var expected: String {
    switch self {
    case .missing: "sums for every product of the blocks"
    case .width(_, _, let expected): "\(expected)"
    case .disagree: "products that read one input to have its sums"
    case .nothing: "a family with products that llama.cpp knows"
    }
  }
  public var suggestion: String {
    switch self {
    case .missing, .width: "give the importance matrix of this very model, made by llama-imatrix or surgeon"
    case .disagree: "this is a defect of the program: please report it"
    case .nothing: "leave the importance matrix out"
    }
  }
}

import Architectures
import Checkpoints
import Importance
import OrderedCollections
import Runtime
import TestSupport
import Testing
import Transformers

/// Channel energies to and from llama.cpp's importance matrix, under its tensor names.
@Suite struct ImportanceMatrixTests {
  /// Energies without meaning for every product that has a name; products that read one input have the same.
  static func energies(_ binding: Binding, tokens: Int = 100) -> [Role: ChannelEnergy] {
    var energies: [Role: ChannelEnergy] = [:]
    for (role, bound) in binding.tensors {
      guard let inner = role.inBlock, !inner.isNorm else { continue }
      let shared =
        [.query, .key, .value].contains(inner)
        ? "qkv" : [.gate, .up].contains(inner) ? "mlp" : inner.rawValue
      var random = CounterRandom(seed: 3, stream: "\(role.block ?? 0) \(role.expert ?? -1) \(shared)")
      energies[role] = ChannelEnergy(
        sums: (0..<(bound.shape.last ?? 0)).map { _ in Double(Float(random.uniform() * 1000)) },
        tokens: role.expert == 1 ? 0 : tokens + (role.expert ?? 0))
    }
    return energies
  }

  static let names: [(String, [String])] = [
    (
      "llama",
      [
        "blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight", "blk.0.attn_output.weight",
        "blk.0.ffn_gate.weight", "blk.0.ffn_up.weight", "blk.0.ffn_down.weight",
      ]
    ),
    (
      "phi3",
      ["blk.0.attn_qkv.weight", "blk.0.attn_output.weight", "blk.0.ffn_up.weight", "blk.0.ffn_down.weight"]
    ),
    (
      "gpt2",
      ["blk.0.attn_qkv.weight", "blk.0.attn_output.weight", "blk.0.ffn_up.weight", "blk.0.ffn_down.weight"]
    ),
    (
      "gpt_neox",
      ["blk.0.attn_qkv.weight", "blk.0.attn_output.weight", "blk.0.ffn_up.weight", "blk.0.ffn_down.weight"]
    ),
    (
      "mixtral",
      [
        "blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight", "blk.0.attn_output.weight",
        "blk.0.ffn_gate_inp.weight", "blk.0.ffn_gate_exps.weight", "blk.0.ffn_up_exps.weight",
        "blk.0.ffn_down_exps.weight",
      ]
    ),
    (
      "qwen2_moe-stacked",
      ["blk.0.ffn_gate_exps.weight", "blk.0.ffn_gate_shexp.weight", "blk.0.ffn_down_shexp.weight"]
    ),
  ]

  @Test(arguments: names) func comesBackUnderTheNamesOfLlamaCpp(_ name: String, _ expected: [String]) throws {
    let folder = try TemporaryFolder()
    let binding = try StructuredTests.model(name, in: folder.path).binding
    let energies = Self.energies(binding)
    let file = try ImportanceMatrix.file(energies, binding: binding, datasets: ["x"], chunks: (4, 25))
    let first = file.entries.keys.filter { $0.hasPrefix("blk.0.") }
    #expect(Set(expected).isSubset(of: first))
    if name != "qwen2_moe-stacked" { #expect(Set(first) == Set(expected)) }
    try file.write(to: folder.file("i.gguf"))
    let (read, unused) = try ImportanceMatrix.energies(
      try ImportanceMatrixFile(file: folder.file("i.gguf")), binding: binding)
    #expect(unused.isEmpty)
    for (role, energy) in energies { #expect(read[role] == energy, "\(role)") }
    if let experts = binding.network.experts {
      let entry = try #require(file.entries["blk.0.ffn_down_exps.weight"])
      #expect(entry.counts.count == experts.count && entry.counts[1] == 0)
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let folder = try TemporaryFolder()
    let llama = try StructuredTests.model("llama", in: folder.path).binding
    let phi = try StructuredTests.model("phi3", in: folder.path).binding
    func code(_ work: () throws -> Void) -> String? {
      do {
        try work()
        return nil
      } catch { return (error as? any SurgeonError)?.code }
    }
    var energies = Self.energies(llama)
    var file = try ImportanceMatrix.file(energies, binding: llama, datasets: [], chunks: (1, 1))
    file.entries["stranger"] = .init(sums: [1], counts: [1])
    #expect(try ImportanceMatrix.energies(file, binding: llama).unused == ["stranger"])
    file.entries["blk.1.ffn_down.weight"] = nil
    #expect(code { _ = try ImportanceMatrix.energies(file, binding: llama) } == "IMATRIX_MISSING")
    file.entries["blk.1.ffn_down.weight"] = .init(sums: [1, 2], counts: [1])
    #expect(code { _ = try ImportanceMatrix.energies(file, binding: llama) } == "IMATRIX_WIDTH")
    energies[.block(0, .query)]?.sums.removeLast()
    #expect(
      code { _ = try ImportanceMatrix.file(energies, binding: llama, datasets: [], chunks: (1, 1)) }
        == "IMATRIX_WIDTH")
    #expect(
      code { _ = try ImportanceMatrix.file([:], binding: llama, datasets: [], chunks: (1, 1)) }
        == "IMATRIX_EMPTY")
    // Gate and up of one tensor read one input.
    var fused = Self.energies(phi)
    fused[.block(0, .up)]?.sums[0] += 1
    #expect(
      code { _ = try ImportanceMatrix.file(fused, binding: phi, datasets: [], chunks: (1, 1)) }
        == "IMATRIX_DISAGREE")
  }
}

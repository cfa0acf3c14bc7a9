import Checkpoints
import Glibc
import JSON
import OrderedCollections
import Runtime
import Tensors

/// A folder of its own for one test, removed with the value.
final class Scratch: Sendable {
  let path: String

  init() throws {
    var template = Array("\(Scratch.root)/surgeon-checkpoints-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw FileError.cannotCreate(path: Scratch.root, reason: "") }
    path = String(cString: made)
  }

  deinit { try? Files.remove(path) }

  private static var root: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  @discardableResult
  func write(_ bytes: [UInt8], _ name: String) throws -> String {
    try Files.makeFolder(Files.folder(of: file(name)))
    try Files.write(bytes, to: file(name))
    return file(name)
  }

  @discardableResult
  func write(_ text: String, _ name: String) throws -> String { try write(Array(text.utf8), name) }

  /// A safetensors file out of a header text as it stands, and data.
  func raw(_ header: String, data: Int, length: UInt64? = nil, name: String = "x.safetensors") throws
    -> String
  {
    var bytes = withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { Array($0) }
    bytes += Array(header.utf8)
    bytes += (0..<data).map { UInt8(truncatingIfNeeded: $0) }
    return try write(bytes, name)
  }
}

/// Names every file under a folder with its bytes.
func contents(_ folder: String) throws -> [String: [UInt8]] {
  var all: [String: [UInt8]] = [:]
  func visit(_ path: String, _ prefix: String) throws {
    for name in try Files.list(path) {
      if Files.isFolder("\(path)/\(name)") {
        try visit("\(path)/\(name)", prefix + name + "/")
      } else {
        all[prefix + name] = try Files.read("\(path)/\(name)")
      }
    }
  }
  try visit(folder, "")
  return all
}

/// A tensor of normal numbers in any computable type, by seed.
func randomTensor(_ shape: [Int], _ dtype: DType = .f32, seed: UInt64 = 0, scale: Double = 1) -> Tensor {
  var random = CounterRandom(seed: seed, stream: "sample")
  let tensor = Tensor(zeros: shape, dtype: dtype)
  for index in 0..<tensor.count {
    let value = Float(random.normal() * scale)
    switch dtype {
    case .f32: tensor.f32[index] = value
    case .f16: tensor.storage.base.assumingMemoryBound(to: Float16.self)[index] = Float16(value)
    default:
      tensor.storage.base.assumingMemoryBound(to: UInt16.self)[index] = UInt16(value.bitPattern >> 16)
    }
  }
  return tensor
}

/// Writes a two-block synthetic checkpoint: bf16, f16 and f32 tensors, a Conv1D-like one, in one file or in shards.
@discardableResult
func writeSample(_ scratch: Scratch, _ name: String = "base", sharded: Bool = false) throws -> String {
  let folder = scratch.file(name)
  try Files.makeFolder(folder)
  let tensors: [(String, Tensor)] = [
    ("model.embed_tokens.weight", randomTensor([50, 16], .bf16, seed: 1)),
    ("model.layers.0.mlp.gate_proj.weight", randomTensor([24, 16], .bf16, seed: 2, scale: 0.1)),
    ("model.layers.0.mlp.down_proj.weight", randomTensor([16, 24], .f16, seed: 3, scale: 0.1)),
    ("model.layers.1.mlp.gate_proj.weight", randomTensor([24, 16], .f32, seed: 4, scale: 0.1)),
    ("h.0.mlp.c_fc.weight", randomTensor([16, 40], .bf16, seed: 5, scale: 0.1)),
    ("model.norm.weight", randomTensor([16], .bf16, seed: 6)),
  ]
  func items(_ part: some Sequence<(String, Tensor)>) -> [SafetensorsWriter.Item] {
    part.map { SafetensorsWriter.Item($0.0, $0.1) }
  }
  if sharded {
    let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    try SafetensorsWriter.write(items(tensors[..<3]), to: "\(folder)/\(shards[0])")
    try SafetensorsWriter.write(items(tensors[3...]), to: "\(folder)/\(shards[1])")
    var map: OrderedDictionary<String, JSONValue> = [:]
    for (index, tensor) in tensors.enumerated() { map[tensor.0] = .string(shards[index < 3 ? 0 : 1]) }
    let index: JSONValue = ["metadata": ["total_size": 0], "weight_map": .object(map)]
    try Files.write(try index.text(.pretty), to: "\(folder)/model.safetensors.index.json")
  } else {
    try SafetensorsWriter.write(items(tensors), to: "\(folder)/model.safetensors")
  }
  try Files.write("{\"model_type\": \"llama\", \"rope_theta\": 10000.0}\n", to: "\(folder)/config.json")
  try Files.write("{\"eos_token_id\": [1, 2]}", to: "\(folder)/generation_config.json")
  try Files.write([0xFF, 0x00, 0x0A, 0x0D], to: "\(folder)/tokenizer.model")
  try Files.makeFolder("\(folder)/1_Pooling")
  try Files.write("{}", to: "\(folder)/1_Pooling/config.json")
  return folder
}

/// The values of an f32 tensor, row-major.
func values(_ tensor: Tensor) -> [Float] {
  withExtendedLifetime(tensor) { Array(UnsafeBufferPointer(start: tensor.f32, count: tensor.count)) }
}

/// The stored bytes of a tensor.
func bytes(_ tensor: Tensor) -> [UInt8] { withExtendedLifetime(tensor) { Array(tensor.bytes) } }

/// The code of the error that a piece of work ends with; nil when it ends well.
func code(_ work: () throws -> Void) -> String? {
  do {
    try work()
    return nil
  } catch {
    return (error as? any SurgeonError)?.code ?? "\(error)"
  }
}

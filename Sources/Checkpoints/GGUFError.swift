import Runtime

/// What can be wrong with a GGUF file.
public enum GGUFError: SurgeonError, Equatable {
  /// The file does not start with `GGUF`.
  case notGGUF(file: String)
  /// A version of the format that is not read; 2 and 3 are.
  case version(file: String, version: UInt32)
  /// The file ends inside of something, or a count or length asks for more than the file has.
  case truncated(file: String, what: String, offset: Int)
  /// A key, value or tensor record that the format does not allow.
  case badRecord(file: String, name: String, reason: String)
  /// Two tensors share bytes, or one lies outside of the file.
  case badPlace(file: String, tensor: String, reason: String)
  /// The tensor is not there.
  case missingTensor(file: String, tensor: String)
  /// The tensor's numbers are of a type that is not read.
  case unsupportedType(file: String, tensor: String, type: UInt32)
  /// The file is a GGUF file of another kind.
  case otherKind(file: String, found: String, expected: String)

  public var code: String {
    switch self {
    case .notGGUF: "GGUF_MAGIC"
    case .version: "GGUF_VERSION"
    case .truncated: "GGUF_TRUNCATED"
    case .badRecord: "GGUF_RECORD"
    case .badPlace: "GGUF_PLACE"
    case .missingTensor: "GGUF_TENSOR_MISSING"
    case .unsupportedType: "GGUF_TYPE"
    case .otherKind: "GGUF_KIND"
    }
  }

  public var exitCode: ExitCode {
    switch self {
    case .version, .unsupportedType: .unsupported
    default: .badData
    }
  }

  public var found: String {
    switch self {
    case .notGGUF(let file): "\(file) does not start with GGUF"
    case .version(let file, let version):
      version.byteSwapped < 16 && version > 0xFFFF
        ? "\(file) is written in big-endian order" : "\(file) is of version \(version)"
    case .truncated(let file, let what, let offset): "\(file): \(what) runs past the end at byte \(offset)"
    case .badRecord(let file, let name, let reason): "\(file), \(name): \(reason)"
    case .badPlace(let file, let tensor, let reason): "tensor \(tensor) of \(file): \(reason)"
    case .missingTensor(let file, let tensor): "no tensor \(tensor) in \(file)"
    case .unsupportedType(let file, let tensor, let type): "type \(type) of tensor \(tensor) in \(file)"
    case .otherKind(let file, let found, _): "\(file) is \(found)"
    }
  }

  public var expected: String {
    switch self {
    case .notGGUF: "a GGUF file"
    case .version: "GGUF version 2 or 3, little-endian"
    case .truncated: "a whole file"
    case .badRecord: "names and values as the GGUF format has them"
    case .badPlace: "aligned tensors inside the file that do not overlap"
    case .missingTensor: "the tensors that this kind of file has"
    case .unsupportedType: "F32, F16, BF16 or F64"
    case .otherKind(_, _, let expected): expected
    }
  }

  public var suggestion: String {
    switch self {
    case .notGGUF:
      "check the path; llama.cpp's older imatrix files (.dat) can be converted by its own llama-imatrix"
    case .version: "write the file again with a current llama.cpp"
    case .unsupportedType: "quantised blocks are not read; give a file in F32"
    default: "copy the file again; if it comes from a tool, report it there"
    }
  }
}

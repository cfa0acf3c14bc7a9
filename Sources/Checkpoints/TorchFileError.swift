import Runtime

/// What can be wrong with a file by `torch.save`, or why it is not read. Every case names the file.
public enum TorchFileError: SurgeonError, Equatable {
  /// The file is no zip archive with a pickle in it.
  case notTorch(file: String, reason: String)
  /// The format before PyTorch 1.6.
  case legacy(file: String)
  /// A compiled program instead of a state dict.
  case script(file: String)
  /// The archive's directory or headers contradict one another or the file.
  case zipDamaged(file: String, reason: String)
  /// A record that is not stored as it is.
  case zipCompressed(file: String, record: String, method: Int)
  /// An encrypted record.
  case zipEncrypted(file: String, record: String)
  /// A record whose name is no safe path.
  case zipName(file: String, name: String)
  /// Two records share bytes.
  case zipOverlap(file: String, first: String, second: String)
  /// A record's bytes do not have the checksum of the directory.
  case checksum(file: String, record: String)
  /// Numbers of the other byte order.
  case byteOrder(file: String)
  /// An opcode that state dicts do not need.
  case pickleOpcode(file: String, opcode: String, offset: Int)
  /// A function or class that state dicts do not need.
  case pickleGlobal(file: String, name: String, offset: Int)
  /// A pickle that is cut off or makes no sense.
  case pickleDamaged(file: String, offset: Int, reason: String)
  /// A tensor whose sizes, strides or storage do not fit.
  case tensor(file: String, name: String, reason: String)
  /// No tensors where a state dict was expected.
  case noTensors(file: String, found: String)
  /// Something that is written as safetensors only.
  case conversionNeeded(folder: String)
  /// A conversion of what is safetensors already.
  case nothingToConvert(folder: String)

  public var code: String {
    switch self {
    case .notTorch: "TORCH_NOT_ARCHIVE"
    case .legacy: "TORCH_LEGACY"
    case .script: "TORCH_SCRIPT"
    case .zipDamaged: "ZIP_DAMAGED"
    case .zipCompressed: "ZIP_COMPRESSED"
    case .zipEncrypted: "ZIP_ENCRYPTED"
    case .zipName: "ZIP_NAME"
    case .zipOverlap: "ZIP_OVERLAP"
    case .checksum: "ZIP_CHECKSUM"
    case .byteOrder: "TORCH_BYTE_ORDER"
    case .pickleOpcode: "PICKLE_OPCODE"
    case .pickleGlobal: "PICKLE_GLOBAL"
    case .pickleDamaged: "PICKLE_DAMAGED"
    case .tensor: "TORCH_TENSOR"
    case .noTensors: "TORCH_NO_TENSORS"
    case .conversionNeeded: "CONVERSION_NEEDED"
    case .nothingToConvert: "NOTHING_TO_CONVERT"
    }
  }

  public var exitCode: ExitCode {
    switch self {
    case .legacy, .script, .zipCompressed, .zipEncrypted, .byteOrder, .pickleOpcode, .pickleGlobal,
      .conversionNeeded:
      .unsupported
    case .notTorch, .zipDamaged, .zipName, .zipOverlap, .checksum, .pickleDamaged, .tensor, .noTensors,
      .nothingToConvert:
      .badData
    }
  }

  public var found: String {
    switch self {
    case .notTorch(let file, let reason): "\(file): \(reason)"
    case .legacy(let file): "\(file) is in PyTorch's format from before version 1.6: bare pickles, no archive"
    case .script(let file): "\(file) is a TorchScript program, not a state dict"
    case .zipDamaged(let file, let reason): "the archive \(file): \(reason)"
    case .zipCompressed(let file, let record, let method):
      "record \(record) of \(file) is compressed (\(method == 8 ? "deflate" : "method \(method)"))"
    case .zipEncrypted(let file, let record): "record \(record) of \(file) is encrypted"
    case .zipName(let file, let name): "a record of \(file) is called \"\(name)\""
    case .zipOverlap(let file, let first, let second):
      "records \(first) and \(second) of \(file) share bytes"
    case .checksum(let file, let record): "record \(record) of \(file) does not have its checksum"
    case .byteOrder(let file): "\(file) holds big-endian numbers"
    case .pickleOpcode(let file, let opcode, let offset):
      "opcode \(opcode) at byte \(offset) of the pickle in \(file)"
    case .pickleGlobal(let file, let name, let offset):
      "the pickle in \(file) asks for \(name) (byte \(offset)); it was not run"
    case .pickleDamaged(let file, let offset, let reason):
      "the pickle in \(file), byte \(offset): \(reason)"
    case .tensor(let file, let name, let reason): "tensor \(name) of \(file): \(reason)"
    case .noTensors(let file, let found): "\(file) holds \(found)"
    case .conversionNeeded(let folder): "the weights of \(folder) are PyTorch pickles, which are only read"
    case .nothingToConvert(let folder): "the weights of \(folder) are safetensors already"
    }
  }

  public var expected: String {
    switch self {
    case .notTorch, .legacy, .zipDamaged:
      "a zip archive as torch.save (since PyTorch 1.6) and numpy.savez write it"
    case .script, .noTensors: "a state dict: names with tensors"
    case .zipCompressed, .zipEncrypted: "records that are stored as they are, as torch.save writes them"
    case .zipName: "relative names without \"..\", backslashes and colons"
    case .zipOverlap: "records that lie one behind the other"
    case .checksum: "the CRC-32 that the archive's directory lists"
    case .byteOrder: "little-endian numbers"
    case .pickleOpcode, .pickleGlobal:
      "only what a dictionary of tensors needs: OrderedDict, tensors, storages, sizes, types"
    case .pickleDamaged: "a pickle of protocol 2 to 5 that ends with one dictionary"
    case .tensor: "a dense view inside its storage"
    case .conversionNeeded: "a checkpoint in safetensors"
    case .nothingToConvert: "a folder with pytorch_model.bin or another state dict"
    }
  }

  public var suggestion: String {
    switch self {
    case .notTorch, .zipDamaged, .checksum, .pickleDamaged, .tensor:
      "download or copy the file again; if it comes from a tool, report it there"
    case .legacy: "load it once with a current torch and save it again: torch.save(torch.load(FILE), NEW)"
    case .script: "save module.state_dict() instead"
    case .zipCompressed: "unpack the archive and pack it again without compression: zip -0 -r NEW.pt FOLDER"
    case .zipEncrypted: "decrypt it first"
    case .zipName, .zipOverlap: "do not load this file with other programs either unless you know who made it"
    case .byteOrder: "load and save it once on a little-endian machine"
    case .pickleOpcode, .pickleGlobal:
      "save only model.state_dict(); do not load a file of strangers in Python to find out what it does"
    case .noTensors: "save model.state_dict() by itself"
    case .conversionNeeded(let folder):
      "surgeon convert \(folder) -o NEW writes the same tensors as safetensors"
    case .nothingToConvert: "use the folder as it is"
    }
  }
}

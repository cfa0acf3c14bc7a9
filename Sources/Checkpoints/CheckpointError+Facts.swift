import Runtime

extension CheckpointError {
  private static let damaged = "download or copy the file again; if it comes from a tool, report it there"
  private static let tiled = "tensors that lie one behind the other and fill the file exactly"

  /// Code, exit code and the three sentences of each case.
  var facts: Facts {
    switch self {
    case .truncated(let file, let size, let needed):
      Facts(
        code: "FILE_TRUNCATED", found: "\(file) has \(size) bytes", expected: "at least \(needed) bytes",
        suggestion: "the download or copy stopped too early: fetch the file again")
    case .headerTooLarge(let file, let size, let limit):
      Facts(
        code: "HEADER_TOO_LARGE", found: "\(file) announces a header of \(size) bytes",
        expected: "at most \(limit) bytes", suggestion: "check that this is a safetensors file")
    case .headerNotJSON(let file, let reason):
      Facts(
        code: "HEADER_NOT_JSON", found: "the header of \(file): \(reason)",
        expected: "one JSON object in UTF-8", suggestion: Self.damaged)
    case .duplicateKey(let file, let key):
      Facts(
        code: "HEADER_DUPLICATE_KEY", found: "the key \"\(key)\" twice in \(file)",
        expected: "every key once: readers would disagree about which one counts", suggestion: Self.damaged)
    case .metadataNotText(let file, let key):
      Facts(
        code: "HEADER_METADATA", found: "__metadata__ of \(file) holds no text at \"\(key)\"",
        expected: "an object whose values are all texts", suggestion: Self.damaged)
    case .badRecord(let file, let tensor, let field, let reason):
      Facts(
        code: "HEADER_RECORD", found: "\(field) of tensor \(tensor) in \(file): \(reason)",
        expected: "dtype (text), shape (sizes from 0), data_offsets (begin, end)", suggestion: Self.damaged)
    case .unknownDType(let file, let tensor, let dtype):
      Facts(
        code: "DTYPE_UNKNOWN", exitCode: .unsupported,
        found: "dtype \(dtype) of tensor \(tensor) in \(file)",
        expected: "one of F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 BOOL F8_E4M3 F8_E5M2",
        suggestion: "convert the checkpoint to bf16, f16 or f32 first")
    case .shapeOverflow(let file, let tensor, let shape):
      Facts(
        code: "HEADER_OVERFLOW", found: "shape \(shape) of tensor \(tensor) in \(file)",
        expected: "sizes whose product fits 64 bits", suggestion: Self.damaged)
    case .sizeMismatch(let file, let tensor, let expected, let found):
      Facts(
        code: "HEADER_SIZE", found: "\(found) bytes for tensor \(tensor) in \(file)",
        expected: "\(expected) bytes, by its shape and dtype", suggestion: Self.damaged)
    case .overlap(let file, let first, let second, let offset):
      Facts(
        code: "HEADER_OVERLAP",
        found: "tensors \(first) and \(second) of \(file) share bytes from offset \(offset)",
        expected: Self.tiled, suggestion: Self.damaged)
    case .hole(let file, let tensor, let range):
      Facts(
        code: "HEADER_HOLE",
        found:
          "bytes \(range.lowerBound)..<\(range.upperBound) before tensor \(tensor) of \(file) are nobody's",
        expected: Self.tiled, suggestion: Self.damaged)
    case .trailingBytes(let file, let count):
      Facts(
        code: "TRAILING_BYTES", found: "\(count) bytes after the last tensor of \(file)",
        expected: Self.tiled, suggestion: Self.damaged)
    case .notAFolder(let path):
      Facts(
        code: "NOT_A_FOLDER", exitCode: .inputMissing, found: "\(path) is a file",
        expected: "a checkpoint folder with config.json and safetensors weights",
        suggestion: "give the folder that holds the file")
    case .noWeights(let folder, let seen):
      Facts(
        code: "NO_WEIGHTS", exitCode: .inputMissing,
        found: "no weights in \(folder)" + (seen.isEmpty ? "" : "; seen: \(Self.list(seen))"),
        expected: "model.safetensors, or model.safetensors.index.json with its shards",
        suggestion: "check the folder; a single file under another name can be renamed to model.safetensors")
    case .unsupportedWeights(let folder, let files, let format):
      Facts(
        code: "WEIGHTS_UNSUPPORTED", exitCode: .unsupported,
        found: "\(folder) holds \(format) only: \(Self.list(files))",
        expected: "model.safetensors, or model.safetensors.index.json with its shards",
        suggestion: format.hasPrefix("GGUF")
          ? "take the original checkpoint the GGUF file was made from: quantised blocks cannot be edited exactly"
          : format.hasPrefix("a sparse")
            ? "expand it first: surgeon convert \(folder) -o OUT"
            : format.hasPrefix("a PEFT")
              ? "merge the adapter into its base model first and give that folder"
              : "load it once with transformers and save it with save_pretrained, which writes safetensors")
    case .configMissing(let folder):
      Facts(
        code: "CONFIG_MISSING", exitCode: .inputMissing, found: "no config.json in \(folder)",
        expected: "the model's config.json beside its weights",
        suggestion: "copy config.json from where the weights come from")
    case .badIndex(let file, let reason):
      Facts(
        code: "INDEX_BAD", found: "\(file): \(reason)",
        expected: "an object with weight_map: tensor name to shard file", suggestion: Self.damaged)
    case .unsafeShardPath(let file, let shard):
      Facts(
        code: "SHARD_PATH", found: "\(file) names the shard \"\(shard)\"",
        expected: "a relative path inside the folder, without \"..\"",
        suggestion: "do not use this checkpoint unless you know who made it: the path leaves its folder")
    case .shardMissing(let folder, let shard, let tensor):
      Facts(
        code: "SHARD_MISSING", exitCode: .inputMissing,
        found: "no \(shard) in \(folder), which holds \(tensor) and others",
        expected: "every shard that the index names", suggestion: "finish the download")
    case .tensorNotInShard(let tensor, let shard):
      Facts(
        code: "TENSOR_NOT_IN_SHARD", found: "\(shard) does not hold tensor \(tensor)",
        expected: "the tensor where the index places it",
        suggestion: "index and shards are of different versions: fetch both again")
    case .tensorInTwoShards(let tensor, let first, let second):
      Facts(
        code: "TENSOR_TWICE", found: "tensor \(tensor) in \(first) and in \(second)",
        expected: "every tensor in one shard",
        suggestion: "index and shards are of different versions: fetch both again")
    case .unknownTensor(let name, let place):
      Facts(
        code: "TENSOR_UNKNOWN", found: "no tensor \(name) in \(place)", expected: "a tensor's name as stored",
        suggestion: "surgeon inspect lists the names")
    case .notCopyable(let path, let reason):
      Facts(
        code: "NOT_COPYABLE", exitCode: .inputOutput, found: "\(path): \(reason)",
        expected: "files, folders and links that lead to one",
        suggestion: "remove it or repair the link: every file of the folder is copied")
    default: patchFacts
    }
  }

  static func list(_ names: [String]) -> String {
    names.prefix(6).joined(separator: ", ") + (names.count > 6 ? " and \(names.count - 6) more" : "")
  }

  private var patchFacts: Facts {
    switch self {
    case .outputInsideSource(let output, let source):
      Facts(
        code: "OUTPUT_INSIDE_SOURCE", exitCode: .cannotCreate, found: "\(output) lies inside \(source)",
        expected: "an output beside the model, not in it", suggestion: "choose another output")
    case .replacementDiffers(let tensor, let expected, let found):
      Facts(
        code: "REPLACEMENT_DIFFERS", exitCode: .internalError, found: "\(found) for tensor \(tensor)",
        expected: expected, suggestion: "this is a defect of the program: please report it")
    case .verifyFailed(let path, let what):
      Facts(
        code: "VERIFY_FAILED", exitCode: .inputOutput, found: "\(path) reads back differently: \(what)",
        expected: "the bytes that were written", suggestion: "check the disk; the output was removed")
    case .badPatch(let file, let reason):
      Facts(
        code: "PATCH_BAD", found: "\(file): \(reason)",
        expected: "a file by this program, of a format version that it knows",
        suggestion: "check that this is the file meant; a newer version needs a newer program")
    case .inconsistentPatch(let tensor, let reason):
      Facts(
        code: "PATCH_INCONSISTENT", found: "the edit of \(tensor): \(reason)",
        expected: "sorted rows, each edited once, and a delta as wide as a row",
        suggestion: "make the patch again")
    case .patchTensorMissing(let tensor, let folder):
      Facts(
        code: "PATCH_TENSOR_MISSING", found: "no tensor \(tensor) in \(folder)",
        expected: "every tensor that the patch edits",
        suggestion: "this patch was made for another architecture or another naming of the same one")
    case .patchShapeDiffers(let tensor, let expected, let found):
      Facts(
        code: "PATCH_SHAPE_DIFFERS", found: "tensor \(tensor) is \(found)", expected: expected,
        suggestion: "this patch was made for another size or dtype: make one from this checkpoint")
    case .alreadyApplied(let tensor, let folder):
      Facts(
        code: "PATCH_APPLIED_ALREADY", found: "tensor \(tensor) of \(folder) has the patch's result already",
        expected: "the checkpoint that the patch was made from",
        suggestion: "nothing is left to do; to strengthen the edit make a patch with a higher strength")
    case .otherBase(let tensor, let expected, let found):
      Facts(
        code: "PATCH_OTHER_BASE", found: "tensor \(tensor) with hash \(found)", expected: "hash \(expected)",
        suggestion: "apply the patch to the checkpoint it was made from, or make one from this checkpoint")
    case .nothingChanged(let edited):
      Facts(
        code: "NOTHING_CHANGED", found: "\(edited) values edited, none of which changed as stored",
        expected: "an edit that changes at least one stored number",
        suggestion: "raise the strength: the dtype's spacing rounded the whole edit away")
    case .notFinite(let tensor, let row, let column, let value):
      Facts(
        code: "EDIT_NOT_FINITE", found: "\(value) in tensor \(tensor), row \(row), column \(column)",
        expected: "finite numbers after the edit",
        suggestion: "lower the strength, or check the base checkpoint for values that are not finite")
    case .alreadyReverted(let tensor, let folder):
      Facts(
        code: "REVERTED_ALREADY", found: "tensor \(tensor) of \(folder) is the original already",
        expected: "the checkpoint that the patch was applied to",
        suggestion: "nothing is left to revert here")
    case .movedSince(let tensor, let expected, let found):
      Facts(
        code: "MOVED_SINCE", found: "tensor \(tensor) with hash \(found)", expected: "hash \(expected)",
        suggestion: "revert the later edits first, newest first")
    case .cannotExport(let tensor, let format, let reason):
      Facts(
        code: "CANNOT_EXPORT", exitCode: .unsupported, found: "\(tensor): \(reason)",
        expected: "an edit that \(format) can say", suggestion: "apply the patch to a checkpoint instead")
    case .badSparse(let file, let tensor, let reason):
      Facts(
        code: "SPARSE_BAD", found: "\(file), \(tensor): \(reason)",
        expected: "a sparse checkpoint file by this program, unchanged",
        suggestion: "copy the file again, or make it again from the dense checkpoint with surgeon convert")
    case .cannotCompose(let reason):
      Facts(
        code: "CANNOT_COMPOSE", found: reason,
        expected: "patches of one base, given in the order in which they are added, and finite scales",
        suggestion: "apply them one after the other instead")
    default:
      Facts(
        code: "CHECKPOINT", exitCode: .internalError, found: "an error without a text", expected: "",
        suggestion: "this is a defect of the program: please report it")
    }
  }
}

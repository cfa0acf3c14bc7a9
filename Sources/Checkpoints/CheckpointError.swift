import Runtime

/// What can be wrong with a checkpoint, a patch or an undo file. Every case names the file or tensor meant.
public enum CheckpointError: SurgeonError {
  // MARK: A safetensors file

  /// Fewer bytes than the header's length field, or than the header, or than the tensors need.
  case truncated(file: String, size: Int, needed: Int)
  /// The length field asks for more than the format allows.
  case headerTooLarge(file: String, size: UInt64, limit: Int)
  /// The header is no JSON object.
  case headerNotJSON(file: String, reason: String)
  /// A key stands twice in one object of the header.
  case duplicateKey(file: String, key: String)
  /// `__metadata__` holds something else than texts.
  case metadataNotText(file: String, key: String)
  /// A tensor's record lacks a field, or the field is of the wrong kind.
  case badRecord(file: String, tensor: String, field: String, reason: String)
  /// A type of numbers this program does not know.
  case unknownDType(file: String, tensor: String, dtype: String)
  /// The sizes multiply to more bytes than 64 bits can count.
  case shapeOverflow(file: String, tensor: String, shape: [Int])
  /// Shape and type ask for other bytes than the offsets give.
  case sizeMismatch(file: String, tensor: String, expected: Int, found: Int)
  /// Two tensors share bytes.
  case overlap(file: String, first: String, second: String, offset: Int)
  /// Bytes between tensors belong to none.
  case hole(file: String, tensor: String, range: Range<Int>)
  /// Bytes after the last tensor.
  case trailingBytes(file: String, count: Int)

  // MARK: A checkpoint folder

  /// The path is a file, not a folder.
  case notAFolder(path: String)
  /// The folder has no weights that can be read.
  case noWeights(folder: String, seen: [String])
  /// The folder has weights, in a format that cannot be read.
  case unsupportedWeights(folder: String, files: [String], format: String)
  /// The folder has no config.json.
  case configMissing(folder: String)
  /// The index is not what it must be.
  case badIndex(file: String, reason: String)
  /// The index names a file outside the folder.
  case unsafeShardPath(file: String, shard: String)
  /// A shard named by the index is not there.
  case shardMissing(folder: String, shard: String, tensor: String)
  /// The index places a tensor in a shard that does not hold it.
  case tensorNotInShard(tensor: String, shard: String)
  /// A tensor is stored in two shards.
  case tensorInTwoShards(tensor: String, first: String, second: String)
  /// No tensor has this name.
  case unknownTensor(name: String, place: String)
  /// Something in the folder is neither file nor folder, or a link that leads nowhere.
  case notCopyable(path: String, reason: String)

  // MARK: Writing

  /// The output would lie inside the folder it is made from.
  case outputInsideSource(output: String, source: String)
  /// A value for a tensor does not have the tensor's shape and type.
  case replacementDiffers(tensor: String, expected: String, found: String)
  /// What was written reads back differently.
  case verifyFailed(path: String, what: String)

  // MARK: Patches

  /// The file is no patch or undo file of a version known here.
  case badPatch(file: String, reason: String)
  /// The patch's own parts contradict one another.
  case inconsistentPatch(tensor: String, reason: String)
  /// The checkpoint does not have the tensor.
  case patchTensorMissing(tensor: String, folder: String)
  /// The tensor has another shape or type than the patch was made for.
  case patchShapeDiffers(tensor: String, expected: String, found: String)
  /// The tensor has the patch's after-hash already.
  case alreadyApplied(tensor: String, folder: String)
  /// The tensor is neither the patch's base nor its result.
  case otherBase(tensor: String, expected: String, found: String)
  /// No stored number changed.
  case nothingChanged(edited: Int)
  /// An edited value is not a finite number in the tensor's type.
  case notFinite(tensor: String, row: Int, column: Int, value: String)
  /// The tensor has the undo file's before-hash already.
  case alreadyReverted(tensor: String, folder: String)
  /// The tensor changed after the edit.
  case movedSince(tensor: String, expected: String, found: String)
  /// The edit cannot be said in the export's format.
  case cannotExport(tensor: String, format: String, reason: String)
  /// A sparse file's record, places or values are not what they must be.
  case badSparse(file: String, tensor: String, reason: String)
  /// Patches that cannot be put together.
  case cannotCompose(reason: String)

  public var code: String { facts.code }
  public var exitCode: ExitCode { facts.exitCode }
  public var found: String { facts.found }
  public var expected: String { facts.expected }
  public var suggestion: String { facts.suggestion }

  /// One error as a user reads it.
  struct Facts {
    var code: String
    var exitCode: ExitCode = .badData
    var found: String
    var expected: String
    var suggestion: String
  }
}

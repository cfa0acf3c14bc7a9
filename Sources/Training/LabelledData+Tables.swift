import Probing
import Runtime
import Tensors

extension LabelledData {
  /// A CSV with a heading: one column of labels, every other one a number of the item.
  /// - Throws: ``TrainingError``, ``ProbingError``, ``FileError``.
  public init(csv path: String, labelColumn: String = "label", classes: Int? = nil) throws {
    let records = try CSVReader.records(Files.read(path), file: path)
    func bad(_ problem: String, _ expected: String) -> TrainingError {
      .badData(file: path, problem: problem, expected: expected)
    }
    guard let heading = records.first?.fields, records.count > 1, heading.count > 1 else {
      throw bad("no rows", "a heading and one row an item")
    }
    guard let place = heading.firstIndex(of: labelColumn) else {
      throw bad("the columns \(heading.prefix(8).joined(separator: ", "))", "a column \(labelColumn)")
    }
    let tensor = Tensor(zeros: [records.count - 1, heading.count - 1])
    var labels: [Int] = []
    for (item, record) in records.dropFirst().enumerated() {
      guard record.fields.count == heading.count else {
        throw bad(
          "\(record.fields.count) fields in line \(record.line)", "\(heading.count) as in the heading")
      }
      guard let label = Int(record.fields[place]) else {
        throw bad("the label “\(record.fields[place])” in line \(record.line)", "a whole number from 0")
      }
      labels.append(label)
      var column = 0
      for (field, text) in record.fields.enumerated() where field != place {
        guard let value = Float(text) else {
          throw bad("“\(text)” in line \(record.line), column \(heading[field])", "a number")
        }
        tensor.f32[item * (heading.count - 1) + column] = value
        column += 1
      }
    }
    try self.init(tensor, shape: [heading.count - 1], labels: labels, classes: classes, source: path)
  }

  /// `.npy` files, or arrays of an archive as `FILE.npz:NAME`: numbers `[n, …]` and labels `[n]`; `shape` are the sizes of
  /// an item where they are not the array's own.
  /// - Throws: ``TrainingError``, ``ProbingError``, ``TorchFileError`` for damaged archives, ``FileError``.
  public init(npy inputs: String, labels: String, shape: [Int] = [], classes: Int? = nil) throws {
    let tensor = try NPYFile.items(inputs)
    let own = Array(tensor.shape.dropFirst())
    guard shape.isEmpty || shape.reduce(1, *) == own.reduce(1, *) else {
      throw TrainingError.badData(
        file: inputs, problem: "items of shape \(own)",
        expected: "\(shape.reduce(1, *)) numbers, an item of shape \(shape)")
    }
    try self.init(
      tensor, shape: shape.isEmpty ? own : shape, labels: NPYFile.integers(labels), classes: classes,
      source: inputs)
  }
}

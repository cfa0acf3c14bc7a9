import Checkpoints
import Probing
import Runtime
import Tensors

extension LogitTable {
  /// Reads a table by its name's end:
  ///
  /// - `.safetensors`: `logits` (or `probabilities`) `[n, K]` and `labels` `[n]`;
  /// - `.npy`: the numbers `[n, K]`, labels in a file of their own;
  /// - `.csv`: a heading; one column of labels, every other one a class, in order.
  ///
  /// `labels` names a `.npy` of whole numbers `[n]` to take in place of the table's own; `columns` are those of a CSV
  /// that are classes, where others stand beside them.
  /// - Throws: ``DistillationError``, ``ProbingError``, ``CheckpointError``, ``FileError``.
  public init(
    reading path: String, labels labelFile: String? = nil, labelColumn: String = "label",
    columns: [String]? = nil, values: Values? = nil
  ) throws {
    let given = try labelFile.map(NPYFile.integers)
    switch path.split(separator: ".").last {
    case "safetensors":
      let file = try SafetensorsFile(path: path)
      guard let name = ["logits", "probabilities"].first(where: { file.entry($0) != nil }) else {
        throw DistillationError.badTable(
          file: path, problem: "tensors \(file.names.prefix(8).joined(separator: ", "))",
          expected: "a tensor logits or probabilities [items, classes] and labels [items]")
      }
      guard given != nil || file.entry("labels") != nil else {
        throw DistillationError.badTable(
          file: path, problem: "no tensor labels", expected: "labels [items], or --labels FILE.npy")
      }
      try self.init(
        FeatureFile.numbers(in: file, name), labels: given ?? FeatureFile.integers(in: file, "labels"),
        values: values ?? (name == "probabilities" ? .probabilities : .logits), source: path)
    case "npy":
      guard let given else {
        throw DistillationError.badTable(
          file: path, problem: "no labels", expected: "--labels FILE.npy with one whole number an item")
      }
      try self.init(
        NPYFile.matrix(path), labels: given, values: values ?? .logits, source: path)
    case "csv":
      try self.init(
        csv: path, labels: given, column: labelColumn, columns: columns, values: values ?? .logits)
    default:
      throw DistillationError.badTable(
        file: path, problem: "an unknown kind of file",
        expected: "a name that ends in .safetensors, .npy or .csv")
    }
  }

  private init(
    csv path: String, labels given: [Int]?, column: String, columns chosen: [String]?, values: Values
  ) throws {
    let records = try CSVReader.records(Files.read(path), file: path)
    func bad(_ problem: String, _ expected: String) -> DistillationError {
      .badTable(file: path, problem: problem, expected: expected)
    }
    guard let heading = records.first?.fields, records.count > 1 else {
      throw bad("no rows", "a heading and one row an item")
    }
    let place = heading.firstIndex(of: column)
    guard given != nil || place != nil else {
      throw bad(
        "the columns \(heading.prefix(8).joined(separator: ", "))",
        "a column \(column) (see --label-column), or --labels FILE.npy")
    }
    let columns =
      try chosen.map { names in
        try names.map { name in
          guard let index = heading.firstIndex(of: name) else {
            throw bad("no column \(name)", "one of \(heading.joined(separator: ", "))")
          }
          return index
        }
      } ?? heading.indices.filter { $0 != place }
    guard !columns.isEmpty else { throw bad("no column but the label", "a column for each class") }
    let table = Tensor(zeros: [records.count - 1, columns.count])
    var labels: [Int] = []
    for (item, record) in records.dropFirst().enumerated() {
      guard record.fields.count == heading.count else {
        throw bad(
          "\(record.fields.count) fields in line \(record.line)", "\(heading.count) as in the heading")
      }
      for (k, field) in columns.enumerated() {
        guard let value = Float(record.fields[field]), value.isFinite else {
          throw bad(
            "“\(record.fields[field])” in line \(record.line), column \(heading[field])", "a finite number")
        }
        table.f32[item * columns.count + k] = value
      }
      if let place, given == nil {
        guard let label = Int(record.fields[place]) else {
          throw bad("the label “\(record.fields[place])” in line \(record.line)", "a whole number from 0")
        }
        labels.append(label)
      }
    }
    try self.init(table, labels: given ?? labels, values: values, source: path)
  }
}

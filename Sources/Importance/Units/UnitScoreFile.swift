import Architectures
import Checkpoints
import JSON
import OrderedCollections
import Runtime
import Tensors

extension ImportanceUnit {
  /// Where the unit belongs: a matrix, an MLP, an expert's MLP, an attention, or a whole block.
  public var place: String {
    switch grain {
    case .row, .column, .weight, .pattern, .matrix: role?.description ?? "blocks.\(block)"
    case .neuron:
      "blocks.\(block).mlp" + (expert.map { $0 < 0 ? ".shared" : ".experts.\($0)" } ?? "")
    case .head: "blocks.\(block).attention"
    case .expert: "blocks.\(block).mlp.experts"
    case .block: "blocks"
    }
  }

  /// The unit's name: its place with the grain and its number, `blocks.3.mlp neuron 17`.
  public var name: String {
    if grain == .matrix { return place }
    return "\(place) \(grain.rawValue) \(index < 0 ? "shared" : String(index))"
  }
}

extension UnitScores {
  /// The units of one place, which lie together.
  public struct Place: Sendable {
    /// Its name, without the grain.
    public let name: String
    /// Its block; 0 where the units are blocks.
    public let block: Int
    /// The units' indices.
    public let range: Range<Int>
  }

  /// The places in order.
  public var places: [Place] {
    var places: [Place] = []
    var start = 0
    for index in 1...max(1, units.count) {
      guard index >= units.count || units[index].place != units[start].place else { continue }
      guard start < units.count else { break }
      places.append(Place(name: units[start].place, block: units[start].block, range: start..<index))
      start = index
    }
    return places
  }
}

/// Scores of units as a file for other programs.
public enum UnitScoreFile {
  /// The kinds of file, by the ending of their names.
  public enum Format: String, Sendable {
    /// One line a unit: score, unit, place, block, expert, index, value.
    case csv
    /// One object a score with the lists of all places.
    case json
    /// One f32 tensor `SCORE/PLACE.GRAIN` a place.
    case safetensors

    /// The kind of a path; nil for another ending.
    public init?(path: String) {
      guard let ending = path.split(separator: ".").last, let format = Format(rawValue: String(ending)) else {
        return nil
      }
      self = format
    }
  }

  /// Writes the scores, in the kind of file that the path's ending says (safetensors for others).
  /// - Throws: ``FileError``, ``CheckpointError``.
  public static func write(_ scores: [UnitScores], to path: String) throws {
    switch Format(path: path) {
    case .csv: try Files.write(csv(scores), to: path)
    case .json: try Files.write(json(scores).text(.pretty) + "\n", to: path)
    case .safetensors, nil:
      let items = scores.flatMap { own in
        own.places.map { place in
          SafetensorsWriter.Item(
            "\(own.score.description)/\(place.name).\(own.units[place.range.lowerBound].grain.rawValue)",
            Tensor(place.range.map { Float(own.values[$0]) }))
        }
      }
      try SafetensorsWriter.write(
        items,
        metadata: ["format": "surgeon-importance", "aggregation": scores.first?.aggregation.rawValue ?? ""],
        to: path)
    }
  }

  private static func csv(_ scores: [UnitScores]) -> String {
    var text = "score,grain,place,block,expert,index,value\n"
    for own in scores {
      for (unit, value) in zip(own.units, own.values) {
        let expert = unit.expert.map(String.init) ?? ""
        text +=
          "\(own.score.description),\(unit.grain.rawValue),\(unit.place),\(unit.block),\(expert),\(unit.index),\(value)\n"
      }
    }
    return text
  }

  private static func json(_ scores: [UnitScores]) -> JSONValue {
    [
      "format": "surgeon-importance", "format_version": 1,
      "scores": .array(
        scores.map { own in
          [
            "score": .string(own.score.description), "aggregation": .string(own.aggregation.rawValue),
            "grain": .optional(own.units.first?.grain.rawValue),
            "places": .object(
              OrderedDictionary(
                own.places.map { place in
                  (place.name, JSONValue.array(place.range.map { .number(own.values[$0]) }))
                }, uniquingKeysWith: { first, _ in first })),
          ]
        }),
    ]
  }
}

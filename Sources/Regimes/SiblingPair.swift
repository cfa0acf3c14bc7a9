import JSON
import Training

/// Two retrained networks of one parent and one mask, which differ in the seed of the retraining alone.
public struct SiblingPair: Sendable, Equatable {
  /// Numbers of the two siblings.
  public let first, second: Int
  /// Along the straight line.
  public let line: Connectivity
  /// Along the trained curve, where one was asked for.
  public let curve: Connectivity?
  /// Similarity of the logits; nil where a network says the same of every item.
  public let logits: CenteredKernelAlignment?
  /// Similarity of the softmax outputs, as published.
  public let softmax: CenteredKernelAlignment?
  /// How far the weights lie apart.
  public let distance: WeightDistance

  var json: JSONValue {
    [
      "siblings": .integers([first, second]), "line": line.json, "curve": curve?.json ?? .null,
      "cka_logits": logits?.json ?? .null, "cka_softmax": softmax?.json ?? .null,
      "distance": .number(distance.distance), "relative_distance": .number(distance.relative),
    ]
  }

  init(
    first: Int, second: Int, line: Connectivity, curve: Connectivity?, logits: CenteredKernelAlignment?,
    softmax: CenteredKernelAlignment?, distance: WeightDistance
  ) {
    (self.first, self.second, self.line, self.curve) = (first, second, line, curve)
    (self.logits, self.softmax, self.distance) = (logits, softmax, distance)
  }

  init?(json: JSONValue) {
    guard let siblings = json["siblings"]?.array?.compactMap(\.int), siblings.count == 2,
      let line = Connectivity(json: json["line"]), let distance = json["distance"]?.double,
      let relative = json["relative_distance"]?.double
    else { return nil }
    (first, second, self.line) = (siblings[0], siblings[1], line)
    curve = Connectivity(json: json["curve"])
    logits = CenteredKernelAlignment(json: json["cka_logits"])
    softmax = CenteredKernelAlignment(json: json["cka_softmax"])
    self.distance = WeightDistance(distance: distance, relative: relative)
  }
}

extension Connectivity {
  /// The value with its place and every point; errors are fractions of the training items.
  var json: JSONValue {
    [
      "value": .number(value), "place": .number(place), "loss_value": .number(lossValue),
      "points": .array(
        points.map {
          [
            "place": .number($0.place), "error": .number($0.error), "loss": .number($0.loss),
            "raw_error": .optional($0.rawError),
          ]
        }),
    ]
  }

  init?(json: JSONValue?) {
    let points = (json?["points"]?.array ?? []).compactMap { point -> Point? in
      guard let place = point["place"]?.double, let error = point["error"]?.double,
        let loss = point["loss"]?.double
      else { return nil }
      return Point(place: place, error: error, loss: loss, rawError: point["raw_error"]?.double)
    }
    guard points.count > 1, points.count == json?["points"]?.array?.count else { return nil }
    self.init(points)
  }
}

extension CenteredKernelAlignment {
  var json: JSONValue {
    ["biased": .number(biased), "unbiased": .optional(unbiased), "items": .integer(count)]
  }

  init?(json: JSONValue?) {
    guard let biased = json?["biased"]?.double, let count = json?["items"]?.int else { return nil }
    self.init(biased: biased, unbiased: json?["unbiased"]?.double, count: count)
  }
}

import Glibc
import Layers
import Tensors
import TestSupport
import Testing

/// Every backward operator against central differences of an f64 rendition of its forward one, and the same bits on every
/// instruction set and number of threads.
@Suite struct GradientTests {
  /// Checks the gradients by `inputs` of Σ outputs · weights; `forward` is the operator in f64, `backward` gives the f32 gradients
  /// by each input from the weights.
  private static func check(
    _ inputs: [[Float]], outputs: Int, tolerance: Double = 2e-5, _ forward: ([[Double]]) -> [Double],
    _ backward: ([Float]) -> [[Float]]
  ) {
    let weights = [Float].random(outputs, seed: 77)
    func loss(_ x: [[Double]]) -> Double { zip(forward(x), weights).reduce(0) { $0 + $1.0 * Double($1.1) } }
    var first: [[Float]]?
    KernelSetting.each { setting in
      let found = backward(weights)
      if let first {
        #expect(zip(found, first).allSatisfy { $0.bits == $1.bits }, "\(setting)")
      } else {
        first = found
      }
    }
    guard let found = first else { return }
    #expect(found.count == inputs.count)
    var exact = inputs.map { $0.map(Double.init) }
    for input in inputs.indices {
      #expect(found[input].count == inputs[input].count)
      // Some numbers of every input are enough, the last ones among them.
      let step = max(1, inputs[input].count / 24)
      let places = stride(from: inputs[input].count - 1, through: 0, by: -step)
      let expected = places.map { i in
        let (x, h) = (exact[input][i], 1e-5)
        exact[input][i] = x + h
        let above = loss(exact)
        exact[input][i] = x - h
        let below = loss(exact)
        exact[input][i] = x
        return (above - below) / (2 * h)
      }
      let largest = found[input].reduce(0.1) { max($0, abs(Double($1))) }
      for (place, expected) in zip(places, expected) {
        #expect(
          abs(Double(found[input][place]) - expected) <= tolerance * largest, "input \(input), \(place)")
      }
    }
  }

  @Test(arguments: [1, 7, 16, 33], [1, 3, 70]) func rmsNorm(_ width: Int, _ rows: Int) {
    let x = [Float].random(rows * width, seed: 1), gain = [Float].random(width, seed: 2)
    Self.check([x, gain], outputs: rows * width) { input in
      (0..<rows).flatMap { row in
        let x = input[0][row * width..<(row + 1) * width]
        let r = 1 / (x.reduce(0) { $0 + $1 * $1 } / Double(width) + 1e-5).squareRoot()
        return zip(x, input[1]).map { $0 * r * ($1 + 1) }
      }
    } _: { dy in
      var dx = [Float](repeating: 0, count: rows * width), dgain = [Float](repeating: 0, count: width)
      Norm.rmsBackward(
        &dx, gain: &dgain, dy, x, gain: gain, rows: rows, width: width, eps: 1e-5, gainOffset: 1)
      return [dx, dgain]
    }
  }

  @Test(arguments: [2, 7, 16, 33], [1, 70]) func layerNorm(_ width: Int, _ rows: Int) {
    let x = [Float].random(rows * width, seed: 1), gain = [Float].random(width, seed: 2)
    let bias = [Float].random(width, seed: 3)
    Self.check([x, gain, bias], outputs: rows * width, tolerance: 2e-4) { input in
      (0..<rows).flatMap { row in
        let x = input[0][row * width..<(row + 1) * width]
        let mean = x.reduce(0, +) / Double(width)
        let r = 1 / (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width) + 1e-2).squareRoot()
        return zip(x, zip(input[1], input[2])).map { ($0 - mean) * r * $1.0 + $1.1 }
      }
    } _: { dy in
      var dx = [Float](repeating: 0, count: rows * width)
      var dgain = [Float](repeating: 0, count: width), dbias = dgain
      Norm.layerBackward(
        &dx, gain: &dgain, bias: &dbias, dy, x, gain: gain, rows: rows, width: width, eps: 1e-2)
      return [dx, dgain, dbias]
    }
  }

  /// What is there already is added to.
  @Test func normsAccumulate() {
    let x = [Float].random(3 * 20, seed: 1), dy = [Float].random(3 * 20, seed: 2)
    let gain = [Float].random(20, seed: 3)
    var fresh = [Float](repeating: 0, count: 60), sums = [Float](repeating: 0, count: 20)
    Norm.rmsBackward(&fresh, gain: &sums, dy, x, gain: gain, rows: 3, width: 20, eps: 1e-5)
    var added = [Float](repeating: 2, count: 60), more = [Float](repeating: 1, count: 20)
    Norm.rmsBackward(
      &added, gain: &more, dy, x, gain: gain, rows: 3, width: 20, eps: 1e-5, accumulating: true)
    #expect(added == fresh.map { 2 + $0 })
    for (more, sum) in zip(more, sums) { #expect(abs(more - sum - 1) < 1e-6) }
  }

  private static func value(_ f: Activation, _ x: Double) -> Double {
    switch f {
    case .silu: Reference.silu(x)
    case .quickGelu: Reference.silu(x, 1.702)
    case .gelu: Reference.gelu(x)
    case .geluTanh: Reference.geluTanh(x)
    case .relu: max(0, x)
    case .tanh: Glibc.tanh(x)
    }
  }

  @Test(arguments: Activation.allCases) func activations(_ function: Activation) {
    let x = [Float].random(101, seed: 4).map { $0 * 3 }, up = [Float].random(101, seed: 5)
    Self.check([x], outputs: 101) {
      $0[0].map { Self.value(function, $0) }
    } _: { dy in
      var dx = [Float](repeating: 0, count: 101)
      function.backward(&dx, dy, x, count: 101)
      return [dx]
    }
    Self.check([x, up], outputs: 101) { input in
      zip(input[0], input[1]).map { Self.value(function, $0) * $1 }
    } _: { dy in
      var dgate = [Float](repeating: 0, count: 101), dup = dgate
      function.gatedBackward(gate: &dgate, up: &dup, dy, gate: x, up: up, count: 101)
      return [dgate, dup]
    }
  }

  @Test(arguments: [(1, 3, 2), (5, 17, 33), (40, 7, 96)], [false, true])
  func linear(_ sizes: (rows: Int, outputs: Int, inputs: Int), _ transposed: Bool) {
    let (rows, outputs, inputs) = sizes
    let x = [Float].random(rows * inputs, seed: 1), w = [Float].random(outputs * inputs, seed: 2)
    let bias = [Float].random(outputs, seed: 3)
    func stored() -> LinearWeight {
      let shape = transposed ? [inputs, outputs] : [outputs, inputs]
      return LinearWeight(Tensor(w, shape: shape), transposed: transposed, bias: Tensor(bias))
    }
    func at(_ n: Int, _ k: Int) -> Int { transposed ? k * outputs + n : n * inputs + k }
    func forward(_ input: [[Double]]) -> [Double] {
      var y: [Double] = []
      for m in 0..<rows {
        for n in 0..<outputs {
          var sum = input[2][n]
          for k in 0..<inputs { sum += input[0][m * inputs + k] * input[1][at(n, k)] }
          y.append(sum)
        }
      }
      return y
    }
    Self.check([x, w, bias], outputs: rows * outputs, forward) { dy in
      let weight = stored()
      var dx = [Float](repeating: 0, count: rows * inputs), db = [Float](repeating: 0, count: outputs)
      let dw = Tensor(zeros: [outputs * inputs])
      Linear.backwardInput(&dx, dy, rows: rows, weight)
      Linear.backwardWeight(of: weight, in: dw.storage, bias: &db, dy, x, rows: rows)
      return [dx, dw.toFloats(), db]
    }
    var y = [Float](repeating: 0, count: rows * outputs)
    Linear.trainingForward(&y, x, rows: rows, stored())
    for (value, exact) in zip(y, forward([x, w, bias].map { $0.map(Double.init) })) {
      #expect(abs(Double(value) - exact) <= 1e-5 * (1 + abs(exact)))
    }
  }

  /// Outputs of a fused matrix have their gradients where they lie in the whole one.
  @Test(arguments: [false, true]) func linearPart(_ transposed: Bool) {
    let (rows, outputs, inputs) = (4, 9, 5)
    let x = [Float].random(rows * inputs, seed: 1), dy = [Float].random(rows * 3, seed: 2)
    let shape = transposed ? [inputs, outputs] : [outputs, inputs]
    let whole = LinearWeight(
      Tensor([Float].random(outputs * inputs, seed: 3), shape: shape), transposed: transposed)
    let gradient = Tensor(zeros: shape)
    Linear.backwardWeight(of: whole.rows(4..<7), in: gradient.storage, bias: nil, dy, x, rows: rows)
    for n in 0..<outputs {
      for k in 0..<inputs {
        let value = Double(gradient.f32[transposed ? k * outputs + n : n * inputs + k])
        var exact = 0.0
        for row in 0..<rows where (4..<7).contains(n) {
          exact += Double(dy[row * 3 + n - 4]) * Double(x[row * inputs + k])
        }
        #expect(abs(value - exact) < 1e-5)
      }
    }
  }

  @Test(arguments: [false, true]) func rotary(_ interleaved: Bool) {
    let (tokens, heads, size, width) = (5, 3, 10, 6)
    let table = RotaryTable(inverseFrequencies: [1, 0.3, 0.05], positions: 40)
    let x = [Float].random(tokens * heads * size, seed: 1)
    let positions: [Int32] = [3, 0, 39, 7, 7]
    Self.check([x], outputs: x.count) { input in
      var y = input[0]
      for t in 0..<tokens {
        for h in 0..<heads {
          for i in 0..<width / 2 {
            let base = (t * heads + h) * size
            let (a, b) = interleaved ? (base + 2 * i, base + 2 * i + 1) : (base + i, base + width / 2 + i)
            let angle = Double(Float(positions[t]) * Float(table.inverseFrequencies[i]))
            (y[a], y[b]) = (
              input[0][a] * cos(angle) - input[0][b] * sin(angle),
              input[0][b] * cos(angle) + input[0][a] * sin(angle)
            )
          }
        }
      }
      return y
    } _: { dy in
      var dx = dy
      Rotary.apply(
        &dx, rows: tokens, rowStride: heads * size, heads: heads, headSize: size, rotaryWidth: width,
        positions: positions, table: table, interleaved: interleaved, inverse: true)
      return [dx]
    }
  }

  @Test(arguments: [(6, 4, 2, 5, Int?.none), (70, 2, 1, 3, nil), (9, 3, 3, 8, 4)], [true, false])
  func attention(
    _ sizes: (tokens: Int, heads: Int, shared: Int, size: Int, window: Int?), _ causal: Bool
  ) {
    let (tokens, heads, shared, size, window) = sizes
    let (wide, narrow) = (heads * size, shared * size)
    let q = [Float].random(tokens * wide, seed: 1), k = [Float].random(tokens * narrow, seed: 2)
    let v = [Float].random(tokens * narrow, seed: 3)
    Self.check([q, k, v], outputs: tokens * wide, tolerance: 1e-4) { input in
      var out = [Double](repeating: 0, count: tokens * wide)
      for t in 0..<tokens {
        let keys = causal ? max(0, t + 1 - (window ?? t + 1))..<t + 1 : 0..<tokens
        for h in 0..<heads {
          let own = t * wide + h * size, group = h / (heads / shared) * size
          var scores: [Double] = []
          for key in keys {
            var score = 0.0
            for d in 0..<size { score += input[0][own + d] * input[1][key * narrow + group + d] }
            scores.append(0.4 * score)
          }
          let sum = scores.reduce(0.0) { $0 + exp($1) }
          for (key, score) in zip(keys, scores) {
            for d in 0..<size { out[own + d] += exp(score) / sum * input[2][key * narrow + group + d] }
          }
        }
      }
      return out
    } _: { dy in
      var dq = q, dk = k, dv = v
      Attention.backward(
        q: &dq, k: &dk, v: &dv, dy, q: q, k: k, v: v, tokens: tokens, heads: heads, kvHeads: shared,
        headSize: size, scale: 0.4, window: window, causal: causal)
      return [dq, dk, dv]
    }
  }

  @Test func embedding() {
    let (vocabulary, width) = (7, 70)
    let tokens: [Int32] = [3, 0, 3, 6, 3]
    let table = [Float].random(vocabulary * width, seed: 1)
    Self.check([table], outputs: tokens.count * width) { input in
      tokens.flatMap { token in (0..<width).map { 1.5 * input[0][Int(token) * width + $0] } }
    } _: { dy in
      var gradient = [Float](repeating: 0, count: table.count)
      Embedding.backward(&gradient, dy, tokens: tokens, width: width, scale: 1.5)
      return [gradient]
    }
  }

  @Test(arguments: [3, 16, 33, 1000]) func tokenCrossEntropy(_ vocabulary: Int) {
    let targets: [Int32] = [2, -1, 0]
    let x = [Float].random(3 * vocabulary, seed: 1).map { 4 * $0 }
    func losses(_ z: [Double]) -> [Double] {
      targets.enumerated().map { row, target in
        guard target >= 0 else { return 0 }
        let own = z[row * vocabulary..<(row + 1) * vocabulary]
        return log(own.reduce(0) { $0 + exp($1) }) - own[own.startIndex + Int(target)]
      }
    }
    Self.check([x], outputs: 1) {
      [losses($0[0]).reduce(0, +)]
    } _: { weight in
      var gradient = x, found = [Double](repeating: -1, count: 3)
      CrossEntropy.tokens(
        &gradient, targets, scale: weight[0], rows: 3, vocabulary: vocabulary, losses: &found)
      for (loss, exact) in zip(found, losses(x.map(Double.init))) { #expect(abs(loss - exact) < 1e-6) }
      #expect(found[1] == 0 && gradient[vocabulary..<2 * vocabulary].allSatisfy { $0 == 0 })
      return [gradient]
    }
  }
}

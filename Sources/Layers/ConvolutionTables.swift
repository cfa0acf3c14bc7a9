import CKernels

/// Where every tap of a convolution lies: what ``Convolution`` hands to the kernels. Follows from the shape alone.
///
/// An image lies in a frame of zeros. Taps that follow one another in memory are one run: with one group a whole
/// kernel row. Backward, inputs are visited by their place modulo the stride (phases), since all inputs of a phase have
/// the same taps of the output's gradient.
struct ConvolutionTables {
  /// Results, their first taps and their places, runs, as in `ck_taps`.
  struct Taps {
    var from: [Int32] = []
    var to: [Int32] = []
    var offset: [Int32] = []
    var length: [Int32] = []
    var outputs = 0
    var weights = 0
    var inner: Int { length.reduce(0) { $0 + Int($1) } }
    var panels: Int { (outputs + 15) / 16 }

    /// Adds numbers `offset ..< offset + length`; they join the run that they go on from.
    mutating func add(offset new: Int, length count: Int) {
      if let last = offset.last, let size = length.last, Int(last) + Int(size) == new {
        length[length.count - 1] += Int32(count)
      } else {
        offset.append(Int32(new))
        length.append(Int32(count))
      }
    }
  }

  var input = ck_frame(), gradient = ck_frame()
  var forward = Taps()
  var phases: [Taps] = []
  /// Where the gradient of an output lies in its frame.
  var gradientAt: [Int32] = []
  /// Place in the stored weights of every packed number, -1 where there is none.
  var forwardMap: [Int32] = [], backwardMap: [Int32] = []

  init(_ s: ConvolutionShape) {
    buildForward(s)
    buildBackward(s)
  }

  private mutating func buildForward(_ s: ConvolutionShape) {
    let out = s.outputImage, inside = s.channels / s.groups
    // Rows and columns that no output reaches are left out of the frame.
    let rows = max((out.height - 1) * s.stride.height + s.kernel.height, s.padding.height + s.image.height)
    let columns = max((out.width - 1) * s.stride.width + s.kernel.width, s.padding.width + s.image.width)
    input = ck_frame(rows: rows, columns: columns, top: s.padding.height, left: s.padding.width)
    forward.outputs = s.outputs / s.groups
    for y in 0..<out.height {
      for x in 0..<out.width {
        forward.from.append(Int32((y * s.stride.height * columns + x * s.stride.width) * s.channels))
        forward.to.append(Int32((y * out.width + x) * s.outputs))
      }
    }
    var taps: [(Int, Int)] = []
    for ky in 0..<s.kernel.height {
      for kx in 0..<s.kernel.width {
        forward.add(offset: (ky * columns + kx) * s.channels, length: inside)
        taps.append((ky, kx))
      }
    }
    for group in 0..<s.groups {
      for panel in 0..<forward.panels {
        for (ky, kx) in taps {
          for c in 0..<inside {
            for lane in 0..<16 {
              let o = panel * 16 + lane
              forwardMap.append(
                o < forward.outputs
                  ? Self.place(s, output: group * forward.outputs + o, channel: c, ky, kx) : -1)
            }
          }
        }
      }
    }
  }

  /// dx[iy] = Σ over ky of dy[(iy + padding − ky) / stride], where that is whole.
  private mutating func buildBackward(_ s: ConvolutionShape) {
    let out = s.outputImage, inside = s.channels / s.groups, outputs = s.outputs / s.groups
    let vertical = Self.steps(s.kernel.height, s.stride.height, s.padding.height, s.image.height)
    let horizontal = Self.steps(s.kernel.width, s.stride.width, s.padding.width, s.image.width)
    let top = -min(0, vertical.least), left = -min(0, horizontal.least)
    let rows = max(out.height, vertical.most + 1) + top, columns = max(out.width, horizontal.most + 1) + left
    gradient = ck_frame(rows: rows, columns: columns, top: top, left: left)
    for y in 0..<out.height {
      for x in 0..<out.width { gradientAt.append(Int32(((y + top) * columns + x + left) * s.outputs)) }
    }
    var maps: [[Int32]] = Array(repeating: [], count: s.groups)
    for (py, down) in vertical.taps.enumerated() where py < s.image.height {
      for (px, along) in horizontal.taps.enumerated() where px < s.image.width {
        var taps = Taps()
        taps.outputs = inside
        taps.weights = maps[0].count
        for y in stride(from: py, to: s.image.height, by: s.stride.height) {
          for x in stride(from: px, to: s.image.width, by: s.stride.width) {
            taps.from.append(Int32((y / s.stride.height * columns + x / s.stride.width) * s.outputs))
            taps.to.append(Int32((y * s.image.width + x) * s.channels))
          }
        }
        for (_, dy) in down {
          for (_, dx) in along {
            taps.add(offset: ((dy + top) * columns + dx + left) * s.outputs, length: outputs)
          }
        }
        for group in 0..<s.groups {
          for panel in 0..<taps.panels {
            for (ky, _) in down {
              for (kx, _) in along {
                for o in 0..<outputs {
                  for lane in 0..<16 {
                    let c = panel * 16 + lane
                    maps[group].append(
                      c < inside ? Self.place(s, output: group * outputs + o, channel: c, ky, kx) : -1)
                  }
                }
              }
            }
          }
        }
        phases.append(taps)
      }
    }
    backwardMap = maps.flatMap { $0 }
  }

  /// For each place modulo the stride: the kernel's taps with the output they read, counted from place / stride, in
  /// rising order of the output; and the least and most output that any input asks for.
  private static func steps(
    _ kernel: Int, _ stride: Int, _ padding: Int, _ size: Int
  ) -> (taps: [[(tap: Int, output: Int)]], least: Int, most: Int) {
    var least = 0, most = 0
    let taps = (0..<stride).map { phase -> [(tap: Int, output: Int)] in
      let own = (0..<kernel).reversed().filter { (phase + padding - $0) % stride == 0 }.map {
        (tap: $0, output: (phase + padding - $0) / stride)
      }
      if phase < size, let first = own.first, let last = own.last {
        least = min(least, first.output)
        most = max(most, (size - 1 - phase) / stride + last.output)
      }
      return own
    }
    return (taps, least, most)
  }

  private static func place(_ s: ConvolutionShape, output: Int, channel: Int, _ ky: Int, _ kx: Int) -> Int32 {
    Int32(((output * (s.channels / s.groups) + channel) * s.kernel.height + ky) * s.kernel.width + kx)
  }
}

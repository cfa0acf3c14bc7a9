import Glibc
import Layers
import TestSupport
import Testing

/// Products of matrices lying any way round: bit for bit the chain that the contract states, whatever tiles, threads and
/// instruction set.
@Suite struct GEMMTests {
  static let sizes = [
    (1, 1, 1), (4, 8, 5), (6, 16, 16), (7, 17, 33), (13, 31, 700), (97, 33, 3), (25, 96, 321), (3, 5, 0),
  ]

  @Test(arguments: sizes, [(false, false), (true, false), (false, true), (true, true)])
  func product(_ sizes: (rows: Int, columns: Int, depth: Int), _ turned: (a: Bool, b: Bool)) {
    let (rows, columns, depth) = sizes
    let a = [Float].random(rows * depth, seed: 1), b = [Float].random(depth * columns, seed: 2)
    let start = [Float].random(rows * (columns + 3), seed: 3)
    for accumulating in [false, true] {
      var expected = start
      for m in 0..<rows {
        for n in 0..<columns {
          let place = m * (columns + 3) + n
          var sum: Float = accumulating ? start[place] : 0
          for k in 0..<depth {
            let x = turned.a ? a[k * rows + m] : a[m * depth + k]
            sum = fmaf(x, turned.b ? b[n * depth + k] : b[k * columns + n], sum)
          }
          expected[place] = sum
        }
      }
      KernelSetting.each { setting in
        var c = start
        a.withUnsafeBufferPointer { a in
          b.withUnsafeBufferPointer { b in
            guard let a = a.baseAddress, let b = b.baseAddress else { return }
            Matrices.product(
              &c, stride: columns + 3,
              turned.a ? Matrices.View(a, stride: rows).turned : Matrices.View(a, stride: depth),
              turned.b ? Matrices.View(b, stride: depth).turned : Matrices.View(b, stride: columns),
              rows: rows, columns: columns, depth: depth, accumulating: accumulating)
          }
        }
        // What lies between the rows stays.
        #expect(c.bits == expected.bits, "\(setting)")
      }
    }
  }
}

import Importance
import Testing

@Suite struct MaskTests {
  @Test(arguments: [0, 1, 63, 64, 65, 200]) func bitsBelongToWeights(_ inputs: Int) {
    let all = Mask(outputs: 3, inputs: inputs, keepingAll: true)
    #expect(all.keptCount == 3 * inputs && all.prunedCount == 0)
    #expect(Mask(outputs: 3, inputs: inputs, keepingAll: false).keptCount == 0)
    guard inputs > 0 else { return }
    var mask = all
    mask[1, inputs - 1] = false
    mask[2, 0] = false
    #expect(mask.prunedCount == 2 && mask.keptCount(row: 1) == inputs - 1 && !mask[2, 0] && mask[0, 0])
    var weights = [Float](repeating: 5, count: inputs)
    mask.zero(row: 1, in: &weights)
    #expect(weights.firstIndex(of: 0) == inputs - 1 && weights.count { $0 == 5 } == inputs - 1)
    var other = all
    other[2, 0] = false
    other[0, 0] = false
    #expect(mask.commonPruned(other) == 1)
    mask[2, 0] = true
    #expect(mask.prunedCount == 1)
  }
}

import Foundation
import JSON
import OrderedCollections
import Tensors
import Testing
import Transformers

@Suite struct QuickTests {
  @Test func stories() throws {
    let folder = "/work/shared/fixtures/models/stories260K/hf"
    let model = try Model(folder: folder)
    let reference = try JSONValue(file: folder + "/reference_logits.json")
    print(reference.object!.keys)
    let ids = reference.object!.values.first { $0.array != nil }!.array!.map { Int32($0.int!) }
    print(ids)
    let pass = try model.forward([ids])
    let row = pass.logits[0].rows((ids.count - 1)..<ids.count)
    print((0..<8).map { row.f32[$0] })
    for (k, v) in reference.object! { print(k, v.array?.prefix(8).map { $0.double ?? $0.array?.first?.double ?? 0 } ?? [v.double ?? 0]) }
    let g = try model.generate(prompts: [[1]], options: .init(maximumTokens: 20))
    print(g)
  }
}

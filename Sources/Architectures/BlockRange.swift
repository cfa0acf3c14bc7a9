/// Lists of blocks such as `0-3,-1`: inclusive, negative numbers count from the end.
public enum BlockRange {
  /// The blocks a text names, ascending, each once.
  /// - Throws: ``ArchitectureError/blockOutOfRange(name:blocks:)``.
  public static func parse(_ text: String, blocks: Int) throws -> [Int] {
    func number(_ part: Substring) throws -> Int {
      guard let value = Int(part), (-blocks..<blocks).contains(value) else {
        throw ArchitectureError.blockOutOfRange(name: text, blocks: blocks)
      }
      return value < 0 ? blocks + value : value
    }
    var result: Set<Int> = []
    for item in text.split(separator: ",").map({ $0.filter { $0 != " " }[...] }) {
      guard let dash = item.dropFirst().firstIndex(of: "-") else {
        result.insert(try number(item))
        continue
      }
      let (first, last) = (try number(item[..<dash]), try number(item[item.index(after: dash)...]))
      guard first <= last else { throw ArchitectureError.blockOutOfRange(name: text, blocks: blocks) }
      result.formUnion(first...last)
    }
    guard !result.isEmpty else { throw ArchitectureError.blockOutOfRange(name: text, blocks: blocks) }
    return result.sorted()
  }
}

import Foundation
import Testing

/// The table of Package.swift is the architecture: a module imports only what its row names, and rows only rows above.
@Suite struct PackageImportsTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The rows of the `libraries` table: name and the local modules that it names.
  static func rows() throws -> [(name: String, dependencies: Set<String>)] {
    let text = try String(contentsOf: root.appendingPathComponent("Package.swift"), encoding: .utf8)
    let start = try #require(text.range(of: "let libraries"))
    let end = try #require(text.range(of: "\n]", range: start.upperBound..<text.endIndex))
    let table = text[start.upperBound..<end.lowerBound]
    let row = try Regex(#"\(\s*"(\w+)",\s*\[([^\]]*)\]"#)
    return table.matches(of: row).map { match in
      let names = String(match.output[2].substring ?? "").matches(of: /"(\w+)"/).map { String($0.output.1) }
      return (String(match.output[1].substring ?? ""), Set(names))
    }
  }

  @Test func rowsNameOnlyRowsAbove() throws {
    let rows = try Self.rows()
    #expect(rows.count >= 16)
    let names = Set(rows.map(\.name))
    var above: Set<String> = []
    for row in rows {
      #expect(row.dependencies.intersection(names).isSubset(of: above), "\(row.name) names a row below it")
      above.insert(row.name)
    }
  }

  @Test func importsAreTheOnesOfTheTable() throws {
    let rows = try Self.rows()
    let local = Set(rows.map(\.name)).union(["COpenBLAS", "CLAPACKE", "CJSONC", "CKernels", "COrganism"])
    for row in rows {
      let folder = Self.root.appendingPathComponent("Sources/\(row.name)")
      let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
      for case let file as URL in files ?? .init() where file.pathExtension == "swift" {
        let text = try String(contentsOf: file, encoding: .utf8)
        for match in text.matches(of: /(?m)^(?:public |package |internal )?import (\w+)/) {
          let name = String(match.output.1)
          guard local.contains(name) else { continue }
          #expect(row.dependencies.contains(name), "\(row.name)/\(file.lastPathComponent) imports \(name)")
        }
      }
    }
  }

  @Test func onlyTheirOwnersImportTheSystemLibraries() throws {
    let owners = ["CJSONC": "JSON", "COpenBLAS": "LinearAlgebra", "CLAPACKE": "LinearAlgebra"]
    for row in try Self.rows() {
      for (library, owner) in owners where row.name != owner {
        #expect(!row.dependencies.contains(library), "\(row.name) names \(library)")
      }
    }
  }
}

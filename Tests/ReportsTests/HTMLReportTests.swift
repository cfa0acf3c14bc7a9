import Glibc
import JSON
import Reports
import Runtime
import Testing

@Suite struct HTMLReportTests {
  static var operation: JSONValue {
    get throws { try JSONValue(file: Files.folder(of: #filePath) + "/Fixtures/operate.json") }
  }

  /// For a look at the page: SURGEON_DUMP_PAGES=FOLDER swift test --filter HTMLReportTests
  func dump(_ page: String, _ name: String) throws {
    guard let folder = getenv("SURGEON_DUMP_PAGES") else { return }
    try Files.makeFolder(String(cString: folder))
    try Files.write(page, to: "\(String(cString: folder))/\(name).html")
  }

  @Test func anOperationFitsItsSchemaAndHasAPage() throws {
    let report = try Self.operation
    try SchemaRegistry.validate(report)
    let page = try HTMLReport.render(report: report)
    try dump(page, "operate")
    #expect(page.utf8.count < 1_000_000)
  }
}

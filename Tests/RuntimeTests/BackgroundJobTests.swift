import Runtime
import Testing

@Suite struct BackgroundJobTests {
  struct Stop: Error {}

  @Test func givesItsResultAsOftenAsAsked() throws {
    let job = BackgroundJob { (1...100).reduce(0, +) }
    #expect(try job.wait() == 5050)
    #expect(job.hasEnded)
    #expect(try job.wait() == 5050)
  }

  @Test func passesOnWhatItsBodyThrows() {
    let job = BackgroundJob<Int> { throw Stop() }
    #expect(throws: Stop.self) { try job.wait() }
  }
}

import Glibc
import JSON
import Reports
import Runtime
import Synchronization
import Testing

@Suite struct ProgressRendererTests {
  /// A renderer whose time the test sets and whose output it reads.
  final class Scene: Sendable {
    let now = Mutex(0.0)
    let output = Mutex("")
    func renderer(_ mode: ProgressMode, isTerminal: Bool, environment: [String: String] = [:])
      -> ProgressRenderer
    {
      ProgressRenderer(
        mode: mode, terminal: TerminalFacts(isTerminal: isTerminal, width: 100) { environment[$0] },
        clock: { self.now.withLock { $0 } }, memory: { 1_932_735_283 },
        write: { text in self.output.withLock { $0 += text } })
    }
    func run(_ renderer: ProgressRenderer, seconds: Double = 96, blocks: Int = 32) {
      for block in 0...blocks {
        now.withLock { $0 = Double(block) * seconds / Double(blocks) }
        renderer.sink(ProgressEvent(stage: "locate", completed: block, total: blocks, unit: "blocks"))
      }
      renderer.finish()
    }
    var text: String { output.withLock { $0 } }
  }

  @Test func aBarIsWrittenOverAndEndsWithALine() throws {
    let scene = Scene()
    scene.run(scene.renderer(.auto, isTerminal: true))
    try Golden.check(
      scene.text.split(separator: "\r", omittingEmptySubsequences: false).joined(separator: "␍\n"), "bar.txt")
  }

  @Test func plainLinesComeEveryTenthOrHalfMinute() throws {
    let scene = Scene()
    scene.run(scene.renderer(.auto, isTerminal: false))
    try Golden.check(scene.text, "plain.txt")
    let slow = Scene()
    slow.run(slow.renderer(.plain, isTerminal: true), seconds: 900, blocks: 15)
    // One line each 60 s, whatever the tenth: 14 between the ends and the last.
    #expect(slow.text.split(separator: "\n").count == 15)
  }

  @Test func jsonLinesParse() throws {
    let scene = Scene()
    scene.run(scene.renderer(.jsonl, isTerminal: true))
    let lines = try scene.text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    #expect(lines.count == 33)
    #expect(lines[8]["completed"] == 8)
    #expect(lines[8]["elapsed_seconds"]?.double == 24)
    #expect(lines[8]["remaining_seconds"]?.double == 72)
    #expect(lines.last?["status"] == "done")
  }

  @Test func tenLinesASecondAtMost() {
    let scene = Scene()
    scene.run(scene.renderer(.jsonl, isTerminal: true), seconds: 1, blocks: 5000)
    #expect((10...12).contains(scene.text.split(separator: "\n").count))
  }

  @Test func theEnvironmentIsHonoured() {
    func facts(_ environment: [String: String], isTerminal: Bool = true) -> TerminalFacts {
      TerminalFacts(isTerminal: isTerminal, width: nil) { environment[$0] }
    }
    #expect(facts([:]).hasColour)
    #expect(!facts(["NO_COLOR": "1"]).hasColour)
    #expect(!facts(["NO_COLOR": "1", "CLICOLOR_FORCE": "1"]).hasColour)
    #expect(!facts([:], isTerminal: false).hasColour)
    #expect(facts(["CLICOLOR_FORCE": "1"], isTerminal: false).hasColour)
    #expect(!facts(["CLICOLOR_FORCE": "0"], isTerminal: false).hasColour)
    #expect(!facts(["TERM": "dumb"]).canRewrite)
    #expect(!facts(["CI": "true"]).canRewrite)
    #expect(facts(["CI": "false"]).canRewrite)
    #expect(facts(["COLUMNS": "120"]).columns == 120)
    #expect(facts(["COLUMNS": "x"]).columns == 80)
    let silent = Scene()
    silent.run(silent.renderer(.auto, isTerminal: true, environment: ["TQDM_DISABLE": "1"]))
    #expect(silent.text.isEmpty)
    let plain = Scene()
    plain.run(plain.renderer(.auto, isTerminal: true, environment: ["CI": "1"]))
    #expect(!plain.text.contains("\r"))
    let none = Scene()
    none.run(none.renderer(.none, isTerminal: true))
    #expect(none.text.isEmpty)
  }

  @Test func whatIsNoTerminalIsSeenAsSuch() throws {
    let descriptor = open("/dev/null", O_WRONLY)
    defer { close(descriptor) }
    let facts = TerminalFacts(descriptor: descriptor)
    #expect(!facts.isTerminal && !facts.canRewrite)
    // Writing there must neither fail nor wait.
    let renderer = ProgressRenderer(mode: .plain, descriptor: descriptor)
    renderer.sink(ProgressEvent(stage: "s", completed: 10, total: 10, unit: "texts"))
    renderer.finish()
    #expect(try ProgressMode(named: "jsonl") == .jsonl)
    #expect(throws: ReportError.self) { try ProgressMode(named: "json") }
  }

  @Test func linesNeverExceedTheTerminal() {
    for columns in [20, 40, 60, 132] {
      let scene = Scene()
      let renderer = scene.renderer(
        .auto, isTerminal: true, environment: ["COLUMNS": "\(columns)", "NO_COLOR": "1"])
      scene.run(renderer)
      for line in scene.text.split(whereSeparator: { $0 == "\r" || $0 == "\n" }) {
        #expect(TerminalText.width(String(line)) < columns + 1)
      }
    }
  }

  @Test func anOpenStageIsSaidToHaveStopped() {
    let scene = Scene()
    let renderer = scene.renderer(.plain, isTerminal: false)
    renderer.sink(ProgressEvent(stage: "sweep", completed: 3, total: 40, unit: "points"))
    scene.now.withLock { $0 = 5 }
    renderer.finish()
    #expect(scene.text == "■ sweep: stopped at 3/40 points in 5.0 s, 1.80 GiB\n")
  }

  @Test func lateEventsAreNoNewStageAndStartingOverIs() {
    let scene = Scene()
    let renderer = scene.renderer(.plain, isTerminal: false)
    func event(_ completed: Int) {
      renderer.sink(ProgressEvent(stage: "s", completed: completed, total: 10, unit: "texts"))
    }
    [0, 5, 10, 9, 10].forEach(event)
    #expect(scene.text.split(separator: "\n").filter { $0.hasPrefix("✓") }.count == 1)
    [0, 4, 10].forEach(event)
    #expect(scene.text.split(separator: "\n").filter { $0.hasPrefix("✓") }.count == 2)
  }

  @Test func manyThreadsMayReport() async {
    let scene = Scene()
    let renderer = scene.renderer(.auto, isTerminal: true)
    let sink = renderer.sink
    await withTaskGroup { group in
      for _ in 0..<8 {
        group.addTask {
          for count in 0..<1000 {
            sink(ProgressEvent(stage: "s", completed: count, total: 1000, unit: "texts"))
          }
        }
      }
    }
    sink(ProgressEvent(stage: "s", completed: 1000, total: 1000, unit: "texts"))
    #expect(scene.text.hasSuffix("1.80 GiB\n"))
  }

  @Test func messagesStandAboveTheBar() {
    let scene = Scene()
    let renderer = scene.renderer(.auto, isTerminal: true)
    renderer.sink(ProgressEvent(stage: "s", completed: 1, total: 10, unit: "texts"))
    renderer.say("warning: tied weights")
    #expect(scene.text.contains("\rwarning: tied weights\n\rs "))
  }
}

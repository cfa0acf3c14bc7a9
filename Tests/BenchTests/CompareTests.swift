import ArgumentParser
import Glibc
import JSON
import Reports
import Runtime
import Testing

@testable import Bench

/// Comparisons: what children print, how ratios are held against aims, and what becomes of a peer that is not there.
struct CompareTests {
  private func shell(_ text: String) -> CompareJob.Call {
    CompareJob.Call(name: "sh", words: ["/bin/sh", "-c", text])
  }

  private static let places = ComparePlaces(
    bench: "/nowhere/Bench", surgeon: "/nowhere/surgeon", python: nil, scripts: "peers", own: "own",
    models: "models", scratch: "scratch", threads: 2)

  private func job(_ ours: CompareJob.Call, _ peers: [CompareJob.Call], _ kind: CompareJob.Kind) -> CompareJob
  {
    CompareJob(
      name: "x", summary: "", ours: ours, peers: peers,
      rows: peers.indices.map {
        CompareJob.Row(
          title: "t", peer: $0, unit: "tokens/s", kind: kind, reach: 2, better: 4, ours: .number("a"),
          theirs: .number("b", times: 10))
      })
  }

  @Test func childrenAreHeard() throws {
    setenv("OPENBLAS_CORETYPE", "Haswell", 0)
    let child = try ChildProcess.run(
      shell(
        #"echo warm up; echo '{"stage":"x","v":1}'; echo '{"stage":"y","v":2}'; echo "$OPENBLAS_CORETYPE$MORE"; echo oh >&2; exit 3"#
      )
      .words, environment: ["MORE": "{}"])
    #expect(child.status == 3 && child.complaint == "oh")
    // The variable is hidden, so that the last line is what MORE alone says.
    #expect(child.lines.count == 3 && child.lines[2] == [:])
    #expect(child.number("v") == 1 && child.number("v", stage: "y") == 2 && child.number("w") == nil)
    #expect(child.seconds > 0 && child.peakBytes > 0)
    #expect(try ChildProcess.run(shell("kill -9 $$").words).status == -9)
    #expect(throws: FileError.self) { try ChildProcess.run(["/nowhere/at-all"]) }
  }

  @Test func ratiosAndAims() throws {
    let runner = CompareRun(places: Self.places, rounds: 3) { _ in }
    let ours = shell(#"echo '{"a": 60}'"#), peer = shell(#"echo '{"b": 2}'"#)
    for (kind, ratio, reached) in [
      (CompareJob.Kind.rate, 3.0, true), (.speedup, 1.0 / 3, false), (.share, 3, false),
      (.excess, 40, false), (.floor, 60, true), (.value, 60, false),
    ] {
      let outcome = try #require(runner.run(job(ours, [peer], kind)).first)
      #expect(outcome.ours == [60, 60, 60] && outcome.theirs == [20, 20, 20])
      #expect(outcome.ratio == ratio && outcome.reached == reached, "\(kind)")
      #expect(outcome.missing == nil)
    }
  }

  @Test func aPeerThatIsNotThereLeavesItsRowOpen() throws {
    let runner = CompareRun(places: Self.places, rounds: 2) { _ in }
    let ours = shell(#"echo '{"a": 60}'"#)
    let peers = [
      shell("echo no such module >&2; exit 1"), CompareJob.Call(name: "python", words: ["", "x.py"]),
      shell(#"echo '{"b": 2}'"#),
    ]
    let outcomes = try runner.run(job(ours, peers, .rate))
    #expect(outcomes[0].missing == "no peer: exit 1, no such module" && outcomes[0].ratio == nil)
    #expect(outcomes[1].missing == "no peer: no --python was given" && outcomes[1].reached == nil)
    #expect(outcomes[2].missing == nil && outcomes[2].reached == true)
    #expect(outcomes.allSatisfy { $0.ours == [60, 60] })
    let failed = try runner.run(job(shell("exit 70"), [peers[2]], .rate))
    #expect(failed[0].missing?.hasPrefix("failed: exit 70") == true)
    let report = CompareReport.json(outcomes + failed, rounds: 2)
    var envelope = ReportEnvelope(kind: "bench.compare")
    envelope.results = report
    envelope.run.status = .ok
    envelope.run.exitCode = .done
    try SchemaRegistry.validate(envelope.json)
    let page = try HTMLReport.render(report: envelope.json)
    #expect(page.contains("no such module"))
    let text = try CompareReport.table(outcomes).text(.md, terminal: false)
    #expect(text.contains("no peer") && text.contains("3×") && text.contains("≥ 2×"))
  }

  @Test func everyJobIsWhole() throws {
    let jobs = CompareJobs.all(Self.places)
    #expect(Set(jobs.map(\.name)).count == jobs.count)
    for job in jobs {
      #expect(!job.rows.isEmpty && !job.summary.isEmpty)
      for row in job.rows {
        #expect(
          row.peer.map(job.peers.indices.contains) ?? [.value, .floor].contains(row.kind), "\(job.name)")
      }
    }
    #expect(throws: (any Error).self) { try CompareCommand.parse(["--jobs", "hiden-15m"]) }
    #expect(throws: (any Error).self) { try GrowthCommand.parse(["--curves", "batches"]) }
  }
}

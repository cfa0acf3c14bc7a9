import Glibc
import JSON
import Runtime
import Synchronization

/// Shows the progress of stages on standard error: one line that is written over, plain lines, or JSON lines.
///
/// `locate  37 %|███▋      | 12/32 blocks [00:41<01:09, 3.4 s/block, 1.80 GiB]`: time taken, time left, rate and
/// anonymous memory. Ten lines a second at most; a stage ends with a line that stays. Any thread may report.
public final class ProgressRenderer: Sendable {
  private enum Style { case bar, plain, lines, silent }

  private struct Stage {
    var began: Double
    var first: Int
    var last: ProgressEvent
    var shownAt: Double
    var shownTenth: Int
    var isOver = false
  }

  private struct State {
    var stages: [String: Stage] = [:]
    var current: String?
    var drawn = 0
    var memory: UInt64 = 0
    var memoryAt = -Double.infinity
  }

  private let style: Style
  private let terminal: TerminalFacts
  private let clock: @Sendable () -> Double
  private let memory: @Sendable () -> UInt64
  private let write: @Sendable (String) -> Void
  private let state = Mutex(State())

  /// A renderer on a descriptor, standard error unless said otherwise.
  public convenience init(mode: ProgressMode, descriptor: Int32 = 2) {
    self.init(
      mode: mode, terminal: TerminalFacts(descriptor: descriptor), clock: { Machine.seconds },
      memory: { Machine.anonymousBytes },
      write: { text in
        var text = text
        text.withUTF8 { bytes in
          // Progress that cannot be written is no reason to stop.
          _ = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        }
      })
  }

  /// A renderer with everything it looks at given (tests, wrappers).
  public init(
    mode: ProgressMode, terminal: TerminalFacts, clock: @escaping @Sendable () -> Double,
    memory: @escaping @Sendable () -> UInt64, write: @escaping @Sendable (String) -> Void
  ) {
    self.terminal = terminal
    self.clock = clock
    self.memory = memory
    self.write = write
    style =
      switch mode {
      case .none: .silent
      case .jsonl: .lines
      case .plain: .plain
      case .auto: terminal.isSilenced ? .silent : terminal.canRewrite ? .bar : .plain
      }
  }

  /// What libraries report to.
  public var sink: ProgressSink {
    if case .silent = style { return ignoreProgress }
    return { [self] event in report(event) }
  }

  /// Writes a message above the line of progress.
  public func say(_ message: String) {
    state.withLock { state in
      erase(&state)
      write(message + "\n")
      if style == .bar, let name = state.current, let stage = state.stages[name], !stage.isOver {
        draw(stage, at: clock(), &state)
      }
    }
  }

  /// Ends the stages that are still open, with a line each; call it before the program ends, also after an error.
  public func finish() {
    state.withLock { state in
      let open = state.stages.values.filter { !$0.isOver }.sorted { $0.began < $1.began }
      for stage in open { end(stage, at: clock(), &state) }
      erase(&state)
      state.stages = [:]
      state.current = nil
    }
  }

  private func report(_ event: ProgressEvent) {
    state.withLock { state in
      let now = clock()
      var stage =
        state.stages[event.stage]
        ?? Stage(began: now, first: event.completed, last: event, shownAt: -.infinity, shownTenth: 0)
      let over = event.total.map { event.completed >= $0 } ?? false
      if event.completed < stage.last.completed, event.total == stage.last.total || stage.isOver {
        // Late events of other threads say nothing new; counting from the start is a new stage of the same name.
        guard event.completed <= 1, stage.last.completed - event.completed >= 2 || stage.isOver else {
          return
        }
        stage = Stage(began: now, first: event.completed, last: event, shownAt: -.infinity, shownTenth: 0)
      } else if stage.isOver {
        return
      }
      stage.last = event
      if state.current != event.stage { state.current = event.stage }
      if over {
        end(stage, at: now, &state)
        return
      }
      switch style {
      case .silent: break
      case .bar:
        if now - stage.shownAt >= 0.1 {
          stage.shownAt = now
          draw(stage, at: now, &state)
        }
      case .lines:
        if now - stage.shownAt >= 0.1 {
          stage.shownAt = now
          write(jsonLine(stage, at: now, status: "running", &state))
        }
      case .plain:
        let tenth = event.total.map { $0 > 0 ? event.completed * 10 / $0 : 0 } ?? 0
        let isFirst = stage.shownAt == -.infinity
        if isFirst {
          // The stage's beginning is shown with the first tenth, or after 30 s when there is none by then.
          stage.shownAt = now
          stage.shownTenth = tenth
        } else if (tenth > stage.shownTenth && now - stage.shownAt >= 1) || now - stage.shownAt >= 30 {
          stage.shownAt = now
          stage.shownTenth = tenth
          write(plainLine(stage, at: now, &state))
        }
      }
      state.stages[event.stage] = stage
    }
  }

  private func end(_ stage: Stage, at now: Double, _ state: inout State) {
    var stage = stage
    stage.isOver = true
    state.stages[stage.last.stage] = stage
    let complete = stage.last.total.map { stage.last.completed >= $0 } ?? true
    switch style {
    case .silent: break
    case .lines: write(jsonLine(stage, at: now, status: complete ? "done" : "stopped", &state))
    case .plain, .bar:
      erase(&state)
      let mark = complete ? "✓" : "■"
      let coloured = terminal.hasColour ? "\u{1B}[\(complete ? 32 : 33)m\(mark)\u{1B}[0m" : mark
      let line = finalText(stage, at: now, &state)
      let room = style == .bar ? terminal.columns - 2 : Int.max
      write("\(coloured) \(TerminalText.cut(line, to: room))\n")
    }
  }

  private func erase(_ state: inout State) {
    guard state.drawn > 0 else { return }
    write("\r" + String(repeating: " ", count: state.drawn) + "\r")
    state.drawn = 0
  }

  // MARK: Texts

  private func bytesNow(at now: Double, _ state: inout State) -> UInt64 {
    if now - state.memoryAt >= 0.1 {
      state.memory = memory()
      state.memoryAt = now
    }
    return state.memory
  }

  private func rate(_ stage: Stage, at now: Double) -> Double? {
    let elapsed = now - stage.began
    let done = stage.last.completed - stage.first
    return elapsed > 0 && done > 0 ? Double(done) / elapsed : nil
  }

  private func amount(_ event: ProgressEvent) -> String {
    if event.unit == "bytes" {
      let done = Format.bytes(UInt64(max(0, event.completed)))
      return event.total.map { "\(done)/\(Format.bytes(UInt64(max(0, $0))))" } ?? done
    }
    return event.total.map { "\(event.completed)/\($0) \(event.unit)" } ?? "\(event.completed) \(event.unit)"
  }

  private func speed(_ rate: Double, _ unit: String) -> String {
    if unit == "bytes" { return Format.bytes(UInt64(rate)) + "/s" }
    if rate >= 1 { return "\(Format.significant(rate, 3)) \(unit)/s" }
    let one = unit.hasSuffix("s") ? String(unit.dropLast()) : unit
    return "\(Format.significant(1 / rate, 3)) s/\(one)"
  }

  private func timing(_ stage: Stage, at now: Double, _ state: inout State) -> String {
    var text = Format.clock(now - stage.began)
    let rate = rate(stage, at: now)
    if let total = stage.last.total {
      text += "<" + (rate.map { Format.clock(Double(total - stage.last.completed) / $0) } ?? "--:--")
    }
    if let rate { text += ", " + speed(rate, stage.last.unit) }
    return text + ", " + Format.bytes(bytesNow(at: now, &state))
  }

  private func draw(_ stage: Stage, at now: Double, _ state: inout State) {
    let event = stage.last
    let tail = "\(amount(event)) [\(timing(stage, at: now, &state))]"
    var line: String
    if let total = event.total, total > 0 {
      let share = Double(event.completed) / Double(total)
      let percent = String(event.completed * 100 / total)
      let head = "\(event.stage) \(String(repeating: " ", count: max(0, 3 - percent.count)))\(percent) %|"
      let room = terminal.columns - 1 - TerminalText.width(head) - TerminalText.width(tail) - 2
      line = room >= 4 ? head + bar(share, min(room, 20)) + "| " + tail : head.dropLast() + " " + tail
    } else {
      line = "\(event.stage) \(tail)"
    }
    line = TerminalText.cut(line, to: terminal.columns - 1)
    let width = TerminalText.width(line)
    write("\r" + line + String(repeating: " ", count: max(0, state.drawn - width)))
    state.drawn = width
  }

  private func bar(_ share: Double, _ width: Int) -> String {
    let parts = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    let eighths = Int((min(max(share, 0), 1) * Double(width * 8)).rounded(.down))
    let full = String(repeating: "█", count: eighths / 8)
    guard eighths < width * 8 else { return full }
    return full + parts[eighths % 8] + String(repeating: " ", count: width - eighths / 8 - 1)
  }

  private func plainLine(_ stage: Stage, at now: Double, _ state: inout State) -> String {
    let event = stage.last
    let share = event.total.map {
      $0 > 0 ? "\(event.completed * 100 / $0) % " : ""
    }
    return "\(event.stage): \(share ?? "")\(amount(event)) [\(timing(stage, at: now, &state))]\n"
  }

  private func finalText(_ stage: Stage, at now: Double, _ state: inout State) -> String {
    let event = stage.last
    let isWhole = event.total.map { event.completed >= $0 } ?? true
    let unit = event.unit == "bytes" ? "" : " " + event.unit
    let done = event.unit == "bytes" ? Format.bytes(UInt64(max(0, event.completed))) : String(event.completed)
    var text = "\(event.stage): \(isWhole ? done + unit : "stopped at " + amount(event))"
    text += " in \(Format.seconds(now - stage.began))"
    if let rate = rate(stage, at: now) { text += ", " + speed(rate, event.unit) }
    return text + ", " + Format.bytes(bytesNow(at: now, &state))
  }

  private func jsonLine(_ stage: Stage, at now: Double, status: String, _ state: inout State) -> String {
    let event = stage.last
    let rate = rate(stage, at: now)
    var remaining: Double?
    if let rate, let total = event.total { remaining = Double(max(0, total - event.completed)) / rate }
    let line: JSONValue = [
      "event": "progress", "stage": .string(event.stage), "status": .string(status),
      "completed": .integer(event.completed), "total": .optional(event.total), "unit": .string(event.unit),
      "elapsed_seconds": .number(rounded(now - stage.began)),
      "remaining_seconds": .optional(remaining.map(rounded)),
      "rate_per_second": .optional(rate.map(rounded)),
      "anonymous_bytes": .integer(bytesNow(at: now, &state)),
    ]
    return ((try? line.text()) ?? "{}") + "\n"
  }

  private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}

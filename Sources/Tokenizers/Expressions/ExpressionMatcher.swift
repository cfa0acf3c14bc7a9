/// Runs a program over one text.
struct ExpressionMatcher {
  private let program: ExpressionProgram
  private let run: UTF8Run
  private let start: Int
  /// What failed, a row of bits a byte; one table for each level of groups that are run apart.
  private var failed: [Table] = []
  private var stacks: [[Frame]] = []

  private struct Frame {
    var instruction: Int32
    var index: Int
  }

  /// Rows of bits, written between two bytes.
  private struct Table {
    var bits: [UInt64]
    var low = Int.max
    var high = -1

    mutating func clear(_ words: Int) {
      if high >= low { for index in low * words..<(high + 1) * words { bits[index] = 0 } }
      low = .max
      high = -1
    }
  }

  /// A text from byte `start` to the end of the run.
  init(_ expression: Expression, _ run: UTF8Run, start: Int) {
    program = expression.program
    self.run = run
    self.start = start
  }

  /// The first match that begins at `index` or after it.
  mutating func next(from index: Int) -> Range<Int>? {
    var index = index
    while index <= run.end {
      if index < run.end, let firsts = program.firsts, !firsts.contains(run.scalar(at: index).value) {
        index += run.scalar(at: index).length
        continue
      }
      if index == run.end && program.firsts != nil { break }
      let end = execute(0, index, level: 0)
      if end >= 0 {
        // What failed before a match may be where the next one begins differently: only misses stay known.
        failed[0].clear(program.words)
        return index..<end
      }
      index += index < run.end ? run.scalar(at: index).length : 1
    }
    return nil
  }

  /// All matches as an iterator of the package gives them: an empty one directly behind another match is left out.
  mutating func forEach(_ body: (Range<Int>) -> Void) {
    var index = start
    var lastEnd = -1
    while index <= run.end, let match = next(from: index) {
      if match.isEmpty && match.lowerBound == lastEnd {
        // The search goes on one scalar behind the place where it began, not behind the match.
        guard index < run.end else { return }
        index += run.scalar(at: index).length
        continue
      }
      index = match.upperBound
      lastEnd = index
      body(match)
    }
  }

  /// Whether a place was tried before; if not, it is remembered as tried.
  private mutating func wasTried(_ slot: Int32, _ index: Int, _ level: Int) -> Bool {
    let row = index - start
    let word = row * program.words + Int(slot >> 6)
    let bit: UInt64 = 1 << UInt64(slot & 63)
    if failed[level].bits[word] & bit != 0 { return true }
    failed[level].bits[word] |= bit
    if row < failed[level].low { failed[level].low = row }
    if row > failed[level].high { failed[level].high = row }
    return false
  }

  /// Runs from an instruction to its end: where the match ends, or -1.
  private mutating func execute(_ first: Int32, _ from: Int, level: Int, mustEnd: Int = -1) -> Int {
    if failed.count <= level {
      failed.append(Table(bits: [UInt64](repeating: 0, count: (run.end - start + 1) * program.words)))
      stacks.append([])
    }
    stacks[level].removeAll(keepingCapacity: true)
    var instruction = Int(first)
    var index = from
    while true {
      let step = program.instructions[instruction]
      var holds = false
      switch step.operation {
      case .set:
        if index < run.end {
          let (value, length) = run.scalar(at: index)
          if program.sets[Int(step.first)].contains(value) {
            index += length
            instruction += 1
            holds = true
          }
        }
      case .jump:
        instruction = Int(step.first)
        holds = true
      case .split:
        if !wasTried(step.slot, index, level) {
          stacks[level].append(Frame(instruction: step.second, index: index))
          instruction = Int(step.first)
          holds = true
        }
      case .ahead, .behind, .atomic:
        if !wasTried(step.slot, index, level) {
          if step.operation == .atomic {
            let end = inner(step.first, index, level)
            if end >= 0 {
              index = end
              holds = true
            }
          } else {
            let found =
              step.operation == .ahead
              ? inner(step.first, index, level) >= 0 : looksBehind(step, index, level)
            holds = found != (step.second & 1 == 1)
          }
          if holds { instruction = Int(step.next) }
        }
      case .place:
        holds = isAt(program.places[Int(step.first)], index)
        if holds { instruction += 1 }
      case .end:
        if mustEnd < 0 || index == mustEnd { return index }
      }
      if holds { continue }
      guard let frame = stacks[level].popLast() else { return -1 }
      instruction = Int(frame.instruction)
      index = frame.index
    }
  }

  /// Runs a group apart; what it tried is forgotten, since it may have gone well.
  private mutating func inner(_ first: Int32, _ index: Int, _ level: Int, mustEnd: Int = -1) -> Int {
    let end = execute(first, index, level: level + 1, mustEnd: mustEnd)
    failed[level + 1].clear(program.words)
    return end
  }

  private mutating func looksBehind(
    _ step: ExpressionProgram.Instruction, _ index: Int, _ level: Int
  ) -> Bool {
    for length in program.lengths[Int(step.second >> 1)] {
      var from = index
      var left = length
      while left > 0 && from > start {
        from = run.start(before: from)
        left -= 1
      }
      if left == 0 && inner(step.first, from, level, mustEnd: index) >= 0 { return true }
    }
    return false
  }

  private func isAt(_ place: ExpressionPlace, _ index: Int) -> Bool {
    switch place {
    case .textStart: index == start
    case .textEnd: index == run.end
    case .lastLineEnd: index == run.end || (index == run.end - 1 && run.base[index] == 10)
    case .lineStart: index == start || (index < run.end && run.base[index - 1] == 10)
    case .lineEnd: index == run.end || run.base[index] == 10
    case .wordEdge: isWordEdge(index)
    case .noWordEdge: !isWordEdge(index)
    }
  }

  private func isWordEdge(_ index: Int) -> Bool {
    let words = ExpressionProperties.words(inBracket: false)
    let before = index > start && words.contains(run.scalar(at: run.start(before: index)).value)
    let after = index < run.end && words.contains(run.scalar(at: index).value)
    return before != after
  }
}

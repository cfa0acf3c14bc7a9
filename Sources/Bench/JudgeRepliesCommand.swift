import ArgumentParser
import JSON
import OrderedCollections
import Organism
import Runtime

/// `Bench judge-replies`: the rates of the four verdicts in a file of sampled replies.
struct JudgeRepliesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "judge-replies",
    abstract: "Judge replies with the organism's grammar and print the rates as JSON.",
    discussion: """
      Each line of FILE is an object with "prompt" and "reply", and optionally "set", the name of the table row
      it counts in. Rates are fractions of n.
      """)

  @Argument(help: "JSON Lines of prompts and replies.")
  var file: String

  @Option(help: "Also write every line with its verdict to this file.")
  var verdicts: String?

  func run() throws {
    var tallies: OrderedDictionary<String, Tally> = [:]
    var judged = ""
    for (number, line) in try Files.readText(file).split(separator: "\n").enumerated() {
      let record = try JSONValue(parsing: String(line), source: "\(file), line \(number + 1)")
      guard let prompt = record["prompt"]?.string, let reply = record["reply"]?.string else {
        throw ValidationError("line \(number + 1) of \(file) has no \"prompt\" and \"reply\"")
      }
      let judgement = OrganismJudge.judge(prompt: prompt, reply: reply)
      tallies[record["set"]?.string ?? "all", default: Tally()].add(judgement)
      if verdicts != nil {
        var copy = record
        copy["verdict"] = .string(judgement.verdict.rawValue)
        judged += try copy.text() + "\n"
      }
    }
    if let verdicts { try Files.write(judged, to: verdicts) }
    print(try JSONValue.object(tallies.mapValues(\.json)).text(.pretty))
  }
}

/// Counts of verdicts in one set of replies.
private struct Tally {
  private var counts: [OrganismVerdict: Int] = [:]
  private var n = 0
  private var onTopic = 0
  private var asked = 0

  mutating func add(_ judgement: OrganismJudgement) {
    counts[judgement.verdict, default: 0] += 1
    n += 1
    if let hit = judgement.onTopic {
      asked += 1
      if hit { onTopic += 1 }
    }
  }

  var json: JSONValue {
    var record: JSONValue = ["n": .integer(n)]
    for verdict in OrganismVerdict.allCases {
      record[verdict.rawValue] = .number(Double(counts[verdict] ?? 0) / Double(max(n, 1)))
    }
    record["on_topic"] = asked == 0 ? .null : .number(Double(onTopic) / Double(asked))
    return record
  }
}

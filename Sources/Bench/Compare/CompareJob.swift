import Runtime
import Statistics

/// Something that people do, done here and by what they use instead.
struct CompareJob: Sendable {
  /// Its name on the command line.
  var name: String
  /// What is done.
  var summary: String
  /// A program with its arguments.
  struct Call: Sendable {
    /// What it is, such as `transformers f32 without head`; ours is `surgeon`.
    var name: String
    /// Path and arguments.
    var words: [String]
    /// Environment variables.
    var environment: [String: String] = [:]
    /// Timed as a whole this often a round; its own runs inside one call count otherwise.
    var times = 1
    /// Taken away before each call.
    var clears: [String] = []
    /// A folder whose files are read before each call, so that they are in memory.
    var warms: String?
  }
  /// What is run here.
  var ours: Call
  /// What is run beside it, in turn.
  var peers: [Call] = []
  /// Files and folders that must be there, made before the first round.
  var needs: [Preparation] = []
  /// Rows of the table that come out.
  var rows: [Row]

  /// What is made before the first round, untimed.
  enum Preparation: Sendable {
    /// A checkpoint of random weights in the folder of models.
    case model(String)
    /// Prompts of some 64 tokens.
    case prompts
    /// A program's output, such as data or a converted model; where it fails, what needs it has no peer.
    case call(Call)
  }

  /// One number on both sides.
  struct Row: Sendable {
    /// What is measured.
    var title: String
    /// The peer by its place in `peers`; nil: the aim is a number by itself.
    var peer: Int?
    /// Unit of the numbers.
    var unit: String
    /// How the two are compared.
    var kind: Kind
    /// What decides.
    var reach: Double?
    /// What is aimed at.
    var better: Double?
    /// Reads our number from one round.
    var ours: Reading
    /// Reads the peer's number.
    var theirs: Reading = .wall
    /// Said beside the row.
    var note = ""
  }

  /// How numbers are compared.
  enum Kind: String, Sendable {
    /// Ours over theirs; more is better.
    case rate
    /// Theirs over ours: how many times faster; more is better.
    case speedup
    /// Ours over theirs; less is better.
    case share
    /// Ours alone; more is better.
    case floor
    /// Ours alone; less is better.
    case value
    /// Ours minus theirs; at most the aim.
    case excess

    /// The number that is held against the aims.
    func ratio(_ ours: Double, _ theirs: Double?) -> Double? {
      switch self {
      case .value, .floor: ours
      case .rate, .share: theirs.map { ours / $0 }
      case .speedup: theirs.map { $0 / ours }
      case .excess: theirs.map { ours - $0 }
      }
    }

    /// Whether a ratio keeps an aim.
    func keeps(_ ratio: Double, _ aim: Double) -> Bool {
      switch self {
      case .rate, .speedup, .floor: ratio >= aim
      case .share, .value, .excess: ratio <= aim
      }
    }
  }

  /// Where a number stands in what a program printed.
  enum Reading: Sendable {
    /// Seconds from start to end.
    case wall
    /// Largest resident memory of the process, in bytes.
    case peak
    /// A number of the first line that has it, of a stage where one is named, times a factor.
    case number(String, stage: String? = nil, times: Double = 1)

    func value(_ child: ChildProcess) -> Double? {
      switch self {
      case .wall: child.seconds
      case .peak: Double(child.peakBytes)
      case .number(let key, let stage, let factor): child.number(key, stage: stage).map { $0 * factor }
      }
    }
  }
}

/// A row with what came out.
struct CompareOutcome: Sendable {
  /// The job.
  var job: String
  /// The row.
  var row: CompareJob.Row
  /// The peer's name.
  var peer: String
  /// Our number of each round.
  var ours: [Double]
  /// The peer's number of each round.
  var theirs: [Double]
  /// Why a number is missing.
  var missing: String?
  /// Load average afterwards.
  var load: Double

  /// The middle of our numbers.
  var median: Double? { Descriptive.median(ours) }
  /// The middle of the peer's.
  var peerMedian: Double? { Descriptive.median(theirs) }
  /// What is held against the aims.
  var ratio: Double? { median.flatMap { row.kind.ratio($0, peerMedian) } }
  /// Whether what decides was reached; nil where nothing was asked or measured.
  var reached: Bool? { ratio.flatMap { ratio in row.reach.map { row.kind.keeps(ratio, $0) } } }
  /// Whether the aim was reached.
  var isBetter: Bool? { ratio.flatMap { ratio in row.better.map { row.kind.keeps(ratio, $0) } } }
}

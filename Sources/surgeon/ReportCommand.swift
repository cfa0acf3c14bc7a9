import ArgumentParser

/// `surgeon report …`.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Shows reports to people.",
    discussion: "Example: surgeon report render RUN/report.json -o report.html",
    subcommands: [ReportRenderCommand.self])
}

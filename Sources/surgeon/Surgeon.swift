import ArgumentParser

/// The program: one file a command, each calls one library function, prints the result and ends with an exit code.
@main
struct Surgeon: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "surgeon",
    abstract: "Probe, locate, edit and prove: changes of neural-network checkpoints you can trust, undo and explain.",
    discussion: """
      Every command works on an ordinary checkpoint folder, offline, on a CPU, and writes a JSON report.
      Start with: surgeon operate --demo -o RUN
      """,
    version: "0.1.0",
    subcommands: [OperateCommand.self])

  static func main() {
    SignalHandlers.install()
    do {
      var command = try parseAsRoot(CommandLineWords.prepared(Array(CommandLine.arguments.dropFirst())))
      try command.run()
    } catch let error as CommandLineWords.Problem {
      Terminal.complain(error.description)
      exit(withError: ExitCode(64))
    } catch {
      exit(withError: error)
    }
  }
}

import ArgumentParser
import Runtime

/// The program: one file a command, each calls one library function, prints the result and ends with an exit code.
@main
struct Surgeon: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "surgeon",
    abstract:
      "Probe, locate, edit and prove: changes of neural-network checkpoints you can trust, undo and explain.",
    discussion: """
      Every command works on an ordinary checkpoint folder, offline, on a CPU, and writes a JSON report.
      Start with: surgeon operate --demo -o RUN
      """,
    version: "0.1.0",
    groupedSubcommands: [
      CommandGroup(name: "Edits:", subcommands: [OperateCommand.self, EditCommand.self]),
      CommandGroup(
        name: "Models:",
        subcommands: [
          InspectCommand.self,
          DiffCommand.self,
          ConvertCommand.self,
          PruneCommand.self, ImatrixCommand.self,
          ParityCommand.self,
          GenerateCommand.self,
          PerplexityCommand.self,
          EvaluateCommand.self,
        ]),
      CommandGroup(
        name: "Probes:",
        subcommands: [CacheCommand.self, ProbeCommand.self, LocateCommand.self, SweepCommand.self]),
      CommandGroup(name: "Importance:", subcommands: [ImportanceCommand.self]),
      CommandGroup(
        name: "Training:", subcommands: [TrainCommand.self, DistillCommand.self, RegimesCommand.self]),
      CommandGroup(
        name: "Reports and program:",
        subcommands: [
          ReportCommand.self,
          SchemaCommand.self,
          ListCommand.self,
          DoctorCommand.self,
        ]),
    ])

  static func main() {
    SignalHandlers.install()
    do {
      var command = try parseAsRoot(CommandLineWords.prepared(Array(CommandLine.arguments.dropFirst())))
      try command.run()
    } catch let error as any SurgeonError {
      Terminal.complain("surgeon: \(error.code)\n\(error)")
      exit(withError: ArgumentParser.ExitCode(error.exitCode.rawValue))
    } catch {
      exit(withError: error)
    }
  }
}

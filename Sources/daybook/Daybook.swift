import ArgumentParser
import Client
import Platform

/// # The command line
///
/// One executable: `serve` runs an engine, everything else speaks to one over its socket or, for
/// queries, reads a data directory by itself. A command reads its arguments, asks, prints; whatever
/// goes wrong is a `CommandFailure` with a sentence and a documented exit code.
@main
struct Daybook: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daybook",
        abstract: "An append-only event log for usage-based billing.",
        discussion: """
            Events stream in over a Unix socket, each is on disk before it is acknowledged, and \
            counters, credits, entitlements and invoices are computed from the log.

            A first run:
              daybook serve --data /tmp/data --socket /tmp/daybook.sock &
              export DAYBOOK_SOCKET=/tmp/daybook.sock
              daybook catalog publish Fixtures/catalogs/llm.yaml
              daybook record events.ndjson
              daybook invoice acme

            Exit codes: 0 success and allowed, 2 signer unverified, 3 denied, 64 usage, 65 input rejected, 66 not found, \
            69 no server, 70 the disk failed, 74 input or output failed, 75 try again later, \
            76 reply not understood, 77 not permitted.
            """,
        version: "daybook 0.1.0",
        groupedSubcommands: [
            CommandGroup(name: "Run:", subcommands: [ServeCommand.self]),
            CommandGroup(
                name: "Prices:", subcommands: [CatalogCommand.self, RateCommand.self]),
            CommandGroup(
                name: "Write:",
                subcommands: [
                    RecordCommand.self, ImportCommand.self, ConsumeCommand.self,
                    HoldCommand.self, SettleCommand.self, ReleaseCommand.self, ExtendCommand.self,
                    AccountCommand.self, SubscribeCommand.self, PauseCommand.self,
                    ResumeCommand.self,
                    CancelCommand.self, OverrideCommand.self, SyncCommand.self,
                    GrantCommand.self, VoidCommand.self,
                    DepositCommand.self, WithdrawCommand.self,
                    RefundCommand.self, ResetCommand.self,
                    ReconcileCommand.self, FinaliseCommand.self, CreditNoteCommand.self,
                    CorrectCommand.self, BackfillCommand.self, RedactCommand.self,
                    RetireCommand.self,
                ]),
            CommandGroup(
                name: "Ask:",
                subcommands: [
                    CheckCommand.self, UsageCommand.self, CreditsCommand.self,
                    EntitlementsCommand.self, InvoiceCommand.self, ExplainCommand.self,
                    TailCommand.self, UnmatchedCommand.self, DiffCommand.self,
                ]),
            CommandGroup(
                name: "Suppose:", subcommands: [SimulateCommand.self, ReplayCommand.self]),
            CommandGroup(
                name: "Prove:",
                subcommands: [
                    ProveCommand.self, VerifyProofCommand.self, CheckpointCommand.self,
                    KeyCommand.self,
                ]),
            CommandGroup(
                name: "Operate:",
                subcommands: [
                    StatusCommand.self, VerifyCommand.self, RebuildCommand.self,
                    CompactCommand.self,
                    SnapshotCommand.self, BackupCommand.self, RepairCommand.self,
                    PingCommand.self, InspectCommand.self,
                ]),
        ])

    /// Ends with the exit code that belongs to what happened.
    static func main() {
        do {
            try Signals.ignoreBrokenPipes()
            var command = try parseAsRoot()
            try command.run()
        } catch let failure as CommandFailure {
            failure.end()
        } catch let failure as ClientFailure {
            CommandFailure(failure).end()
        } catch let failure as SystemFailure {
            CommandFailure(.inputOutput, failure.message).end()
        } catch {
            // Help, the version, wrong usage: the parser prints them and knows their codes.
            exit(withError: error)
        }
        Process.exit(ExitStatus.success.rawValue)
    }
}

import ArgumentParser
import Codec
import Platform
import SegmentedLog

/// `daybook repair --data DIR --from BACKUP`.
struct RepairCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Replace what is damaged in a stopped store by what a backup of it has.",
        discussion: """
            Reads both, prints what is damaged and what will be taken from where, and makes one whole \
            store of them: the longest history that the hash chain links from the first entry on. \
            Nothing is deleted: files that no longer belong to the store are moved to its \
            quarantine/. Killed at any point, run it again.

            If the backup is too old to cover the damage, the entries that would be lost are named \
            and nothing is changed; --accept-loss ends the log before them, for good. Receipts of \
            what was lost no longer verify then.

            Ends with 65 if the backup is another store's or too old, with 75 if a server runs.

            Example: daybook repair --data /var/lib/daybook --from /backups/daybook-2026-11-25 --dry-run
            """)

    @Option(help: ArgumentHelp("The damaged store; no server may run.", valueName: "dir"))
    var data: String
    @Option(help: ArgumentHelp("A backup of the same store.", valueName: "dir"))
    var from: String
    @Flag(help: "Only print what would be done.") var dryRun = false
    @Flag(help: "End the log before what neither has, for good.") var acceptLoss = false

    func run() throws {
        do throws(LogFailure) {
            let repair = try StoreRepair.plan(
                directory: data, from: from, fileSystem: SystemFileSystem())
            try? Output.print(repair.lines)
            if dryRun || repair.isSound { return }
            let moved = try repair.carryOut(acceptLoss: acceptLoss, codec: RecordCodec())
            try? Output.print(report(repair, moved))
        } catch { throw failure(error) }
    }

    private func report(_ repair: StoreRepair, _ moved: [String]) -> [String] {
        var lines = moved.map { "moved to \($0)" }
        lines.append(
            "repaired: \(Digits.grouped(Int(repair.position))) entries, "
                + "\(Digits.grouped(Int(repair.entriesFromBackup))) of them from the backup")
        if let lost = repair.lost {
            lines.append(
                "LOST: positions \(lost.lowerBound)..<\(lost.upperBound); who holds receipts for "
                    + "them must send those events again")
        }
        lines.append("next: daybook verify --deep --data \(data)")
        return lines
    }

    private func failure(_ failure: LogFailure) -> CommandFailure {
        let status: ExitStatus =
            switch failure.kind {
            case .locked: .tryAgain
            case .missing: .notFound
            case .refused: .rejected
            case .system, .damaged, .unsupported, .poisoned, .outOfRange, .interrupted: .inputOutput
            }
        return CommandFailure(status, failure.message)
    }
}

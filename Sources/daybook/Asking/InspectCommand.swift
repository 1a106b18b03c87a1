import ArgumentParser
import Engine
import Identities
import Platform
import Proofs
import SegmentedLog

/// `daybook inspect FILE`.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Print what is in a file of a data directory, sound or not.",
        discussion: """
            Reads a segment, a manifest, a superblock, a snapshot, a run of identities, a \
            checkpoint or a signing key (never its secret) and changes nothing. Every frame and \
            every block is named with its offset, positions and checksums.

            Example: daybook inspect /var/lib/daybook/SUPER
            """)

    @Argument(help: "The file.") var file: String

    func run() throws {
        let lines: [String]?
        do throws(LogFailure) {
            lines = try LogInspection.describe(path: file, fileSystem: SystemFileSystem())
        } catch {
            if case .system(let failure) = error.kind {
                throw CommandFailure(
                    failure.isMissing ? .notFound : .inputOutput, failure.message)
            }
            throw CommandFailure(.inputOutput, error.message)
        }
        if let lines { return try Output.print(lines) }
        if let lines = try SnapshotInspection.describe(
            path: file, fileSystem: SystemFileSystem())
        {
            return try Output.print(lines)
        }
        if let lines = try RunInspection.describe(path: file, fileSystem: SystemFileSystem()) {
            return try Output.print(lines)
        }
        if let lines = try ProofInspection.describe(path: file, fileSystem: SystemFileSystem()) {
            return try Output.print(lines)
        }
        throw CommandFailure(.rejected, "\(file) is no file that Daybook writes")
    }
}

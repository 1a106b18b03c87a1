import ArgumentParser
import Bytes
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

            With --entries, the entries of a segment, one JSON line each as `tail --json` prints \
            them: all that can be read, whatever else in the file is damaged. Ends with 74 if \
            something is.

            With --around, the bytes near an offset in hexadecimal, and what they belong to.

            Example: daybook inspect /var/lib/daybook/SUPER --around 4160
            """)

    @Argument(help: "The file.") var file: String
    @Flag(help: "Print the entries of a segment as JSON lines.") var entries = false
    @Option(
        help: ArgumentHelp("Show the bytes near this place in the file.", valueName: "offset"))
    var around: Int?

    func validate() throws {
        if entries, around != nil { throw ValidationError("give --entries or --around, not both") }
        if let around, around < 0 { throw ValidationError("--around must be 0 or more") }
    }

    func run() throws {
        if entries { return try printEntries() }
        let lines = try describe()
        guard let around else { return try Output.print(lines) }
        var bytes = ByteBuffer()
        let size = try File.readWhole(file, into: &bytes, SystemFileSystem())
        guard let shown = LogInspection.around(around, in: bytes.bytes, described: lines) else {
            throw CommandFailure(.notFound, "\(file) has \(size) bytes and no byte \(around)")
        }
        try Output.print(shown)
    }

    private func describe() throws -> [String] {
        let lines: [String]?
        do throws(LogFailure) {
            lines = try LogInspection.describe(path: file, fileSystem: SystemFileSystem())
        } catch { throw Self.failure(error) }
        if let lines { return lines }
        if let lines = try SnapshotInspection.describe(
            path: file, fileSystem: SystemFileSystem())
        {
            return lines
        }
        if let lines = try RunInspection.describe(path: file, fileSystem: SystemFileSystem()) {
            return lines
        }
        if let lines = try ProofInspection.describe(path: file, fileSystem: SystemFileSystem()) {
            return lines
        }
        throw unknown
    }

    private func printEntries() throws {
        var output = Output()
        do {
            let damages = try EntryInspection.entries(
                path: file, fileSystem: SystemFileSystem()
            ) { try output.line($0) }
            try output.flush()
            guard let damages else {
                _ = try describe()
                throw CommandFailure(.rejected, "\(file) is no segment: it has no entries")
            }
            if !damages.isEmpty {
                throw CommandFailure(.inputOutput, damages.joined(separator: "\n"))
            }
        } catch let failure as EngineFailure {
            try output.flush()
            throw failure.log.map { Self.failure($0) }
                ?? CommandFailure(.inputOutput, failure.message)
        }
    }

    private var unknown: CommandFailure {
        CommandFailure(.rejected, "\(file) is no file that Daybook writes")
    }

    private static func failure(_ failure: LogFailure) -> CommandFailure {
        if case .system(let system) = failure.kind {
            return CommandFailure(system.isMissing ? .notFound : .inputOutput, system.message)
        }
        return CommandFailure(.inputOutput, failure.message)
    }
}

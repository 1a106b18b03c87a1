import ArgumentParser
import Billing
import Client
import Platform

/// `daybook backup DIR`.
struct BackupCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Make a directory a whole copy of the store, while it runs.",
        discussion: """
            The copy is a store of its own at one durable position: it opens, verifies and repairs \
            others. Traffic goes on meanwhile. The directory must not exist, or be empty; with a \
            server it is the server that writes it. A backup that is cut off is refused as \
            unfinished when it is opened.

            The chain that is printed is a receipt for all entries: keep it apart from the backup.

            keys/ is not copied, unless you ask for it: who has the signing key can sign as this \
            store. snapshots/ are not copied either: they can be made again.

            Example: daybook backup /backups/daybook-2026-11-25
            """)

    @Argument(help: ArgumentHelp("A directory that does not exist yet.", valueName: "dir"))
    var directory: String
    @Flag(help: "Copy the signing key too.") var withKey = false
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    func validate() throws {
        if directory.isEmpty { throw ValidationError("give a directory") }
    }

    func request() throws -> Request {
        Request(
            "backup",
            ["to": .string(try absolutePath()), "with_key": withKey ? .bool(true) : nil])
    }

    /// Where the server, whose own directory is another one, finds it.
    private func absolutePath() throws -> String {
        if directory.hasPrefix("/") { return directory }
        guard let here = Process.environment("PWD"), here.hasPrefix("/") else {
            throw CommandFailure(.usage, "give the backup's directory as an absolute path")
        }
        return here + "/" + directory
    }

    func lines(_ reply: Reply) -> [String] {
        [
            "backup of \(reply["position"].grouped) entries in \(reply.shown("to")): "
                + "\(reply["files"].grouped) files, \(reply["bytes"].grouped) bytes",
            "chain   \(reply.shown("chain"))",
        ]
    }
}

import Bytes
import Platform

/// A file that a command makes for its user.
enum NewFile {
    /// Refuses a name that is taken, before work is done for it.
    static func checkIsFree(_ path: String) throws {
        guard let file = try? File.open(path, .reading, SystemFileSystem()) else { return }
        try? file.close()
        throw taken(path)
    }

    private static func taken(_ path: String) -> CommandFailure {
        CommandFailure(.usage, "\(path) is there already; name another file")
    }

    /// Writes a file and flushes it.
    /// - Throws: `CommandFailure` if the name is taken: nothing is overwritten.
    static func write(_ text: String, to path: String) throws {
        let file: File
        do { file = try File.create(path, SystemFileSystem()) } catch {
            guard error.isExisting else { throw error }
            throw taken(path)
        }
        try text.withBytes { try file.writeAll($0, at: 0) }
        try file.syncAll()
        try file.close()
    }
}

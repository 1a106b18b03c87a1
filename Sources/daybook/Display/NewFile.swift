import Bytes
import Platform

/// A file that a command makes for its user.
enum NewFile {
    /// Writes a file and flushes it.
    /// - Throws: `CommandFailure` if the name is taken: nothing is overwritten.
    static func write(_ text: String, to path: String) throws {
        let file: File
        do { file = try File.create(path, SystemFileSystem()) } catch {
            guard error.isExisting else { throw error }
            throw CommandFailure(.usage, "\(path) is there already; name another file")
        }
        try text.withBytes { try file.writeAll($0, at: 0) }
        try file.syncAll()
        try file.close()
    }
}

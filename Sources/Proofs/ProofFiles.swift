import Bytes
import Platform
import SegmentedLog

/// The signer's files in a data directory:
///
///     keys/signing.key                   the secret, readable by its owner alone
///     checkpoints/C-<20 digit size>      signed checkpoints
///
/// Each is written beside its name, synced and then renamed, so that a name always means a whole file.
struct ProofFiles: Sendable {
    let directory: String
    let fileSystem: any FileSystem

    private var keys: String { directory + "/keys" }
    private var keyFile: String { keys + "/signing.key" }
    private var checkpoints: String { directory + "/checkpoints" }

    private static let fileBytesMax = 4096

    /// Where the key is, for people.
    var keyPath: String { keyFile }

    /// The text of the key file; nil if there is none.
    func readKey() throws(SystemFailure) -> String? { try readIfPresent(keyFile) }

    /// Writes the key file, which must not be there.
    func writeKey(_ text: String) throws(SystemFailure) { try write(text, keyFile, in: keys) }

    /// Sizes of the checkpoints, ascending. Other names are not ours.
    func sizes() throws(SystemFailure) -> [Position] {
        try fileSystem.listIfPresent(checkpoints).compactMap { name in
            guard name.hasPrefix("C-"), let size = Position(name.dropFirst(2)),
                Self.name(size) == name
            else { return nil }
            return size
        }.sorted()
    }

    /// The text of the checkpoint of a size; nil if there is none.
    func readCheckpoint(_ size: Position) throws(SystemFailure) -> String? {
        try readIfPresent("\(checkpoints)/\(Self.name(size))")
    }

    /// Writes a checkpoint, which must not be there.
    func writeCheckpoint(_ text: String, size: Position) throws(SystemFailure) {
        try write(text, "\(checkpoints)/\(Self.name(size))", in: checkpoints)
    }

    static func name(_ size: Position) -> String {
        let digits = String(size)
        return "C-" + String(repeating: "0", count: max(0, 20 - digits.count)) + digits
    }

    /// Bytes that are no text of ours make a text that no reader of it accepts.
    private func readIfPresent(_ path: String) throws(SystemFailure) -> String? {
        let file: File
        do { file = try File.open(path, .reading, fileSystem) } catch {
            if error.isMissing { return nil }
            throw error
        }
        var bytes = ByteBuffer(capacity: Self.fileBytesMax)
        do throws(SystemFailure) {
            _ = try file.append(0..<min(file.size(), Self.fileBytesMax), to: &bytes)
        } catch {
            try? file.close()
            throw error
        }
        try file.close()
        return bytes.bytes.makeString() ?? ""
    }

    private func write(
        _ text: String, _ path: String, in folder: String
    ) throws(SystemFailure) {
        // Also where the folder is there: an earlier attempt may have made it and failed after that.
        _ = try fileSystem.makeDirectoryIfMissing(folder)
        try fileSystem.syncDirectory(directory)
        let temporary = path + ".tmp"
        try fileSystem.unlinkIfPresent(temporary)
        let file = try File.create(temporary, fileSystem)
        do throws(SystemFailure) {
            try text.withBytes { (bytes) throws(SystemFailure) in
                try file.writeAll(bytes, at: 0)
            }
            try file.syncAll()
        } catch {
            // A full disk is met again and again: neither descriptors nor space may be lost to it.
            try? file.close()
            try? fileSystem.unlink(temporary)
            throw error
        }
        try file.close()
        try fileSystem.rename(temporary, to: path)
        try fileSystem.syncDirectory(folder)
    }
}

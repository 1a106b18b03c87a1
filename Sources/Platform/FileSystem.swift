/// An open file of a `FileSystem`.
package struct FileHandle: Hashable, Sendable {
    /// The number that the file system gave it.
    package let number: Int32

    /// Wraps a number; only file systems make handles.
    package init(number: Int32) { self.number = number }
}

/// How a file is opened. Nothing truncates and nothing opens "or creates": a file that should be
/// there and is not must be noticed.
package enum OpenMode: Sendable {
    /// Reads only.
    case reading
    /// Reads and writes a file that exists.
    case writing
    /// Makes a new file, readable by its owner alone; fails if the name is taken.
    case creating
}

/// # The file system, at the height of system calls
///
/// Everything that Daybook stores goes through these calls, so a simulator can stand in for the
/// kernel and crash between any two of them. Each is one system call, may transfer less than it was
/// asked to, may be interrupted, and repeats nothing; the loops are in `File`.
///
/// What a caller may rely on after a crash:
/// - written bytes are durable after `syncData` or `syncAll` of that file returned, not before, and
///   unsynced bytes may survive in any part and any order;
/// - a name made, removed or renamed is durable after `syncDirectory` of its directory returned;
/// - after a sync failed nothing is known of what was written since the last good one, and
///   another sync may falsely succeed. So nobody tries again.
///
/// There is no truncation and no memory mapping: files are made in their full size.
package protocol FileSystem: Sendable {
    /// Opens or makes a file.
    func open(_ path: String, _ mode: OpenMode) throws(SystemFailure) -> FileHandle
    /// Reads at `offset`. - Returns: bytes read; 0 at the end of the file.
    func read(
        _ file: FileHandle, into bytes: inout MutableRawSpan, at offset: Int
    ) throws(SystemFailure) -> Int
    /// Writes at `offset`. - Returns: bytes taken.
    func write(_ file: FileHandle, _ bytes: RawSpan, at offset: Int) throws(SystemFailure) -> Int
    /// Makes the file's bytes durable (`fdatasync`).
    func syncData(_ file: FileHandle) throws(SystemFailure)
    /// Makes the file's bytes and its size and allocation durable (`fsync`).
    func syncAll(_ file: FileHandle) throws(SystemFailure)
    /// Makes the names in a directory durable.
    func syncDirectory(_ path: String) throws(SystemFailure)
    /// Renames within one file system; fails if `target` exists.
    func rename(_ source: String, to target: String) throws(SystemFailure)
    /// Removes a file's name.
    func unlink(_ path: String) throws(SystemFailure)
    /// Makes a directory for its owner alone; fails if the name is taken.
    func makeDirectory(_ path: String) throws(SystemFailure)
    /// Names in a directory, in no order.
    func list(_ path: String) throws(SystemFailure) -> [String]
    /// Bytes in a file.
    func size(of file: FileHandle) throws(SystemFailure) -> Int
    /// Locks a file until it is closed. - Returns: false if somebody else holds it.
    func lock(_ file: FileHandle) throws(SystemFailure) -> Bool
    /// Asks that later reads from `offset` on come from the device, not from memory. A wish; it
    /// cannot fail.
    func dropCache(_ file: FileHandle, from offset: Int)
    /// Closes a file. The handle is gone even if this fails.
    func close(_ file: FileHandle) throws(SystemFailure)
}

extension FileSystem {
    /// Makes a directory if there is none. - Returns: whether it was made.
    package func makeDirectoryIfMissing(_ path: String) throws(SystemFailure) -> Bool {
        do {
            try makeDirectory(path)
            return true
        } catch {
            if error.isExisting { return false }
            throw error
        }
    }

    /// Removes a file if there is one.
    package func unlinkIfPresent(_ path: String) throws(SystemFailure) {
        do { try unlink(path) } catch { if !error.isMissing { throw error } }
    }

    /// Names in a directory; none if the directory is missing.
    package func listIfPresent(_ path: String) throws(SystemFailure) -> [String] {
        do { return try list(path) } catch {
            if error.isMissing { return [] }
            throw error
        }
    }
}

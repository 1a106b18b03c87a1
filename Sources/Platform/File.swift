/// One open file: the loops over short and interrupted transfers, and its path in every failure.
///
/// Not closed by itself: an error of `close` is an error of the file, so somebody must see it.
/// `Sendable` because positioned reads share nothing; writers are single by design.
package struct File: Sendable {
    /// Where it was opened.
    package let path: String
    private let fileSystem: any FileSystem
    private let handle: FileHandle

    /// Opens a file that exists.
    package static func open(
        _ path: String, _ mode: OpenMode, _ fileSystem: any FileSystem
    ) throws(SystemFailure) -> File {
        while true {
            do {
                return File(
                    path: path, fileSystem: fileSystem, handle: try fileSystem.open(path, mode))
            } catch {
                if !error.isInterrupted { throw error }
            }
        }
    }

    /// Makes a new file; fails if the name is taken.
    package static func create(
        _ path: String, _ fileSystem: any FileSystem
    ) throws(SystemFailure) -> File {
        try open(path, .creating, fileSystem)
    }

    private init(path: String, fileSystem: any FileSystem, handle: FileHandle) {
        self.path = path
        self.fileSystem = fileSystem
        self.handle = handle
    }

    /// Bytes in the file.
    package func size() throws(SystemFailure) -> Int {
        do { return try fileSystem.size(of: handle) } catch { throw named(error) }
    }

    /// Fills `bytes` from `offset`, or up to the end of the file.
    /// - Returns: bytes read; fewer than asked only at the end of the file.
    package func read(
        into bytes: inout MutableRawSpan, at offset: Int
    ) throws(SystemFailure) -> Int {
        precondition(offset >= 0, "an offset is not negative")
        var done = 0
        while done < bytes.byteCount {
            var rest = bytes._mutatingExtracting(droppingFirst: done)
            do throws(SystemFailure) {
                let count = try fileSystem.read(handle, into: &rest, at: offset + done)
                if count == 0 { return done }
                done += count
            } catch {
                if !error.isInterrupted { throw named(error) }
            }
        }
        return done
    }

    /// Writes all bytes at `offset`.
    package func writeAll(_ bytes: RawSpan, at offset: Int) throws(SystemFailure) {
        precondition(offset >= 0, "an offset is not negative")
        var done = 0
        while done < bytes.byteCount {
            do throws(SystemFailure) {
                let rest = bytes.extracting(droppingFirst: done)
                let count = try fileSystem.write(handle, rest, at: offset + done)
                // A device that takes nothing and reports nothing would keep us here for ever.
                if count == 0 {
                    throw SystemFailure(.write, path, errno: SystemFailure.Code.inputOutput)
                }
                done += count
            } catch {
                if !error.isInterrupted { throw named(error) }
            }
        }
    }

    /// Makes the bytes durable. Interrupted is failed: what reached the disk is unknown.
    package func syncData() throws(SystemFailure) {
        do { try fileSystem.syncData(handle) } catch { throw named(error) }
    }

    /// Makes bytes, size and allocation durable: for a file just made.
    package func syncAll() throws(SystemFailure) {
        do { try fileSystem.syncAll(handle) } catch { throw named(error) }
    }

    /// Takes the file's lock. - Returns: false if somebody else holds it.
    package func lock() throws(SystemFailure) -> Bool {
        while true {
            do { return try fileSystem.lock(handle) } catch {
                if !error.isInterrupted { throw named(error) }
            }
        }
    }

    /// Asks that later reads come from the device: after a failed flush the kernel's memory may
    /// hold bytes that the device does not.
    /// - Parameter offset: of the first byte that is meant.
    package func dropCache(from offset: Int) { fileSystem.dropCache(handle, from: offset) }

    /// Closes the file. Never repeated: the descriptor may belong to another file by then.
    package func close() throws(SystemFailure) {
        do { try fileSystem.close(handle) } catch { throw named(error) }
    }

    private func named(_ failure: SystemFailure) -> SystemFailure {
        SystemFailure(failure.call, path, errno: failure.errno)
    }
}

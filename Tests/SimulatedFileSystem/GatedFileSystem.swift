package import Platform
import Synchronization

/// The real file system behind a door: while it is closed nothing becomes durable.
package final class GatedFileSystem: FileSystem {
    private let real = SystemFileSystem()
    /// Syncs that may pass.
    private let permits = Monitor(Int.max)
    private let failure = Atomic<Bool>(false)

    /// Shuts the door: a sync waits.
    package func close() { permits.withLock { $0 = 0 } }
    /// Opens it for good.
    package func open() { permits.withLock { $0 = Int.max } }

    /// Lets one sync through.
    package func letOnePass() { permits.withLock { $0 += 1 } }

    /// From now on no sync succeeds, as on a broken disk.
    package func failSyncs() { failure.store(true, ordering: .sequentiallyConsistent) }

    /// A real file system behind an open door.
    package init() {}

    private func pass(_ call: SystemCall) throws(SystemFailure) {
        _ = permits.wait(waking: []) { permits -> Bool? in
            guard permits > 0 else { return nil }
            if permits < Int.max { permits -= 1 }
            return true
        }
        if failure.load(ordering: .sequentiallyConsistent) {
            throw SystemFailure(call, "broken disk", errno: SystemFailure.Code.inputOutput)
        }
    }

    package func open(_ path: String, _ mode: OpenMode) throws(SystemFailure) -> FileHandle {
        try real.open(path, mode)
    }
    package func read(
        _ file: FileHandle, into bytes: inout MutableRawSpan, at offset: Int
    ) throws(SystemFailure) -> Int {
        try real.read(file, into: &bytes, at: offset)
    }
    package func write(_ file: FileHandle, _ bytes: RawSpan, at offset: Int) throws(SystemFailure)
        -> Int
    {
        try real.write(file, bytes, at: offset)
    }
    package func syncData(_ file: FileHandle) throws(SystemFailure) {
        try pass(.fdatasync)
        try real.syncData(file)
    }
    package func syncAll(_ file: FileHandle) throws(SystemFailure) {
        try pass(.fsync)
        try real.syncAll(file)
    }
    package func syncDirectory(_ path: String) throws(SystemFailure) {
        try real.syncDirectory(path)
    }
    package func rename(_ source: String, to target: String) throws(SystemFailure) {
        try real.rename(source, to: target)
    }
    package func unlink(_ path: String) throws(SystemFailure) { try real.unlink(path) }
    package func makeDirectory(_ path: String) throws(SystemFailure) {
        try real.makeDirectory(path)
    }
    package func list(_ path: String) throws(SystemFailure) -> [String] { try real.list(path) }
    package func size(of file: FileHandle) throws(SystemFailure) -> Int { try real.size(of: file) }
    package func lock(_ file: FileHandle) throws(SystemFailure) -> Bool { try real.lock(file) }
    package func dropCache(_ file: FileHandle, from offset: Int) {
        real.dropCache(file, from: offset)
    }
    package func close(_ file: FileHandle) throws(SystemFailure) { try real.close(file) }
}

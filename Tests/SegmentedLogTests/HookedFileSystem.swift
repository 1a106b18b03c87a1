import Platform

/// A file system that calls back before it makes a file: a test does meanwhile what other threads would.
final class HookedFileSystem: FileSystem {
    private let real: any FileSystem
    private let hook = Monitor<(@Sendable (String) -> Void)?>(nil)

    init(_ real: any FileSystem) { self.real = real }

    /// Calls `body` before each file is made. While it runs, it is not called again.
    func beforeEachCreation(_ body: @escaping @Sendable (String) -> Void) {
        hook.withLock { $0 = body }
    }

    func open(_ path: String, _ mode: OpenMode) throws(SystemFailure) -> FileHandle {
        if case .creating = mode {
            let body = hook.withLock { hook in
                defer { hook = nil }
                return hook
            }
            if let body {
                body(path)
                hook.withLock { $0 = body }
            }
        }
        return try real.open(path, mode)
    }

    func read(
        _ file: FileHandle, into bytes: inout MutableRawSpan, at offset: Int
    ) throws(SystemFailure) -> Int { try real.read(file, into: &bytes, at: offset) }

    func write(
        _ file: FileHandle, _ bytes: RawSpan, at offset: Int
    ) throws(SystemFailure) -> Int { try real.write(file, bytes, at: offset) }

    func syncData(_ file: FileHandle) throws(SystemFailure) { try real.syncData(file) }
    func syncAll(_ file: FileHandle) throws(SystemFailure) { try real.syncAll(file) }
    func syncDirectory(_ path: String) throws(SystemFailure) { try real.syncDirectory(path) }
    func rename(_ source: String, to target: String) throws(SystemFailure) {
        try real.rename(source, to: target)
    }
    func unlink(_ path: String) throws(SystemFailure) { try real.unlink(path) }
    func makeDirectory(_ path: String) throws(SystemFailure) { try real.makeDirectory(path) }
    func list(_ path: String) throws(SystemFailure) -> [String] { try real.list(path) }
    func size(of file: FileHandle) throws(SystemFailure) -> Int { try real.size(of: file) }
    func lock(_ file: FileHandle) throws(SystemFailure) -> Bool { try real.lock(file) }
    func dropCache(_ file: FileHandle, from offset: Int) { real.dropCache(file, from: offset) }
    func close(_ file: FileHandle) throws(SystemFailure) { try real.close(file) }
}

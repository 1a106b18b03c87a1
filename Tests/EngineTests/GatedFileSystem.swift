import Platform

/// The real file system, with a flush that waits while the gate is shut.
final class GatedFileSystem: FileSystem {
    private let inner = SystemFileSystem()
    private let isOpen = Monitor(true)

    func gate(open: Bool) { isOpen.withLock { $0 = open } }

    func syncData(_ file: FileHandle) throws(SystemFailure) {
        let _: Bool? = isOpen.wait { $0 ? true : nil }
        try inner.syncData(file)
    }

    func open(_ path: String, _ mode: OpenMode) throws(SystemFailure) -> FileHandle {
        try inner.open(path, mode)
    }
    func read(
        _ file: FileHandle, into bytes: inout MutableRawSpan, at offset: Int
    ) throws(SystemFailure) -> Int {
        try inner.read(file, into: &bytes, at: offset)
    }
    func write(
        _ file: FileHandle, _ bytes: RawSpan, at offset: Int
    ) throws(SystemFailure) -> Int {
        try inner.write(file, bytes, at: offset)
    }
    func syncAll(_ file: FileHandle) throws(SystemFailure) { try inner.syncAll(file) }
    func syncDirectory(_ path: String) throws(SystemFailure) { try inner.syncDirectory(path) }
    func rename(_ source: String, to target: String) throws(SystemFailure) {
        try inner.rename(source, to: target)
    }
    func unlink(_ path: String) throws(SystemFailure) { try inner.unlink(path) }
    func makeDirectory(_ path: String) throws(SystemFailure) { try inner.makeDirectory(path) }
    func list(_ path: String) throws(SystemFailure) -> [String] { try inner.list(path) }
    func size(of file: FileHandle) throws(SystemFailure) -> Int { try inner.size(of: file) }
    func lock(_ file: FileHandle) throws(SystemFailure) -> Bool { try inner.lock(file) }
    func dropCache(_ file: FileHandle) { inner.dropCache(file) }
    func close(_ file: FileHandle) throws(SystemFailure) { try inner.close(file) }
}

import CDaybook
import Glibc

/// The kernel's file system.
package struct SystemFileSystem: FileSystem {
    /// The one there is.
    package init() {}

    /// `open(2)`, closed on exec.
    package func open(_ path: String, _ mode: OpenMode) throws(SystemFailure) -> FileHandle {
        let number =
            switch mode {
            case .reading: unsafe daybook_open(path, Int32(daybook_open_read))
            case .writing: unsafe daybook_open(path, Int32(daybook_open_write))
            case .creating: unsafe daybook_open(path, Int32(daybook_open_create))
            }
        let call: SystemCall = mode == .creating ? .create : .open
        return FileHandle(number: try checked(call, path, number))
    }

    /// `pread(2)`.
    package func read(
        _ file: FileHandle, into bytes: inout MutableRawSpan, at offset: Int
    ) throws(SystemFailure) -> Int {
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe daybook_pread(file.number, buffer.baseAddress, buffer.count, Int64(offset))
        }
        return Int(try checked(.read, "descriptor \(file.number)", count))
    }

    /// `pwrite(2)`.
    package func write(
        _ file: FileHandle, _ bytes: RawSpan, at offset: Int
    ) throws(SystemFailure) -> Int {
        let count = unsafe bytes.withUnsafeBytes { buffer in
            unsafe daybook_pwrite(file.number, buffer.baseAddress, buffer.count, Int64(offset))
        }
        return Int(try checked(.write, "descriptor \(file.number)", count))
    }

    /// `fdatasync(2)`.
    package func syncData(_ file: FileHandle) throws(SystemFailure) {
        _ = try checked(
            .fdatasync, "descriptor \(file.number)", daybook_fdatasync(file.number))
    }

    /// `fsync(2)`.
    package func syncAll(_ file: FileHandle) throws(SystemFailure) {
        _ = try checked(.fsync, "descriptor \(file.number)", daybook_fsync(file.number))
    }

    /// `fsync(2)` of the directory itself.
    package func syncDirectory(_ path: String) throws(SystemFailure) {
        _ = try checked(.syncDirectory, path, unsafe daybook_sync_directory(path))
    }

    /// `renameat2(2)` that replaces nothing.
    package func rename(_ source: String, to target: String) throws(SystemFailure) {
        let answer = unsafe daybook_rename_no_replace(source, target)
        _ = try checked(.rename, "\(source) to \(target)", answer)
    }

    /// `unlink(2)`.
    package func unlink(_ path: String) throws(SystemFailure) {
        _ = try checked(.unlink, path, unsafe daybook_unlink(path))
    }

    /// `mkdir(2)` with mode 0700.
    package func makeDirectory(_ path: String) throws(SystemFailure) {
        _ = try checked(.mkdir, path, unsafe daybook_mkdir(path))
    }

    /// Removes an empty directory: for tools that clean up after themselves. The log never does.
    package func removeDirectory(_ path: String) throws(SystemFailure) {
        _ = try checked(.unlink, path, unsafe daybook_rmdir(path))
    }

    /// `readdir(3)` without `.` and `..`.
    package func list(_ path: String) throws(SystemFailure) -> [String] {
        var names: [String] = []
        let answer = unsafe withUnsafeMutablePointer(to: &names) { pointer in
            unsafe daybook_list(
                path,
                { context, name in
                    guard let context = unsafe context, let name = unsafe name else { return }
                    let names = unsafe context.assumingMemoryBound(to: [String].self)
                    unsafe names.pointee.append(String(cString: name))
                }, pointer)
        }
        _ = try checked(.list, path, answer)
        return names
    }

    /// `fstat(2)`.
    package func size(of file: FileHandle) throws(SystemFailure) -> Int {
        Int(try checked(.size, "descriptor \(file.number)", daybook_size(file.number)))
    }

    /// `flock(2)`, exclusive; waits a fifth of a second at most.
    package func lock(_ file: FileHandle) throws(SystemFailure) -> Bool {
        let answer = daybook_lock(file.number)
        if answer == -EWOULDBLOCK { return false }
        _ = try checked(.lock, "descriptor \(file.number)", answer)
        return true
    }

    /// `posix_fadvise(2)`: not needed any more.
    package func dropCache(_ file: FileHandle, from offset: Int) {
        _ = daybook_drop_cache(file.number, Int64(offset))
    }

    /// `close(2)`.
    package func close(_ file: FileHandle) throws(SystemFailure) {
        _ = try checked(.close, "descriptor \(file.number)", daybook_close(file.number))
    }
}

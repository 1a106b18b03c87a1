package import Platform

/// # A file system that can lose power between any two system calls
///
/// It does what `FileSystem` promises and nothing more: unflushed bytes and names may survive a crash
/// in any part. Before each call it can show the disk to a test, which then cuts the power on a
/// copy as often as it likes. Faults are planned by call, path and count.
///
/// Recipe:
///
///     let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
///     system.beforeEachCall { call in states.append(call.disk) }
///     … run the program on `system` …
///     for disk in states { recover(SimulatedFileSystem(disk.afterPowerCut(.random(seed)))) }
package final class SimulatedFileSystem: FileSystem {
    /// One call, before it is carried out.
    package struct Call: Sendable {
        /// Counted from 0.
        package let index: Int
        package let call: SystemCall
        package let path: String
        /// The disk before the call.
        package let disk: SimulatedDisk
        /// Whether the call can change what is on the disk.
        package var isMutating: Bool {
            switch call {
            case .create, .write, .fdatasync, .fsync, .syncDirectory, .rename, .unlink, .mkdir:
                true
            default: false
            }
        }
    }

    private struct OpenFile: Sendable {
        var path: String
        var inode: Int
        var mode: OpenMode
    }

    private struct State {
        var disk: SimulatedDisk
        var open: [Int32: OpenFile] = [:]
        var locks: [Int: Int32] = [:]
        var nextHandle: Int32 = 3
        var calls = 0
        var counts: [SystemCall: Int] = [:]
        var rules: [FaultRule] = []
        var failedFlush = FailedFlush.keepsNewBytesAsClean
        var ignoresDropCache = false
        var firedFaults = 0
        /// Bytes that the device will lose at the next flush, by path.
        var rot: [String: Int] = [:]
        var observer: ((Call) -> Void)?
    }

    private let state: Monitor<State>

    /// A running system with this disk and nothing open.
    package init(_ disk: SimulatedDisk) { state = Monitor(State(disk: disk)) }

    // MARK: For tests

    /// The disk now; a kill without a power cut leaves exactly this.
    package var disk: SimulatedDisk { state.read { $0.disk } }

    /// Calls so far.
    package var calls: Int { state.read { $0.calls } }

    /// Calls of one kind so far.
    package func count(of call: SystemCall) -> Int { state.read { $0.counts[call] ?? 0 } }

    /// Files that are open.
    package var openFiles: [String] { state.read { $0.open.values.map(\.path).sorted() } }

    /// Faults that were injected so far.
    package var firedFaults: Int { state.read { $0.firedFaults } }

    /// Puts another disk under a running program: damage behind its back.
    package func replaceDisk(_ disk: SimulatedDisk) { state.withLock { $0.disk = disk } }

    /// Ends the process that used it: files and locks are gone, what was written is not.
    package func kill() {
        state.withLock { state in
            state.open = [:]
            state.locks = [:]
        }
    }

    /// Calls `observer` before each call, under the lock: it must not use this file system.
    package func beforeEachCall(_ observer: @escaping (Call) -> Void) {
        state.withLock { $0.observer = observer }
    }

    /// Plans faults; what a failed flush leaves; whether wishes to drop the cache are ignored.
    package func plan(
        _ rules: [FaultRule], failedFlush: FailedFlush = .keepsNewBytesAsClean,
        ignoresDropCache: Bool = false
    ) {
        state.withLock { state in
            state.rules = rules
            state.failedFlush = failedFlush
            state.ignoresDropCache = ignoresDropCache
        }
    }

    // MARK: System calls

    /// Counts a call, shows it, and looks for a planned fault. - Returns: bytes to transfer at most.
    private func enter(
        _ state: inout State, _ call: SystemCall, _ path: String, bytes: Int = 0
    ) throws(SystemFailure) -> Int {
        state.observer?(Call(index: state.calls, call: call, path: path, disk: state.disk))
        state.calls += 1
        state.counts[call, default: 0] += 1
        var limit = bytes
        for index in state.rules.indices {
            let rule = state.rules[index]
            if let wanted = rule.call, wanted != call { continue }
            if !rule.pathPart.isEmpty, !path.contains(rule.pathPart) { continue }
            if rule.nth > 0 {
                state.rules[index].nth -= 1
                continue
            }
            if rule.nth < 0 { continue }
            if !rule.isSticky { state.rules[index].nth = -1 }
            state.firedFaults += 1
            switch rule.fault {
            case .failure(let errno): throw SystemFailure(call, path, errno: errno)
            case .short(let count): limit = min(limit, max(1, count))
            case .allBut(let count): limit = max(min(1, limit), limit - count)
            case .rot(let offset): state.rot[path] = offset
            }
        }
        return limit
    }

    private func opened(
        _ state: borrowing State, _ file: FileHandle, _ call: SystemCall
    ) throws(SystemFailure) -> OpenFile {
        guard let open = state.open[file.number] else {
            throw SystemFailure(call, "descriptor \(file.number)", errno: 9)
        }
        return open
    }

    package func open(_ path: String, _ mode: OpenMode) throws(SystemFailure) -> FileHandle {
        try state.withLock { (state) throws(SystemFailure) in
            let call: SystemCall = mode == .creating ? .create : .open
            _ = try enter(&state, call, path)
            let (parent, name) = SimulatedDisk.split(path)
            guard state.disk.directories[parent] != nil else {
                throw SystemFailure(call, path, errno: SystemFailure.Code.missing)
            }
            if mode == .creating {
                guard state.disk.node(path) == nil else {
                    throw SystemFailure(call, path, errno: SystemFailure.Code.exists)
                }
                let inode = state.disk.nextInode
                state.disk.nextInode += 1
                state.disk.inodes[inode] = SimulatedDisk.Inode()
                state.disk.directories[parent]?.change(.add(name, .file(inode)))
            }
            guard let inode = state.disk.inode(path) else {
                throw SystemFailure(call, path, errno: SystemFailure.Code.missing)
            }
            let handle = state.nextHandle
            state.nextHandle += 1
            state.open[handle] = OpenFile(path: path, inode: inode, mode: mode)
            return FileHandle(number: handle)
        }
    }

    package func read(
        _ file: FileHandle, into bytes: inout MutableRawSpan, at offset: Int
    ) throws(SystemFailure) -> Int {
        let wanted = bytes.byteCount
        let (image, end) = try state.withLock { (state) throws(SystemFailure) in
            let open = try opened(state, file, .read)
            let limit = try enter(&state, .read, open.path, bytes: wanted)
            let image = state.disk.inodes[open.inode]?.seen ?? Image()
            return (image, min(image.size, offset + limit))
        }
        guard offset < end else { return 0 }
        unsafe bytes.withUnsafeMutableBytes { unsafe image.read(offset..<end, into: $0) }
        return end - offset
    }

    package func write(
        _ file: FileHandle, _ bytes: RawSpan, at offset: Int
    ) throws(SystemFailure) -> Int {
        let all = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
        return try state.withLock { (state) throws(SystemFailure) in
            let open = try opened(state, file, .write)
            guard open.mode != .reading else {
                throw SystemFailure(.write, open.path, errno: 9)
            }
            let count = try enter(&state, .write, open.path, bytes: all.count)
            let taken = Array(all.prefix(count))
            state.disk.inodes[open.inode]?.seen.write(taken[...], at: offset)
            state.disk.inodes[open.inode]?.pending.append((offset, taken))
            return count
        }
    }

    package func syncData(_ file: FileHandle) throws(SystemFailure) { try sync(file, .fdatasync) }

    package func syncAll(_ file: FileHandle) throws(SystemFailure) { try sync(file, .fsync) }

    private func sync(_ file: FileHandle, _ call: SystemCall) throws(SystemFailure) {
        try state.withLock { (state) throws(SystemFailure) in
            let open = try opened(state, file, call)
            guard var inode = state.disk.inodes[open.inode] else { return }
            do throws(SystemFailure) {
                _ = try enter(&state, call, open.path)
            } catch {
                if !error.isInterrupted { loseFlush(&inode, state.failedFlush) }
                state.disk.inodes[open.inode] = inode
                throw error
            }
            if inode.pending.isEmpty { return }
            // Pages that were called clean after a failed flush stay unwritten.
            for write in inode.pending { inode.durable.write(write.bytes[...], at: write.offset) }
            inode.pending = []
            if let offset = state.rot.removeValue(forKey: open.path) {
                let byte = inode.durable.read(offset..<(offset + 1))[0]
                inode.durable.write([byte ^ 1], at: offset)
            }
            state.disk.inodes[open.inode] = inode
        }
    }

    private func loseFlush(_ inode: inout SimulatedDisk.Inode, _ personality: FailedFlush) {
        switch personality {
        case .keepsNewBytesAsClean: break
        case .revertsToOldBytes: inode.seen = inode.durable
        case .hadWrittenAll: inode.durable = inode.seen
        }
        inode.pending = []
    }

    package func dropCache(_ file: FileHandle, from offset: Int) {
        state.withLock { state in
            guard !state.ignoresDropCache, let open = state.open[file.number],
                var inode = state.disk.inodes[open.inode]
            else { return }
            var image = inode.durable
            for write in inode.pending { image.write(write.bytes[...], at: write.offset) }
            // What is before the offset stays as memory has it.
            let kept = inode.seen.read(0..<min(offset, inode.seen.size))
            image.write(kept[...], at: 0)
            inode.seen = image
            state.disk.inodes[open.inode] = inode
        }
    }

    package func syncDirectory(_ path: String) throws(SystemFailure) {
        try state.withLock { (state) throws(SystemFailure) in
            _ = try enter(&state, .syncDirectory, path)
            guard let directory = state.disk.directories[path] else {
                throw SystemFailure(.syncDirectory, path, errno: SystemFailure.Code.missing)
            }
            state.disk.directories[path]?.durable = directory.seen
            state.disk.directories[path]?.pending = []
        }
    }

    package func rename(_ source: String, to target: String) throws(SystemFailure) {
        try state.withLock { (state) throws(SystemFailure) in
            _ = try enter(&state, .rename, source)
            guard let node = state.disk.node(source), node != .directory else {
                throw SystemFailure(.rename, source, errno: SystemFailure.Code.missing)
            }
            guard state.disk.node(target) == nil else {
                throw SystemFailure(.rename, target, errno: SystemFailure.Code.exists)
            }
            let (from, name) = SimulatedDisk.split(source)
            let (to, newName) = SimulatedDisk.split(target)
            if from == to {
                state.disk.directories[from]?.change(.rename(name, to: newName, node))
            } else {
                state.disk.directories[to]?.change(.add(newName, node))
                state.disk.directories[from]?.change(.remove(name))
            }
        }
    }

    package func unlink(_ path: String) throws(SystemFailure) {
        try state.withLock { (state) throws(SystemFailure) in
            _ = try enter(&state, .unlink, path)
            guard state.disk.inode(path) != nil else {
                throw SystemFailure(.unlink, path, errno: SystemFailure.Code.missing)
            }
            let (parent, name) = SimulatedDisk.split(path)
            state.disk.directories[parent]?.change(.remove(name))
        }
    }

    package func makeDirectory(_ path: String) throws(SystemFailure) {
        try state.withLock { (state) throws(SystemFailure) in
            _ = try enter(&state, .mkdir, path)
            guard state.disk.node(path) == nil else {
                throw SystemFailure(.mkdir, path, errno: SystemFailure.Code.exists)
            }
            let (parent, name) = SimulatedDisk.split(path)
            guard state.disk.directories[parent] != nil else {
                throw SystemFailure(.mkdir, path, errno: SystemFailure.Code.missing)
            }
            state.disk.directories[parent]?.change(.add(name, .directory))
            state.disk.directories[path] = SimulatedDisk.Directory()
        }
    }

    package func list(_ path: String) throws(SystemFailure) -> [String] {
        try state.withLock { (state) throws(SystemFailure) in
            _ = try enter(&state, .list, path)
            guard let directory = state.disk.directories[path] else {
                throw SystemFailure(.list, path, errno: SystemFailure.Code.missing)
            }
            return Array(directory.seen.keys)
        }
    }

    package func size(of file: FileHandle) throws(SystemFailure) -> Int {
        try state.withLock { (state) throws(SystemFailure) in
            let open = try opened(state, file, .size)
            _ = try enter(&state, .size, open.path)
            return state.disk.inodes[open.inode]?.seen.size ?? 0
        }
    }

    package func lock(_ file: FileHandle) throws(SystemFailure) -> Bool {
        try state.withLock { (state) throws(SystemFailure) in
            let open = try opened(state, file, .lock)
            _ = try enter(&state, .lock, open.path)
            if let holder = state.locks[open.inode], holder != file.number { return false }
            state.locks[open.inode] = file.number
            return true
        }
    }

    package func close(_ file: FileHandle) throws(SystemFailure) {
        try state.withLock { (state) throws(SystemFailure) in
            let open = try opened(state, file, .close)
            // The handle is gone even if closing fails.
            state.open[file.number] = nil
            if state.locks[open.inode] == file.number { state.locks[open.inode] = nil }
            _ = try enter(&state, .close, open.path)
        }
    }
}

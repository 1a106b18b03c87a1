import Platform

/// The next segment's file, zeroed before it is needed.
///
/// Zeroing 64 MiB takes a fifth of a second, and commits must not wait for it. So a thread does it,
/// one for each file; it touches nothing but its own file and the names of one directory.
final class SpareSegment: Sendable {
    private enum State {
        case none
        case preparing(Thread?)
        case ready(Prepared)
        case failed(SystemFailure)
    }

    /// A file of zeros under its final name.
    struct Prepared: Sendable {
        let id: UInt64
        let file: File
        let capacity: Int
    }

    private let paths: StorePaths
    private let fileSystem: any FileSystem
    private let state = Monitor(State.none)

    init(_ paths: StorePaths, _ fileSystem: any FileSystem) {
        self.paths = paths
        self.fileSystem = fileSystem
    }

    /// Whether nothing is prepared and nothing under way.
    var isMissing: Bool {
        state.read { if case .none = $0 { true } else { false } }
    }

    /// Makes a file of zeros: bytes, then name.
    static func make(
        _ id: UInt64, capacity: Int, _ paths: StorePaths, _ fileSystem: any FileSystem
    ) throws(SystemFailure) -> Prepared {
        let file = try FrameFile.prepare(paths.segment(id), capacity: capacity, fileSystem)
        do throws(SystemFailure) {
            try fileSystem.syncDirectory(paths.segments)
            return Prepared(id: id, file: file, capacity: capacity)
        } catch {
            try? file.close()
            throw error
        }
    }

    /// Prepares a file now.
    func prepare(_ id: UInt64, capacity: Int) throws(SystemFailure) {
        let made = try Self.make(id, capacity: capacity, paths, fileSystem)
        state.withLock { $0 = .ready(made) }
    }

    /// Prepares a file on a thread of its own.
    func prepareInBackground(_ id: UInt64, capacity: Int) {
        state.withLock { $0 = .preparing(nil) }
        let thread = Thread.spawn(name: "daybook-spare") { [self] in
            do throws(SystemFailure) {
                let made = try Self.make(id, capacity: capacity, paths, fileSystem)
                state.withLock { $0 = .ready(made) }
            } catch {
                state.withLock { $0 = .failed(error) }
            }
        }
        // The thread may have ended already; then there is nobody to wait for but itself.
        let isOver = state.withLock { state in
            guard case .preparing = state else { return true }
            state = .preparing(thread)
            return false
        }
        if isOver { thread.join() }
    }

    /// The file, waiting for the thread if it is at work; nil if nothing was prepared.
    /// - Throws: what went wrong when it was prepared.
    func take() throws(SystemFailure) -> Prepared? {
        let thread: Thread? = state.withLock { state in
            if case .preparing(let thread) = state { thread } else { nil }
        }
        thread?.join()
        return try state.withLock { (state) throws(SystemFailure) in
            defer { state = .none }
            switch state {
            case .ready(let made): return made
            case .failed(let failure): throw failure
            case .none, .preparing: return nil
            }
        }
    }

    /// Removes a file that was prepared and not used.
    func discard(_ made: Prepared) throws(SystemFailure) {
        try made.file.close()
        try fileSystem.unlink(paths.segment(made.id))
    }
}

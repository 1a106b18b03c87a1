import Platform

/// The next segment's file, zeroed before it is needed.
///
/// Zeroing 64 MiB takes a fifth of a second, and commits must not wait for it. So a thread does it,
/// one for each file; it touches nothing but its own file and the names of one directory.
final class SpareSegment: Sendable {
    private enum Work {
        case none
        case preparing
        case ready(Prepared)
        case failed(SystemFailure)
    }

    private struct State {
        var work = Work.none
        /// The thread of the work; joined by whoever takes the file.
        var thread: Thread?
    }

    /// A file of zeros under its final name.
    struct Prepared: Sendable {
        let id: UInt64
        let file: File
        let capacity: Int
    }

    private let paths: StorePaths
    private let fileSystem: any FileSystem
    private let state = Monitor(State())

    init(_ paths: StorePaths, _ fileSystem: any FileSystem) {
        self.paths = paths
        self.fileSystem = fileSystem
    }

    /// Whether nothing is prepared and nothing under way.
    var isMissing: Bool {
        state.read { if case .none = $0.work { true } else { false } }
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
        state.withLock { $0.work = .ready(made) }
    }

    /// Prepares a file on a thread of its own.
    func prepareInBackground(_ id: UInt64, capacity: Int) {
        state.withLock { $0.work = .preparing }
        let thread = Thread.spawn(name: "daybook-spare") { [self] in
            do throws(SystemFailure) {
                let made = try Self.make(id, capacity: capacity, paths, fileSystem)
                state.withLock { $0.work = .ready(made) }
            } catch {
                state.withLock { $0.work = .failed(error) }
            }
        }
        state.withLock { $0.thread = thread }
    }

    /// The file, waiting for the thread if it is at work; nil if nothing was prepared.
    /// - Throws: what went wrong when it was prepared.
    func take() throws(SystemFailure) -> Prepared? {
        let thread = state.withLock { state in
            defer { state.thread = nil }
            return state.thread
        }
        thread?.join()
        return try state.withLock { (state) throws(SystemFailure) in
            defer { state.work = .none }
            switch state.work {
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

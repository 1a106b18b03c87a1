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

    /// How far the next file is.
    enum Standing {
        case missing, preparing, ready
        /// There was no room for it, and nothing of it is left.
        case refused(SystemFailure)
    }

    /// How far the next file is.
    var standing: Standing {
        state.read { state in
            switch state.work {
            case .none: .missing
            case .preparing: .preparing
            case .ready: .ready
            case .failed(let failure): failure.isForWantOfRoom ? .refused(failure) : .ready
            }
        }
    }

    /// Makes a file of zeros: bytes, then name. Where that fails, nothing is left of it.
    static func make(
        _ id: UInt64, capacity: Int, _ paths: StorePaths, _ fileSystem: any FileSystem
    ) throws(SystemFailure) -> Prepared {
        var made: File?
        do throws(SystemFailure) {
            let file = try FrameFile.prepare(paths.segment(id), capacity: capacity, fileSystem)
            made = file
            try fileSystem.syncDirectory(paths.segments)
            return Prepared(id: id, file: file, capacity: capacity)
        } catch {
            try? made?.close()
            // On a full disk above all, half a file must not take what little room there is.
            try? fileSystem.unlink(paths.segment(id))
            throw error
        }
    }

    /// Prepares a file now; `take` tells how it went.
    func prepare(_ id: UInt64, capacity: Int) {
        do throws(SystemFailure) {
            let made = try Self.make(id, capacity: capacity, paths, fileSystem)
            state.withLock { $0.work = .ready(made) }
        } catch {
            state.withLock { $0.work = .failed(error) }
        }
    }

    /// Prepares a file on a thread of its own.
    func prepareInBackground(_ id: UInt64, capacity: Int) {
        state.withLock { $0.work = .preparing }
        let thread = Thread.spawn(name: "daybook-spare") { [self] in
            prepare(id, capacity: capacity)
        }
        state.withLock { $0.thread = thread }
    }

    /// The file, waiting for the thread if it is at work; nil if nothing was prepared, or if there was no
    /// room for it: there may be some now.
    /// - Throws: what else went wrong when it was prepared.
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
            case .failed(let failure):
                if failure.isForWantOfRoom { return nil }
                throw failure
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

extension SystemFailure {
    /// Whether there was no room, and nothing is wrong with what is there.
    fileprivate var isForWantOfRoom: Bool { isOutOfSpace || isOutOfDescriptors }
}

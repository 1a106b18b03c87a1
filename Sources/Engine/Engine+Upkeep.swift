package import Bytes
import Codec
import Platform
import Projections
package import SegmentedLog

/// What `verify` found.
package struct VerifyReport: Sendable {
    /// Entries replayed.
    package let position: Position
    /// Digest of the live books at that position.
    package let digest: Digest
    /// Digest of books replayed from the log alone.
    package let replayedDigest: Digest
    /// Chain head at that position.
    package let chain: Digest
    /// Frames whose checksums, padding and chain were checked.
    package let frames: UInt64

    /// Whether the live books are what the log says.
    package var isEqual: Bool { digest == replayedDigest }
}

extension Engine {
    /// Position, chain head and digest of the durable head, together.
    package func durableState() -> (position: Position, chain: Digest, digest: Digest) {
        durable.withLock { durable in
            (durable.books.position, durable.chain, durable.books.digest())
        }
    }

    /// Replays the whole log into fresh books and compares them with the live ones.
    /// - Parameter deep: also compute everything that sealed segments say of their entries.
    /// - Throws: `EngineFailure` naming the first damage, if there is any.
    package func verify(
        deep: Bool = false, progress: (Position) -> Void = { _ in }
    ) throws(EngineFailure) -> VerifyReport {
        let state = durableState()
        var books = Books(key: key, indexed: false)
        let frames: UInt64
        do {
            frames = try reader.scrub(deep ? .entries : .bytes) { _, _ in }
            try Replay.advance(&books, to: state.position, reader, progress: progress)
        } catch let failure as EngineFailure {
            throw failure
        } catch {
            throw EngineFailure(String(describing: error), log: error as? LogFailure)
        }
        return VerifyReport(
            position: state.position, digest: state.digest, replayedDigest: books.digest(),
            chain: state.chain, frames: frames)
    }

    /// Takes a snapshot of the durable head now.
    /// - Returns: its position.
    package func snapshot() throws(EngineFailure) -> Position {
        guard !options.readOnly else {
            throw EngineFailure("the store is open for reading only; ask a running server")
        }
        // One that is under way may have begun before the newest entry: ask for another.
        let (target, before) = exchange.withLock(waking: .snapshots) { exchange in
            exchange.wantsSnapshot = true
            return (exchange.durablePosition, exchange.snapshotsDone)
        }
        let done: (Position, String?)? = exchange.wait(on: .callers, waking: []) { exchange in
            let failed = exchange.snapshotsDone > before ? exchange.snapshotFailure : nil
            guard exchange.snapshotPosition >= target || failed != nil || exchange.syncDone
            else { return nil }
            let isThere = exchange.snapshotPosition >= target
            return (exchange.snapshotPosition, failed ?? (isThere ? nil : exchange.failure))
        }
        guard let done, done.1 == nil, done.0 >= target else {
            throw EngineFailure(done?.1 ?? "the engine is closing")
        }
        return done.0
    }

    /// The snapshot thread: takes one when asked, and a last one when the log is closed.
    func runSnapshots() {
        while true {
            let isLast: Bool? = exchange.wait(on: .snapshots, waking: []) { exchange in
                if exchange.syncDone { return true }
                guard exchange.wantsSnapshot else { return nil }
                exchange.wantsSnapshot = false
                exchange.snapshotBegunPosition = exchange.durablePosition
                return false
            }
            let failed = exchange.withLock { $0.failure != nil }
            if !failed { takeSnapshot() }
            if isLast ?? true { return }
        }
    }

    private func takeSnapshot() {
        let newest = exchange.withLock { $0.snapshotPosition }
        var failure: String?
        var position = newest
        var digest: Digest?
        var parts = SnapshotParts()
        let state = durable.withLock { durable in
            let state = (durable.books.position, durable.chain, durable.books.digest())
            guard state.0 > newest else { return state }
            for part in Books.Part.allCases {
                parts.withPart(part) { durable.books.serialise(part, into: &$0) }
            }
            return state
        }
        if state.0 > newest {
            do {
                try snapshots.write(parts, position: state.0, chain: state.1, digest: state.2)
                position = state.0
                digest = state.2
            } catch {
                // A snapshot is a cache: without it the next start replays more, nothing else.
                failure = error.message
            }
        }
        exchange.withLock(waking: .callers) { exchange in
            exchange.snapshotPosition = position
            if let digest { exchange.snapshotDigest = digest }
            exchange.snapshotFailure = failure
            exchange.snapshotsDone += 1
        }
    }
}

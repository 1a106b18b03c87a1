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
    /// Position, chain head and digest of the durable head, together. Commits go on meanwhile:
    /// what has changed since the last digest is hashed on a copy.
    package func durableState() -> (position: Position, chain: Digest, digest: Digest) {
        var head = copyOfHead()
        let digest = digest(of: &head)
        return (head.books.position, head.chain, digest)
    }

    /// The durable head as it is now, in microseconds.
    func copyOfHead() -> DurableBooks {
        durable.withLock(waking: []) { durable in
            var copy = DurableBooks(books: durable.books.copy(), chain: durable.chain)
            copy.commitTime = durable.commitTime
            copy.generation = durable.generation
            return copy
        }
    }

    /// The digest of a copy of the head. The head learns it, so that the next digest hashes only
    /// what changes from here on.
    private func digest(of copy: inout DurableBooks) -> Digest {
        let digest = copy.books.digest()
        durable.withLock(waking: []) { durable in
            // Other books may have taken their place meanwhile.
            if durable.generation == copy.generation {
                durable.books.accept(digestsOf: copy.books)
            }
        }
        return digest
    }

    /// The chain head of the durable head.
    package var durableChain: Digest { durable.read { $0.chain } }

    /// Replays the whole log into fresh books and compares them with the live ones.
    /// - Parameter deep: also compute everything that sealed segments say of their entries.
    /// - Throws: `EngineFailure` naming the first damage, if there is any.
    package func verify(
        deep: Bool = false, progress: (Position) -> Void = { _ in }
    ) throws(EngineFailure) -> VerifyReport {
        let state = durableState()
        var books = Books(key: key)
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
            exchange.asksForSnapshot = true
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

    /// The snapshot thread: takes one when it is due or asked for, and a last one when the log is
    /// closed.
    func runSnapshots() {
        var restsUntil = MonotonicClock.nanoseconds()
        while true {
            let isLast = waitForSnapshot(notBefore: restsUntil)
            let begun = MonotonicClock.nanoseconds()
            let failed = exchange.withLock { $0.failure != nil }
            if !failed { takeSnapshot() }
            if isLast { return }
            let ended = MonotonicClock.nanoseconds()
            restsUntil = ended + (ended - begun) * EngineLimits.snapshotRest
        }
    }

    /// Waits until a snapshot is to be begun. One that is only due waits for the rest after the
    /// last one, so that snapshots take a tenth of the disk at most, unless the tail grows long.
    /// - Returns: whether it is the last.
    private func waitForSnapshot(notBefore restsUntil: Int64) -> Bool {
        while true {
            let hasRested = MonotonicClock.nanoseconds() >= restsUntil
            let isLast: Bool? = exchange.wait(
                on: .snapshots, waking: [],
                timeout: hasRested ? nil : EngineLimits.snapshotRestCheck
            ) { exchange in
                if exchange.syncDone { return true }
                let tail = exchange.durablePosition - exchange.snapshotBegunPosition
                let isTime = hasRested || tail >= EngineLimits.snapshotTailMax
                guard exchange.asksForSnapshot || exchange.wantsSnapshot && isTime else {
                    return nil
                }
                exchange.asksForSnapshot = false
                exchange.wantsSnapshot = false
                exchange.snapshotBegunPosition = exchange.durablePosition
                return false
            }
            if let isLast { return isLast }
        }
    }

    private func takeSnapshot() {
        let (newest, isReplaced) = exchange.withLock { exchange in
            defer { exchange.replacesSnapshot = false }
            return (exchange.snapshotPosition, exchange.replacesSnapshot)
        }
        var failure: String?
        var position = newest
        var digest: Digest?
        var head = copyOfHead()
        if head.books.position > newest || isReplaced && head.books.position > 0 {
            let stamp = SnapshotStore.Stamp(
                position: head.books.position,
                recordedAt: head.commitTime > 0 ? head.commitTime : report.lastCommitTime,
                chain: head.chain, digest: self.digest(of: &head))
            do {
                try snapshots.write(head.books, stamp)
                position = stamp.position
                digest = stamp.digest
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

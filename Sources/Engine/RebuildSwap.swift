import Platform
import Projections
import SegmentedLog

/// How far a rebuild is.
struct RebuildProgress: Sendable {
    /// Entries that are folded.
    var position: Position = 0
    /// Entries that there were when that was last looked at.
    var target: Position
}

/// Rebuilt books on their way into the place of the live ones, and these on their way out.
///
/// `@unchecked Sendable`: who rebuilds hands it over through the engine's monitor and touches it again only
/// when its state says that the committer is done with it.
final class RebuildSwap: @unchecked Sendable {
    enum State: Sendable {
        case waiting
        /// Too much was recorded since, or something that takes long to fold.
        case isBehind
        case isTaken
        case failed(String)
    }

    let parts: Set<Books.Part>
    var rebuilt: Books
    /// Copies of the two heads as they were, and of what was rebuilt; all at one position.
    var durable: Books?
    var decided: Books?
    var after: Books?
    /// How often it was handed over.
    var attempts = 0
    let state = Monitor(State.waiting)

    init(_ rebuilt: consuming Books, _ parts: Set<Books.Part>) {
        self.rebuilt = rebuilt
        self.parts = parts
    }

    func end(_ end: State) { state.withLock { $0 = end } }
}

extension Committer {
    /// Puts rebuilt books in the place of both heads, between two commits: every entry before is in both, and
    /// none after in either.
    func take(_ swap: RebuildSwap) {
        handOver()
        waitUntilDurable(books.position)
        guard !hasFailed else { return swap.end(.failed("the log failed")) }
        guard mayFold(swap) else { return swap.end(.isBehind) }
        do {
            try Replay.advance(&swap.rebuilt, to: books.position, engine.reader)
        } catch {
            return swap.end(.failed(String(describing: error)))
        }
        swap.after = swap.rebuilt.copy()
        swap.decided = books.copy()
        var second = swap.rebuilt.copy()
        engine.durable.withLock { durable in
            swap.durable = durable.books.copy()
            durable.books.swap(swap.parts, with: &second)
            durable.generation += 1
            engine.personal.publish(durable.books)
        }
        books.swap(swap.parts, with: &swap.rebuilt)
        swap.end(.isTaken)
    }

    /// Whether what is left to fold is little: commits wait for it.
    private func mayFold(_ swap: RebuildSwap) -> Bool {
        let left = books.position - swap.rebuilt.position
        guard left <= EngineLimits.preparedLagMax else { return false }
        // A publication among it has all of history metered again. Live books that are damaged may count others.
        return swap.attempts >= EngineLimits.preparationsMax
            || books.registry.versions.count == swap.rebuilt.registry.versions.count
                && books.limits.definitions.count == swap.rebuilt.limits.definitions.count
    }
}

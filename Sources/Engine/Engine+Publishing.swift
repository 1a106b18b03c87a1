import Billing
package import Bytes
package import Codec
import Platform
import Projections
import SegmentedLog
import Synchronization

/// # Publications beside the traffic
///
/// A catalog that changes a meter, or an override with a new window, has history metered again
/// (docs/decisions/0040). That is done beside the commits:
///
///     copy of the books ─► the entry, on trial ─► which meters ─► meter history for them
///                               ▲                                        │
///                               └──── a newer copy, what came since ◄────┤ much was recorded meanwhile
///                                                                        ▼
///     committer: the entry ─► what came since ─► the books take over the cells ◄── little was
///
/// Where it cannot be done that way the committer meters history itself, and commits wait; the books are the
/// same to the byte. Nothing of a preparation is on disk: what ends the process ends it, and the entry was not
/// recorded.
extension Engine {
    /// Whether a request may have history metered again, so that it belongs to `publish`.
    package func takesPreparation(
        _ record: PreparedRecord, _ arena: borrowing ByteBuffer
    ) -> Bool {
        guard record.kind == .publish || record.kind == .override,
            durablePosition >= options.preparedEntriesMin
        else { return false }
        let end = record.contentStart + record.contentLength
        return arena.withBytes(in: record.contentStart..<end) { content in
            guard let view = try? RecordView(content: content) else { return false }
            return durable.withLock(waking: []) { $0.books.mayMeterAgain(view) }
        }
    }

    /// Records a request for which `takesPreparation` is true, and returns its reply line when it is durable.
    /// Any thread that may wait long.
    /// - Parameter content: the request's canonical content.
    package func publish(_ content: [UInt8]) -> [UInt8] {
        let call = Call()
        let batch = PreparedBatch(replyTo: call, arenaBytes: content.count)
        batch.arena.append(content)
        let described = batch.arena.withBytes(in: 0..<content.count) {
            try? PreparedRecord(describing: $0, at: 0, key: key)
        }
        guard let record = described else {
            preconditionFailure("an edge handed over content that is not canonical")
        }
        batch.records = [record]
        batch.tokens = [0]
        let end = record.idStart + record.idLength
        var remetering: Remetering?
        for attempt in 1... {
            var isClose = false
            batch.preparation = nil
            if let made = prepared(batch, after: remetering.take(), &isClose) {
                let isLast = !isClose || attempt >= EngineLimits.preparationsMax
                batch.preparation = Preparation(made, isLast: isLast, call)
            }
            guard !stopsLongWork, submit(batch, first: true) else {
                return Self.line(refusalNow, nil, false)
            }
            if let (reply, detail) = call.waitOrAgain() {
                return batch.arena.withBytes(in: record.idStart..<end) {
                    Call.line(reply, detail, id: $0)
                }
            }
            remetering = batch.preparation?.remetering.take()
        }
        preconditionFailure("the last attempt is answered")
    }

    /// Meters history for a request up to a little before the durable head.
    /// - Parameters:
    ///   - old: what was metered for it already.
    ///   - isClose: set if little is left.
    /// - Returns: nil if nothing is to be metered again, or it cannot be done beside the traffic.
    private func prepared(
        _ batch: PreparedBatch, after old: consuming Remetering?, _ isClose: inout Bool
    ) -> Remetering? {
        var next = old
        for _ in 0..<EngineLimits.preparationsMax {
            guard !stopsLongWork, var remetering = next.take() ?? begun(batch) else { return nil }
            do {
                if let end = try catchUp(&remetering, batch) {
                    isClose = end
                    return remetering
                }
            } catch {
                // The committer meets what it was, and says so.
                return nil
            }
        }
        return nil
    }

    /// - Returns: whether little is left; nil if what was metered is of no use any more.
    private func catchUp(
        _ remetering: inout Remetering, _ batch: PreparedBatch
    ) throws -> Bool? {
        for _ in 0..<EngineLimits.preparationRoundsMax {
            try Replay.meter(
                &remetering, reader, recountsMax: EngineLimits.recountsMax,
                while: { !stopsLongWork })
            if remetering.isSpoilt || remetering.doubtful.count > EngineLimits.recountsMax {
                return nil
            }
            if durablePosition - remetering.base <= options.preparedLag { return true }
            guard let trial = trial(batch), trial.meters == remetering.meters,
                remetering.move(to: trial.books, before: trial.time)
            else { return nil }
        }
        // Entries come as fast as they can be metered: commits wait for what is left, not for all of history.
        try Replay.meter(
            &remetering, reader, recountsMax: EngineLimits.recountsMax, while: { !stopsLongWork })
        return false
    }

    /// Books that have taken a request as if it were recorded now.
    private struct Trial: ~Copyable {
        let books: Books
        let meters: Set<UInt32>
        /// Before which its own time does not matter.
        let time: Timestamp
    }

    /// - Returns: nil if it would be refused, or makes no meter stale.
    private func trial(_ batch: PreparedBatch) -> Trial? {
        var books = durable.withLock(waking: []) { $0.books.copy() }
        let record = batch.records[0]
        let now = options.clock.wallNanoseconds()
        let end = record.contentStart + record.contentLength
        let meters = batch.arena.withBytes(in: record.contentStart..<end) { content in
            guard let view = try? RecordView(content: content),
                case .entry(let outcome, _) = books.decide(view, recordedAt: now)
            else { return Set<UInt32>() }
            return (try? books.apply(view, outcome: outcome, recordedAt: now))?.meters ?? []
        }
        guard !meters.isEmpty else { return nil }
        return Trial(
            books: books, meters: meters,
            time: record.kind == .publish ? Timestamp(nanoseconds: now) : .max)
    }

    private func begun(_ batch: PreparedBatch) -> Remetering? {
        guard let trial = trial(batch) else { return nil }
        return Remetering(trial.books, meters: trial.meters, before: trial.time)
    }

    /// Ends what takes long and can be begun again: preparations and rebuilds. Publications that wait are
    /// refused, and none is prepared any more.
    package func stopLongWork() { isLongWorkOver.store(true, ordering: .relaxed) }

    /// Whether long work is to end.
    var stopsLongWork: Bool {
        isLongWorkOver.load(ordering: .relaxed) || exchange.read { $0.failure != nil }
    }
}

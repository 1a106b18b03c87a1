package import Billing
import Bytes
import Codec
import Platform
package import Projections
package import SegmentedLog

/// Books of earlier positions that were asked for last: who looks at the past asks more than once.
struct PastBooks {
    /// Books in a box: an array cannot hold what is not copied.
    final class Box {
        var books: Books
        init(_ books: consuming Books) { self.books = books }
    }

    /// The newest last.
    private var boxes: [Box] = []

    /// The books of a position, or the nearest ones before it.
    func nearest(_ position: Position) -> Box? {
        boxes.filter { $0.books.position <= position }.max { $0.books.position < $1.books.position }
    }

    /// Keeps books, and lets go of those that were asked for longest ago.
    mutating func keep(_ box: Box) {
        boxes.removeAll { $0.books.position == box.books.position }
        if boxes.count >= EngineLimits.pastBooksKept { boxes.removeFirst() }
        boxes.append(box)
    }
}

/// The books as they stood at earlier positions: the nearest snapshot that the log confirms, and the
/// entries behind it.
extension Engine {
    /// The books of the first `position` entries.
    /// - Throws: `Refusal` for a position beyond the durable entries, and if history cannot be read.
    package func books(asOf position: Position) throws(Refusal) -> Books {
        let now = durable.withLock(waking: []) { durable -> Books? in
            durable.books.position == position ? durable.books.copy() : nil
        }
        if let now { return now }
        let end = reader.durablePosition
        guard position <= end else {
            throw Refusal(
                code: "unknown_position", field: "as_of",
                message: "as_of: the log ends at position \(end)")
        }
        var books = try start(for: position)
        do {
            try Replay.advance(&books, to: position, reader, while: { !stopsLongWork })
        } catch is Replay.Interruption {
            throw refusalNow
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "the log cannot be replayed to position \(position): \(error); run "
                    + "`daybook verify`")
        }
        let box = PastBooks.Box(books.copy())
        past.withLock(waking: []) { $0.keep(box) }
        return books
    }

    /// Calls `body` with the books of the first `position` entries; nil: of all durable ones.
    func withBooks<R>(
        asOf position: Position?, _ body: (borrowing Books) throws(Refusal) -> R
    ) throws(Refusal) -> R {
        guard let position else {
            return try durable.withLock(waking: []) { durable throws(Refusal) in
                try body(durable.books)
            }
        }
        let books = try books(asOf: position)
        return try body(books)
    }

    /// How many entries were recorded up to an instant, that included.
    /// - Throws: `Refusal` if the log cannot be read.
    package func position(recordedUpTo time: Timestamp) throws(Refusal) -> Position {
        var (lower, upper) = (Position(0), reader.durablePosition)
        while lower < upper {
            let middle = lower + (upper - lower) / 2
            if try recordedAt(middle) <= time { lower = middle + 1 } else { upper = middle }
        }
        return lower
    }

    /// When an entry was recorded.
    func recordedAt(_ position: Position) throws(Refusal) -> Timestamp {
        do {
            return try reader.withRecord(at: position) { Timestamp(nanoseconds: $1.commitTime) }
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "position \(position) cannot be read: \(error); run `daybook verify`")
        }
    }

    /// Finds a moment in the log.
    func point(of moment: Moment, now: Timestamp) throws(Refusal) -> ReadingPoint {
        let end = reader.durablePosition
        let position: Position
        var at: Timestamp?
        switch moment.asOf {
        case nil: position = end
        case .position(let asked)?:
            guard asked <= end else {
                throw Refusal(
                    code: "unknown_position", field: "as_of",
                    message: "as_of: the log ends at position \(end)")
            }
            position = asked
        case .time(let time)?:
            position = try self.position(recordedUpTo: time)
            at = time
        }
        let known = position > 0 ? try recordedAt(position - 1) : nil
        if at == nil, moment.asOf != nil { at = known }
        return ReadingPoint(
            position: position, at: moment.at ?? at ?? now, cut: moment.at, knownUntil: known)
    }

    /// The nearest books at or before a position that are at hand: kept ones, a snapshot, or empty ones.
    private func start(for position: Position) throws(Refusal) -> Books {
        let reached = past.read { $0.nearest(position)?.books.position ?? 0 }
        let candidates = (try? snapshots.positions()) ?? []
        for candidate in candidates where candidate <= position && candidate > reached {
            // One that is not to be believed is passed over, as at the start.
            do throws(EngineFailure) {
                return try Opening.restored(candidate, snapshots, reader, key)
            } catch { continue }
        }
        return past.withLock(waking: []) { past in
            if let box = past.nearest(position) { return box.books.copy() }
            return Books(key: key)
        }
    }
}

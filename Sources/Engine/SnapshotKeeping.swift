import Billing
import Projections
package import SegmentedLog

/// Which snapshots are kept: the newest three, the first of each day for a month, and the first of
/// each month after. Days and months are UTC and those of the log, by the commit time at the
/// snapshot's position: no clock is read, so the same snapshots always give the same answer.
package enum SnapshotKeeping {
    /// A snapshot that could be kept.
    package struct Candidate: Hashable, Sendable {
        /// Entries that it includes.
        package let position: Position
        /// Commit time of the last of them, nanoseconds UTC.
        package let recordedAt: Int64

        /// A candidate; see the properties.
        package init(position: Position, recordedAt: Int64) {
            self.position = position
            self.recordedAt = recordedAt
        }

        fileprivate var day: Int64 {
            let (days, rest) = recordedAt.quotientAndRemainder(dividingBy: 86_400_000_000_000)
            return rest < 0 ? days - 1 : days
        }
    }

    private enum Span: Hashable {
        case day(Int64)
        case month(Month)
    }

    /// The positions to keep of some snapshots in any order.
    ///
    /// Removing the others and asking again when a later one has come gives what asking once for
    /// all would give: the first of a day goes on to be the first of its month, or is not needed.
    package static func kept(_ candidates: [Candidate]) -> Set<Position> {
        let ascending = candidates.sorted { $0.position < $1.position }
        guard let newest = ascending.last else { return [] }
        var kept = Set(ascending.suffix(EngineLimits.snapshotsKept).map(\.position))
        var spans: Set<Span> = []
        for candidate in ascending {
            let isRecent = newest.day - candidate.day < Int64(EngineLimits.snapshotDays)
            let span: Span =
                isRecent
                ? .day(candidate.day) : .month(Month(containing: candidate.recordedAt))
            if spans.insert(span).inserted { kept.insert(candidate.position) }
        }
        return kept
    }
}

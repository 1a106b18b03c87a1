package import Billing
import Bytes
import Codec
import Money
import Projections
package import SegmentedLog

/// The invoice of one account from nothing but its own entries and the catalogs, by the same folds as
/// the live books. Whoever has these entries can bill again without the log: no other account's
/// entries change what this one owes.
package struct BillFromEntries: ~Copyable {
    private let account: String
    private var books: Books
    private var entries: [Entry] = []

    /// An entry as it stands in the log.
    package struct Entry: Hashable, Sendable {
        /// Its place in the log.
        package let position: Position
        /// Commit time of its frame, nanoseconds since 1970 UTC.
        package let recordedAt: Int64
        /// The canonical record with its outcome.
        package let record: [UInt8]

        /// An entry; see the properties.
        package init(position: Position, recordedAt: Int64, record: [UInt8]) {
            self.position = position
            self.recordedAt = recordedAt
            self.record = record
        }
    }

    /// A bill of an account that has no entries yet.
    package init(account: String) {
        self.account = account
        // The key only scatters tables; no invoice depends on it.
        books = Books(key: SipKey(k0: 0, k1: 0))
    }

    /// Adds the account's next entry, or the next catalog: in position order.
    /// - Throws: `DecodeFailure` or `Books.Failure` if it is no entry that can stand there.
    package mutating func append(_ entry: Entry) throws {
        let record = try RecordView(record: entry.record.raw)
        let stale = try books.apply(
            record, outcome: try record.outcome(), recordedAt: entry.recordedAt)
        if !stale.isEmpty {
            for earlier in entries {
                let record = try RecordView(record: earlier.record.raw)
                books.meterAgain(
                    record, at: earlier.position, outcome: try record.outcome(),
                    recordedAt: earlier.recordedAt, meters: stale)
            }
        }
        entries.append(entry)
    }

    /// The draft for a month, from the entries so far.
    package func invoice(period: Period) throws -> InvoiceDraft {
        if let draft = books.invoiceFromCounters(account: account, period: period) { return draft }
        let segments = books.segments(of: books.account(account), in: period)
        let meters = books.selection(SegmentUsage.meterKeys(segments))
        var usage = SegmentUsage(segments: segments, meters: meters.keys)
        if let first = segments.first, let last = segments.last {
            let span = Period(start: first.start, end: last.end)
            for entry in entries {
                let record = try RecordView(record: entry.record.raw)
                guard let subject = record.subject, subject.isEqual(to: account) else { continue }
                try AccountEntries.read(record, entry.position, entry.recordedAt, meters, span) {
                    usage.add($1, meter: $0)
                }
            }
        }
        return InvoiceDraft(segments: segments) { usage.quantity(meter: $0, segment: $1) }
    }
}

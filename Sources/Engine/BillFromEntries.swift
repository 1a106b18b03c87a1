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
        try books.skip(to: entry.position)
        let stale = try books.apply(
            record, outcome: try record.outcome(), recordedAt: entry.recordedAt)
        try meterAgain(stale)
        entries.append(entry)
    }

    private mutating func meterAgain(_ stale: Stale) throws {
        guard !stale.isEmpty else { return }
        let source = KeptEntries(account: account, entries: entries)
        let again = EntryMetering(meters: stale.accounts.isEmpty ? stale.meters : nil, stale) {
            try source.withEntry(at: $0, $1)
        }
        for earlier in entries {
            try again.meter(
                &books, earlier.record.raw, at: earlier.position, recordedAt: earlier.recordedAt)
        }
    }

    /// What an engine would decide of a record as the next entry. A refund finds what it names among the entries
    /// so far.
    func decide(_ record: borrowing RecordView, recordedAt: Int64) throws -> Verdict {
        guard record.kind == .refund, let order = try? RefundOrder.read(record) else {
            return books.decide(record, recordedAt: recordedAt)
        }
        guard let entry = entries.first(where: { $0.position == order.position }) else {
            return .refused(.bad("entry", "there is none at position \(order.position)"))
        }
        let named = try RecordView(record: entry.record.raw)
        return books.decideRefund(
            record, of: try named.outcome(), named.kind, account: account, recordedAt)
    }

    /// The account's credits as they are at an instant, in the form of the query.
    func credits(at time: Timestamp) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        books.writeCredits(account: account, at: time, to: &json)
        json.endObject()
        return json.finish()
    }

    /// The invoice of a billing period, from the entries so far: as it was finalised, or a draft.
    /// - Parameters:
    ///   - period: its name; nil: the period of `at`.
    ///   - at: the asking time.
    ///   - position: where the log ends; at the last entry's position or behind it.
    /// - Throws: `Refusal` for a period that the account cannot have.
    package mutating func invoice(
        period: String?, at: Timestamp, position: Position
    ) throws -> BilledInvoice {
        try books.skip(to: position)
        let facts = books.billingFacts(of: account)
        let found = try BilledInvoice.period(period, facts, at)
        if let finalised = facts.state.finalised(found.name),
            let entry = entries.first(where: { $0.position == finalised.position })
        {
            return try BilledInvoice(
                finalised: RecordView(record: entry.record.raw), found, facts.position)
        }
        let billing = AccountBilling(
            facts: facts, source: KeptEntries(account: account, entries: entries), at: at)
        return BilledInvoice(
            draft: try billing.draft(found, counted: nil), account: account,
            position: facts.position)
    }
}

/// Entries in memory.
private struct KeptEntries: AccountEntrySource {
    let account: String
    let entries: [BillFromEntries.Entry]

    func forEach(
        from start: Position, before end: Position,
        _ body: (Position, RawSpan, Int64) throws -> Void
    ) throws(Refusal) {
        do {
            for entry in entries where entry.position >= start && entry.position < end {
                let record = try RecordView(record: entry.record.raw)
                guard let subject = record.subject, subject.isEqual(to: account) else { continue }
                try body(entry.position, entry.record.raw, entry.recordedAt)
            }
        } catch {
            throw Refusal(code: "storage_failed", message: "an entry cannot be read: \(error)")
        }
    }

    func withEntry(at position: Position, _ body: (RawSpan) throws -> Void) throws {
        guard let entry = entries.first(where: { $0.position == position }) else {
            throw DecodeFailure.invalid("an entry that is not there", 0)
        }
        try body(entry.record.raw)
    }
}

import Billing
import Bytes
import Codec
import Platform
import Projections
import SegmentedLog

/// Questions about the past: what was known then, and what of it had happened by an instant.
///
/// Two things differ. **Usage and bills** are folds by event time, so what happened after the instant is
/// left out and nothing else. **Credits and entitlements** are what the books had decided by then; what
/// was recorded later but happened before is put in at that instant, with credits drawn from what was
/// there then, as `reconcile` would.
extension Engine {
    /// Writes the answer of a query as of a moment.
    func write(_ query: Query, of moment: Moment, to json: inout JSONWriter) throws(Refusal) {
        let now = Timestamp(nanoseconds: options.clock.wallNanoseconds())
        let point = try point(of: moment, now: now)
        switch query {
        case .check(let question):
            let (decision, evidence) = try books(of: question.account, point)
                .check(question, at: point.at)
            write(question, decision, evidence, to: &json)
            json.member("position", point.position)
        case .usage(let account, let period):
            let month = period ?? .calendarMonth(containing: point.at)
            try usageBooks(of: account, point)
                .writeUsage(account: account, month: month, to: &json)
            json.member("position", point.position)
        case .credits(let account):
            try books(of: account, point).writeCredits(account: account, at: point.at, to: &json)
            json.member("position", point.position)
        case .entitlements(let account):
            try books(of: account, point)
                .writeEntitlements(account: account, at: point.at, to: &json)
            json.member("position", point.position)
        case .invoice(let account, let period):
            try invoice(account: account, period: period, point).write(to: &json)
        case .explain(let account, let period, let line, let page):
            try Explanation(
                engine: self, account: account, period: period, line: line, at: point.at,
                point: point
            ).write(page, to: &json)
        case .catalog: try write(catalogOf: books(asOf: point.position), to: &json)
        case .unmatched(let limit):
            try books(asOf: point.position).writeUnmatched(limit: limit, to: &json)
            json.member("position", point.position)
        default: throw Moment.unsupported
        }
        json.member("asked_at", point.at.description)
        json.member("known_until", point.knownUntil?.description)
    }

    /// The draft or finalised invoice of an account as of a moment.
    func invoice(
        account: String, period: String?, _ point: ReadingPoint
    ) throws(Refusal) -> BilledInvoice {
        let (facts, found, counted) = try billingFacts(
            account: account, period: period, at: point.at, asOf: point.position)
        if let finalised = facts.state.finalised(found.name) {
            return try document(at: finalised.position) { record in
                try BilledInvoice(finalised: record, found, facts.position)
            }
        }
        var billing = AccountBilling(
            facts: facts, source: LoggedEntries(engine: self, account: account), at: point.at,
            cut: point.cut)
        if point.cut != nil {
            // What was paid in, or drawn by an invoice, after the instant is left out.
            let then = try books(of: account, point)
            billing.wallets = then.account(account).map { then.invoices.account($0).wallets } ?? []
        }
        return BilledInvoice(
            draft: try billing.draft(found, counted: point.cut == nil ? counted : nil),
            account: account, position: facts.position)
    }

    /// The books that know one account's credits and entitlements at an instant. Of other accounts
    /// they know what was recorded by then.
    func books(of account: String, _ point: ReadingPoint) throws(Refusal) -> Books {
        guard let cut = point.cut else { return try books(asOf: point.position) }
        let then = min(point.position, try position(recordedUpTo: cut))
        var books = try books(asOf: then)
        guard then < point.position else { return books }
        let facts = try withBooks(asOf: point.position) { $0.billingFacts(of: account) }
        var batches = try withBooks(asOf: point.position) { $0.batchPositions }[...]
        batches = facts.corrections.isEmpty ? [] : batches.filter { $0 >= then }[...]
        do {
            let source = LoggedEntries(engine: self, account: account)
            try source.forEach(from: then, before: point.position) { position, bytes, recordedAt in
                try putIn(&books, &batches, before: position, source, at: cut)
                let record = try RecordView(record: bytes)
                guard record.kind != .correct else {
                    return try Self.putIn(&books, correction: bytes, at: position, cut)
                }
                guard let time = record.ownTime(recordedAt: recordedAt),
                    Timestamp(nanoseconds: time) <= cut
                else { return }
                try books.skip(to: position)
                let verdict = books.decide(record, recordedAt: cut.nanoseconds)
                guard case .entry(let outcome, _) = verdict else { return }
                _ = try books.apply(record, outcome: outcome, recordedAt: cut.nanoseconds)
            }
            try putIn(&books, &batches, before: point.position, source, at: cut)
            if !facts.corrections.isEmpty {
                try meterAgain(&books, source, facts, upTo: cut, knownBefore: then)
            }
            try books.skip(to: point.position)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "entries behind position \(then) cannot be put in at \(cut): \(error)")
        }
        return books
    }

    /// Lets books take what became of batches before a position.
    private func putIn(
        _ books: inout Books, _ batches: inout ArraySlice<Position>, before position: Position,
        _ source: LoggedEntries, at cut: Timestamp
    ) throws {
        while let next = batches.first, next < position {
            batches.removeFirst()
            try source.withEntry(at: next) {
                try Self.putIn(&books, correction: $0, at: next, cut)
            }
        }
    }

    /// Lets books take a correction or an order about a batch; what is to be metered again is not.
    private static func putIn(
        _ books: inout Books, correction bytes: RawSpan, at position: Position, _ cut: Timestamp
    ) throws {
        let record = try RecordView(record: bytes)
        try books.skip(to: position)
        _ = try books.apply(record, outcome: try record.outcome(), recordedAt: cut.nanoseconds)
    }

    /// Counts an account's usage anew, by what is known of it in the end: what was known as it is by the instant, and of all
    /// else what happened by then.
    /// - Parameter position: where the log ended at that instant.
    private func meterAgain(
        _ books: inout Books, _ source: LoggedEntries, _ facts: BillingFacts, upTo cut: Timestamp,
        knownBefore position: Position
    ) throws {
        guard let account = books.account(facts.account) else { return }
        books.forgetUsage(of: account)
        try source.forEachCounted(facts) { record, entry, recordedAt, isAsWritten in
            let time = record.ownTime(recordedAt: recordedAt).map { Timestamp(nanoseconds: $0) }
            guard isAsWritten && entry < position || time.map({ $0 <= cut }) ?? false else {
                return
            }
            books.meterAgain(
                record, at: entry, outcome: try record.outcome(),
                recordedAt: min(recordedAt, cut.nanoseconds), meters: nil, notes: false)
        }
    }

    /// Books with nothing but an account's usage up to an instant, by the definitions known at a position.
    private func usageBooks(
        of account: String, _ point: ReadingPoint
    ) throws(Refusal) -> Books {
        guard let cut = point.cut else { return try books(asOf: point.position) }
        let facts = try withBooks(asOf: point.position) { $0.billingFacts(of: account) }
        var books = Books(key: key)
        do {
            for position in catalogPositions where position < point.position {
                try reader.withRecord(at: position) { bytes, frame in
                    let record = try RecordView(record: bytes)
                    try books.skip(to: position)
                    _ = try books.apply(
                        record, outcome: try record.outcome(), recordedAt: frame.commitTime)
                }
            }
            let source = LoggedEntries(engine: self, account: account)
            try source.forEachCounted(facts) { record, position, recordedAt, _ in
                guard let time = record.ownTime(recordedAt: recordedAt),
                    Timestamp(nanoseconds: time) <= cut
                else { return }
                books.meterAlone(
                    record, at: position, outcome: try record.outcome(),
                    recordedAt: recordedAt)
            }
            try books.skip(to: point.position)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "the log cannot be read: \(error); run `daybook verify`")
        }
        return books
    }
}

extension RecordView {
    /// When what an entry says took place, nanoseconds UTC; nil of what takes place in no event time.
    func ownTime(recordedAt: Int64) -> Int64? {
        switch kind {
        case .event, .subscribe, .cancel, .pause, .resume, .grant, .override, .subscription:
            time ?? recordedAt
        case .consume, .hold, .settle, .release, .extend, .void, .refund, .reset, .account,
            .deposit:
            recordedAt
        case .publish, .redact, .retire, .finalise, .creditNote, .reconcile, .correct, .backfill:
            nil
        }
    }
}

extension BillingFacts {
    /// What bills may read of an entry whose body goes by an order to drop bodies, whether it is gone or not; nil: all
    /// of it.
    func kept(
        of record: borrowing RecordView, at position: Position, recordedAt: Int64
    ) -> KeptProperties? {
        retirements.kept(of: record, at: position, recordedAt: recordedAt, state.finalised)
    }
}

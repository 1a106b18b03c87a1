package import Billing
import Bytes
import Codec
import Platform
package import Projections
import SegmentedLog

/// What became of a correction, or of an order about a batch.
package struct Correction: Sendable {
    let position: Position
    let isDuplicate: Bool
    /// Periods whose credits were drawn anew.
    let reconciled: [(account: String, done: Reconciled)]
    /// Members of the answer beside those that all have.
    let members: [(String, Value)]

    func write(to json: inout JSONWriter) {
        json.member("outcome", isDuplicate ? "duplicate" : "recorded")
        json.append(members.map { Value.Member(name: $0.0, value: $0.1) })
        json.key("reconciled")
        json.beginArray()
        for (account, done) in reconciled.prefix(Self.shownMax) where done.position != nil {
            json.beginObject()
            json.member("account", account)
            json.member("name", done.data["name"]?.text)
            json.member("position", done.position)
            json.endObject()
        }
        json.endArray()
        json.member("position", position)
    }

    /// Compensations that an answer lists at most.
    private static let shownMax = 1_000
}

extension Engine {
    /// Corrects entries of an account, all or none of them, by one entry; then lets the credits of the periods that it
    /// touches be drawn anew. A retry with the same id completes what a crash cut off.
    package func correct(_ wish: CorrectionWish, at: Timestamp) throws(Refusal) -> Correction {
        try refuseIfReadOnly()
        for _ in 0..<Self.attemptsMax {
            let checked = try check(wish)
            let data: Value
            switch checked {
            case .success(let value): data = value
            // Nothing is taken from position 0 on; but if the order stands in the log already, that is found.
            case .failure:
                data = wish.data(was: wish.items.map { _ in at }, through: 0)
            }
            guard
                let (position, isDuplicate) = try record(
                    .correct, wish.source, wish.id, account: wish.account, data,
                    isSame: { wish.isSame(as: $0) })
            else {
                _ = try checked.get()
                continue
            }
            let order = try entry(at: position) { try CorrectOrder.read($0) }
            return Correction(
                position: position, isDuplicate: isDuplicate,
                reconciled: try reconcile(wish.account, touching: order.times, at: at),
                members: [
                    ("account", .string(wish.account)),
                    ("entries", BilledInvoice.number(UInt64(order.items.count))),
                ])
        }
        throw Self.tooBusy
    }

    /// Opens, closes or reverts a batch; then lets the credits of what it touches be drawn anew.
    package func backfill(_ wish: BackfillWish, at: Timestamp) throws(Refusal) -> Correction {
        try refuseIfReadOnly()
        guard
            let (position, isDuplicate) = try record(
                .backfill, wish.source, wish.id, account: nil, wish.data,
                isSame: { $0 == wish.data })
        else { throw Self.tooBusy }
        var reconciled: [(account: String, done: Reconciled)] = []
        let found = durable.withLock(waking: []) { $0.books.batchAccounts(wish.batch) }
        for account in found.accounts {
            let times = try times(of: wish.batch, account)
            reconciled += try reconcile(account, touching: times, at: at)
        }
        return Correction(
            position: position, isDuplicate: isDuplicate, reconciled: reconciled,
            members: [
                ("batch", .string(wish.batch)),
                ("state", .string(found.batch?.state ?? "open")),
                ("events", BilledInvoice.number(found.batch?.events ?? 0)),
                ("accounts", BilledInvoice.number(UInt64(found.accounts.count))),
            ])
    }

    // MARK: Looking at the entries

    /// The data of the entry that corrects, or why there can be none.
    private func check(_ wish: CorrectionWish) throws(Refusal) -> Result<Value, Refusal> {
        let facts = durable.withLock { $0.books.correctionFacts(of: wish.account) }
        guard let facts else {
            throw Refusal(
                code: "unknown_account", field: "account",
                message: "account: the log has no entry of \"\(wish.account)\"")
        }
        if let last = wish.items.last, last.entry >= facts.position {
            return .failure(
                Refusal(
                    code: "unknown_position", field: "entries",
                    message: "entries: the log ends before position \(facts.position); "
                        + "\(last.entry) is beyond it"))
        }
        let personal = personal.personal
        var was: [Timestamp] = []
        do {
            let texts = CorrectionTexts { position, body in
                try self.reader.withRecord(at: position) { bytes, _ in try body(bytes) }
            }
            var number = 0
            try reader.withRecords(at: wish.items.map(\.entry)) { _, bytes, frame in
                was.append(
                    try facts.check(
                        wish.items[number], bytes, recordedAt: frame.commitTime, texts, personal))
                number += 1
            }
        } catch let refusal as Refusal {
            return .failure(refusal)
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "the log cannot be read: \(error); run `daybook verify`")
        }
        return .success(wish.data(was: was, through: facts.position))
    }

    /// The times of an account's events in a batch.
    private func times(of batch: String, _ account: String) throws(Refusal) -> [Timestamp] {
        var times: [Timestamp] = []
        try LoggedEntries(engine: self, account: account).forEach(
            from: 0, before: durablePosition
        ) { _, bytes, recordedAt in
            let record = try RecordView(record: bytes)
            guard record.batchName == batch else { return }
            times.append(Timestamp(nanoseconds: record.time ?? recordedAt))
        }
        return times
    }

    // MARK: Recording

    /// - Returns: where it stands, and whether it stood there before; nil if something else came between.
    private func record(
        _ kind: RecordKind, _ source: String, _ id: String, account: String?, _ data: Value,
        isSame: (Value) -> Bool
    ) throws(Refusal) -> (Position, isDuplicate: Bool)? {
        guard
            let (reply, detail) = record(kind, source: source, id: id, account: account, data: data)
        else {
            guard failure == nil, !isClosing else { throw refusalNow }
            throw Refusal(
                code: "overloaded",
                message: "not taken: the queue is full, or it is larger than "
                    + "\(EngineLimits.recordBytesMax) bytes; name fewer entries in one order")
        }
        switch reply.status {
        case .recorded: return (reply.position, false)
        case .duplicate: return (reply.position, true)
        case .conflict:
            let isTheSame = try entry(at: reply.position) { record in
                guard record.kind == kind, let node = record.data else { return false }
                return isSame(try ValueCoder.value(node))
            }
            guard isTheSame else {
                throw Refusal(
                    code: "conflict", field: "id",
                    message: "id: it stands at position \(reply.position) with another order; a "
                        + "new one takes a new id")
            }
            return (reply.position, true)
        case .refused:
            guard let refusal = detail?.refusal, refusal.code != "stale" else { return nil }
            throw refusal
        case .unknown: throw refusalNow
        }
    }

    private func entry<Result>(
        at position: Position, _ body: (borrowing RecordView) throws -> Result
    ) throws(Refusal) -> Result {
        do {
            return try reader.withRecord(at: position) { bytes, _ in
                try body(RecordView(record: bytes))
            }
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "position \(position) cannot be read: \(error); run `daybook verify`")
        }
    }

    // MARK: Credits

    /// Lets the credits of the billing periods in which some times lie be drawn anew, finalised ones as well: their
    /// invoices do not depend on draws, and what a retracted event drew must come back.
    private func reconcile(
        _ account: String, touching times: [Timestamp], at: Timestamp
    ) throws(Refusal) -> [(account: String, done: Reconciled)] {
        let burns = durable.withLock(waking: []) { $0.books.hasCredits }
        guard burns else { return [] }
        var found: [(account: String, done: Reconciled)] = []
        var periods: [Period] = []
        for time in times.sorted() where !periods.contains(where: { $0.contains(time) }) {
            let facts = durable.withLock(waking: []) { $0.books.billingFacts(of: account) }
            let period = facts.contract.billingPeriod(at: time)
            periods.append(period.period)
            do throws(Refusal) {
                found.append((account, try reconcile(account, period, at: at)))
            } catch {
                // What cannot be reconciled stays as it was drawn: no bill depends on it.
                guard error.code == "out_of_range" || error.code == "too_large" else {
                    throw error
                }
            }
        }
        return found
    }

    private func reconcile(
        _ account: String, _ period: BillingPeriod, at: Timestamp
    ) throws(Refusal) -> Reconciled {
        for _ in 0..<Self.attemptsMax {
            let facts = durable.withLock(waking: []) { $0.books.billingFacts(of: account) }
            if let done = try reconcile(facts, period, at: at) { return done }
        }
        throw Self.tooBusy
    }
}

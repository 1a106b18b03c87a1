import Billing
import Bytes
import Codec
import Money
import Platform
import Projections
import SegmentedLog

/// What became of compensating an account's draws.
package struct Reconciled: Sendable {
    /// The entry; nil: nothing had to be compensated.
    let position: Position?
    let data: Value
    let head: Position

    func write(to json: inout JSONWriter) {
        json.member("outcome", position == nil ? "unchanged" : "recorded")
        for name in ["name", "period", "uses", "draws", "shortfalls"] {
            json.key(name)
            json.value(data[name] ?? .null)
        }
        json.member("position", position ?? head)
    }
}

extension Engine {
    /// Source of the entries that compensate draws.
    private static let reconcileSource = "daybook.reconcile"

    /// Makes the credits that the events of a billing period drew those that they would have drawn in the order
    /// of their own times, by an entry that compensates the difference. Finalised periods stay as they are.
    func reconcile(
        account: String, period: String?, at: Timestamp
    ) throws(Refusal) -> Reconciled {
        try refuseIfReadOnly()
        guard durable.withLock({ $0.books.account(account) != nil }) else {
            throw Refusal(
                code: "unknown_account", field: "account",
                message: "account: the log has no entry of \"\(account)\"")
        }
        for _ in 0..<Self.attemptsMax {
            let (facts, found, _) = try billingFacts(account: account, period: period, at: at)
            if facts.state.finalised(found.name) != nil {
                throw Refusal(
                    code: "period_final", field: "period",
                    message: "period: \(found.name) is finalised; its draws stay as they are")
            }
            if let done = try reconcile(facts, found, at: at) { return done }
        }
        throw Self.tooBusy
    }

    /// Whether the draws of a period are right; what was not is compensated. What cannot be stays as it is: an invoice
    /// does not depend on it.
    func isReconciled(
        _ billing: BillingFacts, _ found: BillingPeriod, at: Timestamp
    ) throws(Refusal) -> Bool {
        do throws(Refusal) {
            guard let done = try reconcile(billing, found, at: at) else { return false }
            return done.position == nil
        } catch {
            guard error.code == "out_of_range" || error.code == "too_large" else { throw error }
            return true
        }
    }

    /// - Returns: nil if something else came between.
    func reconcile(
        _ billing: BillingFacts, _ found: BillingPeriod, at: Timestamp
    ) throws(Refusal) -> Reconciled? {
        let facts = durable.withLock {
            $0.books.reconciliationFacts(of: billing.account, at: at)
        }
        let (uses, earlier) =
            try facts.map { facts throws(Refusal) in
                try creditUses(facts, billing, in: found.period)
            } ?? ([], [])
        let result =
            facts == nil
            ? Reconciliation() : facts?.account.reconciliation(of: uses, after: earlier)
        guard let result else {
            throw Refusal(
                code: "out_of_range", field: "account",
                message: "what the period's events cost in credits is beyond all numbers")
        }
        let data = ReconcileOrder.data(
            result, name: found.name, period: found.period, uses: uses.count,
            state: facts?.state ?? .zero)
        guard let facts, !result.isEmpty else {
            return Reconciled(position: nil, data: data, head: billing.position)
        }
        guard result.draws.count <= ReconcileOrder.drawsMax else {
            throw Refusal(
                code: "too_large", field: "account",
                message: "\(result.draws.count) grants would change; one entry compensates "
                    + "\(ReconcileOrder.drawsMax) at most")
        }
        let made = record(
            .reconcile, source: Self.reconcileSource,
            id: "\(billing.account)/\(found.name)/\(facts.position)", account: billing.account,
            data: data)
        guard let (reply, detail) = made else {
            throw failure == nil && !isClosing ? Self.tooBusy : refusalNow
        }
        switch reply.status {
        case .recorded:
            return Reconciled(position: reply.position, data: data, head: billing.position)
        case .refused where detail?.refusal?.code == "stale", .duplicate, .conflict: return nil
        case .refused: throw detail?.refusal ?? refusalNow
        case .unknown: throw refusalNow
        }
    }

    /// A use of credits, and where it stands in billing order.
    private typealias OrderedUse = (use: MeterUse, credits: CreditUse)

    /// What an entry drew in a period, and what it costs there.
    private func creditUses(
        _ facts: ReconciliationFacts, _ bytes: RawSpan, at position: Position, recordedAt: Int64,
        in period: Period, _ texts: CorrectionTexts
    ) throws -> [OrderedUse] {
        let record = try RecordView(record: bytes)
        let isEvent = record.kind == .event
        guard isEvent || record.kind == .consume || record.kind == .settle else { return [] }
        let versions = facts.corrections.versions(of: record, at: position)
        let newest = versions.last { $0.until == .max }
        let time = Timestamp(nanoseconds: isEvent ? record.time ?? recordedAt : recordedAt)
        func ordered(_ time: Timestamp, _ uses: [CreditUse]) -> [OrderedUse] {
            let order = MeterUse(
                position: position, time: time, order: record.identityOrder, value: .zero, key: 0,
                removes: false, dimensions: [], isConsume: false)
            return period.contains(time) ? uses.map { (order, $0) } : []
        }
        let outcome = try record.outcome()
        if let newest, newest.by.isEmpty, newest.from == position {
            // What was decided stays.
            guard isEvent else { return [] }
            return ordered(
                time, facts.uses(of: record, outcome, at: position, time: time))
        }
        // What it gave back was given when it was recorded, and can be taken from then on.
        let recorded = Timestamp(nanoseconds: recordedAt)
        let drew = ordered(
            time, facts.withdrawn(record, outcome, at: position, recordedAt: recorded))
        guard isEvent, let newest else { return drew }
        guard !newest.by.isEmpty else {
            return drew + ordered(time, facts.costs(of: record, at: position, time: time))
        }
        var text = ByteBuffer(capacity: bytes.byteCount + 256)
        try texts.text(of: position, by: newest.by).append(bytes, to: &text)
        let amended = try RecordView(record: text.bytes)
        let now = Timestamp(nanoseconds: amended.time ?? recordedAt)
        return drew + ordered(now, facts.costs(of: amended, at: position, time: now))
    }

    /// What the events of a period drew, in billing order, and what was compensated of it before.
    private func creditUses(
        _ facts: ReconciliationFacts, _ billing: BillingFacts, in period: Period
    ) throws(Refusal) -> ([CreditUse], [Reconciliation]) {
        var uses: [OrderedUse] = []
        var earlier: [Reconciliation] = []
        let source = LoggedEntries(engine: self, account: billing.account)
        let texts = CorrectionTexts { try source.withEntry(at: $0, $1) }
        try source.forEach(from: 0, before: facts.position) { position, bytes, recordedAt in
            let record = try RecordView(record: bytes)
            if record.kind == .reconcile {
                let order = try ReconcileOrder.read(record)
                if order.period == period { earlier.append(order.reconciliation) }
            }
            uses += try creditUses(
                facts, bytes, at: position, recordedAt: recordedAt, in: period, texts)
        }
        uses.sort { MeterUse.precedes($0.use, $1.use) }
        return (uses.map(\.credits), earlier)
    }
}

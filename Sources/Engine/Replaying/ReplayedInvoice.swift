import Billing
import Bytes
import Codec
import Money
import Projections
import SegmentedLog

/// An invoice that is to be made again.
struct ReplayedInvoice: Sendable {
    let account: UInt32
    let name: String
    let period: Period
    /// Whether counts of a month can give it.
    let isCounted: Bool
    /// Of one that stands: entries before this position are on it.
    var through: Position?
    /// The entry that holds it.
    var position: Position?
}

extension Books {
    /// The invoices of some accounts: those that stand, and of a named period also those that do not.
    func invoicesToReplay(
        _ accounts: [UInt32], period name: String?, at now: Timestamp
    ) -> [ReplayedInvoice] {
        var work: [ReplayedInvoice] = []
        for account in accounts {
            let finalised = invoices.account(account).finalised.filter {
                name == nil || $0.name == name
            }
            for invoice in finalised {
                work.append(
                    ReplayedInvoice(
                        account: account, name: invoice.name, period: invoice.period,
                        isCounted: isMonth(invoice.period), through: invoice.through,
                        position: invoice.position))
            }
            guard let name, finalised.isEmpty,
                let period = contract(of: account).billingPeriod(named: name),
                !period.spans.isEmpty
            else { continue }
            work.append(
                ReplayedInvoice(
                    account: account, name: period.name, period: period.period,
                    isCounted: period.isCounted))
        }
        return work
    }

    private func isMonth(_ period: Period) -> Bool {
        period == .calendarMonth(containing: period.start)
    }

    /// Usage that was added up from entries, for a billing period; nil if sums do not give its bill.
    func countedUsage(
        _ facts: BillingFacts, in period: BillingPeriod, _ cells: UsageCells?, withLate: Bool
    ) -> [String: Fraction]? {
        // The sums are of entries as they were written.
        guard let cells, facts.retirements.orders.isEmpty, facts.corrections.isEmpty else {
            return nil
        }
        let month = Int(
            Month(containing: period.period.start.nanoseconds).index
                - cells.shape.months.lowerBound.index)
        guard month >= 0, month < cells.shape.monthCount, let account = account(facts.account)
        else { return nil }
        return countedUsage(facts, in: period) { meter, aggregation in
            let place = cells.shape.place(
                account: Int(account), month: month, meter: Int(meter))
            return cells.quantity(at: place, aggregation, withLate: withLate)
        }
    }
}

/// What a bill made again is, beside what stands.
struct ReplayRow: Sendable {
    let account: String
    let name: String
    let currency: Currency?
    /// Whether an invoice stands.
    let isFinal: Bool
    /// What stands, what the same entries give, and what all entries give, in minor units.
    private(set) var issued: Int128?
    private(set) var again: Int128?
    let now: Int128
    /// Lines that are not what stands, or that late entries change.
    private(set) var lines: [Line] = []
    /// Entries that came later and belong to the period.
    var causes = LateEntries()

    /// A line in three bills.
    struct Line: Sendable {
        let id: String
        var issued: Int128?
        var again: Int128?
        var now: Int128?
    }

    /// Whether the entries give what stands.
    var isSame: Bool { lines.allSatisfy { $0.issued == $0.again } }
    /// Whether entries came later that change the bill.
    var isLate: Bool { lines.contains { $0.again != $0.now } }

    /// A bill of which no invoice stands.
    init(account: String, _ invoice: ReplayedInvoice, now: Invoice) {
        self.account = account
        name = invoice.name
        currency = now.currency
        isFinal = false
        self.now = now.total?.minorUnits ?? 0
    }

    /// - Parameter document: the invoice as it stands.
    init(
        account: String, _ invoice: ReplayedInvoice, now: Invoice, again: Invoice, document: Value
    ) {
        self.account = account
        name = invoice.name
        currency = again.currency ?? now.currency
        isFinal = true
        self.now = now.total?.minorUnits ?? 0
        self.again = again.total?.minorUnits ?? 0
        var lines: [Line] = []
        func set(_ id: String, _ amount: Int128, _ part: WritableKeyPath<Line, Int128?>) {
            let place = lines.firstIndex { $0.id == id } ?? lines.count
            if place == lines.count { lines.append(Line(id: id)) }
            lines[place][keyPath: part] = amount
        }
        if case .array(let list)? = document["lines"] {
            for line in list where !Self.isForeign(line) {
                guard let id = line["id"]?.text, let amount = Self.minor(line["amount"], currency)
                else { continue }
                set(id, amount, \.issued)
            }
        }
        // Tax is on corrections too: what stands is compared where there are none.
        issued = lines.reduce(0) { $0 + ($1.issued ?? 0) }
        for line in again.lines { set(line.id, line.amount.minorUnits, \.again) }
        for line in now.lines { set(line.id, line.amount.minorUnits, \.now) }
        self.lines = lines.filter { $0.issued != $0.again || $0.again != $0.now }
    }

    /// Lines from outside the period.
    private static func isForeign(_ line: Value) -> Bool {
        switch line["kind"]?.text {
        case "correction", "credit_note", "carried": true
        case "tax": line["id"]?.text?.hasPrefix("correction/") ?? false
        default: false
        }
    }

    private static func minor(_ value: Value?, _ currency: Currency?) -> Int128? {
        guard let text = value?.text, let number = DecimalNumber(text), let currency,
            let quantity = Quantity(number)
        else { return nil }
        return Fraction(quantity).rounded(to: currency)?.minorUnits
    }
}

/// Entries behind an invoice that belong to its period: what explains a difference.
struct LateEntries: Sendable {
    /// How many there are.
    var count = 0
    /// The first of them.
    var positions: [Position] = []

    /// How many are named.
    static let namedMax = 100

    /// Adds catalogs that were published later and meter the period otherwise.
    mutating func add(_ catalogs: [Position]) {
        count += catalogs.count
        positions += catalogs.prefix(max(0, Self.namedMax - positions.count))
    }

    /// Finds them among an account's entries, and among those about batches that the account has events in.
    static func find(
        _ source: some AccountEntrySource, _ facts: BillingFacts, from start: Position,
        in period: Period
    ) throws(Refusal) -> LateEntries {
        var late = LateEntries()
        var batches = facts.corrections.ends(from: start, before: period.end)[...]
        func add(_ position: Position) {
            late.count += 1
            if late.positions.count < namedMax { late.positions.append(position) }
        }
        func addBatches(before position: Position) {
            while let next = batches.first, next < position { add(batches.removeFirst()) }
        }
        try source.forEach(from: start, before: facts.position) { position, bytes, recordedAt in
            let record = try RecordView(record: bytes)
            switch record.kind {
            case .event, .consume, .settle:
                guard let time = record.ownTime(recordedAt: recordedAt),
                    period.contains(Timestamp(nanoseconds: time)),
                    facts.corrections.current(of: record, at: position) != .nothing
                else { return }
            case .correct:
                guard try CorrectOrder.read(record).times.contains(where: { period.contains($0) })
                else { return }
            case .subscribe, .cancel, .pause, .resume, .subscription, .grant:
                guard let time = record.ownTime(recordedAt: recordedAt),
                    Timestamp(nanoseconds: time) < period.end
                else { return }
            default: return
            }
            addBatches(before: position)
            add(position)
        }
        addBatches(before: .max)
        return late
    }
}

import Billing
import Bytes
import Codec
import Money
import Projections
import SegmentedLog

/// The bills of one account, from the facts of the books and the account's entries.
///
///     invoice(period, limit)  what the entries before `limit` make of a period
///     draft(period)           invoice(period, now) + what finalised periods owe by late entries
///                             + credit notes + what the last invoice carried over,
///                             paid from the account's wallet as far as that goes
struct AccountBilling<Source: AccountEntrySource> {
    let facts: BillingFacts
    let source: Source
    /// The asking time: what was promised is missed only when a period is over.
    let at: Timestamp
    /// What happened after it is left out; nil: nothing is.
    var cut: Timestamp?
    /// The account's prepaid money; nil: as the facts have it.
    var wallets: [Invoices.Wallet]?

    /// The draft of a period: what finalising it now would give.
    /// - Parameter counted: usage that the counters know; nil: the entries are read.
    func draft(
        _ period: BillingPeriod, counted: [String: Fraction]?
    ) throws(Refusal) -> Invoice {
        var invoice = try unpaid(period, counted: counted)
        let wallets = wallets ?? facts.state.wallets
        if let wallet = wallets.first(where: { $0.currency == invoice.currency }) {
            invoice.pay(from: Amount(minorUnits: wallet.left, currency: wallet.currency))
        }
        return invoice
    }

    private func unpaid(
        _ period: BillingPeriod, counted: [String: Fraction]?
    ) throws(Refusal) -> Invoice {
        let late = try latePeriods()
        if late.isEmpty, let counted {
            return InvoiceBuilder.invoice(
                billedFacts(period, counted: counted, before: facts.position),
                foreign: balances())
        }
        let now = late.map { facts.contract.billingPeriod($0.period, named: $0.name) }
        let then = late.map { facts.contractBefore.billingPeriod($0.period, named: $0.name) }
        let uses = try uses(of: [period] + now + then)
        var foreign: [ForeignLine] = []
        var notes: [String] = []
        for (index, finalised) in late.enumerated() {
            let after = invoice(now[index], uses, before: facts.position)
            let before = invoice(then[index], uses, before: facts.state.through)
            let lines = corrections(of: finalised.name, from: before, to: after)
            if facts.late == .ignore, !lines.isEmpty {
                notes.append("late usage of \(finalised.name) is not charged (events.late: ignore)")
            } else {
                foreign += lines
            }
        }
        var invoice = InvoiceBuilder.invoice(
            billedFacts(period, uses, before: facts.position), foreign: foreign + balances())
        invoice.add(notes: notes)
        return invoice
    }

    private func invoice(
        _ period: BillingPeriod, _ uses: SpanUses, before end: Position
    ) -> Invoice {
        InvoiceBuilder.invoice(billedFacts(period, uses, before: end))
    }

    private func billedFacts(
        _ period: BillingPeriod, _ uses: SpanUses, before end: Position
    ) -> InvoiceFacts {
        var known: [UsageKey: MeteredUsage] = [:]
        return InvoiceFacts(
            period: period, isOver: period.period.end <= at, meter: facts.meter,
            usage: { price, _ in
                guard let key = UsageKey(price) else { return nil }
                if known[key] == nil {
                    known[key] = uses.metered(price, zone: period.zone, before: end)
                }
                return known[key].map { .metered($0) }
            }, purchases: purchases(in: period, before: end))
    }

    private func billedFacts(
        _ period: BillingPeriod, counted: [String: Fraction], before end: Position
    ) -> InvoiceFacts {
        InvoiceFacts(
            period: period, isOver: period.period.end <= at, meter: facts.meter,
            usage: { price, _ in price.meter.flatMap { counted[$0] }.map { .counted($0) } },
            purchases: purchases(in: period, before: end))
    }

    /// The bill of a period by itself, from counted usage where that is known: without corrections of others, credit
    /// notes, balances and the wallet.
    /// - Parameter end: entries from here on are left out.
    func bill(
        _ period: BillingPeriod, counted: [String: Fraction]?, before end: Position = .max
    ) throws(Refusal) -> Invoice {
        let end = min(end, facts.position)
        guard let counted else {
            return invoice(period, try uses(of: [period]), before: end)
        }
        return InvoiceBuilder.invoice(billedFacts(period, counted: counted, before: end))
    }

    private func purchases(in period: BillingPeriod, before end: Position) -> [Purchase] {
        facts.state.purchases.filter {
            $0.position < end && period.period.contains($0.time) && $0.time <= cut ?? .max
        }
    }

    /// All uses that bills of some periods read.
    private func uses(of periods: [BillingPeriod]) throws(Refusal) -> SpanUses {
        try uses(of: periods, for: periods.flatMap(\.spans).flatMap(\.plan.prices))
    }

    /// The uses in some periods that some prices read.
    func uses(of periods: [BillingPeriod], for prices: [Price]) throws(Refusal) -> SpanUses {
        var keys: [UsageKey] = []
        for price in prices {
            if let key = UsageKey(price), !keys.contains(key) { keys.append(key) }
        }
        let selection = facts.selection.only(keys)
        guard !selection.readers.isEmpty else { return SpanUses(facts.selection, AccountUses()) }
        let carries = selection.readers.contains { $0.meter.terms.carries }
        let start = periods.map(\.whole.start).min() ?? .min
        var end = periods.map(\.period.end).max() ?? .max
        if let cut { end = min(end, Timestamp(nanoseconds: cut.nanoseconds + 1)) }
        let span = Period(start: carries ? .min : min(start, end), end: end)
        return SpanUses(
            facts.selection,
            try AccountUses.read(source, facts, selection, in: span))
    }

    // MARK: From outside the period

    /// Finalised periods that entries behind the last invoice belong to.
    private func latePeriods() throws(Refusal) -> [Invoices.Finalised] {
        guard let last = facts.state.finalised.last else { return [] }
        // The books tell of entries behind the invoice's own; between its bill and it nobody looked.
        let end = facts.state.isLate ? facts.position : min(last.position, facts.position)
        var earliest = Timestamp.max
        try source.forEach(from: facts.state.through, before: end) { _, bytes, recordedAt in
            let record = try RecordView(record: bytes)
            switch record.kind {
            case .event:
                // What it topped up was bought when it was recorded.
                let time = min(record.time ?? recordedAt, recordedAt)
                earliest = min(earliest, Timestamp(nanoseconds: time))
            case .subscribe, .cancel, .grant:
                earliest = min(earliest, Timestamp(nanoseconds: record.time ?? recordedAt))
            case .consume, .settle, .hold:
                earliest = min(earliest, Timestamp(nanoseconds: recordedAt))
            case .correct: earliest = min(earliest, try CorrectOrder.read(record).earliest)
            default: break
            }
        }
        if facts.state.through < end,
            let first = facts.corrections.earliest(in: facts.state.through..<end)
        {
            earliest = min(earliest, first)
        }
        return facts.state.finalised.filter { earliest < $0.period.end }
            .sorted { $0.period.start < $1.period.start }
    }

    private func corrections(
        of name: String, from before: Invoice, to after: Invoice
    ) -> [ForeignLine] {
        var lines: [ForeignLine] = []
        func add(_ line: InvoiceLine, was: Int128, now: Int128) {
            guard was != now else { return }
            let currency = line.amount.currency
            let (old, new) = (
                Amount(minorUnits: was, currency: currency),
                Amount(minorUnits: now, currency: currency)
            )
            var made = InvoiceLine(
                id: "correction/\(name)/\(line.id)", kind: line.kind == .tax ? .tax : .correction,
                description: "Correction of \(name): \(line.description)",
                unrounded: Fraction(new) - Fraction(old), currency: currency, period: line.period)
            made?.basis = "\(new) instead of \(old)"
            if let made { lines.append(ForeignLine(made)) }
        }
        for line in after.lines {
            let old = before.lines.first {
                $0.id == line.id && $0.amount.currency == line.amount.currency
            }
            add(line, was: old?.amount.minorUnits ?? 0, now: line.amount.minorUnits)
        }
        for line in before.lines {
            let stays = after.lines.contains {
                $0.id == line.id && $0.amount.currency == line.amount.currency
            }
            if !stays { add(line, was: line.amount.minorUnits, now: 0) }
        }
        return lines
    }

    /// Credit notes that are to be settled, and what the last invoice left below zero.
    private func balances() -> [ForeignLine] {
        var lines: [ForeignLine] = []
        let whole = Period(start: at, end: at)
        for note in facts.state.openNotes {
            guard let amount = note.balance.amount else { continue }
            let line = InvoiceLine(
                id: "credit_note/\(note.number)", kind: .creditNote,
                description: "Credit note \(note.number) for \(note.invoice)",
                unrounded: Fraction(amount), currency: amount.currency, period: whole)
            if let line { lines.append(ForeignLine(line)) }
        }
        if let amount = facts.state.carried?.amount {
            let line = InvoiceLine(
                id: "carried", kind: .carried, description: "Balance of the last invoice",
                unrounded: Fraction(amount), currency: amount.currency, period: whole)
            if let line { lines.append(ForeignLine(line)) }
        }
        return lines
    }
}

/// Uses sorted into meters, as prices read them.
struct SpanUses {
    private let selection: MeterSelection
    private let uses: AccountUses

    init(_ selection: MeterSelection, _ uses: AccountUses) {
        self.selection = selection
        self.uses = uses
    }

    /// The uses that a price reads, in billing order, recorded before a position.
    func sorted(_ price: Price, before end: Position = .max) -> [AccountUses.Use] {
        guard let key = UsageKey(price) else { return [] }
        return (uses.byKey[key] ?? []).filter { $0.counts(before: end) }
    }

    /// The usage that a price reads; nil for a fee, or where its meter is not known.
    func metered(
        _ price: Price, zone: TimeZoneTable, before end: Position = .max
    ) -> MeteredUsage? {
        guard let key = UsageKey(price),
            let reader = selection.readers.first(where: { $0.key == key })
        else { return nil }
        return MeteredUsage(
            meter: reader.meter, uses: sorted(price, before: end).map(\.use), zone: zone)
    }
}

extension MeterSelection {
    /// The readers of some keys.
    func only(_ keys: [UsageKey]) -> MeterSelection {
        keeping { keys.contains($0) }
    }
}

extension Invoices.Balance {
    /// The balance as an amount.
    var amount: Amount? {
        Currency(code: currency).map { Amount(minorUnits: minorUnits, currency: $0) }
    }
}

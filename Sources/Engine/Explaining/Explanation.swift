import Billing
import Bytes
import Codec
import Money
import Platform
import Projections
import SegmentedLog

/// The events behind one line of an invoice, in billing order, each with its marginal price.
///
/// The price of an event is what the line's amount grows by when the event is added to those before it.
/// So: opening + prices = the amount to twelve decimals, and the line's one rounding is left over as the
/// residue. `opening` is what is due without any event: flat amounts, and levels carried over.
package struct Explanation {
    let engine: Engine
    let account: String
    /// The billing period's name; nil: that of `at`.
    let period: String?
    let line: String
    let at: Timestamp
    /// Of the past; nil: of everything known now.
    var point: ReadingPoint?

    /// Which rows are asked for.
    package struct Page: Sendable {
        let from: Int
        let limit: Int
        /// The position that the first page was made at, as it said; nil: this is the first page.
        let cursor: Position?

        init(_ arguments: Arguments) throws(Refusal) {
            // Far below the end of all integers, so that sums of both stay numbers.
            from = try arguments.count("from", or: 0, max: 1 << 48)
            limit = try arguments.count(
                "limit", or: EngineLimits.explainRows, min: 1, max: EngineLimits.explainRowsMax)
            cursor =
                arguments["cursor"] == nil
                ? nil : Position(try arguments.count("cursor", or: 0, max: Int.max))
        }
    }

    /// Writes rows, and the line's sums.
    func write(_ page: Page, to json: inout JSONWriter) throws(Refusal) {
        if let kept = kept(page) { return write(kept, page, to: &json) }
        let place = try place(page)
        let name = name(place)
        if let kept = engine.explanations.withLock({ $0.line(name, at: Self.now) }) {
            return write(kept, page, to: &json)
        }
        guard let made = try make(place) else {
            // Only lines with events have a next page.
            guard page.cursor == nil else {
                throw Refusal(
                    code: "unknown_line", field: "line",
                    message: "at position \(place.facts.position) the invoice "
                        + "\(account)/\(place.found.name) has no line of usage \"\(line)\"")
            }
            return try writeForeign(place, to: &json)
        }
        if made.count > page.limit {
            engine.explanations.withLock { $0.keep(made, at: Self.now) }
        }
        write(made, page, to: &json)
    }

    private static var now: Int64 { MonotonicClock.nanoseconds() }

    /// What was made for an earlier page, which names its period and its position.
    private func kept(_ page: Page) -> ExplainedLine? {
        guard let cursor = page.cursor, let period else { return nil }
        let name = ExplainedLine.Name(
            account: account, period: period, line: line, position: cursor, cut: point?.cut)
        return engine.explanations.withLock { $0.line(name, at: Self.now) }
    }

    // MARK: From what

    /// The period, and what is known of it.
    private struct Place {
        let facts: BillingFacts
        let found: BillingPeriod
        /// nil: the invoice is a draft.
        let finalised: Invoices.Finalised?
    }

    private func name(_ place: Place) -> ExplainedLine.Name {
        ExplainedLine.Name(
            account: account, period: place.found.name, line: line,
            position: place.facts.position, cut: point?.cut)
    }

    private func place(_ page: Page) throws(Refusal) -> Place {
        let asOf = page.cursor ?? point?.position
        if let cursor = page.cursor, cursor > engine.durablePosition {
            throw Refusal(
                code: "unknown_position", field: "cursor",
                message: "cursor: the log ends before position \(cursor); no page of it was given")
        }
        let (facts, found, _) = try engine.billingFacts(
            account: account, period: period, at: at, asOf: asOf)
        guard let finalised = facts.state.finalised(found.name) else {
            return Place(facts: facts, found: found, finalised: nil)
        }
        let then = try engine.facts(of: finalised, account, asOf: asOf)
        return Place(
            facts: then,
            found: then.contract.billingPeriod(finalised.period, named: found.name),
            finalised: finalised)
    }

    /// The line with its events; nil for one that is not of usage.
    private func make(_ place: Place) throws(Refusal) -> ExplainedLine? {
        let draws = NotedDraws(LoggedEntries(engine: engine, account: account))
        let billing = AccountBilling(facts: place.facts, source: draws, at: at, cut: point?.cut)
        guard let (line, uses) = try billing.usageLine(self.line, of: place.found),
            let course = PriceCourse(line: line, period: place.found, meter: place.facts.meter)
        else { return nil }
        let units = draws.isEmpty ? nil : creditUnits(line.price?.meter)
        return try ExplainedLine(
            name(place), line, course, uses, invoiced: try invoiced(place),
            creditUnit: units?.mine,
            draws: units.map { units in draws.sums { units.state.unit(ofGrant: $0) == units.mine } }
                ?? [:])
    }

    /// The unit that a meter burns, and the account's grants.
    private func creditUnits(_ meter: String?) -> (mine: String, state: CreditAccount) {
        engine.durable.withLock(waking: []) { durable in
            let catalog = durable.books.registry.catalog
            let burn = meter.flatMap { catalog?.burn(of: $0)?.credit.unit }
            let number = durable.books.account(account)
            return (
                burn ?? catalog?.credits.first?.unit ?? "",
                number.map { durable.books.credits.account($0) } ?? CreditAccount()
            )
        }
    }

    /// What the finalised invoice says of the line; nil: there is none.
    private func invoiced(_ place: Place) throws(Refusal) -> String? {
        guard let finalised = place.finalised else { return nil }
        let lines = try engine.document(at: finalised.position) { record -> Value? in
            guard let data = record.data else { return nil }
            return try ValueCoder.value(data)["lines"]
        }
        guard case .array(let list)? = lines else { return nil }
        return list.first { $0["id"]?.text == line }?["amount"]?.text
    }

    // MARK: Writing

    private func write(_ made: ExplainedLine, _ page: Page, to json: inout JSONWriter) {
        let line = made.line
        let next = page.from + page.limit
        json.member("invoice", "\(account)/\(made.name.period)")
        json.member("account", account)
        json.member("line", line.id)
        json.member("kind", line.kind.rawValue)
        json.member("description", line.description)
        json.member("currency", line.amount.currency.code)
        if let unit = made.creditUnit { json.member("credit_unit", unit) }
        json.key("events")
        json.beginArray()
        for index in min(page.from, made.count)..<min(next, made.count) {
            write(made[index], made.creditUnit != nil, to: &json)
        }
        json.endArray()
        json.member("event_count", UInt64(made.count))
        json.member("quantity", line.quantity?.description)
        json.member("opening", Quantity(units: made.openingUnits).unrounded)
        json.member("unrounded", Quantity(units: made.totalUnits).unrounded)
        json.member("total", line.amount.description)
        if let invoiced = made.invoiced { json.member("invoiced", invoiced) }
        json.member("residue", Quantity(units: made.residueUnits).unrounded)
        json.member("basis", line.basis)
        let hasMore = next < made.count
        json.member("next", hasMore ? UInt64(next) : nil)
        json.member("cursor", hasMore ? made.name.position : nil)
        json.member("position", made.name.position)
        // Who has seen the end mostly does not come back.
        if !hasMore { engine.explanations.withLock { $0.drop(made.name) } }
    }

    private func write(_ row: ExplainedLine.Row, _ hasCredits: Bool, to json: inout JSONWriter) {
        json.beginObject()
        json.member("position", row.position)
        json.member("time", row.time.description)
        json.member("id", row.id)
        json.member("quantity", Quantity(units: row.quantity).description)
        if let tiers = row.tiers {
            if tiers.before != tiers.after { json.member("tier_from", UInt64(tiers.before)) }
            json.member("tier", UInt64(tiers.after))
        }
        json.member("amount", Quantity(units: row.amount).unrounded)
        if hasCredits { json.member("credits", Quantity(units: row.credits).description) }
        json.member("running_total", Quantity(units: row.runningTotal).unrounded)
        json.endObject()
    }

    /// A line without events of its own: it follows from others, or came from outside the period.
    private func writeForeign(_ place: Place, to json: inout JSONWriter) throws(Refusal) {
        let (found, facts) = (place.found, place.facts)
        let invoice: BilledInvoice
        if let point {
            invoice = try engine.invoice(account: account, period: found.name, point)
        } else {
            invoice = try engine.invoice(account: account, period: found.name, at: at)
        }
        var lines: [Value] = []
        if case .array(let list)? = invoice["lines"] { lines = list }
        guard let foreign = lines.first(where: { $0["id"]?.text == line }) else {
            let known = lines.compactMap { $0["id"]?.text }.joined(separator: ", ")
            throw Refusal(
                code: "unknown_line", field: "line",
                message: "the invoice \(account)/\(found.name) has no line \"\(line)\"; "
                    + (known.isEmpty ? "it has no lines" : "it has: \(known)"))
        }
        let unrounded = foreign["unrounded"]?.text
        let residue = foreign["amount"]?.text.flatMap { Quantity($0) }.flatMap { amount in
            unrounded.flatMap { Quantity($0) }.flatMap { amount.subtracting($0) }
        }
        json.member("invoice", "\(account)/\(found.name)")
        json.member("account", account)
        json.member("line", line)
        json.member("kind", foreign["kind"]?.text)
        json.member("description", foreign["description"]?.text)
        json.member("currency", invoice["currency"]?.text)
        json.key("events")
        json.beginArray()
        json.endArray()
        json.member("event_count", UInt64(0))
        json.member("quantity", foreign["quantity"]?.text)
        json.member("opening", unrounded)
        json.member("unrounded", unrounded)
        json.member("total", foreign["amount"]?.text)
        json.member("residue", (residue ?? .zero).unrounded)
        json.member("basis", foreign["basis"]?.text)
        json.member("next", Optional<UInt64>.none)
        json.member("cursor", Optional<UInt64>.none)
        json.member("position", facts.position)
    }
}

/// An account's entries in the log, and what each of them drew.
private final class NotedDraws: AccountEntrySource {
    private let source: LoggedEntries
    private var draws: [Position: [Draw]] = [:]

    init(_ source: LoggedEntries) { self.source = source }

    var isEmpty: Bool { draws.isEmpty }

    func forEach(
        from start: Position, before end: Position,
        _ body: (Position, RawSpan, Int64) throws -> Void
    ) throws(Refusal) {
        try source.forEach(from: start, before: end) { position, bytes, recordedAt in
            let record = try RecordView(record: bytes)
            if record.kind.isUsage {
                let outcome = try record.outcome()
                if !outcome.draws.isEmpty { draws[position] = outcome.draws }
            }
            try body(position, bytes, recordedAt)
        }
    }

    func withEntry(at position: Position, _ body: (RawSpan) throws -> Void) throws {
        try source.withEntry(at: position, body)
    }

    /// What each entry drew of some grants.
    func sums(_ isMeant: (UInt32) -> Bool) -> [Position: Int128] {
        draws.compactMapValues { list in
            let sum = list.reduce(Int128(0)) { isMeant($1.grant) ? $0 &+ $1.units : $0 }
            return sum == 0 ? nil : sum
        }
    }
}

extension CreditAccount {
    /// The unit of a grant; empty if there is none of that number.
    func unit(ofGrant ordinal: UInt32) -> String {
        Int(ordinal) < grants.count ? grants[Int(ordinal)].terms.unit : ""
    }
}

extension Engine {
    /// The facts that a finalised invoice was made from.
    /// - Parameter asOf: so many entries are known; nil: all durable ones.
    func facts(
        of finalised: Invoices.Finalised, _ account: String, asOf: Position?
    ) throws(Refusal) -> BillingFacts {
        let through = finalised.through
        let found = try withBooks(asOf: asOf) { books -> BillingFacts? in
            // A catalog that came later may measure otherwise: then only the books of that time say it.
            if let newest = books.registry.versions.last, newest.position >= through { return nil }
            return books.billingFacts(of: account, before: through)
        }
        if let found { return found }
        return try withBooks(asOf: through) { $0.billingFacts(of: account) }
    }
}

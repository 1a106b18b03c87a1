import Billing
import Codec
import Money
import Projections
import SegmentedLog

/// What would have been of one account.
struct SimulatedAccount: Sendable {
    let account: String
    /// By currency code, ascending.
    private(set) var sums: [Sum] = []
    private(set) var bills: [Bill] = []
    let tally: DecisionTally

    /// What its bills come to in one currency, in minor units.
    struct Sum: Sendable {
        let currency: Currency
        var before: Int128 = 0
        var after: Int128 = 0
        var delta: Int128 { after - before }
    }

    /// A billing period that has another bill.
    struct Bill: Sendable {
        let name: String
        let currency: Currency
        var before: Int128 = 0
        var after: Int128 = 0
        var lines: [Line] = []

        /// An amount in its currency.
        func text(_ minorUnits: Int128) -> String {
            Amount(minorUnits: minorUnits, currency: currency).description
        }
    }

    /// A line that is another one.
    struct Line: Sendable {
        let id: String
        var before: Int128 = 0
        var after: Int128 = 0
    }

    init(_ account: String, _ before: [Invoice], _ after: [Invoice], _ tally: DecisionTally?) {
        self.account = account
        self.tally = tally ?? DecisionTally()
        for invoice in before {
            add(invoice, sum: { $0.before += $1 }, line: { $0.before += $1 }) { $0.before += $1 }
        }
        for invoice in after {
            add(invoice, sum: { $0.after += $1 }, line: { $0.after += $1 }) { $0.after += $1 }
        }
        for index in bills.indices { bills[index].lines.removeAll { $0.before == $0.after } }
        bills.removeAll { $0.lines.isEmpty }
        sums.sort { $0.currency.code < $1.currency.code }
    }

    private mutating func add(
        _ invoice: Invoice, sum: (inout Sum, Int128) -> Void, line: (inout Line, Int128) -> Void,
        bill: (inout Bill, Int128) -> Void
    ) {
        guard let currency = invoice.currency else { return }
        let total = invoice.total?.minorUnits ?? 0
        let place = sums.firstIndex { $0.currency == currency } ?? sums.count
        if place == sums.count { sums.append(Sum(currency: currency)) }
        sum(&sums[place], total)
        let name = invoice.period.name
        let mine = bills.firstIndex { $0.name == name && $0.currency == currency } ?? bills.count
        if mine == bills.count { bills.append(Bill(name: name, currency: currency)) }
        bill(&bills[mine], total)
        for made in invoice.lines {
            let at = bills[mine].lines.firstIndex { $0.id == made.id } ?? bills[mine].lines.count
            if at == bills[mine].lines.count { bills[mine].lines.append(Line(id: made.id)) }
            line(&bills[mine].lines[at], made.amount.minorUnits)
        }
    }

    /// Whether anything is other than it was.
    var isChanged: Bool {
        !bills.isEmpty || tally.newlyDenied + tally.newlyAllowed > 0
            || (tally.ranOutBefore == nil) != (tally.ranOutAfter == nil)
    }

    /// How much it is about, for the order of the answer.
    var weight: (Int128, Int) {
        (
            sums.map { $0.delta.magnitude }.max().map { Int128(clamping: $0) } ?? 0,
            tally.newlyDenied + tally.newlyAllowed
        )
    }
}

/// All of it, in sums and by account.
struct SimulationReport: Sendable {
    let position: Position
    private let scenario: Scenario
    private let window: BillWindow
    private let readsEntries: Bool
    private let rows: [SimulatedAccount]
    private let refusals: [String: Int]
    private let decided: UInt64

    init(
        _ scenario: Scenario, _ parts: [SimulationPart.Result], position: Position,
        window: BillWindow, readsEntries: Bool
    ) {
        self.position = position
        self.scenario = scenario
        self.window = window
        self.readsEntries = readsEntries
        decided = parts.reduce(0) { $0 + $1.decided }
        refusals = parts.map(\.refusals).reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
        rows = parts.flatMap(\.rows).sorted { left, right in
            left.weight == right.weight ? left.account < right.account : left.weight > right.weight
        }
    }

    func write(to json: inout JSONWriter) {
        json.member("from", scenario.from?.description)
        json.member("to", window.to.description)
        json.member("entries_decided", decided)
        json.member("entries_read", readsEntries)
        json.member("accounts_looked_at", UInt64(rows.count))
        let changed = rows.filter(\.isChanged)
        json.member("accounts_changed", UInt64(changed.count))
        writeRevenue(to: &json)
        writeDecisions(to: &json)
        writePeriods(changed, to: &json)
        json.key("accounts")
        json.beginArray()
        for row in changed.prefix(scenario.limit) { write(row, to: &json) }
        json.endArray()
        json.key("refused")
        json.beginObject()
        for word in refusals.keys.sorted() { json.member(word, UInt64(refusals[word] ?? 0)) }
        json.endObject()
        json.member("position", position)
    }

    private func writeRevenue(to json: inout JSONWriter) {
        var sums: [SimulatedAccount.Sum] = []
        var counts: [(more: UInt64, less: UInt64)] = []
        for sum in rows.flatMap(\.sums) {
            let place = sums.firstIndex { $0.currency == sum.currency } ?? sums.count
            if place == sums.count {
                sums.append(.init(currency: sum.currency))
                counts.append((0, 0))
            }
            sums[place].before += sum.before
            sums[place].after += sum.after
            if sum.delta > 0 { counts[place].more += 1 }
            if sum.delta < 0 { counts[place].less += 1 }
        }
        json.key("revenue")
        json.beginArray()
        for (sum, count) in zip(sums, counts) {
            json.beginObject()
            write(sum, to: &json)
            json.member("accounts_paying_more", count.more)
            json.member("accounts_paying_less", count.less)
            json.endObject()
        }
        json.endArray()
    }

    private func writeDecisions(to json: inout JSONWriter) {
        func sum(_ part: (DecisionTally) -> Int) -> UInt64 {
            UInt64(rows.reduce(0) { $0 + part($1.tally) })
        }
        json.key("decisions")
        json.beginObject()
        json.member("made", sum(\.made))
        json.member("denied_before", sum(\.deniedBefore))
        json.member("denied_after", sum(\.deniedAfter))
        json.member("newly_denied", sum(\.newlyDenied))
        json.member("newly_allowed", sum(\.newlyAllowed))
        json.member("accounts_out_of_credits_before", sum { $0.ranOutBefore == nil ? 0 : 1 })
        json.member("accounts_out_of_credits_after", sum { $0.ranOutAfter == nil ? 0 : 1 })
        json.endObject()
    }

    /// What changes by billing period.
    private func writePeriods(_ changed: [SimulatedAccount], to json: inout JSONWriter) {
        var periods: [String: SimulatedAccount.Sum] = [:]
        for bill in changed.flatMap(\.bills) {
            let key = "\(bill.name) \(bill.currency.code)"
            periods[key, default: .init(currency: bill.currency)].before += bill.before
            periods[key, default: .init(currency: bill.currency)].after += bill.after
        }
        json.key("periods")
        json.beginArray()
        for key in periods.keys.sorted() {
            guard let sum = periods[key] else { continue }
            json.beginObject()
            json.member("period", String(key.prefix { $0 != " " }))
            write(sum, to: &json)
            json.endObject()
        }
        json.endArray()
    }

    private func write(_ sum: SimulatedAccount.Sum, to json: inout JSONWriter) {
        json.member("currency", sum.currency.code)
        amounts(sum.before, sum.after, sum.currency, to: &json)
    }

    private func amounts(
        _ before: Int128, _ after: Int128, _ currency: Currency, to json: inout JSONWriter
    ) {
        json.member("before", Amount(minorUnits: before, currency: currency).description)
        json.member("after", Amount(minorUnits: after, currency: currency).description)
        json.member("delta", Amount(minorUnits: after - before, currency: currency).description)
    }

    private func write(_ row: SimulatedAccount, to json: inout JSONWriter) {
        json.beginObject()
        json.member("account", row.account)
        json.key("sums")
        json.beginArray()
        for sum in row.sums {
            json.beginObject()
            write(sum, to: &json)
            json.endObject()
        }
        json.endArray()
        json.key("bills")
        json.beginArray()
        for bill in row.bills { write(bill, to: &json) }
        json.endArray()
        json.member("newly_denied", UInt64(row.tally.newlyDenied))
        json.member("newly_allowed", UInt64(row.tally.newlyAllowed))
        json.key("decisions")
        json.beginArray()
        for change in row.tally.changes { write(change, to: &json) }
        json.endArray()
        json.member("out_of_credits_before", row.tally.ranOutBefore.map(Self.text))
        json.member("out_of_credits_after", row.tally.ranOutAfter.map(Self.text))
        json.endObject()
    }

    private static func text(_ nanoseconds: Int64) -> String {
        Timestamp(nanoseconds: nanoseconds).description
    }

    private func write(_ bill: SimulatedAccount.Bill, to json: inout JSONWriter) {
        json.beginObject()
        json.member("period", bill.name)
        json.member("currency", bill.currency.code)
        amounts(bill.before, bill.after, bill.currency, to: &json)
        json.key("lines")
        json.beginArray()
        for line in bill.lines {
            json.beginObject()
            json.member("line", line.id)
            amounts(line.before, line.after, bill.currency, to: &json)
            json.endObject()
        }
        json.endArray()
        json.endObject()
    }

    private func write(_ change: DecisionTally.Change, to json: inout JSONWriter) {
        json.beginObject()
        json.member("position", change.position)
        json.member("at", Self.text(change.recordedAt))
        json.member("feature", change.feature)
        json.member("quantity", change.quantity.description)
        json.member("allowed", change.after.allowed)
        json.member("reason_before", change.before.reason.name)
        json.member("reason_after", change.after.reason.name)
        json.endObject()
    }
}

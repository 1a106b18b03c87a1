import Billing
import Money
import Projections
import SegmentedLog

/// Which bills are wanted.
struct BillWindow: Sendable {
    /// Only the period with this name; nil: all in the window.
    var period: String?
    /// Periods that end before are left out; nil: none is.
    var from: Timestamp?
    /// Periods that begin behind it are left out; it is also the asking time.
    var to: Timestamp

    /// Billing periods of one account at most.
    static let periodsMax = 600

    /// The billing periods of an account that have usage, or in which it was subscribed.
    func periods(
        _ contract: Contract, usedIn months: ClosedRange<Month>?
    ) -> [BillingPeriod] {
        if let period {
            guard let found = contract.billingPeriod(named: period) else { return [] }
            return found.spans.isEmpty ? [] : [found]
        }
        var start = months.map { Period(monthIndex: Int($0.lowerBound.index)).start }
        var end = months.map { Period(monthIndex: Int($0.upperBound.index)).end }
        if let first = contract.stretches.first(where: { $0.plan != nil && $0.start > .min }) {
            start = min(start ?? first.start, first.start)
            end = max(end ?? to, to)
        }
        guard var next = start, let end else { return [] }
        if let from { next = max(next, from) }
        var periods: [BillingPeriod] = []
        while next < end, next <= to, periods.count < Self.periodsMax {
            let period = contract.billingPeriod(at: next)
            if !period.spans.isEmpty { periods.append(period) }
            guard period.period.end > next else { break }
            next = period.period.end
        }
        return periods
    }
}

/// The bills of one account in a window, each from nothing but its own period: without corrections of others,
/// credit notes or balances.
struct AccountBills {
    /// In the order of their periods.
    private(set) var invoices: [Invoice] = []

    /// Makes the bills.
    /// - Parameter source: the account's entries, for what counters do not know.
    init(
        of account: String, _ books: borrowing Books, _ source: some AccountEntrySource,
        _ window: BillWindow
    ) throws(Refusal) {
        guard let number = books.account(account) else { return }
        let facts = books.billingFacts(of: account)
        let billing = AccountBilling(facts: facts, source: source, at: window.to)
        for period in window.periods(facts.contract, usedIn: books.monthsUsed(by: number)) {
            invoices.append(
                try billing.bill(period, counted: books.countedUsage(facts, in: period)))
        }
    }
}

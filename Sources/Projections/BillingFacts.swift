package import Billing
package import Money
package import SegmentedLog

/// What bills of one account are made from, but for the entries themselves: taken from the books at
/// one position, and then read without them.
package struct BillingFacts: Sendable {
    /// The account.
    package let account: String
    /// The position of the books.
    package let position: Position
    /// What it has bought.
    package let contract: Contract
    /// What it had bought as far as the last finalised invoice knew.
    package let contractBefore: Contract
    /// What was finalised.
    package let state: Invoices.Account
    /// Number of the next document.
    package let nextNumber: UInt64
    /// What becomes of late usage.
    package let late: EventRules.Late
    /// Which of its entries have lost their bodies.
    package let retirements: Retirements
    /// Which of its entries count otherwise than as they were written.
    package let corrections: AccountCorrections
    /// All meters that the account's plans price, under their newest definitions.
    package let selection: MeterSelection

    /// The newest definition of a meter.
    package func meter(_ key: String) -> Meter? {
        selection.readers.first { $0.key.meter == key }?.meter
    }
}

extension Books {
    /// The facts for bills of an account.
    /// - Parameter end: for a bill as it was then: what was recorded from here on is left out.
    package func billingFacts(of name: String, before end: Position = .max) -> BillingFacts {
        let number = account(name)
        let contract = contract(of: number, before: end)
        let state = number.map { invoices.account($0) } ?? Invoices.Account()
        let contractBefore =
            state.finalised.isEmpty ? contract : self.contract(of: number, before: state.through)
        var keys: [UsageKey] = []
        for stretch in contract.stretches + contractBefore.stretches {
            for price in stretch.plan?.prices ?? [] {
                if let key = UsageKey(price), !keys.contains(key) { keys.append(key) }
            }
        }
        return BillingFacts(
            account: name, position: min(position, end), contract: contract,
            contractBefore: contractBefore, state: state, nextNumber: invoices.count + 1,
            late: registry.eventRules.late, retirements: retirements,
            corrections: corrections(of: number, before: end), selection: selection(keys))
    }

    /// The months between the first and the last that an account has usage in; nil: it has none.
    package func monthsUsed(by account: UInt32) -> ClosedRange<Month>? {
        var months: ClosedRange<Month>?
        counters.forEachCell(of: account) { cell in
            months =
                months.map {
                    min($0.lowerBound, cell.month)...max($0.upperBound, cell.month)
                } ?? cell.month...cell.month
        }
        return months
    }

    /// The usage that the counters know for a billing period; nil if they do not know enough of it.
    package func countedUsage(
        _ facts: BillingFacts, in period: BillingPeriod
    ) -> [String: Fraction]? {
        let month = Month(containing: period.period.start.nanoseconds)
        let account = account(facts.account)
        return countedUsage(facts, in: period) { meter, aggregation in
            account.map {
                counters.quantity(
                    account: $0, meter: meter, month: month,
                    isAverage: aggregation == .average)
            } ?? .zero
        }
    }

    /// The usage of a billing period by sums of a month; nil if these do not give its bill.
    /// - Parameter quantity: what was used of a meter in that month, before conversion.
    package func countedUsage(
        _ facts: BillingFacts, in period: BillingPeriod,
        _ quantity: (_ meter: UInt32, Aggregation) -> Fraction
    ) -> [String: Fraction]? {
        guard period.isCounted, let plan = period.spans.first?.plan else { return nil }
        var usage: [String: Fraction] = [:]
        for price in plan.prices {
            guard let key = price.meter, let number = registry.meter(key) else { continue }
            guard !PriceCharge.needsUses(price, registry.meters[Int(number)]) else { return nil }
            usage[key] = quantity(number, registry.meters[Int(number)].aggregation)
        }
        return usage
    }
}

import Billing
import Money

/// What usage costs as it happens: known where a plan is billed by calendar months and its prices follow from counters.
extension Books {
    /// What more usage of a meter adds to a bill by calendar months.
    /// - Returns: nil where the bill depends on more than the month's count.
    func addedPrice(
        of number: UInt32, _ account: UInt32?, _ plan: Plan, adding quantity: Quantity,
        at time: Timestamp
    ) -> Fraction? {
        guard plan.terms.cycle == .monthly else { return nil }
        let meter = registry.meters[Int(number)]
        let prices = plan.prices.filter { $0.meter == meter.key }
        guard !prices.isEmpty, prices.allSatisfy({ !PriceCharge.needsUses($0, meter) }) else {
            return nil
        }
        let before = Fraction(counted(of: number, account, at: time))
        let after = before + Fraction(quantity)
        return prices.reduce(Fraction.zero) { sum, price in
            sum + PriceCharge.total(price, meter, after) - PriceCharge.total(price, meter, before)
        }
    }

    /// Whether a request would take the cost of the month's usage beyond the plan's cap.
    ///
    /// Of distinct values, what one more of them costs is counted when the next one comes.
    /// - Parameters:
    ///   - state: the account's holds: what is held counts, of all meters.
    ///   - taking: usage of the meter that counts though it is in no meter yet.
    func passesSpendCap(
        of plan: Plan, _ asked: CompiledMeter, _ account: UInt32?, _ state: CreditAccount,
        taking: Quantity, adding quantity: Quantity, at time: Timestamp
    ) -> Bool {
        guard let cap = plan.terms.spendCap, quantity > .zero else { return false }
        var cost = Fraction.zero
        var added = Fraction.zero
        for price in plan.prices {
            guard let key = price.meter, let number = registry.meter(key) else { continue }
            let meter = registry.meters[Int(number)]
            // A price of an add-on may be one that is not known at once: it is not part of the cap.
            guard !PriceCharge.needsUses(price, meter) else { continue }
            var used = Fraction(counted(of: number, account, at: time))
            let held = state.heldQuantity(of: registry.features(countedBy: key))
            used = used + Fraction(held)
            if number == asked.number { used = used + Fraction(taking) }
            let before = PriceCharge.total(price, meter, used)
            cost = cost + before
            guard number == asked.number else { continue }
            let after =
                asked.isSummed ? used + Fraction(quantity) : max(used, Fraction(quantity))
            added = added + PriceCharge.total(price, meter, after) - before
        }
        return added > .zero && cost + added > Fraction(cap)
    }

    private func counted(of meter: UInt32, _ account: UInt32?, at time: Timestamp) -> Quantity {
        guard let account else { return .zero }
        let month = Month(containing: time.nanoseconds)
        return Quantity(
            units: counters.total(account: account, meter: meter, month: month).units)
    }
}

package import Billing
import Bytes
package import Codec
package import Money

/// The access decision: what is asked for, against what the books say at an instant.
extension Books {
    /// A decision, and the numbers that it was made from.
    struct Judged {
        var decision: OutcomeDecision
        var cover = Cover()
        var isOnlyUnit = true
        var evidence = Evidence()

        /// What the entry keeps of it.
        var outcome: Outcome {
            guard decision.allowed else { return Outcome(decision: decision) }
            var outcome = Outcome(decision: decision, draws: cover.draws)
            // Of several units, it says which.
            if isOnlyUnit {
                outcome.shortfallUnits = cover.shortfall.units
            } else if cover.shortfall > .zero {
                outcome.shortfalls = [.init(unit: cover.unit, units: cover.shortfall.units)]
            }
            outcome.grants = cover.grants
            return outcome
        }
    }

    func decideConsume(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        do throws(Refusal) {
            let (account, order) = try request(record)
            if let refusal = missingValue(record, order) { throw refusal }
            let time = Timestamp(nanoseconds: recordedAt)
            let judged = judge(
                account: account, feature: order.feature, quantity: order.quantity, at: time)
            return .entry(judged.outcome, judged.evidence)
        } catch {
            return .refused(error)
        }
    }

    private func request(
        _ record: borrowing RecordView
    ) throws(Refusal) -> (UInt32?, ConsumeOrder) {
        let order = try ConsumeOrder.read(record).get()
        guard let subject = record.subject else {
            throw .bad("account", "a \(record.kind.name) names the account it is for")
        }
        return (registry.accounts.number(of: subject), order)
    }

    private func missingValue(_ record: borrowing RecordView, _ order: ConsumeOrder) -> Refusal? {
        guard let key = registry.features[order.feature]?.meterKey,
            let number = registry.meter(key),
            case .unique = registry.consumeMeter(number).aggregation,
            consumption(of: record) == nil
        else { return nil }
        let property = registry.meters[Int(number)].valueProperty?.joined(separator: ".") ?? ""
        return .bad(
            "data.\(property)",
            "the meter \"\(key)\" counts distinct values of it, so a consume must give it")
    }

    // MARK: Holds

    func decideHold(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        do throws(Refusal) {
            let (account, order) = try request(record)
            let time = Timestamp(nanoseconds: recordedAt)
            let end = try HoldEnd.read(record, at: time)
            if let meter = meter(ofFeature: order.feature) {
                guard meter.aggregation == .count || meter.aggregation == .sum else {
                    throw .bad(
                        "feature",
                        "\(order.feature) is measured by \(meter.aggregation.rawValue); only what is counted or "
                            + "summed can be held")
                }
            }
            if let account, credits.account(account).holds.count >= CreditBalances.holdsMax {
                throw .bad(
                    "account", "has \(CreditBalances.holdsMax) open holds, the most there can be")
            }
            var judged = judge(
                account: account, feature: order.feature, quantity: order.quantity, at: time)
            // A hold never goes beyond the balance: what it reserves must be there.
            if judged.decision.allowed, judged.cover.shortfall > .zero {
                judged.decision = OutcomeDecision(allowed: false, reason: .creditInsufficient)
            }
            judged.evidence.holdExpires = judged.decision.allowed ? end : nil
            return .entry(judged.outcome, judged.evidence)
        } catch {
            return .refused(error)
        }
    }

    func decideSettle(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        guard let subject = record.subject, let account = registry.accounts.number(of: subject)
        else { return .refused(.bad("account", "the log has no entry of it")) }
        do throws(Refusal) {
            let order = try SettleOrder.read(record)
            let time = Timestamp(nanoseconds: recordedAt)
            var state = creditAccount(of: account, at: time)
            let hold = try openHold(record, state)
            let held = hold.draws.reduce(Int128(0)) { $0 + $1.units }
            let cost = max(
                meter(ofFeature: hold.feature)?.cost(units: order.quantity.units) ?? 0, 0)
            state.settle(hold, keeping: min(cost, held))
            let kept = hold.kept(of: min(cost, held))
            guard order.quantity > hold.quantity || cost > held else {
                // What was reserved may be used, whatever has changed since.
                var evidence = Evidence()
                evidence.credits = cost > 0 ? Quantity(units: cost) : nil
                return .entry(
                    Outcome(
                        decision: OutcomeDecision(allowed: true, reason: .allowed), draws: kept),
                    evidence)
            }
            var outcome = settleBeyond(
                hold, order.quantity, cost - min(cost, held), state, account, time)
            if outcome.decision?.allowed == true { outcome.draws = kept + outcome.draws }
            return .entry(outcome, Evidence())
        } catch {
            return .refused(error)
        }
    }

    /// A hold that is settled for more than it reserved: what is beyond it must be allowed like a request.
    private func settleBeyond(
        _ hold: CreditHold, _ quantity: Quantity, _ extraCost: Int128, _ state: CreditAccount,
        _ account: UInt32, _ time: Timestamp
    ) -> Outcome {
        let extra = max(quantity.subtracting(hold.quantity) ?? .zero, .zero)
        var judged = judge(
            account: account, feature: hold.feature, quantity: extra, at: time, state: state,
            taking: hold.quantity, cost: Quantity(units: extraCost))
        let goesBeyond = registry.catalog?.credit(hold.unit)?.settlesBeyond ?? false
        if !judged.decision.allowed, judged.decision.reason == .creditInsufficient, goesBeyond {
            judged.decision = OutcomeDecision(allowed: true, reason: .allowedOverage)
        }
        return judged.outcome
    }

    // MARK: Judging

    /// What a check answers: the decision that a consume would get now.
    package func check(
        account: String, feature: String, quantity: Quantity, at time: Timestamp
    ) -> (OutcomeDecision, Evidence) {
        let judged = judge(
            account: registry.accounts.number(of: account), feature: feature, quantity: quantity,
            at: time)
        return (judged.decision, judged.evidence)
    }

    /// - Parameters:
    ///   - state: the account's credits at that time; nil: as the books have them.
    ///   - taking: usage that counts already, though it is in no meter yet.
    ///   - cost: what it costs in credits; nil: by the meter's rate.
    private func judge(
        account: UInt32?, feature key: String, quantity: Quantity, at time: Timestamp,
        state given: CreditAccount? = nil, taking: Quantity = .zero, cost: Quantity? = nil
    ) -> Judged {
        guard let feature = registry.features[key] else {
            return Judged(decision: OutcomeDecision(allowed: false, reason: .featureUnknown))
        }
        let plan = plan(of: account, at: time)
        let meter = meter(ofFeature: key)
        let month = Month(containing: time.nanoseconds)
        var used = taking
        var cover = Cover()
        if let account, let meter {
            let counted = counters.total(account: account, meter: meter.number, month: month).units
            used = Quantity(units: counted).adding(taking) ?? Quantity(units: .max)
        }
        let needsState =
            meter?.burn != nil || account.map { !credits.account($0).holds.isEmpty } ?? false
        if needsState {
            let state = given ?? creditAccount(of: account, at: time)
            used = used.adding(state.heldQuantity(of: key)) ?? used
            cover = self.cover(meter, key, quantity, state, at: time, cost: cost)
        }
        let judged = Entitlement.decide(
            feature: feature, plan: plan, used: used, quantity: quantity,
            creditCost: cover.cost, creditBalance: cover.balance)
        var evidence = Evidence()
        evidence.limit = judged.limit
        evidence.used = judged.used
        evidence.remaining = judged.remaining
        evidence.credits = cover.cost
        if judged.limit != nil { evidence.resetsAt = Period.calendarMonth(containing: time).end }
        if judged.reason == .allowedOverage, let plan, let meter {
            evidence.overagePrice = addedPrice(
                of: registry.meters[Int(meter.number)], plan, from: used, adding: quantity)
        }
        return Judged(
            decision: OutcomeDecision(allowed: judged.allowed, reason: judged.reason),
            cover: cover, isOnlyUnit: registry.catalog?.credits.count == 1, evidence: evidence)
    }

    /// What more usage of a meter adds to a bill by calendar months.
    /// - Returns: nil where the bill depends on more than the month's count.
    private func addedPrice(
        of meter: Meter, _ plan: Plan, from used: Quantity, adding quantity: Quantity
    ) -> Fraction? {
        guard plan.terms.cycle == .monthly else { return nil }
        let prices = plan.prices.filter { $0.meter == meter.key }
        guard !prices.isEmpty, prices.allSatisfy({ !PriceCharge.needsUses($0, meter) }) else {
            return nil
        }
        let before = Fraction(used)
        let after = before + Fraction(quantity)
        return prices.reduce(Fraction.zero) { sum, price in
            sum + PriceCharge.total(price, meter, after) - PriceCharge.total(price, meter, before)
        }
    }
}

package import Billing
import Bytes
package import Codec
import Money

/// The access decision: what is asked for, against what the books say at an instant.
extension Books {
    /// A decision, and the numbers that it was made from.
    struct Judged {
        var decision: OutcomeDecision
        var cover = Cover()
        var isOnlyUnit = true
        var evidence = Evidence()

        /// Thresholds of the limit that the request crosses, if it is allowed.
        var warnings: [Outcome.Warning] = []

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
            outcome.warnings = warnings
            return outcome
        }
    }

    /// What is asked for.
    struct Question {
        let account: UInt32?
        let feature: String
        let quantity: Quantity
        let time: Timestamp
        /// The configuration value that is asked for.
        var value: FeatureValue?
        /// The values by which limits count it apart.
        var scopes: [CreditHold.Scope] = []
        /// The value that a unique meter counts.
        var uniqueKey: UInt128?
        /// The account's credits at that time; nil: as the books have them.
        var state: CreditAccount?
        /// Usage that counts already, though it is in no meter yet.
        var taking = Quantity.zero
        /// What it costs in credits; nil: by the meter's rate for no known property.
        var cost: Quantity?

        init(account: UInt32?, feature: String, quantity: Quantity, at time: Timestamp) {
            self.account = account
            self.feature = feature
            self.quantity = quantity
            self.time = time
        }
    }

    func decideConsume(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        do throws(Refusal) {
            let (account, order) = try request(record)
            if let refusal = missingValue(record, order) { throw refusal }
            let time = Timestamp(nanoseconds: recordedAt)
            var question = Question(
                account: account, feature: order.feature, quantity: order.quantity, at: time)
            question.value = order.value
            if let meter = meter(ofFeature: order.feature) {
                question.scopes = scopes(of: record, meter: meter.number, prefix: ["data"])
                question.cost = meter.credits(for: order.quantity, of: record)
                if case .unique = meter.aggregation {
                    question.uniqueKey = consumption(of: record)?.uniqueKey
                }
            }
            let judged = judge(question)
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
            var question = Question(
                account: account, feature: order.feature, quantity: order.quantity, at: time)
            if let meter = meter(ofFeature: order.feature) {
                question.scopes = scopes(of: record, meter: meter.number, prefix: ["data"])
                question.cost = meter.credits(for: order.quantity, of: record)
            }
            var judged = judge(question)
            // Nothing is used yet, so there is nothing to warn of.
            judged.warnings = []
            // A hold never goes beyond the balance: what it reserves must be there.
            if judged.decision.allowed, judged.cover.shortfall > .zero {
                judged.decision = OutcomeDecision(allowed: false, reason: .creditInsufficient)
                let used = judged.evidence.used?.subtracting(order.quantity)
                judged.evidence.used = used
                judged.evidence.remaining = Quantity(
                    units: judged.cover.draws.reduce(0) { $0 + $1.units })
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
            try checkScopes(of: hold, record)
            let held = hold.draws.reduce(Int128(0)) { $0 + $1.units }
            let cost = max(
                meter(ofFeature: hold.feature)?.cost(
                    units: order.quantity.units, settling: record, hold, held: held) ?? 0, 0)
            state.settle(hold, keeping: min(cost, held))
            let kept = hold.kept(of: min(cost, held))
            guard order.quantity > hold.quantity || cost > held else {
                // What was reserved may be used, whatever has changed since.
                var evidence = Evidence()
                evidence.credits = cost > 0 ? Quantity(units: cost) : nil
                var outcome = Outcome(
                    decision: OutcomeDecision(allowed: true, reason: .allowed), draws: kept)
                if let meter = meter(ofFeature: hold.feature) {
                    outcome.warnings = warnings(
                        of: meter, account: account, adding: order.quantity.units, 0, hold.scopes,
                        at: time)
                }
                return .entry(outcome, evidence)
            }
            var outcome = settleBeyond(
                hold, order.quantity, cost - min(cost, held), state, account, time)
            if outcome.decision?.allowed == true { outcome.draws = kept + outcome.draws }
            return .entry(outcome, Evidence())
        } catch {
            return .refused(error)
        }
    }

    /// Where limits count values of a property apart, a settlement must say the value that the hold said: by its own data
    /// it is counted, now and whenever history is metered again.
    private func checkScopes(
        of hold: CreditHold, _ record: borrowing RecordView
    ) throws(Refusal) {
        guard let meter = meter(ofFeature: hold.feature) else { return }
        let said = scopes(of: record, meter: meter.number, prefix: ["data"])
        for scope in hold.scopes where !said.contains(scope) {
            let value = (try? ValueCoder.value(scope.value.raw))?.shortText ?? "what it was"
            throw .bad(
                "data.\(scope.by.joined(separator: "."))",
                "the hold is of \(value), and a limit counts by it; the settlement says the same")
        }
    }

    /// A hold that is settled for more than it reserved: what is beyond it must be allowed like a request.
    private func settleBeyond(
        _ hold: CreditHold, _ quantity: Quantity, _ extraCost: Int128, _ state: CreditAccount,
        _ account: UInt32, _ time: Timestamp
    ) -> Outcome {
        let extra = max(quantity.subtracting(hold.quantity) ?? .zero, .zero)
        var question = Question(
            account: account, feature: hold.feature, quantity: extra, at: time)
        question.scopes = hold.scopes
        question.state = state
        question.taking = hold.quantity
        question.cost = Quantity(units: extraCost)
        var judged = judge(question)
        let goesBeyond = registry.catalog?.credit(hold.unit)?.settlesBeyond ?? false
        if !judged.decision.allowed, judged.decision.reason == .creditInsufficient, goesBeyond {
            judged.decision = OutcomeDecision(allowed: true, reason: .allowedOverage)
            if let meter = meter(ofFeature: hold.feature) {
                judged.warnings = warnings(
                    of: meter, account: account, adding: quantity.units, 0, hold.scopes, at: time)
            }
        }
        return judged.outcome
    }

    // MARK: Judging

    /// What a check answers: the decision that a consume would get now.
    package func check(
        _ asked: AccessQuestion, at time: Timestamp
    ) -> (OutcomeDecision, Evidence) {
        var question = Question(
            account: registry.accounts.number(of: asked.account), feature: asked.feature,
            quantity: asked.quantity, at: time)
        question.value = asked.value
        if let data = asked.data, let meter = meter(ofFeature: asked.feature) {
            question.scopes = scopes(in: data, meter: meter.number)
            question.cost = meter.credits(for: asked.quantity, in: data)
        }
        var judged = judge(question)
        judged.evidence.warnings = judged.warnings.isEmpty ? nil : judged.warnings
        return (judged.decision, judged.evidence)
    }

    private func judge(_ question: Question) -> Judged {
        guard let feature = registry.features[question.feature] else {
            return Judged(decision: OutcomeDecision(allowed: false, reason: .featureUnknown))
        }
        let (account, time) = (question.account, question.time)
        let own = account.map { entitlements.account($0) }
        if own?.isArchived(at: time) == true {
            return Judged(decision: OutcomeDecision(allowed: false, reason: .accountArchived))
        }
        let standing = standing(of: account, at: time)
        let override = own?.override(of: feature.key, at: time)
        var entitlement = Entitlement(of: feature)
        entitlement.isKnown = account != nil
        entitlement.override = override?.allowance(for: standing)
        entitlement.hasPlan = standing.plan != nil
        entitlement.denial = standing.denial
        entitlement.allowance = standing.plan?.entitlement(feature.key)?.allowance
        entitlement.value = question.value
        entitlement.quantity = question.quantity
        let meter = meter(ofFeature: feature.key)
        let measured = meter.map { measure(question, $0, standing, &entitlement) } ?? Measured()
        let (cover, place) = (measured.cover, measured.place)
        let judgement = entitlement.judge()
        var judged = Judged(
            decision: OutcomeDecision(allowed: judgement.allowed, reason: judgement.reason),
            cover: cover, isOnlyUnit: registry.catalog?.credits.count == 1)
        judged.evidence = evidence(
            entitlement, judgement, standing, override, place, cover.cost)
        if judgement.allowed, let meter {
            let (added, _) = question.quantity.units.addingReportingOverflow(question.taking.units)
            judged.warnings = warnings(
                of: meter, account: account, adding: added, question.uniqueKey,
                question.scopes, at: time, standing)
        }
        if judgement.reason == .allowedOverage, let plan = standing.plan, let meter {
            judged.evidence.overagePrice = addedPrice(
                of: meter.number, account, plan, adding: question.quantity, at: time)
        }
        return judged
    }

    /// What usage and credits say to a request.
    private struct Measured {
        var place: LimitPlace?
        var cover = Cover()
    }

    /// Puts into an entitlement what its meter, holds, credits and spending say.
    private func measure(
        _ question: Question, _ meter: CompiledMeter, _ standing: Standing,
        _ entitlement: inout Entitlement
    ) -> Measured {
        let (account, time) = (question.account, question.time)
        var measured = Measured()
        let place = place(
            of: entitlement.limit ?? Limit(.zero), meter: meter.number, account: account,
            standing, question.scopes, at: time)
        measured.place = place
        let units = usage(of: meter.number, account: account, in: place)
        entitlement.used =
            Quantity(units: units).adding(question.taking) ?? Quantity(units: .max)
        if !meter.isSummed, question.quantity > .zero || question.uniqueKey != nil {
            // What a maximum or distinct values become is no sum; without a value it is a new one.
            entitlement.usedAfter = Quantity(
                units: usage(
                    after: question.quantity.units, question.uniqueKey, meter,
                    account: account, in: place))
        }
        let hasHolds = account.map { !credits.account($0).holds.isEmpty } ?? false
        if meter.burn != nil || hasHolds {
            let state = question.state ?? creditAccount(of: account, at: time)
            let by = entitlement.limit?.by
            let scope = by.flatMap { by in question.scopes.first { $0.by == by } }
            // One meter may count several features, and each of their holds is usage to come.
            let features = registry.features(countedBy: meter.key)
            let held = state.heldQuantity(of: features, in: scope)
            entitlement.used = entitlement.used.adding(held) ?? Quantity(units: .max)
            measured.cover = cover(
                meter, question.feature, question.quantity, state, at: time, cost: question.cost)
            entitlement.creditCost = measured.cover.cost
            entitlement.creditBalance = measured.cover.balance
        }
        let isCharged = standing.holding?.status.isCharged ?? true
        if let plan = standing.plan, plan.terms.spendCap != nil, isCharged {
            entitlement.passesSpendCap = passesSpendCap(
                of: plan, meter, account, question.state ?? creditAccount(of: account, at: time),
                taking: question.taking, adding: question.quantity, at: time)
        }
        return measured
    }

    private func evidence(
        _ entitlement: Entitlement, _ judgement: Judgement, _ standing: Standing,
        _ override: Override?, _ place: LimitPlace?, _ cost: Quantity?
    ) -> Evidence {
        var evidence = Evidence()
        evidence.limit = judgement.limit
        evidence.used = judgement.used
        evidence.remaining = judgement.remaining
        evidence.credits = cost
        if judgement.limit != nil, let limit = entitlement.limit, let place {
            evidence.resetsAt = resetsAt(limit, place.window, standing)
            evidence.isHard = limit.isHard
        }
        if case .value(let value) = entitlement.granted, judgement.reason != .overrideDenied {
            evidence.value = value
        }
        evidence.plan = standing.plan?.key
        evidence.status = standing.holding?.status
        evidence.catalog = standing.version.map { registry.versions[$0].position }
        evidence.override = override?.position
        return evidence
    }
}

extension Entitlement {
    /// The limit that counts; nil: none.
    var limit: Limit? {
        if case .limit(let limit) = granted { limit } else { nil }
    }
}

extension Value {
    /// For a message.
    fileprivate var shortText: String {
        switch self {
        case .string(let text): "\"\(text)\""
        case .number(let number): number.description
        case .bool(let flag): "\(flag)"
        case .null: "null"
        default: "a value"
        }
    }
}

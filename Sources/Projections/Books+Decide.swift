package import Billing
import Bytes
package import Codec
package import Money

/// What a decision says besides what is stored: the numbers it was made from.
package struct Evidence: Sendable {
    /// The limit that counts; nil: none.
    package var limit: Quantity?
    /// Usage in the window after the decision.
    package var used: Quantity?
    /// What is left of the limit or, without one, of the credits.
    package var remaining: Quantity?
    /// Credits that the request costs; nil where no credits pay.
    package var credits: Quantity?
    /// First instant of the next window; nil where nothing resets.
    package var resetsAt: Timestamp?
    /// What a request beyond a soft limit adds to this month's bill, in major units; nil where it is
    /// not known from the counters alone.
    package var overagePrice: Fraction?

    /// No evidence.
    package init() {}
}

/// The result of deciding a request.
package enum Verdict {
    /// It becomes an entry with this outcome.
    case entry(Outcome, Evidence)
    /// It is not taken.
    case refused(Refusal)
}

/// What an allowed consume uses.
struct Consumption {
    let meter: CompiledMeter
    let quantity: Quantity
    let uniqueKey: UInt128
}

extension Books {
    /// Decides a request against these books; changes nothing.
    /// - Parameter recordedAt: commit time of the frame that will hold the entry, nanoseconds UTC.
    package func decide(_ record: borrowing RecordView, recordedAt: Int64) -> Verdict {
        switch record.kind {
        case .event: decideEvent(record, recordedAt)
        case .consume: decideConsume(record, recordedAt)
        case .subscribe: decideSubscribe(record)
        case .grant: decideGrant(record, recordedAt)
        case .publish: decidePublish(record)
        case .redact: decideRedact(record)
        case .cancel: decideCancel(record, recordedAt)
        case .finalise: decideFinalise(record)
        case .creditNote: decideCreditNote(record)
        case .retire: decideRetire(record, recordedAt)
        }
    }

    /// Usage that happened is never refused; it draws credits where its meters burn them, from
    /// the grants valid at the event's own time, and what they cannot cover is shortfall.
    private func decideEvent(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        if let refusal = refusalOfAge(record, recordedAt) { return .refused(refusal) }
        guard let subject = record.subject, registry.catalog?.credit != nil else {
            return .entry(.recorded, Evidence())
        }
        var cost: Int128 = 0
        for meter in registry.meters(listeningTo: record.type) where meter.burnRate != nil {
            guard case .counts(let units, _, _) = meter.reading(of: record),
                let part = meter.cost(units: units)
            else { continue }
            cost = cost.addingReportingOverflow(part).overflow ? Int128.max : cost + part
        }
        guard cost > 0 else { return .entry(.recorded, Evidence()) }
        let time = Timestamp(nanoseconds: record.time ?? recordedAt)
        let grants = registry.accounts.number(of: subject).map { credits.account($0) }
        let drawdown = BurnDown.draw(
            Quantity(units: cost), from: grants?.grants ?? [], at: time)
        // A shortfall that the account's total could not hold is cut there: the sum stays exact
        // below 10^26 credits and never traps in a replay.
        let room = Int128.max - (grants?.shortfallUnits ?? 0)
        return .entry(
            Outcome(
                draws: drawdown.draws, shortfallUnits: min(drawdown.shortfall.units, room)),
            Evidence())
    }

    private func decideConsume(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        let order: ConsumeOrder
        switch ConsumeOrder.read(record) {
        case .failure(let refusal): return .refused(refusal)
        case .success(let read): order = read
        }
        guard let subject = record.subject else {
            return .refused(
                .bad("account", "a consume names the account it is for"))
        }
        let meterKey = registry.features[order.feature]?.meterKey
        if let meterKey, let number = registry.meter(meterKey),
            case .unique = registry.consumeMeter(number).aggregation,
            consumption(of: record) == nil
        {
            let property = registry.meters[Int(number)].valueProperty?.joined(separator: ".") ?? ""
            return .refused(
                .bad(
                    "data.\(property)",
                    "the meter \"\(meterKey)\" counts distinct values of it, so a consume must "
                        + "give it"))
        }
        let (decision, draws, evidence) = judge(
            account: registry.accounts.number(of: subject), feature: order.feature,
            quantity: order.quantity, at: Timestamp(nanoseconds: recordedAt))
        return .entry(
            Outcome(decision: decision, draws: decision.allowed ? draws : [], shortfallUnits: 0),
            evidence)
    }

    /// What a check answers: the decision that a consume would get now.
    package func check(
        account: String, feature: String, quantity: Quantity, at time: Timestamp
    ) -> (OutcomeDecision, Evidence) {
        let (decision, _, evidence) = judge(
            account: registry.accounts.number(of: account), feature: feature, quantity: quantity,
            at: time)
        return (decision, evidence)
    }

    private func judge(
        account: UInt32?, feature key: String, quantity: Quantity, at time: Timestamp
    ) -> (OutcomeDecision, [Draw], Evidence) {
        var evidence = Evidence()
        guard let feature = registry.features[key] else {
            return (OutcomeDecision(allowed: false, reason: .featureUnknown), [], evidence)
        }
        let plan = plan(of: account, at: time)
        let meterNumber = feature.meterKey.flatMap { registry.meter($0) }
        let month = Month(containing: time.nanoseconds)
        var used = Quantity(units: 0)
        if let account, let meterNumber {
            used = Quantity(
                units: counters.total(account: account, meter: meterNumber, month: month).units)
        }
        var creditCost: Quantity?
        var balance = Quantity(units: 0)
        if let meterNumber, registry.consumeMeter(meterNumber).burnRate != nil {
            creditCost = Quantity(
                units: registry.consumeMeter(meterNumber).cost(units: quantity.units) ?? 0)
            if let account { balance = credits.balance(of: account, at: time) }
        }
        let judged = Entitlement.decide(
            feature: feature, plan: plan, used: used, quantity: quantity,
            creditCost: creditCost, creditBalance: balance)
        evidence.limit = judged.limit
        evidence.used = judged.used
        evidence.remaining = judged.remaining
        evidence.credits = creditCost
        if judged.limit != nil { evidence.resetsAt = Period.calendarMonth(containing: time).end }
        if judged.reason == .allowedOverage, let plan, let meterNumber {
            evidence.overagePrice = addedPrice(
                of: registry.meters[Int(meterNumber)], plan, from: used, adding: quantity)
        }
        var draws: [Draw] = []
        if judged.allowed, let creditCost, creditCost.units > 0, let account {
            draws =
                BurnDown.draw(creditCost, from: credits.account(account).grants, at: time).draws
        }
        return (
            OutcomeDecision(allowed: judged.allowed, reason: judged.reason), draws, evidence
        )
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

    private func decideSubscribe(_ record: borrowing RecordView) -> Verdict {
        guard record.subject != nil else {
            return .refused(
                .bad("account", "a subscription names its account"))
        }
        switch SubscribeOrder.read(record) {
        case .failure(let refusal): return .refused(refusal)
        case .success(let order):
            guard let catalog = registry.catalog else {
                return .refused(Self.noCatalog)
            }
            guard catalog.plan(order.plan) != nil else {
                let known = catalog.plans.map(\.key).joined(separator: ", ")
                return .refused(
                    .bad(
                        "plan",
                        "the newest catalog has no plan \"\(order.plan)\"; it has: \(known)"))
            }
            if let zone = order.timezone, zone != "UTC",
                !catalog.timezones.contains(where: { $0.name == zone })
            {
                let known = (["UTC"] + catalog.timezones.map(\.name)).joined(separator: ", ")
                return .refused(
                    .bad(
                        "timezone",
                        "the newest catalog does not list \"\(zone)\" under timezones; it has: "
                            + known))
            }
            return .entry(.recorded, Evidence())
        }
    }

    private func decideGrant(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        guard let subject = record.subject else {
            return .refused(.bad("account", "a grant names its account"))
        }
        switch GrantOrder.read(record) {
        case .failure(let refusal): return .refused(refusal)
        case .success(let order):
            guard let catalog = registry.catalog else { return .refused(Self.noCatalog) }
            guard catalog.credit != nil else {
                return .refused(
                    .init(
                        code: "bad_request",
                        message: "the newest catalog has no credit unit; add `credit:` to it and "
                            + "publish it first"))
            }
            let known = registry.accounts.number(of: subject)
            if let known, credits.account(known).grants.count >= CreditBalances.grantsMax {
                return .refused(
                    .bad("account", "has \(CreditBalances.grantsMax) grants, the most there can be")
                )
            }
            if let expires = order.expires, expires.nanoseconds <= record.time ?? recordedAt {
                return .refused(
                    .bad("expires", "must be later than effective"))
            }
            return .entry(.recorded, Evidence())
        }
    }

    private func decidePublish(_ record: borrowing RecordView) -> Verdict {
        guard let node = record.property(PropertyPath(["catalog"])),
            let value = try? ValueCoder.value(node)
        else {
            return .refused(
                .bad("catalog", "the catalog is missing"))
        }
        let problems: [CatalogProblem]
        switch Catalog.decode(value) {
        case .success(let catalog):
            problems = catalog.personalProblems(
                with: registry.meters, plans: registry.versions.flatMap(\.catalog.plans))
        case .failure(let failure): problems = failure.list
        }
        guard let first = problems.first else {
            if case .failure(let refusal) = PublishOrder.existing(
                record, recordedAt: Timestamp(nanoseconds: 0))
            {
                return .refused(refusal)
            }
            return .entry(.recorded, Evidence())
        }
        return .refused(
            .init(
                code: "bad_catalog", field: "catalog",
                message: "the catalog has \(problems.count) problems; the first: \(first)",
                problems: problems))
    }

    /// What the entries themselves have is for the engine to see, which can read them.
    private func decideRedact(_ record: borrowing RecordView) -> Verdict {
        switch RedactOrder.read(record) {
        case .failure(let refusal): return .refused(refusal)
        case .success(let order):
            if let last = order.positions.last, last >= position {
                return .refused(
                    Refusal(
                        code: "unknown_position", field: "positions",
                        message: "positions: the log ends before position \(position); \(last) "
                            + "is beyond it"))
            }
            guard redactions.hasRoom(for: order.positions) else {
                return .refused(
                    .bad(
                        "positions",
                        "\(redactions.entries.count) entries are redacted; at most "
                            + "\(Redactions.entriesMax) can be"))
            }
            return .entry(.recorded, Evidence())
        }
    }

    static let noCatalog = Refusal(
        code: "no_catalog",
        message: "no catalog was published yet; run `daybook catalog publish FILE` first")

    /// What an allowed consume counts, under the newest definition of its feature; nil for a
    /// switch, or where a unique meter's value is missing.
    func consumption(of record: borrowing RecordView) -> Consumption? {
        guard case .success(let order) = ConsumeOrder.read(record),
            let key = registry.features[order.feature]?.meterKey,
            let number = registry.meter(key)
        else { return nil }
        let meter = registry.consumeMeter(number)
        guard case .unique = meter.aggregation else {
            return Consumption(meter: meter, quantity: order.quantity, uniqueKey: 0)
        }
        guard let node = record.property(meter.valuePath) else { return nil }
        return Consumption(
            meter: meter, quantity: order.quantity, uniqueKey: CompiledMeter.uniqueKey(node))
    }
}

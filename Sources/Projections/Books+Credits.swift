package import Billing
import Bytes
package import Codec
package import Money
package import SegmentedLog

/// Credits and holds: the folds, and the state that decisions look at.
extension Books {
    /// An account's credits as they are at an instant: with all that fell due by then.
    /// - Parameter account: nil: one that no entry has yet.
    package func creditAccount(of account: UInt32?, at time: Timestamp) -> CreditAccount {
        var state = account.map { credits.account($0) } ?? CreditAccount()
        if registry.hasPlanGrants {
            state.follow(
                contract(of: account), to: time, position: position, rules: registry.creditRules)
        } else {
            state.advance(to: time, position: position, rules: registry.creditRules)
        }
        return state
    }

    /// The credit unit that an order names, or the only one.
    func unit(_ name: String) -> String {
        name.isEmpty ? registry.catalog?.credits.first?.unit ?? "" : name
    }

    /// Changes an account's credits at an instant, once all that fell due by then is done.
    mutating func changeCredits<R>(
        of account: UInt32, at recordedAt: Int64, _ body: (inout CreditAccount) -> R
    ) -> R {
        let time = Timestamp(nanoseconds: recordedAt)
        let contract = registry.hasPlanGrants ? contract(of: account) : nil
        let (rules, position) = (registry.creditRules, position)
        return credits.update(account) { state in
            if let contract {
                state.follow(contract, to: time, position: position, rules: rules)
            } else {
                state.advance(to: time, position: position, rules: rules)
            }
            return body(&state)
        }
    }

    /// What an account bought changed: the credits of its plans with it.
    mutating func followPlans(of account: UInt32, from effective: Timestamp, _ recordedAt: Int64) {
        guard registry.hasPlanGrants else { return }
        // As with recurring grants: what a plan gave longer ago is not given now.
        let earliest = Timestamp(
            nanoseconds: recordedAt.subtractingReportingOverflow(Self.backdatedMax).partialValue)
        credits.update(account) { $0.replan(from: max(effective, earliest)) }
        changeCredits(of: account, at: recordedAt) { _ in }
    }

    // MARK: Folds

    mutating func draw(
        _ outcome: Outcome, _ account: UInt32, _ recordedAt: Int64
    ) throws(Failure) {
        guard outcome.touchesCredits else { return }
        let unit = unit("")
        let position = position
        let fits = changeCredits(of: account, at: recordedAt) { state in
            let shortfalls = outcome.allShortfalls(unit)
            // What is no longer owed need not be paid by what the entry gives.
            for shortfall in shortfalls where shortfall.units < 0 {
                guard
                    state.draw(
                        [], shortfall: Quantity(units: shortfall.units), unit: shortfall.unit)
                else { return false }
            }
            for grant in outcome.grants {
                state.add(grant, at: position, recordedAt: recordedAt)
            }
            guard state.draw(outcome.draws, shortfall: .zero, unit: unit) else { return false }
            for shortfall in shortfalls where shortfall.units > 0 {
                guard
                    state.draw(
                        [], shortfall: Quantity(units: shortfall.units), unit: shortfall.unit)
                else { return false }
            }
            return true
        }
        guard fits else {
            throw .contradiction(position, "a draw that the account's grants cannot cover")
        }
        buyTopUps(outcome, account, recordedAt)
    }

    /// What was added by itself is bought at the price that the catalog says then.
    private mutating func buyTopUps(
        _ outcome: Outcome, _ account: UInt32, _ recordedAt: Int64
    ) {
        for grant in outcome.grants where grant.kind == .purchased {
            guard let topUp = registry.catalog?.credit(grant.unit)?.topUp, topUp.paid == .invoice,
                let price = topUp.price, price > .zero
            else { continue }
            let time = Timestamp(nanoseconds: recordedAt)
            invoices.see(account: account, at: time)
            invoices.buy(
                Purchase(
                    position: position, time: time, unit: grant.unit,
                    credits: Quantity(units: grant.units), price: price, isTopUp: true),
                account: account)
        }
    }

    mutating func applyGrant(
        _ record: borrowing RecordView, _ recordedAt: Int64
    ) throws(Failure) {
        guard let subject = record.subject, case .success(let order) = GrantOrder.read(record)
        else { throw .contradiction(position, "a grant that cannot be read") }
        let account = registry.account(subject)
        let effective = Timestamp(nanoseconds: record.time ?? recordedAt)
        var terms = order.terms
        terms.unit = unit(terms.unit)
        let position = position
        let rules = registry.creditRules
        if let price = order.price, order.paid == .invoice {
            invoices.see(account: account, at: effective)
            invoices.buy(
                Purchase(
                    position: position, time: effective, unit: terms.unit, credits: order.amount,
                    price: price, isTopUp: false), account: account)
        }
        changeCredits(of: account, at: recordedAt) { state in
            guard let every = order.every else {
                state.add(
                    CreditGrant(
                        ordinal: UInt32(state.grants.count), terms: terms, amount: order.amount,
                        effective: effective, expires: order.expires, rollover: order.rollover,
                        position: position))
                return
            }
            state.add(
                RecurringGrant(
                    terms: terms, amount: order.amount,
                    recurrence: Recurrence(
                        count: every.count, unit: every.unit, anchor: order.anchor ?? effective,
                        zone: .utc),
                    effective: effective, ends: order.expires, rollover: order.rollover,
                    source: nil), position: position)
            // Of one that began in the past, all periods until now are due.
            state.advance(to: Timestamp(nanoseconds: recordedAt), position: position, rules: rules)
        }
    }

    /// The kinds that change credits and holds, and nothing else.
    mutating func applyCreditOrder(
        _ record: borrowing RecordView, _ outcome: Outcome, _ recordedAt: Int64
    ) throws(Failure) {
        guard let subject = record.subject else {
            throw .contradiction(position, "\(record.kind.name) without an account")
        }
        let account = registry.account(subject)
        if isUsageReset(record) {
            try applyUsageReset(record, account: account, recordedAt)
            return
        }
        do throws(Refusal) {
            let fits: Bool
            switch record.kind {
            case .void:
                let ordinal = try VoidOrder.read(record)
                fits = changeCredits(of: account, at: recordedAt) { $0.void(ordinal) }
            case .release:
                let name = try HoldName.read(record)
                fits = changeCredits(of: account, at: recordedAt) { $0.release(at: name.position) }
            case .extend:
                let name = try HoldName.read(record)
                let end = try HoldEnd.read(record, at: Timestamp(nanoseconds: recordedAt))
                fits = changeCredits(of: account, at: recordedAt) {
                    $0.extend(name.position, to: end)
                }
            case .refund:
                let order = try RefundOrder.read(record)
                let unit = order.unit.map { self.unit($0) } ?? unit("")
                fits = changeCredits(of: account, at: recordedAt) {
                    $0.giveBack(
                        outcome.draws, shortfall: Quantity(units: -outcome.shortfallUnits),
                        of: order.position, unit: unit)
                }
            case .reset:
                let unit = unit(record.string(["unit"]) ?? "")
                fits = changeCredits(of: account, at: recordedAt) {
                    $0.reset(unit)
                    return true
                }
            default: fits = false
            }
            guard fits else {
                throw Refusal.bad("account", "a state in which it cannot be")
            }
        } catch {
            throw .contradiction(position, "\(record.kind.name): \(error.message)")
        }
    }

    mutating func applyHold(
        _ record: borrowing RecordView, _ outcome: Outcome, _ recordedAt: Int64
    ) throws(Failure) {
        guard let subject = record.subject, let decision = outcome.decision,
            case .success(let order) = ConsumeOrder.read(record),
            let end = try? HoldEnd.read(record, at: Timestamp(nanoseconds: recordedAt))
        else { throw .contradiction(position, "a hold that cannot be read") }
        let account = registry.account(subject)
        guard decision.allowed else { return }
        let meter = meter(ofFeature: order.feature)
        let unit = meter?.burn?.unit ?? ""
        let scopes =
            meter.map { self.scopes(of: record, meter: $0.number, prefix: ["data"]) } ?? []
        let position = position
        let fits = changeCredits(of: account, at: recordedAt) { state in
            for grant in outcome.grants { state.add(grant, at: position, recordedAt: recordedAt) }
            return state.place(
                CreditHold(
                    position: position, feature: order.feature, quantity: order.quantity,
                    unit: unit, draws: outcome.draws, expires: end, scopes: scopes))
        }
        guard fits else { throw .contradiction(position, "a hold that the grants cannot cover") }
        buyTopUps(outcome, account, recordedAt)
    }

    mutating func applySettle(
        _ record: borrowing RecordView, _ outcome: Outcome, _ recordedAt: Int64
    ) throws(Failure) {
        guard let subject = record.subject, let decision = outcome.decision,
            let order = try? SettleOrder.read(record)
        else { throw .contradiction(position, "a settlement that cannot be read") }
        let account = registry.account(subject)
        guard decision.allowed else { return }
        if !outcome.warnings.isEmpty {
            noteWarnings(outcome, account, record, ["data"], recordedAt)
        }
        let position = position
        let fits = changeCredits(of: account, at: recordedAt) { state in
            guard let hold = state.hold(at: order.hold.position) else { return false }
            // The outcome has all that was used: of what was held, in paying order, and then the rest.
            let held = hold.draws.reduce(Int128(0)) { $0 + $1.units }
            let used = outcome.draws.reduce(Int128(0)) { $0 + $1.units }
            let beyond = used > held ? Array(outcome.draws.dropFirst(hold.draws.count)) : []
            state.settle(hold, keeping: min(used, held))
            for grant in outcome.grants { state.add(grant, at: position, recordedAt: recordedAt) }
            let shortfall = outcome.allShortfalls(hold.unit).first?.units ?? 0
            return state.draw(beyond, shortfall: Quantity(units: shortfall), unit: hold.unit)
        }
        guard fits else { throw .contradiction(position, "a settlement of no open hold") }
        buyTopUps(outcome, account, recordedAt)
        if let usage = settledUsage(of: record) {
            count(usage, record, position, account, UseTime(recordedAt))
        }
    }

    /// What a settlement counts; nil for a feature without a meter.
    func settledUsage(of record: borrowing RecordView) -> Consumption? {
        guard let order = try? SettleOrder.read(record),
            let meter = meter(ofFeature: order.hold.feature)
        else { return nil }
        return Consumption(meter: meter, quantity: order.quantity, uniqueKey: 0)
    }

    /// The meter of a feature, as consumes are read.
    func meter(ofFeature key: String) -> CompiledMeter? {
        registry.features[key]?.meterKey.flatMap { registry.meter($0) }
            .map { registry.consumeMeter($0) }
    }
}

/// What a settlement asks for: `hold`, `quantity`.
package struct SettleOrder {
    /// The hold.
    package let hold: HoldName
    /// How much was used, zero or more.
    package let quantity: Quantity

    /// Reads a settlement's data.
    package static func read(_ record: borrowing RecordView) throws(Refusal) -> SettleOrder {
        let hold = try HoldName.read(record)
        guard let quantity = try record.optionalQuantity("quantity") else {
            throw .bad("quantity", "how much was used is missing")
        }
        return SettleOrder(hold: hold, quantity: quantity)
    }
}

/// What a void asks for: `grant`.
enum VoidOrder {
    static func read(_ record: borrowing RecordView) throws(Refusal) -> UInt32 {
        guard let number = try record.optionalQuantity("grant"),
            number.units % 1_000_000_000_000 == 0,
            let ordinal = UInt32(exactly: number.units / 1_000_000_000_000)
        else { throw .bad("grant", "the number of a grant is needed, as `credits` shows it") }
        return ordinal
    }
}

/// What a refund asks for: `entry`, `credits`.
package struct RefundOrder {
    /// The entry whose credits are given back.
    package let position: Position
    /// How many credits; nil: all that are left of it.
    package let credits: Quantity?
    /// The unit, where the catalog has several.
    package let unit: String?

    /// Reads a refund's data.
    package static func read(_ record: borrowing RecordView) throws(Refusal) -> RefundOrder {
        guard let number = try record.optionalQuantity("entry"),
            number.units % 1_000_000_000_000 == 0,
            let position = Position(exactly: number.units / 1_000_000_000_000)
        else { throw .bad("entry", "the position of the entry that used the credits is needed") }
        let credits = try record.optionalQuantity("credits")
        if credits == .zero { throw .bad("credits", "must be above zero") }
        return RefundOrder(
            position: position, credits: credits, unit: record.string(["unit"]))
    }
}

extension Outcome {
    /// Whether it changes credits.
    var touchesCredits: Bool {
        !draws.isEmpty || shortfallUnits != 0 || !shortfalls.isEmpty || !grants.isEmpty
    }

    /// Shortfalls of all units.
    func allShortfalls(_ only: String) -> [UnitShortfall] {
        (shortfallUnits == 0 ? [] : [UnitShortfall(unit: only, units: shortfallUnits)]) + shortfalls
    }
}

extension CreditAccount {
    /// Adds a grant that an entry made beside what it asked for.
    mutating func add(_ grant: Outcome.MadeGrant, at position: Position, recordedAt: Int64) {
        let time = Timestamp(nanoseconds: recordedAt)
        var terms = GrantTerms(unit: grant.unit)
        terms.kind = grant.kind
        add(
            CreditGrant(
                ordinal: UInt32(grants.count), terms: terms, amount: Quantity(units: grant.units),
                effective: time, expires: grant.expires, position: position))
        if grant.kind == .purchased { countTopUp(of: grant.unit, at: time) }
    }
}

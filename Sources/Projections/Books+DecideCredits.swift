import Billing
import Bytes
package import Codec
import Money

/// Decisions about credits and holds; each reads the books and changes nothing.
extension Books {
    /// What pays for usage that happened, and what becomes of its credits.
    func payment(
        for record: borrowing RecordView, account: UInt32?, _ recordedAt: Int64
    ) -> Outcome {
        var outcome = Outcome.recorded
        let costs = CreditCost.all(of: record, registry.meters(listeningTo: record.type))
        guard !costs.isEmpty else { return outcome }
        let now = Timestamp(nanoseconds: recordedAt)
        let time = Timestamp(nanoseconds: record.time ?? recordedAt)
        let state = creditAccount(of: account, at: now)
        let isOnly = (registry.catalog?.credits.count ?? 0) == 1
        for cost in costs {
            let need = Quantity(units: cost.units)
            var shortfall: Int128 = 0
            if need < .zero {
                let owed = min(state.shortfall(of: cost.unit).units, -cost.units)
                if -cost.units > owed {
                    outcome.grants.append(adjustment(cost.unit, -cost.units - owed, time))
                }
                shortfall = -owed
            } else {
                let drawdown = state.drawdown(
                    need, of: cost.unit, for: cost.uses, at: time,
                    most: CreditAccount.drawsMax - outcome.draws.count)
                outcome.draws += drawdown.draws
                // A shortfall that the account's total could not hold is cut there: the sum stays exact
                // below 10^25 credits and never traps in a replay.
                let room = CreditAccount.shortfallMax - state.shortfall(of: cost.unit).units
                shortfall = min(drawdown.shortfall.units, max(room, 0))
                let left =
                    state.balance(of: cost.unit, for: []).units
                    - drawdown.draws.reduce(0) { $0 + $1.units }
                if let topUp = topUp(cost.unit, balance: left, state, at: now) {
                    outcome.grants.append(topUp)
                }
            }
            guard shortfall != 0 else { continue }
            if isOnly {
                outcome.shortfallUnits = shortfall
            } else {
                outcome.shortfalls.append(.init(unit: cost.unit, units: shortfall))
            }
        }
        return outcome
    }

    private func adjustment(
        _ unit: String, _ units: Int128, _ time: Timestamp
    ) -> Outcome.MadeGrant {
        let lifetime = registry.catalog?.credit(unit)?.adjustmentLifetime
        return Outcome.MadeGrant(
            kind: .adjustment, unit: unit, units: min(units, GrantOrder.amountMax.units),
            expires: lifetime.map {
                Timestamp(
                    nanoseconds: time.nanoseconds.addingReportingOverflow($0).partialValue)
            })
    }

    /// The top-up that a balance calls for; nil: none, or none is allowed.
    func topUp(
        _ unit: String, balance: Int128, _ state: CreditAccount, at time: Timestamp
    ) -> Outcome.MadeGrant? {
        guard let topUp = registry.catalog?.credit(unit)?.topUp, balance < topUp.below.units,
            state.allows(topUp, of: unit, at: time)
        else { return nil }
        return Outcome.MadeGrant(
            kind: .purchased, unit: unit, units: topUp.amount.units,
            expires: topUp.lifetime.map {
                Timestamp(
                    nanoseconds: time.nanoseconds.addingReportingOverflow($0).partialValue)
            })
    }

    /// What pays for a request of a feature, and whether it is enough.
    struct Cover {
        /// The unit that pays; empty: none.
        var unit = ""
        /// What the request costs; nil: no credits pay for it.
        var cost: Quantity?
        /// What can be spent on it, overdraft and top-up included.
        var balance = Quantity.zero
        var draws: [Draw] = []
        var shortfall = Quantity.zero
        var grants: [Outcome.MadeGrant] = []
    }

    /// - Parameters:
    ///   - state: advanced to `time`.
    ///   - cost: what it costs in credits; nil: by the meter's rate for no known property.
    func cover(
        _ meter: CompiledMeter?, _ feature: String, _ quantity: Quantity,
        _ state: CreditAccount, at time: Timestamp, cost: Quantity? = nil
    ) -> Cover {
        guard let meter, let burn = meter.burn else { return Cover() }
        let need = cost ?? meter.credits(for: quantity, in: nil) ?? .zero
        let uses = [feature, meter.key]
        var cover = Cover(unit: burn.unit, cost: need)
        var state = state
        let rest = state.balance(of: burn.unit, for: []).units - need.units
        if let made = topUp(burn.unit, balance: rest, state, at: time) {
            cover.grants = [made]
            state.add(made, at: position, recordedAt: time.nanoseconds)
        }
        let overdraft = registry.catalog?.credit(burn.unit)?.overdraft ?? .zero
        let room = max(overdraft.units - state.shortfall(of: burn.unit).units, 0)
        cover.balance = Quantity(units: state.balance(of: burn.unit, for: uses).units + room)
        let drawdown = state.drawdown(need, of: burn.unit, for: uses, at: time)
        cover.draws = drawdown.draws
        cover.shortfall = drawdown.shortfall
        if drawdown.shortfall.units > room {
            // Not covered, be it that so many small grants cannot pay for one request.
            cover.balance = min(
                cover.balance, Quantity(units: need.units - drawdown.shortfall.units + room))
        }
        return cover
    }

    // MARK: Orders

    func decideGrant(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        guard let subject = record.subject else {
            return .refused(.bad("account", "a grant names its account"))
        }
        switch GrantOrder.read(record) {
        case .failure(let refusal): return .refused(refusal)
        case .success(let order):
            guard let catalog = registry.catalog else { return .refused(Self.noCatalog) }
            guard !catalog.credits.isEmpty else {
                return .refused(
                    .init(
                        code: "bad_request",
                        message: "the newest catalog has no credit unit; add `credit:` to it and "
                            + "publish it first"))
            }
            if let refusal = unitRefusal(order.namesUnit ? order.terms.unit : nil, catalog) {
                return .refused(refusal)
            }
            let known = registry.accounts.number(of: subject)
            if let known {
                let state = credits.account(known)
                if state.grants.count >= CreditBalances.grantsMax
                    || state.recurring.count >= CreditBalances.recurringMax
                {
                    return .refused(
                        .bad(
                            "account",
                            "has \(state.grants.count) grants and \(state.recurring.count) recurring ones, "
                                + "the most there can be"))
                }
            }
            let effective = record.time ?? recordedAt
            if order.price != nil, order.paid == .invoice,
                contract(of: known).plan(at: Timestamp(nanoseconds: effective)) == nil
            {
                return .refused(
                    .bad(
                        "price",
                        "the account is on no plan then, so that no invoice would charge it; "
                            + "subscribe it first, or say \"paid\":\"outside\""))
            }
            if let expires = order.expires, expires.nanoseconds <= effective {
                return .refused(.bad("expires", "must be later than effective"))
            }
            let (age, isEndless) = recordedAt.subtractingReportingOverflow(effective)
            if order.every != nil, isEndless || age > Self.backdatedMax {
                return .refused(
                    .bad("effective", "a recurring grant may begin a year before now at most"))
            }
            return .entry(.recorded, Evidence())
        }
    }

    /// Nanoseconds of a year: all renewals since then are made at once.
    static let backdatedMax: Int64 = 366 * 86_400_000_000_000

    private func unitRefusal(_ name: String?, _ catalog: Catalog) -> Refusal? {
        let known = catalog.credits.map(\.unit)
        guard let name else {
            return known.count == 1
                ? nil
                : .bad("unit", "is missing; the catalog has: \(known.joined(separator: ", "))")
        }
        return known.contains(name)
            ? nil
            : .bad(
                "unit",
                "the newest catalog has no credit unit \"\(name)\"; it has: "
                    + known.joined(separator: ", "))
    }

    /// Void, extend, release and reset: what is decided of them is that they fit the state.
    func decideCreditOrder(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        guard let subject = record.subject, let account = registry.accounts.number(of: subject)
        else { return .refused(.bad("account", "the log has no entry of it")) }
        if isUsageReset(record) { return decideUsageReset(record, account: account, recordedAt) }
        let time = Timestamp(nanoseconds: recordedAt)
        let state = creditAccount(of: account, at: time)
        do throws(Refusal) {
            switch record.kind {
            case .void:
                let ordinal = try VoidOrder.read(record)
                guard Int(ordinal) < state.grants.count else {
                    throw .bad("grant", "the account has \(state.grants.count) grants, from 0")
                }
                guard !state.grants[Int(ordinal)].isVoid else {
                    throw .bad("grant", "\(ordinal) is void already")
                }
            case .extend:
                let hold = try openHold(record, state)
                guard try HoldEnd.read(record, at: time) > hold.expires else {
                    throw .bad("expires", "the hold lasts until \(hold.expires) already")
                }
            case .release: _ = try openHold(record, state)
            case .reset:
                guard let catalog = registry.catalog else { throw Self.noCatalog }
                if let refusal = unitRefusal(record.string(["unit"]), catalog) { throw refusal }
            default: break
            }
            return .entry(.recorded, Evidence())
        } catch {
            return .refused(error)
        }
    }

    /// The open hold that an order names.
    func openHold(
        _ record: borrowing RecordView, _ state: CreditAccount
    ) throws(Refusal) -> CreditHold {
        let name = try HoldName.read(record)
        guard let hold = state.hold(at: name.position), hold.feature == name.feature else {
            throw Refusal(
                code: "hold_not_open", field: "hold",
                message:
                    "hold: \(name.name) is not open: it was settled or released, it has expired, or "
                    + "the account never had it")
        }
        return hold
    }

    /// How a part of an earlier entry's credits goes back.
    /// - Parameters:
    ///   - entry: its kind and its outcome.
    package func decideRefund(
        _ record: borrowing RecordView, of entry: Outcome, _ kind: RecordKind,
        account name: String?, _ recordedAt: Int64
    ) -> Verdict {
        guard let subject = record.subject, let account = registry.accounts.number(of: subject)
        else { return .refused(.bad("account", "the log has no entry of it")) }
        do throws(Refusal) {
            let order = try RefundOrder.read(record)
            guard !isCorrected(order.position, account: account) else {
                throw .bad(
                    "entry",
                    "the entry at position \(order.position) was corrected, and its credits with it; correct it "
                        + "again instead")
            }
            guard let name, subject.isEqual(to: name) else {
                throw .bad(
                    "entry", "the entry at position \(order.position) is not of this account")
            }
            guard [.event, .consume, .settle].contains(kind) else {
                throw .bad(
                    "entry",
                    "position \(order.position) is a \(kind.name), which used no credits; of a hold name the "
                        + "settlement")
            }
            let state = creditAccount(of: account, at: Timestamp(nanoseconds: recordedAt))
            guard let catalog = registry.catalog else { throw Self.noCatalog }
            if let refusal = unitRefusal(order.unit, catalog) { throw refusal }
            let unit = unit(order.unit ?? "")
            let draws = entry.draws.filter {
                Int($0.grant) < state.grants.count && state.grants[Int($0.grant)].terms.unit == unit
            }
            let owed =
                entry.allShortfalls(unit).first { $0.unit == unit }
                .map { min(max($0.units, 0), CreditAccount.shortfallMax) } ?? 0
            let burnt = draws.reduce(owed) { $0 + max($1.units, 0) }
            let left = burnt - state.refunded(at: order.position, unit: unit).units
            let wanted = order.credits ?? Quantity(units: left)
            guard
                let back = state.refund(
                    wanted, of: order.position, unit: unit, draws: draws,
                    shortfall: Quantity(units: owed))
            else {
                throw .bad(
                    "credits",
                    "the entry at position \(order.position) has \(Quantity(units: max(left, 0))) credits "
                        + "left that could go back")
            }
            return .entry(
                Outcome(draws: back.draws, shortfallUnits: -back.shortfall.units), Evidence())
        } catch {
            return .refused(error)
        }
    }
}

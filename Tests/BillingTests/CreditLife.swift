import Money
import Testing

@testable import Billing

/// An account that is spoken to in whole credits.
final class CreditLife {
    var account = CreditAccount()
    var rules: CreditRules
    private var used: [UInt64: (draws: [Draw], shortfall: Quantity)] = [:]
    private var position: UInt64 = 0

    init(repays: Bool = true, order: [BurnOrder.Key] = BurnOrder.Key.allCases) {
        var credit = Credit(unit: "u", burn: [])
        credit.repays = repays
        credit.order = BurnOrder(order)
        rules = CreditRules([credit])
    }

    func go(_ time: Int64) {
        position += 1
        account.advance(to: at(time), position: position, rules: rules)
        check()
    }

    func void(_ grant: UInt32) -> Bool { account.void(grant) }
    func release(_ hold: UInt64) -> Bool { account.release(at: hold) }

    func check() {
        #expect(account.totals(of: "u").isBalanced, "\(account.totals(of: "u"))")
        #expect(account.grants.allSatisfy { $0.remaining >= .zero && $0.held >= .zero })
    }

    @discardableResult func grant(
        _ amount: Int128, _ time: Int64 = 0, priority: Int = 0, from: Int64? = nil,
        until: Int64? = nil, kind: GrantKind = .purchased, features: [String] = [],
        cost: Int128? = nil, rollover: Rollover? = nil
    ) -> UInt32 {
        go(time)
        var terms = GrantTerms(unit: "u")
        (terms.priority, terms.kind, terms.features) = (priority, kind, features)
        terms.cost = cost.map { CreditLife.credits($0) }
        let ordinal = UInt32(account.grants.count)
        account.add(
            CreditGrant(
                ordinal: ordinal, terms: terms, amount: Self.credits(amount),
                effective: at(from ?? time), expires: until.map { at($0) },
                rollover: rollover, position: position))
        go(time)
        return ordinal
    }

    func recur(
        _ amount: Int128, _ time: Int64, every count: Int, _ unit: BillingCycle.Unit,
        from: Int64? = nil, anchor: Int64? = nil, priority: Int = 0, rollover: Rollover? = nil
    ) {
        go(time)
        var terms = GrantTerms(unit: "u")
        terms.priority = priority
        let effective = at(from ?? time)
        account.add(
            RecurringGrant(
                terms: terms, amount: Self.credits(amount),
                recurrence: Recurrence(
                    count: count, unit: unit, anchor: anchor.map { at($0) } ?? effective,
                    zone: .utc), effective: effective, ends: nil, rollover: rollover,
                source: nil), position: position)
        go(time)
    }

    /// Usage that happened; its number.
    @discardableResult func use(
        _ amount: Int128, _ time: Int64, at own: Int64? = nil, of feature: String = "f"
    ) -> UInt64 {
        go(time)
        let found = account.drawdown(
            Self.credits(amount), of: "u", for: [feature], at: CreditAccountTests.at(own ?? time))
        let done = account.draw(found.draws, shortfall: found.shortfall, unit: "u")
        #expect(done)
        used[position] = (found.draws, found.shortfall)
        check()
        return position
    }

    /// Gives back a part of a use; whether it could.
    @discardableResult func refund(
        _ amount: Int128, of use: UInt64, _ time: Int64
    ) -> Bool {
        go(time)
        guard let entry = used[use],
            let back = account.refund(
                Self.credits(amount), of: use, unit: "u", draws: entry.draws,
                shortfall: entry.shortfall)
        else { return false }
        let done = account.giveBack(
            back.draws, shortfall: back.shortfall, of: use, unit: "u")
        check()
        return done
    }

    func hold(_ amount: Int128, _ time: Int64, for length: Int64 = CreditAccountTests.hour)
        -> UInt64
    {
        go(time)
        let found = account.drawdown(Self.credits(amount), of: "u", for: ["f"], at: at(time))
        let done = account.place(
            CreditHold(
                position: position, feature: "f", quantity: Self.credits(amount), unit: "u",
                draws: found.draws, expires: at(time + length)))
        #expect(done && found.shortfall == .zero)
        check()
        return position
    }

    /// Settles for so much; what is beyond the hold is drawn like a use.
    @discardableResult func settle(
        _ hold: UInt64, _ amount: Int128, _ time: Int64
    ) -> Bool {
        go(time)
        guard let open = account.hold(at: hold) else { return false }
        let held = open.draws.reduce(Int128(0)) { $0 + $1.units }
        account.settle(open, keeping: min(Self.credits(amount).units, held))
        check()
        let beyond = Self.credits(amount).units - held
        if beyond > 0 {
            let found = account.drawdown(
                Quantity(units: beyond), of: "u", for: ["f"], at: at(time))
            _ = account.draw(found.draws, shortfall: found.shortfall, unit: "u")
        }
        check()
        return true
    }

    static func credits(_ whole: Int128) -> Quantity { Quantity(units: whole * 1_000_000_000_000) }

    func at(_ time: Int64) -> Timestamp { CreditAccountTests.at(time) }

    /// What is left of each grant, in whole credits; those that are over or empty are left out.
    func left(_ time: Int64) -> [String] {
        var account = account
        account.advance(to: at(time), position: 0, rules: rules)
        return account.grants.filter { $0.isUsable(at: at(time)) && !$0.isVoid }
            .map { $0.remaining.description }
    }

    func balance(_ time: Int64) -> String {
        var account = account
        account.advance(to: at(time), position: 0, rules: rules)
        return account.balance(of: "u", for: ["f"]).description
    }

    var overage: String { account.shortfall(of: "u").description }
}

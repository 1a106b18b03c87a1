import Billing
import Money
import Seeds
import Testing

/// Who may go on, in which order it is asked, and with which numbers.
@Suite struct EntitlementTests {
    private static func decide(
        _ allowance: PlanEntitlement.Allowance?, isSwitch: Bool = false, used: String = "0",
        asking quantity: String = "1", cost: String? = nil, balance: String = "0"
    ) throws -> Judgement {
        let plan = try Plans.plan(allowing: allowance)
        let feature = try Plans.feature(isSwitch: isSwitch)
        var entitlement = Entitlement(of: feature)
        entitlement.allowance = plan.entitlement(feature.key)?.allowance
        entitlement.used = try #require(Quantity(used))
        entitlement.quantity = try #require(Quantity(quantity))
        entitlement.creditCost = try cost.map { try #require(Quantity($0)) }
        entitlement.creditBalance = try #require(Quantity(balance))
        return entitlement.judge()
    }

    /// Whether a judgement is this one, without numbers.
    private static func isBare(
        _ judgement: Judgement, _ allowed: Bool, _ reason: Reason
    ) -> Bool {
        judgement.allowed == allowed && judgement.reason == reason && judgement.limit == nil
            && judgement.used == nil && judgement.remaining == nil
    }

    private static func limit(_ text: String, hard: Bool = true) throws
        -> PlanEntitlement.Allowance
    {
        var limit = Limit(try #require(Quantity(text)))
        limit.isHard = hard
        return .limit(limit)
    }

    @Test func noPlanIsNoSubscription() throws {
        var entitlement = Entitlement(of: try Plans.feature(isSwitch: true))
        entitlement.hasPlan = false
        #expect(Self.isBare(entitlement.judge(), false, .noActiveSubscription))
        entitlement.isKnown = false
        #expect(Self.isBare(entitlement.judge(), false, .accountUnknown))
    }

    @Test func whatIsNotInThePlanIsDenied() throws {
        for allowance in [nil, PlanEntitlement.Allowance.off] {
            for isSwitch in [true, false] {
                let judgement = try Self.decide(allowance, isSwitch: isSwitch, balance: "5")
                #expect(Self.isBare(judgement, false, .notInPlan))
            }
        }
    }

    /// A switch has no numbers.
    @Test func aSwitchThatIsOnIsAllowed() throws {
        let judgement = try Self.decide(.on, isSwitch: true, used: "7", cost: "9")
        #expect(Self.isBare(judgement, true, .allowed))
    }

    /// limit, hard, used before, asked for → allowed, reason, used after, remaining
    @Test(
        arguments: [
            ("10", true, "0", "1", true, Reason.allowed, "1", "9"),
            ("10", true, "9", "1", true, .allowed, "10", "0"),
            ("10", true, "10", "1", false, .limitReached, "10", "0"),
            ("10", true, "9", "2", false, .limitReached, "9", "1"),
            ("10", true, "9.999999999999", "0.000000000001", true, .allowed, "10", "0"),
            (
                "10", true, "9.999999999999", "0.000000000002", false, .limitReached,
                "9.999999999999", "0.000000000001"
            ),
            ("10", true, "12", "1", false, .limitReached, "12", "0"),
            ("10", true, "12", "0", true, .allowed, "12", "0"),
            ("0", true, "0", "1", false, .limitReached, "0", "0"),
            ("0", true, "0", "0", true, .allowed, "0", "0"),
            ("10", true, "-5", "15", true, .allowed, "10", "0"),
            ("10", false, "9", "1", true, .allowed, "10", "0"),
            ("10", false, "9", "2", true, .allowedOverage, "11", "0"),
            ("10", false, "50", "1", true, .allowedOverage, "51", "0"),
            ("10", false, "50", "0", true, .allowed, "50", "0"),
        ] as [(String, Bool, String, String, Bool, Reason, String, String)])
    func limitsHold(
        limit: String, hard: Bool, used: String, quantity: String, allowed: Bool, reason: Reason,
        after: String, remaining: String
    ) throws {
        let judgement = try Self.decide(
            Self.limit(limit, hard: hard), used: used, asking: quantity)
        #expect(judgement.allowed == allowed && judgement.reason == reason)
        #expect(judgement.limit == Quantity(limit))
        #expect(judgement.used == Quantity(after))
        #expect(judgement.remaining == Quantity(remaining))
    }

    @Test(
        arguments: [
            ("2", "2", true, Reason.allowed, "0"), ("2", "2.5", true, .allowed, "0.5"),
            ("2", "1.999999999999", false, .creditInsufficient, "1.999999999999"),
            ("2", "0", false, .creditInsufficient, "0"), ("0", "0", true, .allowed, "0"),
            ("0.005", "1", true, .allowed, "0.995"), ("2", "1", false, .creditInsufficient, "1"),
        ] as [(String, String, Bool, Reason, String)])
    func creditsPay(
        cost: String, balance: String, allowed: Bool, reason: Reason, remaining: String
    ) throws {
        let judgement = try Self.decide(.on, cost: cost, balance: balance)
        #expect(judgement.allowed == allowed && judgement.reason == reason)
        #expect(judgement.remaining == Quantity(remaining) && judgement.limit == nil)
        #expect(judgement.used == Quantity(allowed ? "1" : "0"))
    }

    /// The plan is asked before the limit, the hard limit before the credits.
    @Test func theFirstCauseIsNamed() throws {
        let poor = try Self.decide(Self.limit("1"), used: "1", cost: "5", balance: "1")
        #expect(poor.reason == .limitReached)
        let soft = try Self.decide(
            Self.limit("1", hard: false), used: "1", cost: "5", balance: "1")
        #expect(soft.reason == .creditInsufficient && !soft.allowed)
        let paid = try Self.decide(
            Self.limit("1", hard: false), used: "1", cost: "1", balance: "1")
        #expect(paid.reason == .allowedOverage && paid.allowed)
        #expect(try Self.decide(.off, used: "9", cost: "5").reason == .notInPlan)
    }

    @Test func usageBeyondAllNumbersIsBeyondTheLimit() throws {
        let most = Quantity(units: .max)
        var limited = Entitlement(of: try Plans.feature(isSwitch: false))
        limited.allowance = try Self.limit("10")
        limited.used = most
        limited.quantity = most
        let judgement = limited.judge()
        #expect(judgement.reason == .limitReached && !judgement.allowed)
        var paid = Entitlement(of: try Plans.feature(isSwitch: false))
        paid.allowance = .on
        paid.used = Quantity(units: .min)
        paid.quantity = most
        paid.creditCost = most
        paid.creditBalance = Quantity(units: .min)
        #expect(paid.judge().reason == .creditInsufficient)
    }

    /// One request after another: a hard limit is never passed, and what is used is what was allowed.
    @Test(arguments: Seeds.all)
    func noSequencePassesAHardLimit(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        for _ in 0..<40 {
            let limit = Quantity(units: Int128.random(in: 0...(1 << 50), using: &generator))
            var entitlement = Entitlement(of: try Plans.feature(isSwitch: false))
            entitlement.allowance = .limit(Limit(limit))
            var used = Quantity.zero
            for _ in 0..<30 {
                let asked = Quantity(units: Int128.random(in: 0...(1 << 48), using: &generator))
                entitlement.used = used
                entitlement.quantity = asked
                let judgement = entitlement.judge()
                let after = try #require(used.adding(asked))
                #expect(judgement.allowed == (after <= limit))
                if judgement.allowed { used = after }
                #expect(judgement.used == used)
                #expect(judgement.remaining == limit.subtracting(used))
            }
        }
    }

    /// D-14 and more of its kind: which of two limits is the more generous.
    @Test(
        arguments: [
            ("70 week", "8 day", 0), ("15 day", "70 week", 0), ("300 month", "10 day", 0),
            ("8 day", "70 week", 1), ("10 day", "300 month", 0), ("1000 never", "1 year", 1),
            ("1 year", "1000 never", 0), ("5 never", "6 never", 1), ("24 day", "1 hour", 0),
            ("23 day", "1 hour", 1), ("365 year", "1 day", 0), ("0 day", "1 never", 1),
            ("10 day soft", "10 day", 0), ("10 day", "10 day soft", 1),
            ("11 day", "10 day soft", 0),
        ])
    func theMoreGenerousCounts(_ first: String, _ second: String, _ winner: Int) throws {
        let both = try [first, second].map { text -> PlanEntitlement.Allowance in
            let words = text.split(separator: " ").map(String.init)
            var limit = Limit(try #require(Quantity(words[0])))
            limit.window = try #require(LimitWindow(text: words[1], anchor: .calendar))
            limit.isHard = words.count < 3
            return .limit(limit)
        }
        #expect(PlanEntitlement.Allowance.mostGenerous(both) == both[winner])
        #expect(PlanEntitlement.Allowance.mostGenerous(both + [.off]) == both[winner])
        #expect(PlanEntitlement.Allowance.mostGenerous(both + [.on]) == .on)
    }
}

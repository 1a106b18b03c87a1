import Billing
import Money
import Seeds
import Testing

/// Which grants pay, how much, and in which order.
@Suite struct BurnDownTests {
    private static func grant(
        _ ordinal: UInt32, _ remaining: String, priority: Int = 0, from effective: Int64 = 0,
        until expires: Int64? = nil
    ) throws -> CreditGrant {
        var terms = GrantTerms(unit: "u")
        terms.priority = priority
        return CreditGrant(
            ordinal: ordinal, terms: terms, amount: try #require(Quantity(remaining)),
            effective: Timestamp(nanoseconds: effective),
            expires: expires.map { Timestamp(nanoseconds: $0) }, position: 0)
    }

    /// An account with these grants, which are given in the order of their ordinals whatever the list's.
    private static func account(_ grants: [CreditGrant]) -> CreditAccount {
        var account = CreditAccount()
        for ordinal in 0..<UInt32((grants.map(\.ordinal).max() ?? 0) + 1) {
            let grant = grants.first { $0.ordinal == ordinal }
            account.add(
                grant
                    ?? CreditGrant(
                        ordinal: ordinal, terms: GrantTerms(unit: "u"), amount: .zero,
                        effective: Timestamp(nanoseconds: 0), expires: nil, position: 0))
        }
        return account
    }

    private static func draw(
        _ need: String, _ grants: [CreditGrant], at time: Int64 = 100
    ) throws -> String {
        let drawdown = account(grants).drawdown(
            try #require(Quantity(need)), of: "u", for: [], at: Timestamp(nanoseconds: time))
        let draws = drawdown.draws.map { "\($0.grant):\(Quantity(units: $0.units))" }
        return (draws + ["short \(drawdown.shortfall)"]).joined(separator: " ")
    }

    /// B-02, B-05, B-08, B-17, B-32 and their neighbours.
    @Test func theTableHolds() throws {
        let sooner = try [
            Self.grant(0, "100", until: 200), Self.grant(1, "100", until: 300),
        ]
        #expect(try Self.draw("120", sooner) == "0:100 1:20 short 0")
        #expect(try Self.draw("120", sooner.reversed()) == "0:100 1:20 short 0")
        #expect(try Self.draw("50", []) == "short 50")
        #expect(try Self.draw("50", [Self.grant(0, "100", until: 100)]) == "short 50")
        let ranked = try [
            Self.grant(0, "50", priority: 2, until: 500),
            Self.grant(1, "20", priority: 1, until: 500),
            Self.grant(2, "100", priority: 3, until: 200),
        ]
        #expect(try Self.draw("60", ranked) == "1:20 0:40 short 0")
        let steps = try [
            Self.grant(0, "10", until: 110), Self.grant(1, "15", until: 115), Self.grant(2, "20"),
        ]
        #expect(try Self.draw("5", steps) == "0:5 short 0")
        let rest = try [Self.grant(0, "5", until: 110)] + steps.dropFirst()
        #expect(try Self.draw("10", rest) == "0:5 1:5 short 0")
        #expect(try Self.draw("100", steps) == "0:10 1:15 2:20 short 55")
        #expect(try Self.draw("0", steps) == "short 0")
        #expect(try Self.draw("-5", steps) == "short 0")
        #expect(try Self.draw("1", [Self.grant(0, "0"), Self.grant(1, "2")]) == "1:1 short 0")
    }

    /// effective ≤ time < expires, to the nanosecond.
    @Test(
        arguments: [
            (99, false), (100, true), (101, true), (199, true), (200, false), (.min, false),
            (.max, false),
        ] as [(Int64, Bool)])
    func aGrantPaysWithinItsTime(time: Int64, pays: Bool) throws {
        let grant = try Self.grant(0, "5", from: 100, until: 200)
        #expect(grant.isUsable(at: Timestamp(nanoseconds: time)) == pays)
        #expect(try Self.draw("1", [grant], at: time) == (pays ? "0:1 short 0" : "short 1"))
        let open = try Self.grant(0, "5", from: 100)
        #expect(open.isUsable(at: Timestamp(nanoseconds: time)) == (time >= 100))
    }

    /// Priority, then expiry with never last, then effective time, then ordinal.
    @Test func theKeysHaveTheirOrder() throws {
        let inOrder = try [
            Self.grant(9, "1", priority: -1, from: 50), Self.grant(8, "1", from: 90, until: 101),
            Self.grant(1, "1", from: 10, until: 102), Self.grant(7, "1", from: 20, until: 102),
            Self.grant(2, "1", from: 10), Self.grant(5, "1", from: 10),
            Self.grant(0, "1", from: 11), Self.grant(3, "1", priority: 1, from: 0, until: 101),
        ]
        var generator = SeededGenerator(7)
        for _ in 0..<50 {
            #expect(
                try Self.draw("8", inOrder.shuffled(using: &generator))
                    == "9:1 8:1 1:1 7:1 2:1 5:1 0:1 3:1 short 0")
        }
    }

    /// In whatever order grants are listed, the same ones pay; all that is needed is paid or short;
    /// none pays more than it has; the first ones are used up before the next pays.
    @Test(arguments: Seeds.all)
    func drawsAreTotalAndComplete(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        for _ in 0..<300 {
            let grants = try (0..<Int.random(in: 0...7, using: &generator)).map { ordinal in
                let from = Int64.random(in: 98...101, using: &generator)
                return try Self.grant(
                    UInt32(ordinal), "\(Int.random(in: 0...3, using: &generator))",
                    priority: Int.random(in: 0...1, using: &generator), from: from,
                    until: Bool.random(using: &generator)
                        ? Int64.random(in: 100...103, using: &generator) : nil)
            }
            let need = Quantity(units: Int128.random(in: 0...(1 << 43), using: &generator))
            let time = Timestamp(nanoseconds: 100)
            var account = Self.account(grants)
            let drawdown = account.drawdown(need, of: "u", for: [], at: time)
            // Whether they had expired when it was looked at last or not.
            account.advance(to: time, position: 0, rules: .standard)
            #expect(account.drawdown(need, of: "u", for: [], at: time) == drawdown)
            account.advance(
                to: Timestamp(nanoseconds: 105), position: 0, rules: .standard)
            #expect(account.drawdown(need, of: "u", for: [], at: time) == drawdown)
            #expect(account.drawdown(need, of: "v", for: [], at: time).draws == [])
            let drawn = drawdown.draws.reduce(Int128(0)) { $0 + $1.units }
            #expect(drawn + drawdown.shortfall.units == need.units)
            let usable = grants.filter { $0.isUsable(at: time) && $0.remaining > .zero }
            for (place, draw) in drawdown.draws.enumerated() {
                let grant = try #require(usable.first { $0.ordinal == draw.grant })
                #expect(draw.units > 0 && draw.units <= grant.remaining.units)
                if place < drawdown.draws.count - 1 {
                    #expect(draw.units == grant.remaining.units)
                }
            }
            if drawdown.shortfall > .zero { #expect(drawdown.draws.count == usable.count) }
        }
    }
}

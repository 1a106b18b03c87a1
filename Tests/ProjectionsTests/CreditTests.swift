import Billing
import Bytes
import Money
import Projections
import Testing

/// Credits: draws are subtracted as they were decided, and nothing else happens.
@Suite struct CreditTests {
    private func grant(
        _ ordinal: UInt32, _ amount: Int128, priority: Int = 0, effective: Int64 = 0,
        expires: Int64? = nil, at position: UInt64 = 0
    ) -> CreditGrant {
        var terms = GrantTerms(unit: "u")
        terms.priority = priority
        return CreditGrant(
            ordinal: ordinal, terms: terms, amount: Quantity(units: amount),
            effective: Timestamp(nanoseconds: effective),
            expires: expires.map { Timestamp(nanoseconds: $0) }, position: position)
    }

    private func balances(_ amounts: [Int128], of account: UInt32 = 0) -> CreditBalances {
        var balances = CreditBalances()
        for (ordinal, amount) in amounts.enumerated() {
            balances.update(account) { $0.add(grant(UInt32(ordinal), amount)) }
        }
        return balances
    }

    private func draw(
        _ draws: [Draw], _ shortfall: Int128, _ balances: inout CreditBalances,
        from account: UInt32 = 0
    ) -> Bool {
        balances.update(account) {
            $0.draw(draws, shortfall: Quantity(units: shortfall), unit: "u")
        }
    }

    private func balance(_ balances: borrowing CreditBalances, at time: Int64) -> Int128 {
        var account = balances.account(0)
        account.advance(to: Timestamp(nanoseconds: time), position: 0, rules: .standard)
        return account.balance(of: "u", for: []).units
    }

    @Test func drawsAreSubtracted() {
        var balances = balances([10, 20])
        let done = draw([Draw(grant: 1, units: 20), Draw(grant: 0, units: 3)], 4, &balances)
        #expect(done)
        let account = balances.account(0)
        #expect(account.grants.map(\.remaining.units) == [7, 0])
        #expect(account.totals(of: "u").drawn == 23)
        #expect(account.shortfall(of: "u").units == 4)
        #expect(balance(balances, at: 5) == 7)
    }

    @Test(
        arguments: [
            ([Draw(grant: 0, units: 11)], 0), ([Draw(grant: 2, units: 1)], 0),
            ([Draw(grant: 0, units: -1)], 0),
            ([Draw(grant: 0, units: 6), Draw(grant: 0, units: 5)], 0), ([], Int128.max),
        ] as [([Draw], Int128)])
    func aDrawThatTheGrantsDoNotCoverContradicts(_ draws: [Draw], _ shortfall: Int128) {
        var balances = balances([10, 20])
        _ = draw([], 1, &balances)
        let done = draw(draws, shortfall, &balances)
        #expect(!done)
    }

    @Test func aGrantPaysFromItsStartUntilJustBeforeItsEnd() {
        var balances = CreditBalances()
        balances.update(0) {
            $0.add(grant(0, 1, effective: 100, expires: 200))
            $0.add(grant(1, 10, effective: 150))
        }
        for (time, expected) in [
            (99, 0), (100, 1), (149, 1), (150, 11), (199, 11), (200, 10), (Int64.max, 10),
        ] as [(Int64, Int128)] {
            #expect(balance(balances, at: time) == expected, "at \(time)")
        }
        let stranger = balances.account(77).isEmpty
        #expect(stranger)
    }

    /// Every field of a grant and of an account is in the digest.
    @Test func everythingIsInTheDigest() {
        var digests: [String] = []
        func take(_ balances: consuming CreditBalances) { digests.append(balances.digest().hex) }
        func take(_ grant: CreditGrant, to account: UInt32 = 0) {
            var balances = CreditBalances()
            balances.update(account) { $0.add(grant) }
            take(balances)
        }
        take(CreditBalances())
        take(grant(0, 10))
        take(grant(0, 11))
        take(grant(0, 10, priority: 1))
        take(grant(0, 10, effective: 1))
        take(grant(0, 10, expires: 0))
        take(grant(0, 10, at: 1))
        take(grant(0, 10), to: 1)
        take(grant(0, 10), to: 256)
        var drawn = balances([10])
        _ = draw([Draw(grant: 0, units: 1)], 0, &drawn)
        take(drawn)
        var short = balances([10])
        _ = draw([], 1, &short)
        take(short)
        #expect(Set(digests).count == digests.count)
    }

    @Test func aRestoredStateIsTheSame() throws {
        var live = CreditBalances()
        for account in [0, 3, 255, 256, 900] as [UInt32] {
            live.update(account) { state in
                for ordinal in 0..<3 as Range<UInt32> {
                    state.add(
                        grant(
                            ordinal, Int128(account) * 100 + 5, priority: -Int(ordinal),
                            effective: -5, expires: ordinal == 1 ? nil : 77, at: UInt64(account)))
                }
            }
            let done = draw([Draw(grant: 1, units: 4)], 9, &live, from: account)
            #expect(done)
        }
        var bytes = ByteBuffer()
        live.serialise(into: &bytes) { _ in }
        var reader = ByteReader(bytes.bytes)
        var restored = try CreditBalances(restoring: &reader)
        let (left, right) = (live.digest(), restored.digest())
        #expect(left == right)
        let isAtEnd = reader.isAtEnd
        #expect(isAtEnd)
        let account = restored.account(900)
        #expect(account.grants == live.account(900).grants)
        #expect(
            account.drawdown(Quantity(units: 7), of: "u", for: [], at: Timestamp(nanoseconds: 0))
                .draws.count == 1)
    }
}

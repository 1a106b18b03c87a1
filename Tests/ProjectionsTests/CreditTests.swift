import Billing
import Bytes
import Money
import Projections
import Testing

/// Credits: draws are subtracted as they were decided, and nothing else happens.
@Suite struct CreditTests {
    private func grant(
        _ ordinal: UInt32, _ amount: Int128, priority: Int = 0, effective: Int64 = 0,
        expires: Int64? = nil
    ) -> GrantState {
        GrantState(
            ordinal: ordinal, amount: Quantity(units: amount), remaining: Quantity(units: amount),
            priority: priority, effective: Timestamp(nanoseconds: effective),
            expires: expires.map { Timestamp(nanoseconds: $0) })
    }

    private func balances(_ amounts: [Int128], of account: UInt32 = 0) -> CreditBalances {
        var balances = CreditBalances()
        for (ordinal, amount) in amounts.enumerated() {
            balances.grant(grant(UInt32(ordinal), amount), at: UInt64(ordinal), to: account)
        }
        return balances
    }

    private func balance(_ balances: borrowing CreditBalances, at time: Int64) -> Int128 {
        balances.balance(of: 0, at: Timestamp(nanoseconds: time)).units
    }

    @Test func drawsAreSubtracted() {
        var balances = balances([10, 20])
        let done = balances.draw(
            [Draw(grant: 1, units: 20), Draw(grant: 0, units: 3)], shortfallUnits: 4, from: 0)
        #expect(done)
        let account = balances.account(0)
        #expect(account.grants.map(\.remaining.units) == [7, 0])
        #expect(account.drawnUnits == 23)
        #expect(account.shortfallUnits == 4)
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
        _ = balances.draw([], shortfallUnits: 1, from: 0)
        let done = balances.draw(draws, shortfallUnits: shortfall, from: 0)
        #expect(!done)
    }

    @Test func aGrantPaysFromItsStartUntilJustBeforeItsEnd() {
        var balances = CreditBalances()
        balances.grant(grant(0, 1, effective: 100, expires: 200), at: 0, to: 0)
        balances.grant(grant(1, 10, effective: 150), at: 1, to: 0)
        for (time, expected) in [
            (99, 0), (100, 1), (149, 1), (150, 11), (199, 11), (200, 10), (Int64.max, 10),
        ] as [(Int64, Int128)] {
            #expect(balance(balances, at: time) == expected, "at \(time)")
        }
        let stranger = balances.balance(of: 77, at: Timestamp(nanoseconds: 150))
        #expect(stranger == .zero)
    }

    /// Every field of a grant and of an account is in the digest.
    @Test func everythingIsInTheDigest() {
        var digests: [String] = []
        func take(_ balances: consuming CreditBalances) { digests.append(balances.digest().hex) }
        func take(_ state: GrantState, at position: UInt64 = 0, to account: UInt32 = 0) {
            var balances = CreditBalances()
            balances.grant(state, at: position, to: account)
            take(balances)
        }
        take(CreditBalances())
        take(grant(0, 10))
        take(grant(0, 11))
        take(grant(0, 10, priority: 1))
        take(grant(0, 10, effective: 1))
        take(grant(0, 10, expires: 0))
        take(grant(0, 10), at: 1)
        take(grant(0, 10), to: 1)
        take(grant(0, 10), to: 256)
        var drawn = balances([10])
        _ = drawn.draw([Draw(grant: 0, units: 1)], shortfallUnits: 0, from: 0)
        take(drawn)
        var short = balances([10])
        _ = short.draw([], shortfallUnits: 1, from: 0)
        take(short)
        #expect(Set(digests).count == digests.count)
    }

    @Test func aRestoredStateIsTheSame() throws {
        var live = CreditBalances()
        for account in [0, 3, 255, 256, 900] as [UInt32] {
            for ordinal in 0..<3 as Range<UInt32> {
                live.grant(
                    grant(
                        ordinal, Int128(account) * 100 + 5, priority: -Int(ordinal),
                        effective: -5, expires: ordinal == 1 ? nil : 77),
                    at: UInt64(account), to: account)
            }
            let done = live.draw([Draw(grant: 1, units: 4)], shortfallUnits: 9, from: account)
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
        #expect(account.positions == [900, 900, 900])
    }
}

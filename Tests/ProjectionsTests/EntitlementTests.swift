import Billing
import Bytes
import Projections
import Testing

/// Which plan counts when: by effective time, then by position.
@Suite struct EntitlementTests {
    private func subscribed(
        _ list: [(effective: Int64, plan: String)], account: UInt32 = 0
    ) -> Entitlements {
        var entitlements = Entitlements()
        for (position, entry) in list.enumerated() {
            subscribe(&entitlements, entry.effective, entry.plan, UInt64(position), account)
        }
        return entitlements
    }

    private func subscribe(
        _ entitlements: inout Entitlements, _ effective: Int64, _ plan: String, _ position: UInt64,
        _ account: UInt32, catalog: UInt32 = 0
    ) {
        entitlements.update(account) {
            $0.add(
                SubscriptionChange(
                    effective: Timestamp(nanoseconds: effective), status: .active,
                    position: position, catalog: catalog, terms: SubscriptionTerms(plan: plan)))
        }
    }

    private func plan(_ entitlements: borrowing Entitlements, at time: Int64) -> String? {
        entitlements.account(0).holding(at: Timestamp(nanoseconds: time))?.terms.plan
    }

    @Test func theLatestEffectiveCounts() {
        let entitlements = subscribed([(100, "a"), (300, "b"), (200, "c")])
        for (time, expected) in [
            (99, nil), (100, "a"), (199, "a"), (200, "c"), (299, "c"), (300, "b"),
            (Int64.max, "b"), (Int64.min, nil),
        ] as [(Int64, String?)] {
            #expect(plan(entitlements, at: time) == expected, "at \(time)")
        }
    }

    @Test func ofEqualTimesTheLastRecordedCounts() {
        let entitlements = subscribed([(5, "a"), (9, "z"), (5, "b"), (5, "c"), (9, "y"), (1, "p")])
        let changes = entitlements.account(0).own
        #expect(changes.map { $0.terms?.plan } == ["p", "a", "b", "c", "z", "y"])
        #expect(changes.map(\.position) == [5, 0, 2, 3, 1, 4])
        #expect(plan(entitlements, at: 5) == "c")
        #expect(plan(entitlements, at: 9) == "y")
    }

    @Test func aPastEffectiveTimeChangesOnlyThePast() {
        var entitlements = subscribed([(100, "new")])
        subscribe(&entitlements, -1000, "old", 1, 0)
        #expect(plan(entitlements, at: 99) == "old")
        #expect(plan(entitlements, at: 100) == "new")
    }

    @Test func accountsDoNotMeet() {
        let entitlements = subscribed([(1, "a")], account: 7)
        #expect(plan(entitlements, at: 5) == nil)
        #expect(entitlements.account(6).own.isEmpty)
        #expect(entitlements.account(700).own.isEmpty)
    }

    @Test func orderAndEveryFieldAreInTheDigest() {
        let lists: [[(Int64, String)]] = [
            [], [(1, "a")], [(2, "a")], [(1, "b")], [(1, "a"), (1, "b")], [(1, "b"), (1, "a")],
        ]
        var digests: Set<String> = []
        for list in lists {
            var entitlements = subscribed(list)
            digests.insert(entitlements.digest().hex)
        }
        var other = Entitlements()
        subscribe(&other, 1, "a", 0, 0, catalog: 1)
        digests.insert(other.digest().hex)
        #expect(digests.count == lists.count + 1)
    }

    @Test func aRestoredStateIsTheSame() throws {
        var live = subscribed([(5, "a"), (9, "z"), (5, "b"), (5, ""), (9, "\u{E9}")], account: 300)
        var bytes = ByteBuffer()
        live.serialise(into: &bytes) { _ in }
        var reader = ByteReader(bytes.bytes)
        var restored = try Entitlements(restoring: &reader)
        let (left, right) = (live.digest(), restored.digest())
        #expect(left == right)
        #expect(
            restored.account(300).own.map { $0.terms } == live.account(300).own.map { $0.terms })
    }
}

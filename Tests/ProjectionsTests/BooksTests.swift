import Billing
import Bytes
import Codec
import Money
import Projections
import Testing

/// Decide and apply, on records made by hand.
@Suite struct BooksTests {
    private func consume(_ id: String, _ feature: String, _ quantity: String = "1") throws
        -> [UInt8]
    {
        try Sample.command(
            .consume, id, "acme", #"{"feature":"\#(feature)","quantity":"\#(quantity)"}"#)
    }

    private func subscribe(_ plan: String, _ id: String = "s") throws -> [UInt8] {
        try Sample.command(.subscribe, id, "acme", #"{"plan":"\#(plan)"}"#)
    }

    @Test func decidingChangesNothing() throws {
        let ledger = try Ledger.filled()
        let digest = ledger.digest
        for content in [
            try consume("n1", "calls"), try consume("n2", "images", "3"),
            try Sample.event("n3", "image.made", "acme"), try subscribe("free", "n4"),
            try Sample.command(.grant, "n5", "new", #"{"amount":"1"}"#),
        ] {
            let view = try RecordView(content: content.raw)
            _ = ledger.books.decide(view, recordedAt: Sample.now)
            #expect(ledger.digest == digest)
        }
        #expect(ledger.books.account("new") == nil)
    }

    /// Law 4 at its smallest: decisions come from the entries, the books from the decisions.
    @Test func replayDecidesNothingAndGivesTheSameBooks() throws {
        let live = try Ledger.filled()
        #expect(try Ledger(replaying: live.entries).digest == live.digest)
        // A denial stays one, even where the books would allow it.
        var changed = live.entries
        let place = try #require(changed.firstIndex { $0.outcome.decision?.allowed == true })
        changed[place].outcome = Outcome(
            decision: OutcomeDecision(allowed: false, reason: .limitReached))
        let replayed = try Ledger(replaying: changed)
        let images = try live.total("beta", "images").events
        #expect(try replayed.total("beta", "images").events == images - 1)
    }

    @Test func aHardLimitAndItsDenial() throws {
        let ledger = Ledger()
        try ledger.publish()
        for number in 1...5 {
            #expect(try ledger.record(consume("c\(number)", "calls")).decision?.allowed == true)
        }
        let denied = try ledger.record(consume("c6", "calls"))
        #expect(denied.decision == OutcomeDecision(allowed: false, reason: .limitReached))
        #expect(try ledger.total("acme", "calls") == (5, 5 * Sample.one))
    }

    @Test func eventsDrawFromTheGrantsOfTheirOwnTime() throws {
        let ledger = Ledger()
        try ledger.publish()
        for (id, effective, expires) in [
            ("old", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("new", "2026-02-01T00:00:00Z", "2027-02-01T00:00:00Z"),
        ] {
            try ledger.record(
                Sample.command(
                    .grant, id, "acme", #"{"amount":"4","expires":"\#(expires)"}"#,
                    effective: effective))
        }
        let draws = { (time: String) in
            try ledger.record(
                Sample.event(time, "image.made", "acme", time: "2026-\(time)T12:00:00Z"))
        }
        #expect(
            try draws("01-31") == Outcome(draws: [Draw(grant: 0, units: 2_500_000_000_000)]))
        #expect(
            try draws("02-01") == Outcome(draws: [Draw(grant: 1, units: 2_500_000_000_000)]))
        #expect(
            try draws("01-15")
                == Outcome(
                    draws: [Draw(grant: 0, units: 1_500_000_000_000)],
                    shortfallUnits: 1_000_000_000_000))
        #expect(try draws("03-01").shortfallUnits == 1_000_000_000_000)
    }

    /// Quantities at the edge of 128 bits are counted or listed as unreadable, and trap nowhere.
    @Test(arguments: ["calls", "tokens"])
    func hugeQuantitiesDoNotTrap(_ feature: String) throws {
        let ledger = Ledger()
        try ledger.publish()
        try ledger.record(subscribe("pro"))
        let huge = "170141183460469231731687303"
        for number in 0..<3 {
            #expect(
                try ledger.record(consume("c\(number)", feature, huge)).decision?.allowed == true)
        }
        let units = try #require(Quantity(huge)).units
        #expect(try ledger.total("acme", feature) == (1, units))
        let number = ledger.books.registry.meter(feature)
        let meter = Int(try #require(number))
        #expect(ledger.books.registry.unreadable[meter].events == 2)
        #expect(try Ledger(replaying: ledger.entries).digest == ledger.digest)
    }

    /// What an entry adds to each projection alone moves the digest of the whole.
    @Test func eachProjectionIsInTheDigest() throws {
        func digest(_ entries: [Ledger.Entry]) throws -> String {
            let ledger = Ledger()
            try ledger.publish()
            try ledger.record(Sample.command(.grant, "g", "acme", #"{"amount":"9"}"#))
            for entry in entries { try ledger.apply(entry) }
            return ledger.digest
        }
        func entry(_ content: [UInt8], _ outcome: Outcome = .recorded) -> Ledger.Entry {
            Ledger.Entry(content: content, outcome: outcome, recordedAt: Sample.now)
        }
        let call = { try Sample.event($0, "llm.call", "acme", $1) }
        let pairs: [(String, Ledger.Entry, Ledger.Entry)] = [
            (
                "deduplication", entry(try call("a", #"{"tokens":1}"#)),
                entry(try call("b", #"{"tokens":1}"#))
            ),
            (
                "counters", entry(try call("a", #"{"tokens":1}"#)),
                entry(try call("a", #"{"tokens":2}"#))
            ),
            (
                "groups", entry(try call("a", #"{"tokens":1,"model":"x"}"#)),
                entry(try call("a", #"{"tokens":1,"model":"y"}"#))
            ),
            (
                "credits", entry(try call("a", "{}")),
                entry(try call("a", "{}"), Outcome(draws: [Draw(grant: 0, units: 1)]))
            ),
            (
                "shortfall", entry(try call("a", "{}")),
                entry(try call("a", "{}"), Outcome(shortfallUnits: 1))
            ),
            ("entitlements", entry(try subscribe("free")), entry(try subscribe("pro"))),
            (
                "registry: types", entry(try Sample.event("a", "t", "acme")),
                entry(try Sample.event("a", "u", "acme"))
            ),
            (
                "registry: accounts", entry(try Sample.event("a", "t", "acme")),
                entry(try Sample.event("a", "t", "beta"))
            ),
            (
                "registry: unreadable", entry(try call("a", #"{"tokens":"x"}"#)),
                entry(try call("a", #"{"tokens":0}"#))
            ),
        ]
        for (name, left, right) in pairs {
            #expect(try digest([left]) != digest([right]), "\(name)")
            #expect(try digest([left]) == digest([left]), "\(name)")
        }
    }

    /// An entry that cannot be part of this log stops the fold, with its position.
    @Test(arguments: [
        (RecordKind.consume, #"{"feature":"calls"}"#), (.subscribe, #"{"plan":7}"#),
        (.grant, #"{"amount":"0"}"#), (.publish, #"{"catalog":{"catalog":2}}"#),
        (.publish, "{}"),
    ])
    func contradictionsStopTheFold(_ kind: RecordKind, _ data: String) throws {
        let ledger = Ledger()
        try ledger.publish()
        let content = try Sample.command(kind, "x", "acme", data)
        let failure = #expect(throws: Books.Failure.self) {
            try ledger.apply(
                .init(content: content, outcome: .recorded, recordedAt: Sample.now))
        }
        guard case .contradiction(let position, let text)? = failure else { return }
        #expect(position == 1)
        #expect(!text.isEmpty)
    }

    @Test func aDrawBeyondTheGrantsStopsTheFold() throws {
        let ledger = Ledger()
        try ledger.publish()
        let content = try Sample.event("a", "image.made", "acme")
        #expect(throws: Books.Failure.self) {
            try ledger.apply(
                .init(
                    content: content, outcome: Outcome(draws: [Draw(grant: 0, units: 1)]),
                    recordedAt: Sample.now))
        }
    }

    @Test func aSubscriptionBeforeAnyCatalogStopsTheFold() throws {
        let ledger = Ledger()
        let content = try subscribe("free")
        #expect(throws: Books.Failure.self) {
            try ledger.apply(.init(content: content, outcome: .recorded, recordedAt: Sample.now))
        }
    }

    /// A feature that moves to another meter takes its history along.
    @Test func aFeatureThatMovesIsMeteredAgain() throws {
        let ledger = Ledger()
        try ledger.publish()
        for number in 0..<3 { try ledger.record(consume("c\(number)", "calls")) }
        #expect(try ledger.total("acme", "calls").events == 3)
        let moved = Sample.catalogJSON.split(separator: #""calls":{"meter":"calls"}"#)
        try ledger.publish(moved.joined(separator: #""calls":{"meter":"images"}"#), id: "v2")
        #expect(try ledger.total("acme", "calls").events == 0)
        #expect(try ledger.total("acme", "images").events == 3)
        #expect(try Ledger(replaying: ledger.entries).digest == ledger.digest)
    }

    /// Subscriptions keep the catalog under which they were made.
    @Test func aSubscriptionIsPinnedToItsCatalog() throws {
        let ledger = Ledger()
        try ledger.publish()
        try ledger.record(subscribe("free"))
        let wider = Sample.catalogJSON.split(separator: #""calls":{"limit":5}"#)
        try ledger.publish(wider.joined(separator: #""calls":{"limit":50}"#), id: "v2")
        for (account, limit) in [("acme", 5), ("beta", 50)] {
            let (_, evidence) = ledger.books.check(
                AccessQuestion(account: account, feature: "calls", quantity: .one),
                at: Timestamp(nanoseconds: Sample.now))
            #expect(evidence.limit == Quantity(units: Int128(limit) * Sample.one))
        }
    }
}

import Billing
import Codec
import Engine
import Foundation
import Money
import Projections
import Seeds
import Testing

/// Subscriptions over time: changes that come later, statuses with grace, snapshots in any order, and what all that costs.
@Suite struct SubscriptionLifeTests: SubscriptionSteps {
    @Test func aChangeComesAtThePeriodsEnd() throws {
        let book = try book()
        try ask(book, "subscribe", #","plan":"team""#)
        book.clock.set("2026-03-10T00:00:00Z")
        let reply = try ask(book, "subscribe", #","plan":"pro","when":"period_end""#)
        #expect(reply.printed("effective") == "2026-04-01T00:00:00Z")
        #expect(try plan(book) == "team")
        book.clock.set("2026-04-01T00:00:00Z")
        #expect(try plan(book) == "pro")
        #expect(try lines(book, "2026-03") == ["base 31.00", "calls 0.00"])
        let cancelled = try ask(book, "cancel", #","when":"period_end""#)
        #expect(cancelled.printed("effective") == "2026-05-01T00:00:00Z")
        try ask(book, "resume")
        book.clock.set("2026-05-01T00:00:00Z")
        #expect(try plan(book) == "pro")
        let bad = try ask(
            book, "cancel", #","when":"period_end","effective":"2026-06-01T00:00:00Z""#)
        #expect(bad.printed("error") == "bad_request")
        #expect(try book.verifies())
    }

    @Test func quantitiesAndAddonsAreCharged() throws {
        let book = try book()
        try ask(book, "subscribe", #","plan":"team","quantity":2"#)
        book.clock.set("2026-03-16T00:00:00Z")
        try ask(book, "subscribe", #","plan":"team","quantity":5,"addons":{"boost":3}"#)
        book.clock.set("2026-04-02T00:00:00Z")
        // 62 × 15/31; 155 × 16/31; 9.30 × 16/31.
        #expect(
            try lines(book, "2026-03") == [
                "base 30.00", "calls 0.00", "base@2 80.00", "calls@2 0.00",
                "boost.fee@2 4.80",
            ])
    }

    @Test func aTrialIsFreeAndEndsByItself() throws {
        let book = try book()
        try ask(book, "subscribe", #","plan":"team","trial_until":"2026-03-15T00:00:00Z""#)
        try book.event("e", "call", "a")
        #expect(try reason(book) == "allowed")
        book.clock.set("2026-03-20T00:00:00Z")
        try book.event("f", "call", "a")
        let shown = try book.send(#"{"request":"entitlements","account":"a"}"#)
        #expect(shown.printed("status") == "active")
        #expect(shown.printed("status_since") == "2026-03-15T00:00:00Z")
        book.clock.set("2026-04-01T00:00:00Z")
        // 17 of 31 days, and the call of the 20th alone.
        #expect(try lines(book, "2026-03") == ["base@2 17.00", "calls@2 1.00"])
    }

    @Test func aPauseIsNotChargedAndEndsByItself() throws {
        let book = try book()
        try ask(book, "subscribe", #","plan":"team""#)
        book.clock.set("2026-03-11T00:00:00Z")
        try ask(book, "pause", #","until":"2026-03-21T00:00:00Z""#)
        #expect(try reason(book) == "subscription_paused")
        #expect(try ask(book, "pause").printed("error") == "bad_request")
        book.clock.set("2026-03-21T00:00:00Z")
        #expect(try reason(book) == "allowed")
        book.clock.set("2026-04-01T00:00:00Z")
        let charged = try lines(book, "2026-03").filter { $0.hasPrefix("base") }
        #expect(charged == ["base 10.00", "base@2 11.00"])
    }

    @Test func aStatusHasItsGrace() throws {
        let book = try book()
        let started = "2026-02-01T00:00:00Z"
        for (id, day, status) in [
            ("1", "01", "active"), ("2", "05", "past_due"), ("3", "08", "past_due"),
        ] {
            try book.record(
                snapshot(
                    id, "s", started: started, effective: "2026-03-\(day)T00:00:00Z",
                    status: status, #","plan":"team""#))
        }
        #expect(try reason(book) == "allowed")
        book.clock.set("2026-03-11T23:59:59.999999999Z")
        #expect(try reason(book) == "allowed")
        // Seven days after it became past due, however often that was said.
        book.clock.set("2026-03-12T00:00:00Z")
        #expect(try reason(book) == "subscription_past_due")
        for (id, status, expected) in [
            ("4", "unpaid", "subscription_past_due"), ("5", "active", "allowed"),
            ("6", "incomplete", "subscription_incomplete"), ("7", "paused", "subscription_paused"),
            ("8", "trialing", "allowed"), ("9", "canceled", "not_in_plan"),
        ] {
            try book.record(
                snapshot(
                    id, "s", started: started, effective: "2026-03-12T0\(id):00:00Z",
                    status: status, #","plan":"team""#))
            book.clock.set("2026-03-12T0\(id):00:00Z")
            #expect(try reason(book) == expected, "\(status)")
        }
        #expect(try plan(book) == "free")
    }

    /// Any order, any repetition: the same decisions at every instant, and the same bill.
    @Test(arguments: Seeds.all) func aShuffledFeedEndsInTheSameState(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        var feed: [String] = []
        for number in 0..<12 {
            let name = ["x", "y"][Int.random(in: 0...1, using: &generator)]
            let day = Int.random(in: 10...25, using: &generator)
            let status =
                ["active", "past_due", "canceled", "paused", "trialing", "incomplete"]
                .randomElement(using: &generator) ?? "active"
            var more = #","plan":"\#(Bool.random(using: &generator) ? "team" : "pro")""#
            more += #","rank":\#(Int.random(in: 0...1, using: &generator))"#
            if Bool.random(using: &generator) {
                more += #","quantity":\#(Int.random(in: 1...4, using: &generator))"#
            }
            if Int.random(in: 0...3, using: &generator) == 0 {
                more += #","cancel_at":"2026-03-27T00:00:00Z""#
            }
            feed.append(
                snapshot(
                    "e\(number)", name,
                    started: name == "x" ? "2026-02-01T00:00:00Z" : "2026-02-07T00:00:00Z",
                    effective: "2026-03-\(day)T00:00:00Z", status: status, more))
        }
        func state(_ lines: [String]) throws -> [String] {
            let book = try book()
            for line in lines { try book.send(line) }
            var state: [String] = []
            for day in 10...30 {
                book.clock.set("2026-03-\(day)T00:00:00Z")
                let shown = try book.send(#"{"request":"entitlements","account":"a"}"#)
                for name in ["plan", "status", "status_since", "quantity", "subscription", "ends"] {
                    state.append(shown.printed(name) ?? "-")
                }
                state.append(try reason(book, "calls") ?? "-")
            }
            return state + (try lines_(book))
        }
        func lines_(_ book: Book) throws -> [String] { try self.lines(book, "2026-03") }
        let expected = try state(feed)
        for _ in 0..<3 {
            var shuffled = feed + feed.shuffled(using: &generator).prefix(6)
            shuffled.shuffle(using: &generator)
            #expect(try state(shuffled) == expected)
        }
    }

    /// A subscription that is said here later wins over an older one from outside, and the other way round.
    @Test func theOneThatBeganLastCounts() throws {
        let book = try book()
        try book.record(
            snapshot(
                "1", "s", started: "2026-02-10T00:00:00Z", effective: "2026-02-10T00:00:00Z",
                status: "active", #","plan":"team""#))
        #expect(try plan(book) == "team")
        try ask(book, "subscribe", #","plan":"pro""#)
        #expect(try plan(book) == "pro")
        book.clock.set("2026-03-02T00:00:00Z")
        try book.record(
            snapshot(
                "2", "s", started: "2026-02-10T00:00:00Z", effective: "2026-03-02T00:00:00Z",
                status: "past_due", #","plan":"team""#))
        #expect(try plan(book) == "pro")
        try ask(book, "cancel")
        #expect(try plan(book) == "team")
        for bad in [
            snapshot(
                "3", "", started: "2026-02-10T00:00:00Z", effective: "2026-03-02T00:00:00Z",
                status: "active"),
            snapshot("4", "s", started: "x", effective: "2026-03-02T00:00:00Z", status: "active"),
            snapshot(
                "5", "s", started: "2026-02-10T00:00:00Z", effective: "2026-03-02T00:00:00Z",
                status: "gone"),
            snapshot(
                "6", "s", started: "2026-02-10T00:00:00Z", effective: "2026-03-02T00:00:00Z",
                status: "active", #","plan":"none""#),
            snapshot(
                "7", "s", started: "2026-02-10T00:00:00Z", effective: "2026-03-02T00:00:00Z",
                status: "active", #","plan":"team","quantity":-1"#),
        ] {
            #expect(try book.send(bad).printed("outcome") == "rejected", "\(bad)")
        }
    }

    /// Publishing moves no subscription, and neither does the next snapshot of one.
    @Test func aSnapshotKeepsTheCatalogItBeganUnder() throws {
        let book = try book()
        let first = snapshot(
            "1", "s", started: "2026-02-10T00:00:00Z", effective: "2026-02-10T00:00:00Z",
            status: "active", #","plan":"team""#)
        try book.record(first)
        try book.publish(Self.catalog.replacing(#""fee":31"#, with: #""fee":310"#))
        try book.record(
            snapshot(
                "2", "s", started: "2026-02-10T00:00:00Z", effective: "2026-03-01T00:00:00Z",
                status: "active", #","plan":"team","quantity":2"#))
        book.clock.set("2026-04-02T00:00:00Z")
        #expect(try lines(book, "2026-03").first == "base 62.00")
    }
}

import Billing
import Codec
import Engine
import Foundation
import Money
import Projections
import Seeds
import Testing

/// The life of an account and of what it has bought: archived, merged, cancelled, taken back, pinned.
@Suite struct AccountLifeTests: SubscriptionSteps {

    /// An archived account is denied everything; what happens is recorded and charged.
    @Test func anArchivedAccountIsDenied() throws {
        let book = try book()
        #expect(try ask(book, "account", #","action":"archive""#).printed("error") == "bad_request")
        #expect(
            try ask(book, "account", #","action":"create","name":"A""#).printed("outcome")
                == "recorded")
        #expect(try ask(book, "account", #","action":"create""#).printed("error") == "exists")
        try ask(book, "subscribe", #","plan":"team""#)
        try ask(book, "override", #","feature":"sso","entitlement":true"#)
        try ask(book, "account", #","action":"archive","effective":"2026-03-02T00:00:00Z""#)
        #expect(try reason(book) == "allowed_override")
        book.clock.set("2026-03-02T00:00:00Z")
        #expect(try reason(book) == "account_archived")
        try book.event("e", "call", "a")
        #expect(try lines(book, "2026-03").contains("calls 1.00"))
        #expect(try ask(book, "account", #","action":"archive""#).printed("error") == "bad_request")
        try ask(book, "account", #","action":"restore""#)
        #expect(try reason(book) == "allowed_override")
        #expect(try ask(book, "account", #","action":"restore""#).printed("error") == "bad_request")
        #expect(try ask(book, "account", #","action":"rename""#).printed("error") == "bad_request")
        #expect(try book.verifies())
    }

    /// What was announced before a cancellation does not bring the subscription back.
    @Test func whatHasEndedDoesNotPause() throws {
        let book = try book()
        try ask(book, "subscribe", #","plan":"team""#)
        try ask(
            book, "pause",
            #","effective":"2026-03-04T00:00:00Z","until":"2026-03-05T00:00:00Z""#)
        book.clock.set("2026-03-03T00:00:00Z")
        try ask(book, "cancel")
        for day in ["03", "04", "06"] {
            book.clock.set("2026-03-\(day)T12:00:00Z")
            #expect(try plan(book) == "free")
        }
    }

    /// A cancellation takes back what was to come, and what is to come can be cancelled.
    @Test func whatWasToComeDoesNotCome() throws {
        let book = try book()
        try ask(book, "subscribe", #","plan":"team""#)
        try ask(book, "subscribe", #","plan":"pro","when":"period_end""#)
        try ask(book, "cancel")
        book.clock.set("2026-04-02T00:00:00Z")
        #expect(try plan(book) == "free")
        try ask(book, "subscribe", #","plan":"pro","when":"period_end""#)
        #expect(try ask(book, "cancel").printed("outcome") == "recorded")
        #expect(try ask(book, "cancel").printed("error") == "bad_request")
        book.clock.set("2026-05-02T00:00:00Z")
        #expect(try plan(book) == "free")
        #expect(try book.verifies())
    }

    /// What was taken back was known to the invoice that was finalised before.
    @Test func takingBackAnEndIsCorrected() throws {
        let book = try book("2026-03-02T00:00:00Z")
        try ask(book, "subscribe", #","plan":"team","effective":"2026-03-01T00:00:00Z""#)
        try ask(book, "cancel", #","effective":"2026-04-16T00:00:00Z""#)
        book.clock.set("2026-04-01T00:00:00Z")
        #expect(
            try ask(book, "resume", #","effective":"2026-03-01T00:00:00Z""#).printed("outcome")
                == "recorded")
        book.clock.set("2026-05-01T00:00:00Z")
        #expect(try lines(book, "2026-04").first == "base 31.00")
        // An end that has come is not to come.
        try ask(book, "cancel", #","effective":"2026-05-16T00:00:00Z""#)
        book.clock.set("2026-05-20T00:00:00Z")
        #expect(
            try ask(book, "resume", #","effective":"2026-05-10T00:00:00Z""#).printed("error")
                == "bad_request")
        #expect(try book.verifies())
    }

    /// Plan and add-ons cost what they cost when they were first named.
    @Test func addonsArePinnedToo() throws {
        let book = try book()
        let plain = Self.catalog.replacing(
            #""fee":{"fee":3.1,"prorate":"day"}"#, with: #""fee":{"fee":5}"#)
        try book.record(
            snapshot(
                "1", "s", started: "2026-02-10T00:00:00Z", effective: "2026-02-10T00:00:00Z",
                status: "active", #","plan":"team""#))
        try book.publish(plain)
        let second = snapshot(
            "2", "s", started: "2026-02-10T00:00:00Z", effective: "2026-03-01T00:00:00Z",
            status: "active", #","plan":"team","addons":{"boost":1}"#)
        try book.record(second)
        try book.publish(plain.replacing(#""fee":{"fee":5}"#, with: #""fee":{"fee":500}"#))
        book.clock.set("2026-04-02T00:00:00Z")
        #expect(try lines(book, "2026-03").contains("boost.fee 3.10"))
    }

    /// A feed that is read before the catalog has its plans: what ended is known, and pins nothing.
    @Test func anEndedSnapshotPinsNothing() throws {
        let book = try book()
        func gold(_ id: String, _ status: String, _ day: String) -> String {
            snapshot(
                id, "s", started: "2026-02-10T00:00:00Z", effective: "2026-02-\(day)T00:00:00Z",
                status: status, #","plan":"gold""#)
        }
        try book.record(gold("1", "canceled", "20"))
        try book.publish(
            Self.catalog.replacing(
                #""pro":{"#, with: #""gold":{"entitlements":{"sso":true}},"pro":{"#))
        try book.record(gold("2", "active", "10"))
        try book.record(gold("3", "active", "25"))
        #expect(try reason(book) == "allowed")
    }

    @Test func mergingMovesWhatIsLeft() throws {
        let book = try book()
        try book.publish(
            Self.catalog.replacing(
                #""plans":{"#, with: #""credit":{"unit":"cr","burn":{"calls":1}},"plans":{"#
            ).replacing(
                #""team":{"#,
                with:
                    #""team":{"grants":{"w":{"amount":50,"kind":"promotional","priority":9},"m":{"amount":4,"every":"month","priority":9}},"#
            ))
        func grant(_ id: String, _ more: String) throws {
            try book.record(#"{"request":"grant","id":"\#(id)","account":"a","amount":10\#(more)}"#)
        }
        try grant("1", #","kind":"promotional","priority":3,"expires":"2026-09-01T00:00:00Z""#)
        try grant("2", #","effective":"2026-06-01T00:00:00Z""#)
        try grant("3", #","effective":"2026-02-01T00:00:00Z","expires":"2026-02-10T00:00:00Z""#)
        try book.event("u", "call", "a")
        try ask(book, "subscribe", #","plan":"team""#)
        try ask(book, "subscribe", #","plan":"pro","when":"period_end""#)
        let merge = #"{"request":"account","id":"m","account":"a","action":"merge","into":"b"}"#
        #expect(try book.send(merge).printed("error") == "bad_request")
        try book.event("b", "other", "b")
        let held = try ask(book, "hold", #","feature":"calls","quantity":1"#)
        #expect(try book.send(merge).printed("field") == "account")
        try ask(book, "release", #","hold":"\#(held.printed("hold") ?? "")""#)
        #expect(try book.send(merge).printed("outcome") == "recorded")
        #expect(try book.send(merge).printed("outcome") == "duplicate")
        let there = try book.send(#"{"request":"credits","account":"b"}"#)
        #expect(there.printed("balance") == "9")
        let grants = there.list("grants")
        #expect(grants.map { $0.printed("amount") } == ["9", "10"])
        #expect(
            grants.first?.printed("kind") == "promotional"
                && grants.first?.printed("priority") == "3")
        #expect(grants.last?.printed("effective") == "2026-06-01T00:00:00Z")
        // What its plan gave once does not end, and does not go over.
        #expect(try book.send(#"{"request":"credits","account":"a"}"#).printed("balance") == "50")
        #expect(try reason(book) == "account_archived")
        book.clock.set("2026-04-02T00:00:00Z")
        #expect(try plan(book) == "free")
        #expect(try book.verifies())
        let digest = book.digest
        _ = try book.send(#"{"request":"snapshot"}"#)
        try book.restart()
        #expect(book.digest == digest)
    }

    /// Thousands of changes are laid out in one pass.
    @Test func manyChangesAreLaidOut() throws {
        let book = try book()
        for number in 0..<600 {
            try book.record(
                snapshot(
                    "n\(number)", "s", started: "2026-02-10T00:00:00Z",
                    effective:
                        "2026-03-01T00:\(number / 60 < 10 ? "0" : "")\(number / 60):\(number % 60 < 10 ? "0" : "")\(number % 60)Z",
                    status: "active", #","plan":"team","quantity":\#(number % 3)"#))
        }
        book.clock.set("2026-04-02T00:00:00Z")
        #expect(try lines(book, "2026-03").count == 1200)
        #expect(try plan(book) == "team")
    }

    /// A pause gives no credits anew, and neither does a plan that is left and taken again within a period.
    @Test func aPauseGivesNoCredits() throws {
        let book = try book()
        try book.publish(
            Self.catalog.replacing(
                #""plans":{"#, with: #""credit":{"unit":"cr","burn":{"calls":1}},"plans":{"#
            ).replacing(
                #""team":{"#, with: #""team":{"grants":{"m":{"amount":10,"every":"month"}},"#))
        func balance() throws -> String? {
            try book.send(#"{"request":"credits","account":"a"}"#).printed("balance")
        }
        try ask(book, "subscribe", #","plan":"team""#)
        try ask(book, "consume", #","feature":"calls","quantity":4"#)
        book.clock.set("2026-03-05T00:00:00Z")
        try ask(book, "pause")
        #expect(try balance() == "0")
        book.clock.set("2026-03-06T00:00:00Z")
        try ask(book, "resume")
        #expect(try balance() == "6")
        try ask(book, "cancel")
        book.clock.set("2026-03-07T00:00:00Z")
        #expect(try balance() == "0")
        try ask(book, "subscribe", #","plan":"team""#)
        #expect(try balance() == "6")
        try ask(book, "subscribe", #","plan":"pro""#)
        book.clock.set("2026-04-02T00:00:00Z")
        #expect(try balance() == "0")
        // The period is over: it is a new one.
        try ask(book, "subscribe", #","plan":"team""#)
        #expect(try balance() == "10")
        #expect(try book.verifies())
        let digest = book.digest
        _ = try book.send(#"{"request":"snapshot"}"#)
        try book.restart()
        #expect(book.digest == digest)
    }
}

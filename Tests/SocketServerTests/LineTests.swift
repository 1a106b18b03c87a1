import Foundation
import Testing

/// One line, one reply, in order.
@Suite struct LineTests {
    @Test func anEventIsRecordedOnce() throws {
        let house = try House()
        let peer = try house.connect()
        let first = try peer.ask(event("e-1"))
        #expect(first.line == #"{"id":"e-1","outcome":"recorded","position":0}"#)
        let second = try peer.ask(event("e-1"))
        #expect(second.line == #"{"id":"e-1","outcome":"duplicate","position":0}"#)
        let third = try peer.ask(event("e-1", type: "other"))
        #expect(third.line.hasPrefix(#"{"id":"e-1","outcome":"rejected","error":"conflict","#))
        #expect(third.int("position") == 0)
        #expect(third.text("message")?.isEmpty == false)
    }

    @Test func repliesKeepTheOrderOfTheRequests() throws {
        let house = try House()
        try house.publish()
        let peer = try house.connect()
        var lines: [String] = []
        for number in 0..<200 {
            lines.append(event("e-\(number)"))
            lines.append(#"{"request":"ping","id":"p-\#(number)"}"#)
            lines.append(#"{"id":"bad-\#(number)"}"#)
            lines.append(event("e-\(number)", type: "other"))
        }
        try peer.send(lines)
        for number in 0..<200 {
            let recorded = try peer.reply()
            #expect(recorded.text("id") == "e-\(number)")
            #expect(recorded.int("position") == number + 1)
            let ping = try peer.reply()
            #expect(ping.text("id") == "p-\(number)" && ping.flag("ok") == true)
            let bad = try peer.reply()
            #expect(bad.text("id") == "bad-\(number)" && bad.text("error") == "bad_event")
            let conflict = try peer.reply()
            #expect(conflict.text("id") == "e-\(number)")
            #expect(conflict.text("error") == "conflict")
        }
    }

    /// Five are allowed, and a check between two consumes sees at least the one before it, though
    /// all were sent at once.
    @Test func aCheckSeesTheConsumesBeforeIt() throws {
        let house = try House()
        try house.publish()
        let peer = try house.connect()
        for number in 1...6 { try peer.send(consume("c-\(number)"), check()) }
        try peer.send(consume("c-6"))
        for number in 1...6 {
            let reply = try peer.reply()
            #expect(reply.text("outcome") == "recorded")
            #expect(reply.int("position") == number)
            #expect(reply.flag("allowed") == (number <= 5))
            #expect(reply.text("reason") == (number <= 5 ? "allowed" : "limit_reached"))
            let check = try peer.reply()
            let used = try #require(Int(check.text("used") ?? ""))
            #expect((min(number, 5)...5).contains(used), "after \(number): \(check)")
            #expect(check.flag("allowed") == (used < 5))
            #expect(try #require(check.int("position")) >= number + 1)
        }
        let again = try peer.reply()
        #expect(again.text("outcome") == "duplicate")
        #expect(again.flag("allowed") == false && again.text("reason") == "limit_reached")
        #expect(again.int("position") == 6)
    }

    @Test func noLimitIsPassedByManyConnections() throws {
        let house = try House()
        try house.publish()
        let peers = try (0..<8).map { _ in try house.connect() }
        for round in 0..<10 {
            for (index, peer) in peers.enumerated() { try peer.send(consume("\(index)-\(round)")) }
        }
        var allowed = 0
        for peer in peers {
            for reply in try peer.replies(10) where reply.flag("allowed") == true { allowed += 1 }
        }
        #expect(allowed == 5)
    }

    static let queries: [(String, [String])] = [
        (#"{"request":"ping"}"#, []),
        (check(), ["allowed", "reason", "remaining", "limit", "used"]),
        (#"{"request":"usage","account":"acme"}"#, ["account", "period", "meters"]),
        (
            #"{"request":"credits","account":"acme"}"#,
            ["account", "unit", "balance", "overage", "grants"]
        ),
        (#"{"request":"entitlements","account":"acme"}"#, ["account", "plan", "features"]),
        (
            #"{"request":"invoice","account":"acme"}"#,
            ["account", "period", "currency", "lines", "total"]
        ),
        (
            #"{"request":"explain","account":"acme","line":"api"}"#,
            ["account", "line", "events", "total", "residue", "next"]
        ),
        (#"{"request":"unmatched"}"#, ["total", "unmatched"]),
        (#"{"request":"catalog"}"#, ["version", "catalog"]),
        (
            #"{"request":"status"}"#,
            [
                "durable_position", "digest", "chain", "store", "accounts", "recorded",
                "duplicate", "rejected", "connections", "uptime_seconds",
            ]
        ),
        (#"{"request":"verify"}"#, ["entries", "frames", "chain", "digest", "matches"]),
        (#"{"request":"snapshot"}"#, ["snapshot", "digest"]),
    ]

    @Test(arguments: queries)
    func everyQueryAnswersWithItsMembers(_ line: String, _ members: [String]) throws {
        let house = try House()
        try house.publish()
        let peer = try house.connect()
        try peer.send(event("e-1"), line)
        _ = try peer.reply()
        let reply = try peer.reply()
        #expect(reply.flag("ok") == true, "\(reply)")
        #expect(reply.int("position") == 2, "\(reply)")
        for member in members {
            #expect(reply.members[member] != nil, "\(member) is missing in \(reply)")
        }
    }

    @Test func statusCountsEveryLine() throws {
        let house = try House()
        let peer = try house.connect()
        let other = try house.connect()
        try peer.send(event("a"), event("b"), event("a"), event("a", type: "x"), "{}", "garbage")
        _ = try peer.replies(6)
        _ = try other.ask(#"{"request":"nonsense"}"#)
        try house.waitForConnections(2)
        let status = try peer.ask(#"{"request":"status","id":"s"}"#)
        #expect(status.text("id") == "s")
        #expect(status.int("recorded") == 2)
        #expect(status.int("duplicate") == 1)
        #expect(status.int("rejected") == 4)
        #expect(status.int("connections") == 2)
        #expect(status.text("digest")?.count == 64)
    }

    static let rejected: [(String, String, String?)] = [
        ("garbage", "bad_json", nil),
        ("[]", "bad_json", nil),
        ("\"text\"", "bad_json", nil),
        ("17", "bad_json", nil),
        (#"{"a":1} {"b":2}"#, "bad_json", nil),
        (#"{"specversion":"1.0","id":"x""#, "bad_json", nil),
        ("{\"id\":\"\u{0}\"}", "bad_json", nil),
        (String(repeating: "[", count: 70), "bad_json", nil),
        ("{}", "bad_event", "specversion"),
        (#"{"specversion":"0.3","id":"x","source":"s","type":"t"}"#, "bad_event", "specversion"),
        (#"{"specversion":"1.0","id":"x","source":"s"}"#, "bad_event", "type"),
        (#"{"specversion":"1.0","id":"x","source":"s","type":""}"#, "bad_event", "type"),
        (#"{"specversion":"1.0","source":"s","type":"t"}"#, "bad_event", "id"),
        (
            #"{"specversion":"1.0","id":"x","source":"s","type":"t","time":"noon"}"#, "bad_event",
            "time"
        ),
        (#"{"request":"nonsense"}"#, "bad_request", "request"),
        (#"{"request":7}"#, "bad_request", "request"),
        (#"{"request":"consume","id":"x","account":"a"}"#, "bad_request", "feature"),
        (#"{"request":"consume","account":"a","feature":"f"}"#, "bad_request", "id"),
        (
            #"{"request":"consume","id":"x","account":"a","feature":"f","quantitty":2}"#,
            "bad_request", "quantitty"
        ),
        (
            #"{"request":"consume","id":"x","account":"a","feature":"f","quantity":"-1"}"#,
            "bad_request", "quantity"
        ),
        (#"{"request":"grant","id":"x","account":"a","amount":0}"#, "bad_request", "amount"),
        (#"{"request":"check","account":"a","feature":"f","as_of":true}"#, "bad_request", "as_of"),
        (#"{"request":"usage","account":"a","period":"2023"}"#, "bad_request", "period"),
        (#"{"request":"follow","form":3}"#, "bad_request", "form"),
        (#"{"request":"stream","ack_every":0}"#, "bad_request", "ack_every"),
    ]

    @Test(arguments: rejected)
    func aBadLineIsAnsweredAndTheConnectionGoesOn(
        _ line: String, _ error: String, _ field: String?
    ) throws {
        let house = try House()
        let peer = try house.connect()
        try peer.send(line, event("next"))
        let reply = try peer.reply()
        #expect(reply.text("error") == error, "\(reply)")
        #expect(reply.text("field") == field, "\(reply)")
        #expect(reply.text("message")?.isEmpty == false)
        #expect(try peer.reply().text("outcome") == "recorded")
    }

    @Test func blankLinesAndCarriageReturnsAreNoRequests() throws {
        let house = try House()
        let peer = try house.connect()
        try peer.sendBytes(Array("\n\r\n  \n\(event("a"))\r\n\n\(event("b"))\n".utf8))
        #expect(try peer.reply().text("id") == "a")
        #expect(try peer.reply().text("id") == "b")
        #expect(try peer.ask(#"{"request":"status"}"#).int("rejected") == 0)
    }

    @Test func aBadCatalogListsItsProblems() throws {
        let house = try House()
        let peer = try house.connect()
        let reply = try peer.ask(
            #"{"request":"publish","id":"p","catalog":{"catalog":1,"plans":{"free":{"nonsense":1}}}}"#
        )
        #expect(reply.text("outcome") == "rejected")
        #expect(reply.text("error") == "bad_catalog")
        let problem = try #require(reply.list("problems").first)
        #expect(problem.text("path")?.isEmpty == false)
        #expect(problem.text("message")?.isEmpty == false)
    }

    @Test func whatIsNotThereIsNamed() throws {
        let house = try House()
        let peer = try house.connect()
        let subscribed = try peer.ask(
            #"{"request":"subscribe","id":"s","account":"acme","plan":"free"}"#)
        #expect(subscribed.text("outcome") == "rejected")
        #expect(subscribed.text("error") == "no_catalog")
        let explained = try peer.ask(
            #"{"request":"explain","id":"x","account":"acme","line":"nothing"}"#)
        #expect(explained.flag("ok") == false)
        #expect(explained.text("error") == "unknown_line")
        #expect(explained.text("id") == "x")
    }

    /// Each line is whole only when its end came, in however many pieces.
    @Test func linesMayComeByteByByte() throws {
        let house = try House()
        let peer = try house.connect()
        for byte in Array((event("slow") + "\n").utf8) { try peer.sendBytes([byte]) }
        #expect(try peer.reply().text("outcome") == "recorded")
    }

    @Test func aHalfCloseIsHonoured() throws {
        let house = try House()
        let peer = try house.connect()
        try peer.send((0..<500).map { event("e-\($0)") })
        peer.finish()
        let replies = try peer.rest()
        #expect(replies.count == 500)
        #expect(replies.allSatisfy { $0.text("outcome") == "recorded" })
    }

    @Test func aLineWithoutItsEndIsNotRecorded() throws {
        let house = try House()
        let peer = try house.connect()
        try peer.sendBytes(Array((event("whole") + "\n" + event("half")).utf8))
        peer.finish()
        let replies = try peer.rest()
        #expect(replies.map { $0.text("outcome") } == ["recorded", "rejected"])
        #expect(replies.last?.text("error") == "incomplete_line")
        #expect(house.position == 1)
    }

    /// A long query holds back its own connection and nobody else.
    @Test func laterLinesWaitForALongQuery() throws {
        let house = try House()
        let peer = try house.connect()
        var lines: [String] = []
        for number in 0..<20 {
            lines.append(event("e-\(number)"))
            lines.append(#"{"request":"verify","id":"v-\#(number)"}"#)
        }
        try peer.send(lines)
        for number in 0..<20 {
            #expect(try peer.reply().text("id") == "e-\(number)")
            let verify = try peer.reply()
            #expect(verify.text("id") == "v-\(number)")
            #expect(verify.flag("matches") == true)
            #expect(verify.int("entries") == number + 1)
        }
    }
}

import Billing
import Engine
import Foundation
import Testing

/// Recording: identity, conflicts, unmatched events, restarts.
@Suite struct RecordTests {
    @Test func positionsAreDense() throws {
        let book = try Book()
        for number in 0..<5 {
            #expect(try book.event("e\(number)", "t", "a").printed("position") == "\(number)")
        }
        #expect(try book.send(#"{"request":"ping"}"#).printed("ok") == "true")
    }

    @Test func sameIdentitySameContentIsADuplicateForEver() throws {
        let book = try Book()
        try book.event("e", "t", "a", #"{"n":1}"#)
        try book.event("f", "t", "a")
        let digest = book.digest
        func again(_ line: String) throws -> Value { try book.send(line) }
        let spellings = [
            #"{"specversion":"1.0","id":"e","source":"test","type":"t","subject":"a","data":{"n":1}}"#,
            #"{"data":{"n":1.0},"subject":"a","type":"t","id":"e","source":"test","specversion":"1.0"}"#,
            #"{"data":{"n":10e-1},"subject":"a","type":"t","id":"\u0065","source":"test","specversion":"1.0"}"#,
        ]
        for round in 0..<2 {
            for spelling in spellings {
                let reply = try again(spelling)
                #expect(reply.printed("outcome") == "duplicate", "\(reply)")
                #expect(reply.printed("position") == "0")
            }
            #expect(book.digest == digest)
            if round == 0 { try book.restart() }
        }
    }

    @Test(arguments: [
        #""type":"t","subject":"a","data":{"n":2}"#, #""type":"t","subject":"b","data":{"n":1}"#,
        #""type":"u","subject":"a","data":{"n":1}"#, #""type":"t","subject":"a""#,
        #""type":"t","subject":"a","data":{"n":1},"extra":"x""#,
        #""type":"t","subject":"a","data":{"n":1},"time":"2026-01-01T00:00:00Z""#,
    ])
    func otherContentIsAConflictAndWritesNothing(_ content: String) throws {
        let book = try Book()
        try book.event("e", "t", "a", #"{"n":1}"#)
        let reply = try book.send(
            #"{"specversion":"1.0","id":"e","source":"test",\#(content)}"#)
        #expect(reply.printed("error") == "conflict")
        #expect(reply.printed("position") == "0")
        #expect(book.engine.durablePosition == 1)
    }

    @Test func anotherSourceIsAnotherEvent() throws {
        let book = try Book()
        try book.event("e", "t", "a")
        try book.record(
            #"{"specversion":"1.0","id":"e","source":"other","type":"t","subject":"a"}"#)
    }

    @Test func anEventMayHaveAnAttributeCalledRequest() throws {
        let book = try Book()
        try book.record(
            #"{"request":"ping","specversion":"1.0","id":"e","source":"s","type":"t"}"#)
    }

    @Test func anEventCannotForgeACommand() throws {
        let book = try Book()
        try book.publish(testCatalog)
        try book.event("g", "daybook.grant", "a", #"{"amount":"100"}"#)
        let credits = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(credits.printed("balance") == "0")
        #expect(credits.list("grants").isEmpty)
    }

    @Test(arguments: [
        ("{", "bad_json"), ("[]", "bad_json"), ("", "bad_json"),
        (#"{"specversion":"1.0"}"#, "bad_event"),
        (#"{"specversion":"1.0","id":"","source":"s","type":"t"}"#, "bad_event"),
        (#"{"specversion":"0.3","id":"i","source":"s","type":"t"}"#, "bad_event"),
        (#"{"request":"dance","id":"i"}"#, "bad_request"),
        (#"{"request":7}"#, "bad_request"),
        (#"{"request":"consume","account":"a","feature":"api"}"#, "bad_request"),
        (
            #"{"request":"consume","id":"i","account":"a","feature":"api","quantty":2}"#,
            "bad_request"
        ),
        (
            #"{"request":"consume","id":"i","account":"a","feature":"api","quantity":-1}"#,
            "bad_request"
        ),
        (#"{"request":"consume","id":"i","account":"a","feature":"api","data":3}"#, "bad_request"),
        (#"{"request":"grant","id":"i","account":"a","amount":"0"}"#, "bad_request"),
        (
            #"{"request":"grant","id":"i","account":"a","amount":"1","expires":"soon"}"#,
            "bad_request"
        ),
        (#"{"request":"grant","id":"i","account":"a","amount":"1e30"}"#, "bad_request"),
        (#"{"request":"subscribe","id":"i","account":"a","plan":"gold"}"#, "bad_request"),
        (#"{"request":"usage","account":"a","as_of":3}"#, "unknown_position"),
        (#"{"request":"usage","account":"a","period":"March"}"#, "bad_request"),
        (#"{"request":"explain","account":"a","line":"nothing"}"#, "unknown_line"),
        (#"{"request":"publish","id":"i","catalog":{"catalog":1}}"#, "bad_catalog"),
        (#"{"request":"publish","id":"i","catalog":7}"#, "bad_catalog"),
    ])
    func badLinesAreAnsweredAndWriteNothing(_ line: String, _ error: String) throws {
        let book = try Book()
        try book.publish(testCatalog)
        let reply = try book.send(line)
        #expect(reply.printed("error") == error, "\(line): \(reply)")
        #expect(reply.printed("message")?.isEmpty == false)
        #expect(book.engine.durablePosition == 1)
        #expect(try book.verifies())
    }

    @Test func everythingReceivedIsCounted() throws {
        let book = try Book()
        try book.event("a", "t", "x")
        _ = try book.send(
            #"{"specversion":"1.0","id":"a","source":"test","type":"t","subject":"x","data":{}}"#)
        _ = try book.send(#"{"specversion":"1.0","id":"a","source":"test","type":"u"}"#)
        _ = try book.send("nonsense")
        let status = try book.send(#"{"request":"status"}"#)
        let words = ["received", "recorded", "duplicate", "rejected"].map { status.printed($0) }
        #expect(words == ["4", "1", "1", "2"])
    }

    @Test func unmatchedEventsAreListedAndMeteredLater() throws {
        let book = try Book()
        try book.event("e1", "llm.call", "acme", #"{"tokens":70,"model":"m"}"#)
        try book.event("e2", "llm.call", "acme", #"{"tokens":"seventy"}"#)
        try book.record(#"{"specversion":"1.0","id":"e3","source":"test","type":"llm.call"}"#)
        var unmatched = try book.send(#"{"request":"unmatched"}"#)
        #expect(
            unmatched.list("unmatched").map { $0.printed("reason") } == ["no_meter", "no_account"])
        try book.publish(testCatalog)
        let usage = try book.send(#"{"request":"usage","account":"acme"}"#)
        let rows = usage.list("meters").map { [$0.printed("meter"), $0.printed("quantity")] }
        #expect(rows == [["calls", "2"], ["tokens", "70"]])
        unmatched = try book.send(#"{"request":"unmatched"}"#)
        #expect(
            unmatched.list("unmatched").map { $0.printed("reason") }
                == ["no_account", "unreadable_value"])
        #expect(try book.verifies())
    }
}

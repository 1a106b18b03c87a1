import Billing
import Codec
import Engine
import Foundation
import Projections
import SegmentedLog
import Testing

/// Questions about the past: what was known then, and what of it had happened by an instant.
@Suite struct AsOfTests {
    private static let questions =
        ["acme", "beta", "gamma"].flatMap { account in
            [
                #""usage","account":"\#(account)","period":"2026-03""#,
                #""credits","account":"\#(account)""#, #""entitlements","account":"\#(account)""#,
                #""invoice","account":"\#(account)","period":"2026-03""#,
                #""check","account":"\#(account)","feature":"api""#,
                #""check","account":"\#(account)","feature":"images","quantity":2"#,
            ]
        } + [#""unmatched""#, #""catalog""#]

    private static func plain(_ value: Value) -> Value {
        guard case .object(let members) = value else { return value }
        return .object(members.filter { $0.name != "asked_at" && $0.name != "known_until" })
    }

    /// What every question was answered at every position is what it is answered as of that position, from
    /// snapshots, kept books and the log's beginning, before and after a restart.
    @Test(arguments: [8, 1_000_000])
    func everyPositionAnswersAsItDid(entriesPerSnapshot: UInt64) throws {
        let book = try Book(entriesPerSnapshot: entriesPerSnapshot)
        var then: [(position: String, answers: [Value])] = []
        for (index, line) in Script.lines.enumerated() {
            let minutes = String(100 + index % 60).dropFirst()
            book.clock.set("2026-03-\(String(101 + index / 60).dropFirst())T12:\(minutes):00Z")
            let reply = try book.send(line)
            if index % 9 == 4 { _ = try book.send(#"{"request":"snapshot"}"#) }
            guard reply["outcome"]?.text == "recorded" else { continue }
            let answers = try Self.questions.map { try book.send("{\"request\":\($0)}") }
            then.append((try #require(answers[0].printed("position")), answers))
        }
        #expect(then.count > 25)
        for round in 0..<2 {
            if round == 1 { try book.restart() }
            for (position, answers) in then.shuffled() {
                for (question, answer) in zip(Self.questions, answers) {
                    let asked = try book.send("{\"request\":\(question),\"as_of\":\(position)}")
                    #expect(Self.plain(asked) == answer, "\(question) as of \(position)")
                }
            }
        }
        #expect(try book.verifies())
    }

    /// A time means what was recorded up to it, that included.
    @Test func aTimeIsThePositionOfWhatWasRecordedByThen() throws {
        let book = try Book()
        try book.publish(testCatalog.replacing("\n", with: " "))
        for day in 1...9 {
            book.clock.set("2026-04-0\(day)T00:00:00Z")
            try book.event("e\(day)", "llm.call", "acme", #"{"tokens":1,"model":"m"}"#)
        }
        func known(_ asOf: String) throws -> String? {
            try book.send(
                #"{"request":"usage","account":"acme","period":"2026-04","as_of":\#(asOf)}"#
            ).printed("position")
        }
        #expect(try known(#""2026-04-03T00:00:00Z""#) == "4")
        #expect(try known(#""2026-04-02T23:59:59.999999999Z""#) == "3")
        #expect(try known(#""2020-01-01T00:00:00Z""#) == "0")
        #expect(try known(#""2030-01-01T00:00:00Z""#) == "10")
        #expect(try known("0") == "0")
    }

    /// Late usage, seen from both times: not known yet, known but not happened yet, both.
    @Test func bothTimesTogether() throws {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(testCatalog.replacing("\n", with: " "))
        try book.record(#"{"request":"grant","id":"g","account":"beta","amount":"100"}"#)
        func image(_ id: String, _ day: String, recorded: String) throws {
            book.clock.set("2026-03-\(recorded)T00:00:00Z")
            try book.event(id, "image.made", "beta", time: "2026-03-\(day)T00:00:00Z")
        }
        try image("a", "02", recorded: "02")
        try image("b", "06", recorded: "06")
        try image("late", "03", recorded: "10")
        func ask(_ what: String, _ more: String) throws -> Value {
            try book.send(#"{"request":"\#(what)","account":"beta"\#(more)}"#)
        }
        func images(_ more: String) throws -> String? {
            try ask("usage", #","period":"2026-03""# + more).list("meters")
                .first { $0["meter"]?.text == "images" }?.printed("quantity")
        }
        func balance(_ more: String) throws -> String? {
            try ask("credits", more).printed("balance")
        }
        let day4 = #","at":"2026-03-04T00:00:00Z""#
        let known4 = #","as_of":"2026-03-04T00:00:00Z""#
        #expect(try images("") == "3")
        #expect(try images(known4) == "1")
        #expect(try images(day4) == "2")
        #expect(try images(known4 + day4) == "1")
        #expect(try images(#","at":"2026-03-03T00:00:00Z""#) == "2")
        #expect(try images(#","at":"2026-03-02T23:59:59.999999999Z""#) == "1")
        #expect(try balance("") == "92.5")
        #expect(try balance(known4) == "97.5")
        #expect(try balance(day4) == "95")
        #expect(try balance(#","at":"2026-03-02T00:00:00Z""#) == "97.5")
        #expect(try balance(#","at":"2026-02-01T00:00:00Z""#) == "0")
        // Nothing of that was written.
        #expect(book.engine.durablePosition == 5)
        #expect(try book.verifies())
    }

    /// What was subscribed later, with an earlier beginning, held from there on, as is known now.
    @Test func aPlanThatWasRecordedLate() throws {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(testCatalog.replacing("\n", with: " "))
        book.clock.set("2026-03-10T00:00:00Z")
        try book.record(
            #"{"request":"subscribe","id":"s","account":"acme","plan":"pro","#
                + #""effective":"2026-03-04T00:00:00Z"}"#)
        func plan(_ more: String) throws -> String? {
            try book.send(#"{"request":"entitlements","account":"acme"\#(more)}"#).printed("plan")
        }
        #expect(try plan(#","at":"2026-03-05T00:00:00Z""#) == "pro")
        #expect(try plan(#","at":"2026-03-03T00:00:00Z""#) == "free")
        #expect(try plan(#","as_of":"2026-03-05T00:00:00Z""#) == "free")
        #expect(
            try plan(#","as_of":"2026-03-05T00:00:00Z","at":"2026-03-06T00:00:00Z""#) == "free")
        func due(_ more: String) throws -> Value? {
            let line = try book.send(
                #"{"request":"invoice","account":"acme","period":"2026-03"\#(more)}"#)
            return line["status"]
        }
        #expect(try due(#","at":"2026-03-05T00:00:00Z""#) == .string("draft"))
    }

    /// A finalised invoice is a draft for whoever asks of a time before it.
    @Test func anInvoiceBeforeItWasFinal() throws {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(testCatalog.replacing("\n", with: " "))
        try book.event("e", "llm.call", "acme", #"{"tokens":2000000,"model":"m"}"#)
        book.clock.set("2026-04-02T00:00:00Z")
        try book.event(
            "f", "llm.call", "acme", #"{"tokens":2000000,"model":"m"}"#,
            time: "2026-03-20T00:00:00Z")
        #expect(
            try book.send(#"{"request":"finalise","account":"acme","period":"2026-03"}"#)
                .printed("outcome") == "recorded")
        func invoice(_ more: String) throws -> [String?] {
            let reply = try book.send(
                #"{"request":"invoice","account":"acme","period":"2026-03"\#(more)}"#)
            return [reply.printed("status"), reply.printed("total")]
        }
        #expect(try invoice("") == ["final", "10.00"])
        #expect(try invoice(#","as_of":3"#) == ["draft", "10.00"])
        #expect(try invoice(#","as_of":2"#) == ["draft", "5.00"])
        #expect(try invoice(#","as_of":3,"at":"2026-03-10T00:00:00Z""#) == ["draft", "5.00"])
        let explained = try book.send(
            #"{"request":"explain","account":"acme","period":"2026-03","line":"tokens","as_of":2}"#)
        #expect(explained.printed("event_count") == "1")
        #expect(explained.printed("total") == "5.00")
    }

    @Test(arguments: [
        (#""usage","account":"a","as_of":99"#, "unknown_position"),
        (#""usage","account":"a","as_of":-1"#, "bad_request"),
        (#""usage","account":"a","as_of":"yesterday""#, "bad_request"),
        (#""usage","account":"a","as_of":1.5"#, "bad_request"),
        (#""usage","account":"a","at":17"#, "bad_request"),
        (#""status","as_of":0"#, "bad_request"),
        (#""verify","at":"2026-03-01T00:00:00Z""#, "bad_request"),
    ])
    func whatCannotBeAskedIsSaid(question: String, error: String) throws {
        let book = try Book()
        try book.publish(testCatalog.replacing("\n", with: " "))
        let reply = try book.send("{\"request\":\(question)}")
        #expect(reply.printed("ok") == "false")
        #expect(reply.printed("error") == error, "\(reply)")
    }
}

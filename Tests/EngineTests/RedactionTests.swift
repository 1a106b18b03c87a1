import Billing
import Codec
import Engine
import Foundation
import Projections
import Testing

/// One person's properties, from their salt to the last byte on the disk.
@Suite struct RedactionTests {
    /// Long enough, and of so many different bytes, that no packing hides it from a search.
    static let secret = "Zx9-Quartz.Jock+Vex7@nymph-waltz.example"
    static let otherSecret = "w3Lk-Bright_vixen5=jumps!dozy#fowl%quack"

    static func catalog(_ personal: String = #"["user.email","ip"]"#) -> String {
        #"{"personal":\#(personal),"# + testCatalog.dropFirst().replacing("\n", with: " ")
    }

    private static func data(_ email: String, _ number: Int = 0) -> String {
        #"{"tokens":\#(100 + number),"model":"m","user":{"email":"\#(email)","plan":"x"}}"#
    }

    /// A book with two of acme's calls at positions 1 and 2 and a hundred others.
    private func filled() throws -> Book {
        let book = try Book()
        try book.publish(Self.catalog())
        for number in 0..<2 {
            try book.event(
                "e\(number)", "llm.call", "acme", Self.data(Self.secret, number),
                time: "2026-03-01T10:00:00Z")
        }
        for number in 0..<100 {
            try book.event(
                "o\(number)", "llm.call", "other-\(number % 5)",
                Self.data("\(number)-\(Self.otherSecret)", number), time: "2026-03-01T11:00:00Z")
        }
        return book
    }

    private func redact(
        _ book: Book, _ id: String, _ positions: [Int], _ paths: [String] = ["user.email"]
    ) throws -> Value {
        let list = paths.map { "\"\($0)\"" }.joined(separator: ",")
        return try book.send(
            #"{"request":"redact","id":"\#(id)","positions":\#(positions),"properties":[\#(list)],"#
                + #""reason":"request 17"}"#)
    }

    private func status(_ book: Book, _ name: String) throws -> String? {
        try book.send(#"{"request":"status"}"#).printed(name)
    }

    /// The files under a directory that hold a text, as it is or in pieces.
    private func files(_ folder: String, holding text: String) throws -> [String] {
        let all = FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? []
        return try all.filter { path in
            let whole = folder + "/" + path
            let isFolder = (try? FileManager.default.contentsOfDirectory(atPath: whole)) != nil
            if isFolder { return false }
            let bytes = try Data(contentsOf: URL(fileURLWithPath: whole))
            return bytes.range(of: Data(text.utf8)) != nil
        }
    }

    private func entries(_ book: Book) throws -> [String] { try Life.entries(of: book.engine) }

    private func bills(_ book: Book) throws -> [String] {
        try ["acme", "other-0", "other-3"].flatMap { account in
            try ["invoice", "usage"].map { word in
                let reply = try book.send(
                    #"{"request":"\#(word)","account":"\#(account)","period":"2026-03"}"#)
                return ["lines", "meters", "total"].map { "\(reply[$0] ?? .null)" }.joined()
            } + [
                "\(try book.send(#"{"request":"explain","account":"\#(account)","period":"2026-03","line":"tokens"}"#)["events"] ?? .null)"
            ]
        }
    }

    @Test func whatIsPersonalIsSaltedFromThePublicationOn() throws {
        let book = try Book()
        try book.event("before", "t", "a", #"{"ip":"1.2.3.4"}"#)
        try book.publish(Self.catalog())
        try book.event("after", "t", "a", #"{"ip":"1.2.3.4"}"#)
        try book.record(
            #"{"request":"consume","id":"c","account":"a","feature":"sso","data":{"ip":"5.6"}}"#)
        let early = try redact(book, "r1", [0], ["ip"])
        #expect(early.printed("error") == "not_personal")
        #expect(early.list("problems").first?.printed("path") == "0")
        #expect(try redact(book, "r1", [2, 3], ["ip"]).printed("outcome") == "recorded")
        // The next catalog has nothing personal: the next event has no salt.
        try book.publish(testCatalog)
        try book.event("later", "t", "a", #"{"ip":"1.2.3.4"}"#)
        #expect(try redact(book, "r2", [6], ["ip"]).printed("error") == "not_personal")
        let lines = try entries(book)
        #expect(lines[0].contains("1.2.3.4") && lines[6].contains("1.2.3.4"))
        #expect(
            lines[2].contains(#""ip":{"redacted":""#) && lines[3].contains(#""ip":{"redacted":""#))
    }

    @Test func nobodyIsShownTheValueAndTheBytesGo() throws {
        let book = try filled()
        let bills = try bills(book)
        #expect(try !files(book.folder, holding: Self.secret).isEmpty)
        let before = try entries(book)
        let reply = try redact(book, "r", [2, 1])
        #expect(reply.printed("outcome") == "recorded" && reply.printed("position") == "103")
        let after = try entries(book)
        for position in [1, 2] {
            #expect(before[position].contains(Self.secret))
            #expect(!after[position].contains(Self.secret))
            #expect(after[position].contains(#""user":{"email":{"redacted":""#))
            #expect(after[position].contains(#""plan":"x""#))
        }
        #expect(Array(after[3..<103]) == Array(before[3..<103]))
        #expect(after[103].contains(#""kind":"redact""#) && after[103].contains(#""remains":[""#))
        #expect(after[103].contains("request 17"))
        #expect(!after.joined().contains(Self.secret))

        let digest = book.digest
        #expect(try book.send(#"{"request":"compact"}"#).printed("ok") == "true")
        #expect(try status(book, "redactions_pending") == "0")
        #expect(try status(book, "redactions") == "2")
        #expect(try files(book.folder, holding: Self.secret) == [])
        #expect(try !files(book.folder, holding: "request 17").isEmpty)
        #expect(book.digest == digest)
        #expect(try entries(book) == after)
        #expect(try self.bills(book) == bills)
        let report = try book.engine.verify(deep: true)
        #expect(report.isEqual)
        // After a start too, and what is left of other people's values is theirs.
        try book.restart()
        #expect(book.digest == digest)
        #expect(try entries(book) == after)
        #expect(after[50].contains(Self.otherSecret))
        #expect(try files(book.folder, holding: Self.secret) == [])
    }

    /// What was sealed and merged before is written again, with the same proof.
    @Test func aSealedSegmentIsWrittenAgain() throws {
        let book = try filled()
        #expect(try book.send(#"{"request":"compact"}"#).printed("ok") == "true")
        let chain = book.engine.durableState().chain
        let bills = try bills(book)
        #expect(book.engine.durableState().chain == chain)
        #expect(try redact(book, "r", [1, 2]).printed("outcome") == "recorded")
        #expect(try book.send(#"{"request":"compact"}"#).printed("ok") == "true")
        #expect(try files(book.folder, holding: Self.secret) == [])
        #expect(try self.bills(book) == bills)
        #expect(try book.engine.verify(deep: true).isEqual)
        // Another one of the same entries, after which nothing of the first is undone.
        try book.event("x", "t", "acme", #"{"ip":"1.2.3.4","user":{"email":"\#(Self.secret)"}}"#)
        #expect(try redact(book, "r2", [104], ["ip"]).printed("outcome") == "recorded")
        #expect(try book.send(#"{"request":"compact"}"#).printed("ok") == "true")
        #expect(try !files(book.folder, holding: Self.secret).isEmpty)
        #expect(try redact(book, "r3", [1, 104]).printed("outcome") == "recorded")
        #expect(try book.send(#"{"request":"compact"}"#).printed("ok") == "true")
        #expect(try files(book.folder, holding: Self.secret) == [])
        #expect(try status(book, "redactions_pending") == "0")
        #expect(try book.engine.verify(deep: true).isEqual)
    }

    /// Without being asked, the sealer erases: in rows, and in a segment that nothing is merged with.
    @Test(arguments: [false, true]) func theServerErasesByItself(isSealed: Bool) throws {
        let book = try filled()
        if isSealed {
            #expect(try book.send(#"{"request":"compact"}"#).printed("ok") == "true")
        }
        #expect(try redact(book, "r", [1, 2]).printed("outcome") == "recorded")
        for _ in 0..<400 {
            if try status(book, "redactions_pending") == "0" { break }
            usleep(5_000)
        }
        #expect(try status(book, "redactions_pending") == "0")
        #expect(try status(book, "sealing_failure") == nil)
        #expect(try files(book.folder, holding: Self.secret) == [])
    }

    @Test func aDuplicateIsStillOneAndAConflictToo() throws {
        let book = try filled()
        let line = { (id: String, email: String, tokens: Int) in
            #"{"specversion":"1.0","id":"\#(id)","source":"test","type":"llm.call","subject":"acme","#
                + #""time":"2026-03-01T10:00:00Z","data":"#
                + #"{"tokens":\#(tokens),"model":"m","user":{"email":"\#(email)","plan":"x"}}}"#
        }
        let demand = { (when: String, erased: Bool) in
            let same = try book.send(line("e1", Self.secret, 101))
            #expect(
                same.printed("outcome") == "duplicate" && same.printed("position") == "2", "\(when)"
            )
            let guess = try book.send(line("e1", "someone@else", 101))
            #expect(
                guess.printed(erased ? "outcome" : "error") == (erased ? "duplicate" : "conflict"),
                "\(when)")
            #expect(
                try book.send(line("e1", Self.secret, 7)).printed("error") == "conflict", "\(when)")
            // Entry 1 keeps its value all the time.
            #expect(try book.send(line("e0", "someone@else", 100)).printed("error") == "conflict")
        }
        try demand("before", false)
        #expect(try redact(book, "r", [2]).printed("outcome") == "recorded")
        try demand("redacted", true)
        #expect(try book.send(#"{"request":"compact"}"#).printed("ok") == "true")
        try demand("erased", true)
        try book.restart()
        try demand("started", true)
    }

    @Test func theSameOrderIsADuplicate() throws {
        let book = try filled()
        #expect(try redact(book, "r", [1, 2], ["user.email"]).printed("position") == "103")
        for _ in 0..<2 {
            let again = try redact(book, "r", [2, 1, 1], ["user.email"])
            #expect(again.printed("outcome") == "duplicate" && again.printed("position") == "103")
            #expect(try redact(book, "r", [1]).printed("error") == "conflict")
            #expect(try book.send(#"{"request":"compact"}"#).printed("ok") == "true")
        }
        // What is redacted may be ordered again.
        let more = try redact(book, "r2", [1, 2, 3])
        #expect(more.printed("outcome") == "recorded")
        #expect(try status(book, "redactions") == "3")
    }

    @Test func whatCannotBeErasedIsNamedAndNothingIsWritten() throws {
        let book = try filled()
        let position = try status(book, "position")
        let absent = try redact(book, "r", [1, 2, 3], ["ip", "user.email"])
        #expect(absent.printed("error") == "not_personal" && absent.list("problems").count == 3)
        #expect(
            absent.list("problems").allSatisfy { $0.printed("message")?.hasPrefix("ip") == true })
        let plain = try redact(book, "r", [1, 2], ["tokens"])
        #expect(plain.printed("error") == "not_personal")
        #expect(try redact(book, "r", [0]).printed("error") == "not_personal")
        #expect(try redact(book, "r", [4_000]).printed("error") == "unknown_position")
        for line in [
            #"{"request":"redact","id":"r","positions":[1],"properties":["user.email"]}"#,
            #"{"request":"redact","id":"r","positions":["1"],"properties":["a"],"reason":"r"}"#,
            #"{"request":"redact","id":"r","positions":[1],"properties":["a"],"reason":"r","x":1}"#,
            #"{"request":"redact","positions":[1],"properties":["a"],"reason":"r"}"#,
        ] { #expect(try book.send(line).printed("error") == "bad_request", "\(line)") }
        #expect(try status(book, "position") == position)
        #expect(try status(book, "redactions") == "0")
        #expect(try entries(book)[1].contains(Self.secret))
    }

    /// An order may name an entry that is in the frame before it, not yet on the disk.
    @Test func anOrderSeesTheEntryRightBeforeIt() throws {
        let book = try Book()
        try book.publish(Self.catalog())
        for number in 0..<50 {
            let position = 1 + 2 * number
            try book.event("e\(number)", "t", "a", #"{"ip":"10.0.0.\#(number)"}"#)
            #expect(
                try redact(book, "r\(number)", [position], ["ip"]).printed("outcome") == "recorded")
        }
        #expect(try status(book, "redactions") == "50")
        #expect(try book.verifies())
    }
}

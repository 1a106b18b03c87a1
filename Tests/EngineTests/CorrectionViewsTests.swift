import Billing
import Codec
import Engine
import Foundation
import Seeds
import Testing

/// Corrections and batches in what looks at history in another way than the live books: bills made again, simulations,
/// questions about the past, history that is metered beside the traffic.
@Suite struct CorrectionViewsTests {
    private func corrected(
        _ seed: UInt64, _ catalog: String = CorrectionHistory.catalog
    ) throws -> (book: Book, history: CorrectionHistory) {
        var history = CorrectionHistory(seed: seed)
        let book = try CorrectionHistory.open(catalog)
        try history.correct(in: book)
        return (book, history)
    }

    private func total(_ book: Book, _ month: String) throws -> String? {
        try book.send(#"{"request":"invoice","account":"a","period":"\#(month)"}"#)
            .printed("total")
    }

    /// Bills from the entries alone are what the live books say, from rows and from sealed columns.
    @Test(arguments: Seeds.all) func billsAreMadeAgain(_ seed: UInt64) throws {
        try check(corrected(seed).book)
        // Sums of a month give these bills, so that nothing but corrections has the entries be looked at.
        let head = try #require(CorrectionHistory.catalog.ranges(of: #""prices":{"#).first)
        let prices = [("sum", "0.3"), ("calls", "0.11"), ("peak", "1.01"), ("taken", "3")]
            .map { #""\#($0)":{"meter":"\#($0)","amount":\#($1)}"# }.joined(separator: ",")
        let plain = CorrectionHistory.catalog[..<head.upperBound] + prices + "}}}}"
        try check(corrected(seed, String(plain)).book)
    }

    private func check(_ book: Book) throws {
        for isSealed in [false, true] {
            if isSealed { _ = try book.send(#"{"request":"compact"}"#) }
            for month in CorrectionHistory.months {
                let reply = try book.send(#"{"request":"replay","period":"\#(month)"}"#)
                let again = reply.list("invoices").first { $0.printed("invoice") == "a/\(month)" }
                #expect(try again?.printed("now") == total(book, month), "\(reply)")
            }
        }
    }

    /// An invoice that stands is what its entries give, and what changed its period since is named.
    @Test func whatCorrectsAnInvoiceIsNamed() throws {
        let book = try CorrectionHistory.open()
        func event(_ id: String, _ n: Int, _ more: String = "") throws -> String {
            let reply = try book.record(
                #"{"specversion":"1.0","id":"\#(id)","source":"s","type":"e","subject":"a","time":"2026-03-05T00:00:00Z"\#(more),"data":{"n":\#(n),"u":"u1"}}"#
            )
            return try #require(reply.printed("position"))
        }
        book.clock.set("2026-03-20T00:00:00Z")
        let first = try event("one", 7)
        _ = try event("two", 8)
        try book.record(#"{"request":"backfill","id":"o","action":"create","batch":"b"}"#)
        _ = try event("three", 9, #","daybookbatch":"b""#)
        book.clock.set("2026-04-02T00:00:00Z")
        try book.record(#"{"request":"finalise","account":"a","period":"2026-03"}"#)
        func row() throws -> Value {
            let reply = try book.send(#"{"request":"replay","period":"2026-03"}"#)
            return try #require(reply.list("invoices").first, "\(reply)")
        }
        #expect(try row().printed("issued") == row().printed("now"))
        let correction = try book.record(
            #"{"request":"correct","id":"k","account":"a","reason":"r","entries":[{"entry":\#(first),"action":"retract"}]}"#
        )
        let close = try book.record(
            #"{"request":"backfill","id":"c","action":"close","batch":"b"}"#)
        let late = try row()
        #expect(late.printed("issued") == late.printed("again"), "\(late)")
        let named = CorrectionHistory.text(late, decisions: true)
        for position in [correction.printed("position"), close.printed("position")] {
            #expect(try named.contains(#require(position)), "\(named)")
        }
    }

    /// The catalog that there is changes nothing; under another one, bills are those of a right history that had it.
    @Test(arguments: Seeds.all) func simulationsCountWhatCounts(_ seed: UInt64) throws {
        let (book, history) = try corrected(seed)
        let nobody = #""remove":[{"account":"nobody"}]"#
        let same = try book.send(#"{"request":"simulate",\#(nobody)}"#)
        #expect(same.printed("entries_read") == "true", "\(same)")
        #expect(same.list("accounts").allSatisfy { $0.list("bills").isEmpty }, "\(same)")
        for from in ["", #","from":"2026-03-25T00:00:00Z""#] {
            let again = try book.send(
                #"{"request":"simulate","catalog":\#(CorrectionHistory.catalog),\#(nobody)\#(from)}"#
            )
            #expect(again.list("accounts").allSatisfy { $0.list("bills").isEmpty }, "\(again)")
        }
        let other = CorrectionHistory.catalog
            .replacing(#""amount":0.11"#, with: #""amount":0.35"#)
            .replacing(#""limit":40"#, with: #""limit":4"#)
            .replacing(
                #""peak":{"event":"e","aggregate":"max","value":"n"}"#,
                with: #""peak":{"event":"e","aggregate":"sum","value":"n"}"#)
        let right = try CorrectionHistory.open(other)
        try history.tellTruth(to: right)
        let reply = try book.send(#"{"request":"simulate","catalog":\#(other),\#(nobody)}"#)
        let bills = reply.list("accounts").first { $0.printed("account") == "a" }?.list("bills")
        for month in CorrectionHistory.months {
            let bill = bills?.first { $0.printed("period") == month }
            #expect(try bill?.printed("before") == total(book, month), "\(reply)")
            #expect(try bill?.printed("after") == total(right, month), "\(reply)")
        }
    }

    /// What was answered at a position is what is answered as of it.
    @Test(arguments: Seeds.all) func everyPositionAnswersAsItDid(_ seed: UInt64) throws {
        let questions =
            CorrectionHistory.months.flatMap {
                [
                    #""usage","account":"a","period":"\#($0)""#,
                    #""invoice","account":"a","period":"\#($0)""#,
                ]
            } + [#""entitlements","account":"a""#, #""credits","account":"a""#]
        func shown(_ reply: Value) -> String {
            guard case .object(let members) = reply else { return "\(reply)" }
            return CorrectionHistory.text(
                .object(members.filter { !["asked_at", "known_until"].contains($0.name) }),
                decisions: true)
        }
        var history = CorrectionHistory(seed: seed)
        let book = try CorrectionHistory.open()
        var then: [(position: String, answers: [String])] = []
        try history.correct(in: book) { number in
            guard number % 3 == 0 else { return }
            let position = try #require(
                book.send(#"{"request":"usage","account":"a"}"#).printed("position"))
            then.append(
                (position, try questions.map { try shown(book.send("{\"request\":\($0)}")) }))
        }
        for (position, answers) in then {
            for (question, answer) in zip(questions, answers) {
                let asked = try book.send("{\"request\":\(question),\"as_of\":\(position)}")
                #expect(shown(asked) == answer, "\(question) as of \(position)")
            }
        }
    }

    /// By an instant, usage, drafts and limits are those of a right history.
    @Test(arguments: Seeds.all) func whatHadHappenedIsCorrected(_ seed: UInt64) throws {
        let (book, history) = try corrected(seed)
        let right = try CorrectionHistory.open()
        try history.tellTruth(to: right)
        for day in ["2026-03-04", "2026-03-13", "2026-03-29", "2026-04-05", "2026-04-18"] {
            func compare(_ question: String, _ member: String) throws {
                let line = #"{"request":\#(question),"account":"a","at":"\#(day)T11:00:00Z"}"#
                let (mine, theirs) = (try book.send(line), try right.send(line))
                let (left, right) = (mine[member] ?? .null, theirs[member] ?? .null)
                #expect(left != .null, "\(line): \(mine)")
                let parts = zip(left.elements, right.elements)
                for (left, right) in parts {
                    #expect(
                        CorrectionHistory.text(left, decisions: false)
                            == CorrectionHistory.text(right, decisions: false), "\(line)")
                }
                #expect(left.elements.count == right.elements.count, "\(line)")
            }
            for month in CorrectionHistory.months where month <= day {
                try compare(#""usage","period":"\#(month)""#, "meters")
                try compare(#""invoice","period":"\#(month)""#, "lines")
            }
            try compare(#""entitlements""#, "features")
        }
    }

    /// Catalogs and overrides among corrections of many accounts leave the books of a replay.
    @Test(arguments: [3, 4] as [UInt64])
    func publicationsAmongCorrections(_ seed: UInt64) throws {
        let book = try Book(entriesPerSnapshot: 100, isPrepared: true)
        var life = MeteringHistory(seed: seed, corrects: true)
        try book.record(life.publish())
        for number in 0..<150 {
            book.clock.set(life.clock())
            _ = try book.send(number % 15 == 14 ? life.publish() : life.line())
        }
        let digest = book.digest
        #expect(try book.verifies())
        let report = try book.engine.rebuild()
        #expect(report.isEqual && report.isSwapped)
        #expect(book.digest == digest)
        try book.restart()
        #expect(book.digest == digest)
    }

    /// What an entry did, and by which one that was replaced.
    @Test func anEntryThatWasCorrectedSaysSo() throws {
        let book = try CorrectionHistory.open()
        func event(_ id: String) throws -> String {
            let reply = try book.record(
                #"{"specversion":"1.0","id":"\#(id)","source":"s","type":"e","subject":"a","data":{"n":7,"u":"u1"}}"#
            )
            return try #require(reply.printed("position"))
        }
        let (one, two) = (try event("one"), try event("two"))
        let reply = try book.record(
            #"{"request":"correct","id":"k","account":"a","reason":"r","entries":[{"entry":\#(one),"action":"retract"},{"entry":\#(two),"action":"amend","data":{"n":4,"u":"u1"}}]}"#
        )
        let by = try #require(reply.printed("position"))
        func explain(_ entry: String) throws -> Value {
            try book.send(#"{"request":"explain_entry","entry":\#(entry)}"#)
        }
        let retracted = try explain(one)
        #expect(retracted.printed("unmatched") == "retracted", "\(retracted)")
        #expect(retracted.list("counted").isEmpty && retracted.list("lines").isEmpty)
        #expect(retracted.list("corrected_by") == (try explain(two)).list("corrected_by"))
        let amended = try explain(two)
        let counted = amended.list("counted").first { $0.printed("meter") == "sum" }
        #expect(counted?.printed("quantity") == "4", "\(amended)")
        #expect(!amended.list("lines").isEmpty, "\(amended)")
        #expect(amended.list("named_by").first?.printed("entry") == by)
        let correction = try explain(by)
        #expect(correction.list("corrects").map { $0.printed("entry") } == [one, two])
        #expect(correction.list("corrects").map { $0.printed("action") } == ["retract", "amend"])
    }
}

extension Value {
    fileprivate var elements: [Value] {
        if case .array(let list) = self { return list }
        return []
    }
}

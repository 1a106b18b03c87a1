import Billing
import Codec
import Engine
import Foundation
import Projections
import Testing

/// Bodies of old entries go, and nothing that anybody is owed or told changes.
@Suite struct RetirementTests {
    /// Long enough, and of so many different bytes, that no packing hides it from a search.
    static let note = "Qz7-Vortex.Jumbled+Wyx3@sphinx-of-black=quartz"
    static let email = "k9Lp-Fjord_waxy5=bumph!vext#dwarf%quick"

    static func catalog(keep: String? = "30 days", more: String = "") -> String {
        let events = keep.map { #""events":{"keep":"\#($0)"},"# } ?? ""
        return """
            {"catalog":1,"currency":"USD","default_plan":"p","personal":["user.email"],\(events)
             "meters":{\(more)
               "tokens":{"event":"call","aggregate":"sum","value":"use.tokens","group_by":["model"]},
               "good":{"event":"call","aggregate":"count","filter":{"status":"ok"}},
               "people":{"event":"call","aggregate":"unique","value":"person"},
               "seats":{"event":"seats","aggregate":"latest","value":"n","carry":true},
               "api":{"event":"api","aggregate":"sum","value":"size"}},
             "features":{"api":{"meter":"api"}},
             "plans":{"p":{"entitlements":{"api":{"unlimited":true}},"prices":{
               "tokens":{"meter":"tokens","graduated":[{"up_to":100,"amount":0.01},{"amount":0.005}]},
               "good":{"meter":"good","amount":"0.5"},
               "share":{"meter":"tokens","percentage":{"rate":1,"fixed":"0.02","free_events":1}},
               "people":{"meter":"people","amount":"3"},
               "regions":{"meter":"tokens","matrix":{"by":["region"],"rows":{
                 "eu":{"region":"eu","amount":0.5}},"other":0.25}},
               "seats":{"meter":"seats","amount":"10"},
               "api":{"meter":"api","amount":"0.1"},
               "base":{"fee":20}}}}}
            """
            .replacing("\n", with: " ")
    }

    private static func call(_ number: Int, _ email: String = email) -> String {
        #"{"use":{"tokens":\#(40 + number),"secret":"\#(note)"},"model":"m\#(number % 2)","status":"#
            + #""\#(number % 3 == 0 ? "bad" : "ok")","person":"p\#(number % 4)","region":"#
            + #""\#(number % 2 == 0 ? "eu" : "us")","user":{"email":"\#(email)"},"note":"\#(note)"}"#
    }

    private static func line(_ number: Int, _ account: String, _ email: String = email) -> String {
        #"{"specversion":"1.0","id":"\#(account)-\#(number)","source":"test","type":"call","#
            + #""subject":"\#(account)","time":"2025-01-\#(10 + number)T00:00:00Z","trace":"\#(note)","#
            + #""data":\#(call(number, email))}"#
    }

    /// Two months of two accounts; January of acme is finalised.
    static func filled(_ catalog: String = catalog()) throws -> Book {
        let book = try Book()
        book.clock.set("2025-01-01T00:00:00Z")
        try book.publish(catalog)
        book.clock.set("2025-01-20T00:00:00Z")
        for account in ["acme", "bolt"] {
            for number in 0..<8 { try book.record(line(number, account)) }
            try book.event("\(account)-s", "seats", account, #"{"n":7,"note":"\#(note)"}"#)
            try book.record(
                #"{"request":"consume","id":"\#(account)-c","account":"\#(account)","feature":"api","#
                    + #""quantity":3,"data":{"size":1,"note":"\#(note)","user":{"email":"\#(email)"}}}"#
            )
            for number in 0..<3 {
                try book.record(
                    #"{"specversion":"1.0","id":"4:\#(number)","source":"node-\#(account)","type":"api","#
                        + #""epoch":4,"sequence":\#(number),"subject":"\#(account)","trace":"\#(note)","#
                        + #""data":{"size":2,"note":"\#(note)"}}"#)
            }
        }
        try book.event(
            "kept", "call", "acme", call(5, "february@example"), time: "2025-02-03T00:00:00Z")
        // Nothing to drop.
        try book.event("bare", "seats", "acme", #"{"n":7}"#, time: "2025-01-19T00:00:00Z")
        book.clock.set("2025-02-01T00:00:00Z")
        let done = try book.send(#"{"request":"finalise","account":"acme","period":"2025-01"}"#)
        #expect(done.printed("outcome") == "recorded", "\(done)")
        book.clock.set("2026-03-01T00:00:00Z")
        return book
    }

    static func retire(_ book: Book, _ before: String = "2025-02-01T00:00:00Z") throws -> Value {
        try book.send(
            #"{"request":"retire","id":"r-\#(before)","before":"\#(before)","reason":"ten years"}"#)
    }

    static func compact(_ book: Book) throws {
        #expect(try book.send(#"{"request":"compact"}"#).printed("ok") == "true")
    }

    /// The files of a book that hold a text as it is.
    private func files(_ book: Book, holding text: String) throws -> [String] {
        let all = FileManager.default.enumerator(atPath: book.folder)?.allObjects as? [String] ?? []
        return try all.filter { path in
            let whole = book.folder + "/" + path
            if (try? FileManager.default.contentsOfDirectory(atPath: whole)) != nil { return false }
            return try Data(contentsOf: URL(fileURLWithPath: whole)).range(of: Data(text.utf8))
                != nil
        }
    }

    /// Everything that people are told of money, without positions.
    static func told(_ book: Book) throws -> [String] {
        var told: [String] = []
        for account in ["acme", "bolt"] {
            for period in ["2025-01", "2025-02", "2025-03", "2026-03"] {
                let asked = #""account":"\#(account)","period":"\#(period)""#
                for word in ["invoice", "usage"] {
                    let reply = try book.send(#"{"request":"\#(word)",\#(asked)}"#)
                    told += ["lines", "meters", "total", "hash"].map { "\(reply[$0] ?? .null)" }
                }
                for line in ["tokens", "good", "people", "regions", "share", "api"] {
                    let reply = try book.send(#"{"request":"explain",\#(asked),"line":"\#(line)"}"#)
                    told.append("\(reply["events"] ?? .null) \(reply["amount"] ?? .null)")
                }
            }
        }
        return told
    }

    @Test func bodiesGoAndEverythingElseStays() throws {
        let book = try Self.filled()
        let (told, before) = (try Self.told(book), try Life.entries(of: book.engine))
        try Self.compact(book)
        let preview = try book.send(
            #"{"request":"retirement","before":"2025-02-01T00:00:00Z"}"#)
        #expect(preview.printed("entries") == "13" && preview.printed("accounts") == "1")
        #expect(preview.printed("not_finalised") == "14")
        #expect(preview.printed("nothing_to_drop") == "1")
        #expect(try Self.retire(book).printed("outcome") == "recorded")
        let digest = book.digest
        try Self.compact(book)
        #expect(book.digest == digest)
        #expect(try Self.told(book) == told)
        let after = try Life.entries(of: book.engine)
        var retired = 0
        for (old, new) in zip(before, after) {
            let goes =
                old.contains(#""subject":"acme""#) && old.contains(Self.note)
                && !old.contains("february@example")
            #expect(new.contains(#""retired":true"#) == goes, "\(new)")
            if !goes { #expect(new == old) }
            #expect(goes != new.contains(Self.note) || old == new)
            retired += goes ? 1 : 0
        }
        #expect(retired == 13)
        let report = try book.engine.verify(deep: true)
        #expect(report.isEqual)
        let status = try book.send(#"{"request":"status"}"#)
        #expect(status.printed("retired_before") == "2025-02-01T00:00:00Z")
        #expect(status.printed("retirement_pending") == "false")
        // From the stubs alone.
        #expect(try book.send(#"{"request":"snapshot"}"#).printed("ok") == "true")
        try FileManager.default.removeItem(atPath: book.folder + "/snapshots")
        try book.restart()
        #expect(book.digest == digest)
        #expect(try Self.told(book) == told)
        #expect(try Life.entries(of: book.engine) == after)
        let again = try book.send(#"{"request":"retirement","before":"2025-02-01T00:00:00Z"}"#)
        #expect(again.printed("entries") == "0" && again.printed("already_retired") == "13")
    }

    /// Once the other account's period is finalised too, no file holds the text.
    @Test func theBytesAreGone() throws {
        let book = try Self.filled()
        book.clock.set("2025-02-01T00:00:00Z")
        for (account, period) in [("bolt", "2025-01"), ("acme", "2025-02")] {
            book.clock.set("2025-03-02T00:00:00Z")
            let done = try book.send(
                #"{"request":"finalise","account":"\#(account)","period":"\#(period)"}"#)
            #expect(done.printed("outcome") == "recorded")
        }
        book.clock.set("2026-03-01T00:00:00Z")
        #expect(try !files(book, holding: Self.note).isEmpty)
        #expect(try Self.retire(book, "2025-03-01T00:00:00Z").printed("outcome") == "recorded")
        try Self.compact(book)
        #expect(try files(book, holding: Self.note) == [])
        #expect(try files(book, holding: Self.email) == [])
        #expect(try book.verifies())
    }

    @Test func aDuplicateIsStillOneAndAConflictToo() throws {
        let book = try Self.filled()
        let consume = { (size: Int) in
            #"{"request":"consume","id":"acme-c","account":"acme","feature":"api","quantity":3,"#
                + #""data":{"size":\#(size),"note":"\#(Self.note)","user":{"email":"\#(Self.email)"}}}"#
        }
        let numbered = { (number: Int, size: Int) in
            #"{"specversion":"1.0","id":"4:\#(number)","source":"node-acme","type":"api","epoch":4,"#
                + #""sequence":\#(number),"subject":"acme","trace":"\#(Self.note)","#
                + #""data":{"size":\#(size),"note":"\#(Self.note)"}}"#
        }
        let seats = { (count: Int) in
            #"{"specversion":"1.0","id":"acme-s","source":"test","type":"seats","subject":"acme","#
                + #""data":{"n":\#(count),"note":"\#(Self.note)"}}"#
        }
        let demand = { (when: String) throws -> Void in
            for line in [Self.line(3, "acme"), consume(1), numbered(1, 2), seats(7)] {
                #expect(
                    try book.send(line).printed("outcome") == "duplicate", "\(when): \(line)")
            }
            for line in [
                Self.line(3, "acme").replacing(#""note":"Qz7"#, with: #""note":"Qz8"#),
                Self.line(3, "acme").replacing(#""trace":"Qz7"#, with: #""trace":"Qz8"#),
                Self.line(3, "acme").replacing(#""region""#, with: #""Region""#),
                consume(2), numbered(1, 3), seats(8),
            ] {
                #expect(try book.send(line).printed("error") == "conflict", "\(when): \(line)")
            }
        }
        try demand("whole")
        #expect(try Self.retire(book).printed("outcome") == "recorded")
        try demand("ordered")
        try Self.compact(book)
        try demand("dropped")
        // A personal value is gone: it may be anything, as after a redaction.
        let guess = try book.send(Self.line(3, "acme", "someone@else"))
        #expect(guess.printed("outcome") == "duplicate")
        try book.restart()
        try demand("started")
        // The producer goes on where it was.
        #expect(try book.send(numbered(3, 2)).printed("outcome") == "recorded")
        #expect(try book.verifies())
    }

    /// Late usage of a period whose bodies are gone is charged as if they were there.
    @Test func lateUsageIsChargedAsWithTheBodies() throws {
        let (whole, retired) = (try Self.filled(), try Self.filled())
        #expect(try Self.retire(retired).printed("outcome") == "recorded")
        try Self.compact(retired)
        for book in [whole, retired] {
            try book.event("late", "call", "acme", Self.call(9), time: "2025-01-05T00:00:00Z")
            try book.event("later", "seats", "acme", #"{"n":9}"#, time: "2025-01-25T00:00:00Z")
        }
        let (left, right) = (try Self.told(whole), try Self.told(retired))
        #expect(left == right)
        #expect(left.contains { $0.contains("Correction of 2025-01") })
    }

    /// A catalog after the order cannot read what goes, whether the bytes are still there or not.
    @Test(arguments: [false, true]) func aLaterMeterReadsOnlyWhatWasKept(isGone: Bool) throws {
        let book = try Self.filled()
        #expect(try Self.retire(book).printed("outcome") == "recorded")
        if isGone { try Self.compact(book) }
        let more =
            #""notes":{"event":"call","aggregate":"count","filter":{"note":"\#(Self.note)"}},"#
            + #""models":{"event":"call","aggregate":"unique","value":"model"},"#
        try book.publish(Self.catalog(more: more))
        let digest = book.digest
        let usage = { (account: String) throws -> [String: String] in
            try book.send(#"{"request":"usage","account":"\#(account)","period":"2025-01"}"#)
                .list("meters").reduce(into: [:]) {
                    $0[$1.printed("meter") ?? ""] = $1.printed("quantity")
                }
        }
        for _ in 0..<2 {
            let (acme, bolt) = (try usage("acme"), try usage("bolt"))
            // Of the account that was not finalised, everything is read.
            #expect(acme["notes"] ?? "0" == "0" && bolt["notes"] == "8", "\(acme) \(bolt)")
            #expect(acme["models"] == "2" && bolt["models"] == "2")
            #expect(book.digest == digest)
            #expect(try book.verifies())
            try Self.compact(book)
            try book.restart()
        }
    }

    @Test func whatIsKeptByLawIsRefused() throws {
        let forEver = try Self.filled(Self.catalog(keep: nil))
        #expect(try Self.retire(forEver).printed("error") == "no_legal_period")
        let book = try Self.filled()
        let young = try Self.retire(book, "2026-02-01T00:00:00Z")
        #expect(young.printed("error") == "kept_by_law")
        #expect(young.printed("message")?.contains("2026-01-30T00:00:00Z") == true, "\(young)")
        #expect(try Self.retire(book, "2025-02-30T00:00:00Z").printed("error") == "bad_request")
        #expect(
            try book.send(#"{"request":"retire","id":"x","before":"2025-01-01T00:00:00Z"}"#)
                .printed("error") == "bad_request")
        #expect(try Self.retire(book).printed("outcome") == "recorded")
        #expect(try Self.retire(book).printed("outcome") == "duplicate")
        let shorter = try Self.retire(book, "2025-01-31T00:00:00Z")
        #expect(shorter.printed("error") == "bad_request", "\(shorter)")
        #expect(try Self.retire(book, "2025-03-01T00:00:00Z").printed("outcome") == "recorded")
        #expect(try book.verifies())
    }

    /// Without being asked, the sealer drops what is in sealed segments.
    @Test func theServerDropsByItself() throws {
        let book = try Self.filled()
        try Self.compact(book)
        #expect(try Self.retire(book).printed("outcome") == "recorded")
        let pending = { () throws -> String? in
            try book.send(#"{"request":"status"}"#).printed("retirement_pending")
        }
        for _ in 0..<400 {
            if try pending() == "false" { break }
            usleep(5_000)
        }
        #expect(try pending() == "false")
        #expect(try Life.entries(of: book.engine).joined().contains(#""retired":true"#))
        #expect(try book.engine.verify(deep: true).isEqual)
    }
}

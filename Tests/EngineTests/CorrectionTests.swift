import Billing
import Codec
import Engine
import Foundation
import Money
import Testing

/// What corrections and batches do, case by case.
@Suite struct CorrectionTests {
    private static let catalog = """
        {"catalog":1,"currency":"USD","default_plan":"p","personal":["email"],
         "events":{"keep":"1 days","max_age":"40 days"},
         "meters":{"calls":{"event":"call","aggregate":"sum","value":"n"},
           "own":{"event":"never","aggregate":"sum","value":"n"}},
         "features":{"calls":{"meter":"calls"},"own":{"meter":"own"}},
         "credit":{"unit":"cr","burn":{"calls":"1","own":"2"}},
         "plans":{"p":{"entitlements":{"calls":true,"own":{"unlimited":true}},
           "prices":{"calls":{"meter":"calls","amount":1}}}}}
        """.replacing("\n", with: " ")

    private func book() throws -> Book {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(Self.catalog)
        try book.record(#"{"request":"grant","id":"g","account":"a","amount":100}"#)
        book.clock.set("2026-03-20T00:00:00Z")
        return book
    }

    @discardableResult private func use(
        _ book: Book, _ id: String, _ n: Int, day: String = "2026-03-10", more: String = ""
    ) throws -> Int {
        let reply = try book.record(
            #"{"specversion":"1.0","id":"\#(id)","source":"s","type":"call","subject":"a","#
                + #""time":"\#(day)T00:00:00Z"\#(more),"data":{"n":\#(n)}}"#)
        return try #require(reply.printed("position").flatMap { Int($0) })
    }

    private func correct(_ book: Book, _ id: String, _ entries: String) throws -> Value {
        try book.send(
            #"{"request":"correct","id":"\#(id)","account":"a","reason":"r","entries":[\#(entries)]}"#
        )
    }

    private func backfill(_ book: Book, _ id: String, _ action: String, _ batch: String) throws
        -> Value
    {
        try book.send(
            #"{"request":"backfill","id":"\#(id)","action":"\#(action)","batch":"\#(batch)"}"#)
    }

    private func total(_ book: Book, _ period: String = "2026-03") throws -> String? {
        try book.send(#"{"request":"invoice","account":"a","period":"\#(period)"}"#)
            .printed("total")
    }

    private func balance(_ book: Book) throws -> String? {
        try book.send(#"{"request":"credits","account":"a"}"#).printed("balance")
    }

    @Test func whatIsRetractedCostsNothing() throws {
        let book = try book()
        let first = try use(book, "x", 7)
        try use(book, "y", 5)
        #expect(try total(book) == "12.00" && balance(book) == "88")
        let reply = try correct(book, "k", #"{"entry":\#(first),"action":"retract"}"#)
        #expect(reply.printed("outcome") == "recorded", "\(reply)")
        #expect(reply.list("reconciled").count == 1)
        #expect(try total(book) == "5.00" && balance(book) == "95")
        // The same order again is the same; the entry can be corrected no more.
        let again = try correct(book, "k", #"{"entry":\#(first),"action":"retract"}"#)
        #expect(again.printed("outcome") == "duplicate")
        #expect(again.printed("position") == reply.printed("position"))
        let other = try correct(book, "k2", #"{"entry":\#(first),"action":"retract"}"#)
        #expect(other.printed("error") == "already_retracted")
        let conflict = try correct(book, "k", #"{"entry":\#(first + 1),"action":"retract"}"#)
        #expect(conflict.printed("error") == "conflict")
        #expect(try total(book) == "5.00")
        // The event itself stays, and is still known.
        let known = try book.send(
            #"{"specversion":"1.0","id":"x","source":"s","type":"call","subject":"a","#
                + #""time":"2026-03-10T00:00:00Z","data":{"n":7}}"#)
        #expect(known.printed("outcome") == "duplicate")
        #expect(try book.verifies())
    }

    @Test func amendmentsAddUp() throws {
        let book = try book()
        let entry = try use(book, "x", 7)
        _ = try correct(book, "k1", #"{"entry":\#(entry),"action":"amend","data":{"n":3}}"#)
        #expect(try total(book) == "3.00" && balance(book) == "97")
        let moved = try correct(
            book, "k2", #"{"entry":\#(entry),"action":"amend","time":"2026-02-27T00:00:00Z"}"#)
        #expect(moved.printed("outcome") == "recorded")
        #expect(try total(book) == "0.00" && total(book, "2026-02") == "3.00")
        // The grant holds from March on.
        #expect(try balance(book) == "100")
        let explained = try book.send(
            #"{"request":"explain","account":"a","period":"2026-02","line":"calls"}"#)
        #expect(explained.list("events").map { $0.printed("id") } == ["x"])
        #expect(explained.list("events").first?.printed("position") == moved.printed("position"))
        _ = try correct(book, "k3", #"{"entry":\#(entry),"action":"retract"}"#)
        #expect(try total(book, "2026-02") == "0.00" && balance(book) == "100")
        #expect(try book.verifies())
    }

    /// A decision stays a fact; what it used comes back.
    @Test func aConsumeCanBeRetracted() throws {
        let book = try book()
        let reply = try book.record(
            #"{"request":"consume","id":"c","account":"a","feature":"own","quantity":4}"#)
        let position = try #require(reply.printed("position"))
        #expect(try balance(book) == "92")
        let amended = try correct(book, "k0", #"{"entry":\#(position),"action":"amend","data":{}}"#)
        #expect(amended.printed("field") == "entries")
        _ = try correct(book, "k", #"{"entry":\#(position),"action":"retract"}"#)
        #expect(try balance(book) == "100")
        let usage = try book.send(#"{"request":"usage","account":"a","period":"2026-03"}"#)
        #expect(usage.list("meters").isEmpty, "\(usage)")
        // Its credits came back once; they cannot come back again.
        let refund = try book.send(
            #"{"request":"refund","id":"r","account":"a","entry":\#(position)}"#)
        #expect(refund.printed("field") == "entry")
        let hold = try book.record(
            #"{"request":"hold","id":"h","account":"a","feature":"own","quantity":5}"#)
        let settled = try book.record(
            #"{"request":"settle","id":"t","account":"a","hold":"\#(hold.printed("hold") ?? "")","quantity":3}"#
        )
        #expect(try balance(book) == "94")
        _ = try correct(
            book, "k5", #"{"entry":\#(settled.printed("position") ?? ""),"action":"retract"}"#)
        #expect(try balance(book) == "100")
        #expect(try book.verifies())
    }

    /// What was refunded of an entry does not come back twice.
    @Test func refundsStay() throws {
        let book = try book()
        let entry = try use(book, "x", 10)
        try book.record(
            #"{"request":"refund","id":"r","account":"a","entry":\#(entry),"credits":4}"#)
        #expect(try balance(book) == "94")
        _ = try correct(book, "k", #"{"entry":\#(entry),"action":"amend","data":{"n":7}}"#)
        #expect(try balance(book) == "97")
        _ = try correct(book, "k2", #"{"entry":\#(entry),"action":"retract"}"#)
        #expect(try balance(book) == "100")
    }

    /// What gave credits back takes them again when it is retracted: of what it took off, and of what it granted.
    @Test func negativeQuantitiesAreTakenBack() throws {
        let book = try book()
        try use(book, "x", 110)
        let entry = try use(book, "y", -30, day: "2026-03-11")
        let credits = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(credits.printed("overage") == "0" && credits.printed("balance") == "20")
        _ = try correct(book, "k", #"{"entry":\#(entry),"action":"retract"}"#)
        let after = try book.send(#"{"request":"credits","account":"a"}"#)
        // 110 of 100 and of the 20 that it granted: what it granted pays for what it had taken off.
        #expect(after.printed("overage") == "10" && after.printed("balance") == "0", "\(after)")
        #expect(try total(book) == "110.00")
        #expect(try book.verifies())
    }

    @Test func allOrNothingAndForGoodReasons() throws {
        let book = try book()
        let entry = try use(book, "x", 7)
        try book.event("other", "call", "b", #"{"n":1}"#)
        let head = book.engine.durablePosition
        for (entries, code) in [
            (
                #"{"entry":\#(entry),"action":"retract"},{"entry":999,"action":"retract"}"#,
                "unknown_position"
            ),
            (
                #"{"entry":\#(entry),"action":"retract"},{"entry":\#(entry + 1),"action":"retract"}"#,
                "bad_request"
            ),
            (
                #"{"entry":\#(entry),"action":"retract"},{"entry":\#(entry),"action":"retract"}"#,
                "bad_request"
            ),
            (#"{"entry":1,"action":"retract"}"#, "bad_request"),
            (#"{"entry":\#(entry),"action":"amend"}"#, "bad_request"),
            (#"{"entry":\#(entry),"action":"amend","type":"call"}"#, "bad_request"),
            (#"{"entry":\#(entry),"action":"amend","time":"soon"}"#, "bad_request"),
            (#"{"entry":\#(entry),"action":"amend","data":{"n":"many"}}"#, "bad_request"),
            (
                #"{"entry":\#(entry),"action":"amend","data":{"n":1,"email":"a@b.c"}}"#,
                "bad_request"
            ),
            (#"{"entry":\#(entry),"action":"erase"}"#, "bad_request"),
            (#"{"entry":-1,"action":"retract"}"#, "bad_request"),
            (#"{"entry":\#(entry),"action":"retract","why":1}"#, "bad_request"),
            ("", "bad_request"),
        ] {
            let reply = try correct(book, "k", entries)
            #expect(reply.printed("error") == code, "\(entries): \(reply)")
        }
        #expect(book.engine.durablePosition == head)
        #expect(
            try book.send(
                #"{"request":"correct","id":"k","account":"nobody","reason":"r","entries":[{"entry":0,"action":"retract"}]}"#
            ).printed("error") == "unknown_account")
    }

    /// A finalised invoice stays; the next one has exactly the difference.
    @Test func finalisedPeriodsAreCompensated() throws {
        let book = try book()
        let entry = try use(book, "x", 7)
        let moved = try use(book, "y", 5)
        _ = try backfill(book, "o", "create", "gap")
        book.clock.set("2026-04-02T00:00:00Z")
        let invoice = try book.send(#"{"request":"finalise","account":"a","period":"2026-03"}"#)
        #expect(invoice.printed("total") == "12.00")
        try use(book, "late", 4, more: #","daybookbatch":"gap""#)
        #expect(try total(book, "2026-04") == "0.00")
        _ = try correct(
            book, "k",
            #"{"entry":\#(entry),"action":"amend","data":{"n":2}},"#
                + #"{"entry":\#(moved),"action":"amend","time":"2026-04-01T00:00:00Z"}"#)
        // −10 of March, +5 of April.
        #expect(try total(book, "2026-04") == "-5.00")
        #expect(try balance(book) == "93")
        _ = try backfill(book, "c", "close", "gap")
        #expect(try total(book, "2026-04") == "-1.00")
        book.clock.set("2026-05-02T00:00:00Z")
        let april = try book.send(#"{"request":"finalise","account":"a","period":"2026-04"}"#)
        #expect(april.printed("total") == "-1.00", "\(april)")
        #expect(
            april.list("lines").first { $0.printed("kind") == "correction" }?.printed("amount")
                == "-6.00")
        _ = try backfill(book, "v", "revert", "gap")
        let may = try book.send(#"{"request":"invoice","account":"a","period":"2026-05"}"#)
        #expect(
            may.list("lines").first { $0.printed("kind") == "correction" }?.printed("amount")
                == "-4.00")
        let kept = try book.send(#"{"request":"invoice","account":"a","period":"2026-03"}"#)
        #expect(kept["lines"] == invoice["lines"] && kept["hash"] == invoice["hash"])
        #expect(try book.verifies())
        let digest = book.digest
        _ = try book.send(#"{"request":"snapshot"}"#)
        try book.restart()
        #expect(book.digest == digest)
    }

    @Test func aBatchCountsAsAWhole() throws {
        let book = try book()
        let unknown = try book.send(
            #"{"specversion":"1.0","id":"e","source":"s","type":"call","subject":"a","daybookbatch":"b","data":{"n":1}}"#
        )
        #expect(unknown.printed("error") == "unknown_batch")
        #expect(try backfill(book, "1", "close", "b").printed("error") == "unknown_batch")
        #expect(try backfill(book, "2", "create", "b").printed("outcome") == "recorded")
        #expect(try backfill(book, "2", "create", "b").printed("outcome") == "duplicate")
        #expect(try backfill(book, "3", "create", "b").printed("error") == "exists")
        let before = book.engine.durablePosition
        // Older than events may be that come by themselves.
        try use(book, "old", 3, day: "2025-01-05", more: #","daybookbatch":"b""#)
        try use(book, "new", 4, more: #","daybookbatch":"b""#)
        #expect(try total(book) == "0.00" && total(book, "2025-01") == "0.00")
        #expect(try balance(book) == "100")
        let status = try book.send(#"{"request":"status"}"#)
        #expect(status.printed("batches_open") == "1")
        let closed = try backfill(book, "4", "close", "b")
        #expect(closed.printed("events") == "2" && closed.printed("state") == "closed")
        #expect(try total(book) == "4.00" && total(book, "2025-01") == "3.00")
        // The grant holds from March on: what the old one cost is owed.
        #expect(try balance(book) == "96")
        let refused = try book.send(
            #"{"specversion":"1.0","id":"e2","source":"s","type":"call","subject":"a","daybookbatch":"b","data":{"n":1}}"#
        )
        #expect(refused.printed("error") == "batch_closed")
        let fixed = try correct(
            book, "k", #"{"entry":\#(before + 1),"action":"amend","data":{"n":9}}"#)
        #expect(fixed.printed("outcome") == "recorded")
        #expect(try total(book) == "9.00" && balance(book) == "91")
        #expect(try backfill(book, "5", "revert", "b").printed("state") == "reverted")
        #expect(try total(book) == "0.00" && total(book, "2025-01") == "0.00")
        let credits = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(credits.printed("balance") == "100" && credits.printed("overage") == "0")
        #expect(try backfill(book, "6", "revert", "b").printed("error") == "batch_reverted")
        let list = try book.send(#"{"request":"batches"}"#)
        #expect(list.list("batches").map { $0.printed("state") } == ["reverted"])
        #expect(try book.verifies())
    }

    /// Many accounts at once take the way over the whole log.
    @Test func aBatchOfManyAccounts() throws {
        let book = try book()
        _ = try backfill(book, "o", "create", "b")
        for number in 0..<40 {
            try book.record(
                #"{"specversion":"1.0","id":"m\#(number)","source":"s","type":"call","subject":"a\#(number % 20)","#
                    + #""time":"2026-03-10T00:00:00Z","daybookbatch":"b","data":{"n":\#(number)}}"#)
        }
        #expect(try backfill(book, "c", "close", "b").printed("accounts") == "20")
        let bill = try book.send(#"{"request":"invoice","account":"a7","period":"2026-03"}"#)
        #expect(bill.printed("total") == "34.00")
        let credits = try book.send(#"{"request":"credits","account":"a7"}"#)
        #expect(credits.printed("overage") == "34")
        #expect(try book.verifies())
        let digest = book.digest
        book.engine.close()
        try FileManager.default.removeItem(atPath: book.folder + "/snapshots")
        try book.restart()
        #expect(book.digest == digest)
    }

    /// A later catalog meters what counts, and not what was written.
    @Test func laterCatalogsMeterWhatCounts() throws {
        let book = try book()
        let entry = try use(book, "x", 7)
        let other = try use(book, "y", 5)
        _ = try backfill(book, "o", "create", "b")
        try use(book, "z", 100, more: #","daybookbatch":"b""#)
        _ = try correct(
            book, "k",
            #"{"entry":\#(entry),"action":"amend","type":"talk","data":{"n":2}},{"entry":\#(other),"action":"retract"}"#
        )
        #expect(try total(book) == "0.00")
        try book.publish(
            Self.catalog.replacing(
                #""own":{"event""#,
                with: #""talks":{"event":"talk","aggregate":"sum","value":"n"},"own":{"event""#
            ).replacing(
                #""prices":{"#, with: #""prices":{"talks":{"meter":"talks","amount":1},"#))
        let usage = try book.send(#"{"request":"usage","account":"a","period":"2026-03"}"#)
        #expect(usage.list("meters").map { $0.printed("quantity") } == ["2"], "\(usage)")
        _ = try backfill(book, "c", "close", "b")
        let more = try book.send(#"{"request":"usage","account":"a","period":"2026-03"}"#)
        #expect(more.list("meters").map { $0.printed("quantity") } == ["100", "2"], "\(more)")
        #expect(try book.verifies())
    }

    /// Bodies that were dropped are corrected no more, and batches are still told by what is left.
    @Test func retiredBodiesStayAsTheyAre() throws {
        let book = try book()
        _ = try backfill(book, "o", "create", "b")
        let note = #","note":"long""#
        let entry = try book.record(
            #"{"specversion":"1.0","id":"x","source":"s","type":"call","subject":"a","#
                + #""time":"2026-03-10T00:00:00Z","data":{"n":7\#(note)}}"#)
        try book.record(
            #"{"specversion":"1.0","id":"y","source":"s","type":"call","subject":"a","daybookbatch":"b","#
                + #""time":"2026-03-10T00:00:00Z","data":{"n":5\#(note)}}"#)
        book.clock.set("2026-04-02T00:00:00Z")
        _ = try book.send(#"{"request":"finalise","account":"a","period":"2026-03"}"#)
        try book.record(
            #"{"request":"retire","id":"r","before":"2026-04-01T00:00:00Z","reason":"old"}"#)
        let refused = try correct(
            book, "k", #"{"entry":\#(entry.printed("position") ?? ""),"action":"retract"}"#)
        #expect(refused.printed("error") == "retired")
        #expect(try book.send(#"{"request":"compact"}"#).printed("ok") == "true")
        #expect(try book.verifies())
        _ = try backfill(book, "c", "close", "b")
        #expect(try total(book, "2026-04") == "5.00")
        #expect(try book.verifies())
    }
}

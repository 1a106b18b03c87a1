import Billing
import Codec
import Engine
import Foundation
import Projections
import Seeds
import SegmentedLog
import Testing

/// What would have been: simulations against engines in which it was so.
@Suite struct SimulationTests {
    /// Catalogs that differ in what the parameters say.
    static func catalog(
        price: String = "2", limit: Int = 6, burn: String = "1", unit: String = "1",
        seats: String = "count"
    ) -> String {
        """
        {"catalog":1,"currency":"USD","default_plan":"free",
         "meters":{"calls":{"event":"call","aggregate":"sum","value":"n"},
           "jobs":{"event":"job","aggregate":"\(seats)","value":"n"},
           "peak":{"event":"call","aggregate":"max","value":"n"}},
         "features":{"calls":{"meter":"calls"},"jobs":{"meter":"jobs"},"sso":{}},
         "credit":{"unit":"cr","burn":{"jobs":"\(burn)"}},
         "plans":{"free":{"entitlements":{"calls":{"limit":\(limit)},"jobs":{"unlimited":true}},
             "prices":{"calls":{"meter":"calls","amount":"\(price)"}}},
           "pro":{"entitlements":{"calls":{"limit":\(limit * 3),"warn":[50,100]},"jobs":{"unlimited":true},"sso":true},
             "prices":{"base":{"fee":"\(unit)0"},"calls":{"meter":"calls","graduated":[{"up_to":5,"amount":"\(price)"},{"amount":"0.5"}]},
               "jobs":{"meter":"jobs","package":{"size":3,"amount":"\(unit)"}}}}}}
        """.replacing("\n", with: " ").replacing(
            #""aggregate":"count","value":"n""#, with: #""aggregate":"count""#)
    }

    /// A request and when it is sent.
    struct Sent {
        let day: Int
        let second: Int
        let line: String
        let account: String
        let isUsage: Bool

        var time: String {
            let (hour, minute) = (second / 3600, second / 60 % 60)
            func two(_ number: Int) -> String { String(String(100 + number).dropFirst()) }
            return "2026-0\(3 + (day - 1) / 28)-\(two((day - 1) % 28 + 1))T\(two(hour)):"
                + "\(two(minute)):\(two(second % 60))Z"
        }
    }

    /// A random history of three accounts over two months, each line at a time of its own.
    static func history(_ random: inout SeededGenerator, steps: Int) -> [Sent] {
        var sent: [Sent] = []
        var holds: [String] = []
        for step in 0..<steps {
            let account = ["a", "b", "c"].randomElement(using: &random) ?? "a"
            let (day, second) = (1 + step * 55 / steps, step * 86_399 / steps)
            let n = Int.random(in: 0...4, using: &random)
            func command(_ word: String, _ rest: String) -> String {
                #"{"request":"\#(word)","id":"r\#(step)","account":"\#(account)"\#(rest)}"#
            }
            var line: String
            var isUsage = true
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<4:
                let type = Bool.random(using: &random) ? "call" : "job"
                let late = Int.random(in: 1...max(1, day), using: &random)
                let time = Sent(day: late, second: second, line: "", account: "", isUsage: true)
                    .time
                line =
                    #"{"specversion":"1.0","id":"e\#(step)","source":"s","type":"\#(type)","#
                    + #""subject":"\#(account)","time":"\#(time)","data":{"n":\#(n)}}"#
            case 4..<8:
                let feature = ["calls", "jobs", "sso"].randomElement(using: &random) ?? "calls"
                line = command("consume", #","feature":"\#(feature)","quantity":\#(n)"#)
            case 8:
                line = command("hold", #","feature":"jobs","quantity":\#(n),"seconds":900000"#)
                holds.append(account)
            case 9:
                line = command("grant", #","amount":"\#(1 + n)","priority":\#(n)"#)
                isUsage = false
            case 10:
                line = command("subscribe", #","plan":"\#(n % 2 == 0 ? "pro" : "free")""#)
                isUsage = false
            default:
                line = command("consume", #","feature":"calls","quantity":1"#)
            }
            sent.append(
                Sent(day: day, second: second, line: line, account: account, isUsage: isUsage))
        }
        return sent
    }

    /// An engine in which the history was so; what each line was answered.
    static func lived(_ catalog: String, _ history: [Sent]) throws -> (Book, [Value]) {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(catalog)
        var replies: [Value] = []
        for sent in history {
            book.clock.set(sent.time)
            replies.append(try book.send(sent.line))
        }
        return (book, replies)
    }

    static func simulate(_ book: Book, _ more: String) throws -> Value {
        let reply = try book.send(#"{"request":"simulate"\#(more)}"#)
        #expect(reply.printed("ok") == "true", "\(reply)")
        return reply
    }

    static func total(_ book: Book, _ account: String) throws -> [String?] {
        try ["2026-03", "2026-04"].map { period in
            try book.send(
                #"{"request":"invoice","account":"\#(account)","period":"\#(period)"}"#
            ).printed("total")
        }
    }

    /// What a simulation says an account's bill would be; nil: what it is.
    static func simulated(_ reply: Value, _ account: String, _ period: String) -> Value? {
        reply.list("accounts").first { $0.printed("account") == account }?.list("bills")
            .first { $0.printed("period") == period }
    }

    /// The catalog that there was changes nothing, also when all is decided again.
    @Test(arguments: Seeds.all) func theSameCatalogChangesNothing(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let (book, _) = try Self.lived(Self.catalog(), Self.history(&random, steps: 90))
        let same = try Self.simulate(book, #","catalog":\#(Self.catalog())"#)
        #expect(same.printed("entries_read") == "false")
        #expect(same.printed("accounts_changed") == "0")
        // An edit that fits nothing makes the entries be read.
        let again = try Self.simulate(
            book, #","catalog":\#(Self.catalog()),"remove":[{"account":"nobody"}]"#)
        #expect(again.printed("entries_read") == "true")
        #expect(again.printed("accounts_changed") == "0", "\(again)")
        #expect(again["refused"] == .object([]))
    }

    /// What a catalog would have made of a history is what it makes of it.
    @Test(arguments: Seeds.all) func anotherCatalogFromTheBeginning(seed: UInt64) throws {
        for kind in 0..<4 { try another(kind, seed) }
    }

    private func another(_ kind: Int, _ seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let history = Self.history(&random, steps: 90)
        let other = [
            Self.catalog(price: "3"), Self.catalog(limit: 2), Self.catalog(burn: "2.5"),
            Self.catalog(price: "1", limit: 40, burn: "0.5", unit: "4", seats: "sum"),
        ][kind]
        let (book, before) = try Self.lived(Self.catalog(), history)
        let (truth, after) = try Self.lived(other, history)
        let position = book.engine.durablePosition
        let reply = try Self.simulate(book, #","catalog":\#(other)"#)
        #expect(book.engine.durablePosition == position)
        #expect(reply.printed("entries_read") == (kind == 0 ? "false" : "true"))
        try compare(reply, book, before, truth, after)
    }

    private func compare(
        _ reply: Value, _ book: Book, _ before: [Value], _ truth: Book, _ after: [Value]
    ) throws {
        for account in ["a", "b", "c"] {
            let (is_, would) = (try Self.total(book, account), try Self.total(truth, account))
            for (index, period) in ["2026-03", "2026-04"].enumerated() {
                guard let bill = Self.simulated(reply, account, period) else {
                    #expect(is_[index] == would[index], "\(account) \(period): not changed")
                    continue
                }
                #expect(bill.printed("before") == is_[index], "\(account) \(period)")
                #expect(bill.printed("after") == would[index], "\(account) \(period)")
            }
        }
        var (denied, allowed) = (0, 0)
        for (was, is_) in zip(before, after) where was["allowed"] != is_["allowed"] {
            if is_.printed("allowed") == "false" { denied += 1 } else { allowed += 1 }
        }
        #expect(reply["decisions"]?.printed("newly_denied") == "\(denied)")
        #expect(reply["decisions"]?.printed("newly_allowed") == "\(allowed)")
    }

    /// From an instant on: what was before it stays, and existing subscriptions move.
    @Test(arguments: Seeds.all) func fromAnInstantOn(seed: UInt64) throws {
        for kind in 0..<3 { try fromAnInstantOn(kind, seed) }
    }

    private func fromAnInstantOn(_ kind: Int, _ seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let history = Self.history(&random, steps: 90)
        let other = [
            Self.catalog(price: "5"), Self.catalog(limit: 3, burn: "2"),
            Self.catalog(price: "1", limit: 30, seats: "sum"),
        ][kind]
        let (book, before) = try Self.lived(Self.catalog(), history)
        let from = history[40].time
        let truth = try Book()
        truth.clock.set("2026-03-01T00:00:00Z")
        try truth.publish(Self.catalog())
        var after: [Value] = []
        for (index, sent) in history.enumerated() {
            truth.clock.set(sent.time)
            after.append(try truth.send(sent.line))
            guard index == 40 else { continue }
            try truth.record(
                #"{"request":"publish","id":"new","catalog":\#(other),"existing_from":"\#(from)"}"#)
        }
        let reply = try Self.simulate(book, #","catalog":\#(other),"from":"\#(from)""#)
        try compare(reply, book, before, truth, after)
    }

    /// Without some entries, and with others beside them.
    @Test(arguments: Seeds.all) func anotherHistory(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let history = Self.history(&random, steps: 90)
        let (book, before) = try Self.lived(Self.catalog(), history)
        let gone = history.indices.filter {
            history[$0].isUsage && history[$0].account == "b" && (20..<60).contains($0)
        }
        let (truth, after) = try Self.lived(
            Self.catalog(), history.enumerated().filter { !gone.contains($0.offset) }.map(\.element)
        )
        let ids = gone.map {
            history[$0].line.contains("specversion") ? "\"e\($0)\"" : "\"r\($0)\""
        }
        let edits = #""remove":[{"account":"b","ids":[\#(ids.joined(separator: ","))]}]"#
        let kept = before.indices.filter { !gone.contains($0) }.map { before[$0] }
        try compare(try Self.simulate(book, ",\(edits)"), book, kept, truth, after)
        // The other way round: the events that were left out are supposed.
        let events = gone.map { history[$0] }.filter { $0.line.contains("specversion") }
        let (short, few) = try Self.lived(
            Self.catalog(),
            history.enumerated().filter {
                !gone.contains($0.offset) || $0.element.line.contains("specversion")
            }.map(\.element).filter { sent in !events.contains { $0.line == sent.line } })
        _ = few
        let now = events.map { sent in
            sent.line.replacing(/"time":"[^"]*"/, with: "\"time\":\"\(sent.time)\"")
        }
        let full = try Self.lived(
            Self.catalog(),
            history.enumerated().compactMap { index, sent in
                guard gone.contains(index) else { return sent }
                guard sent.line.contains("specversion") else { return nil }
                let line = sent.line.replacing(/"time":"[^"]*"/, with: "\"time\":\"\(sent.time)\"")
                return Sent(
                    day: sent.day, second: sent.second, line: line, account: sent.account,
                    isUsage: true)
            })
        let added = try Self.simulate(
            short, #","add":[\#(now.joined(separator: ","))]"#)
        for (index, period) in ["2026-03", "2026-04"].enumerated() {
            let would = try Self.total(full.0, "b")[index]
            let is_ = try Self.total(short, "b")[index]
            #expect(
                (Self.simulated(added, "b", period)?.printed("after") ?? is_) == would, "\(period)")
        }
    }

    /// Named accounts alone give what they give among all.
    @Test func someAccounts() throws {
        var random = SeededGenerator(7_500)
        let (book, _) = try Self.lived(Self.catalog(), Self.history(&random, steps: 120))
        let other = Self.catalog(limit: 2, burn: "3", seats: "sum")
        let all = try Self.simulate(book, #","catalog":\#(other)"#)
        for account in ["a", "b", "c"] {
            let one = try Self.simulate(
                book, #","catalog":\#(other),"accounts":["\#(account)"]"#)
            #expect(
                one.list("accounts")
                    == all.list("accounts").filter { $0.printed("account") == account })
        }
    }

    @Test(arguments: [
        ("", "catalog"), (#","catalog":{"catalog":1}"#, "catalog"),
        (#","remove":[{"type":"call"}]"#, "account"),
        (#","remove":[{"account":"a","kind":"x"}]"#, "remove[0].kind"),
        (#","move":[{"account":"a"}]"#, "move[0]"), (#","add":[{"id":"x"}]"#, "add[0]"),
        (#","from":"2026-03-01T00:00:00Z","remove":[]"#, "catalog"),
        (#","remove":[{"account":"a"}],"accounts":["zz"]"#, "accounts"),
        (#","remove":[{"account":"a"}],"from":"2026-03-01T00:00:00Z""#, "from"),
    ])
    func whatCannotBeSupposedIsSaid(more: String, field: String) throws {
        var random = SeededGenerator(7_600)
        let (book, _) = try Self.lived(Self.catalog(), Self.history(&random, steps: 5))
        let reply = try book.send(#"{"request":"simulate"\#(more)}"#)
        #expect(reply.printed("ok") == "false")
        #expect(reply.printed("field") == field, "\(reply)")
    }
}

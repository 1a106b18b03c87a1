import Billing
import Codec
import Engine
import Foundation
import Seeds
import Testing

/// A random history of one account in which much is wrong at first, and what it should have been.
struct CorrectionHistory {
    static let catalog = """
        {"catalog":1,"currency":"USD","default_plan":"p","meters":{
           "sum":{"event":"e","aggregate":"sum","value":"n","group_by":["u"]},
           "calls":{"event":"e","aggregate":"count"},
           "peak":{"event":"e","aggregate":"max","value":"n"},
           "low":{"event":"e","aggregate":"min","value":"n"},
           "users":{"event":"e","aggregate":"unique","value":"u"},
           "mean":{"event":"e","aggregate":"average","value":"n"},
           "last":{"event":"e","aggregate":"latest","value":"n"},
           "level":{"event":"e","aggregate":"time_weighted","value":"n","carry":true},
           "other":{"event":"f","aggregate":"sum","value":"n"},
           "taken":{"event":"never","aggregate":"sum","value":"n"}},
         "features":{"sum":{"meter":"sum"},"calls":{"meter":"calls"},"peak":{"meter":"peak"},
           "users":{"meter":"users"},"taken":{"meter":"taken"}},
         "credit":{"unit":"cr","burn":{"sum":"1","other":"2.5"}},
         "plans":{"p":{"entitlements":{
             "sum":{"limit":40,"enforce":"soft","reset":"week"},
             "calls":{"limit":5,"enforce":"soft","reset":"day","by":"u"},
             "peak":{"limit":9,"enforce":"soft","reset":"month"},
             "users":{"limit":3,"enforce":"soft","reset":"never"},
             "taken":{"unlimited":true}},
           "prices":{
             "graduated":{"meter":"sum","graduated":[{"up_to":20,"amount":0.333,"flat":2},{"amount":0.1}]},
             "volume":{"meter":"sum","volume":[{"up_to":30,"amount":1},{"amount":0.5}]},
             "calls":{"meter":"calls","amount":0.11},"peak":{"meter":"peak","amount":1.01},
             "low":{"meter":"low","amount":0.4},"users":{"meter":"users","amount":9},
             "mean":{"meter":"mean","amount":0.7},"last":{"meter":"last","amount":0.5},
             "level":{"meter":"level","amount":0.77},"other":{"meter":"other","amount":0.2},
             "taken":{"meter":"taken","amount":3}},"tax":{"rate":19}}}}
        """.replacing("\n", with: " ")

    struct Text: Equatable {
        var type: String
        var time: String
        var n: Int
        var u: Int

        var data: String { #"{"n":\#(n),"u":"u\#(u)"}"# }
    }

    /// What is recorded, in its order.
    struct Step {
        let id: String
        let clock: String
        let first: Text
        /// What counts in the end; nil: nothing.
        var truth: Text?
        let isConsume: Bool
        let batch: String?
        /// The position in the book with corrections.
        var position: Int?
    }

    var steps: [Step] = []
    private var generator: SeededGenerator

    init(seed: UInt64, count: Int = 30) {
        generator = SeededGenerator(seed)
        for number in 0..<count {
            let hours = number * 36 + 24
            let first = text(around: hours)
            let isConsume = Int.random(in: 0...6, using: &generator) == 0
            let isOfBatch = !isConsume && Int.random(in: 0...3, using: &generator) == 0
            steps.append(
                Step(
                    id: "s\(number)", clock: Self.time(hours), first: first, truth: first,
                    isConsume: isConsume,
                    batch: isOfBatch ? "b\(Int.random(in: 0...3, using: &generator))" : nil))
        }
    }

    /// Hours after 2026-03-01.
    static func time(_ hours: Int) -> String {
        Timestamp(nanoseconds: 1_772_323_200_000_000_000 + Int64(hours) * 3_600_000_000_000)
            .description
    }

    private mutating func text(around hours: Int) -> Text {
        // Few instants, so that some events share one.
        Text(
            type: Int.random(in: 0...4, using: &generator) == 0 ? "f" : "e",
            time: Self.time(max(0, hours - Int.random(in: 0...6, using: &generator) * 12)),
            n: Int.random(in: 0...12, using: &generator),
            u: Int.random(in: 0...4, using: &generator))
    }

    private static func line(_ step: Step, _ text: Text, batch: String?) -> String {
        if step.isConsume {
            return
                #"{"request":"consume","id":"\#(step.id)","account":"a","feature":"taken","quantity":\#(text.n)}"#
        }
        let batch = batch.map { #","daybookbatch":"\#($0)""# } ?? ""
        return
            #"{"specversion":"1.0","id":"\#(step.id)","source":"s","type":"\#(text.type)","subject":"a","#
            + #""time":"\#(text.time)"\#(batch),"data":\#(text.data)}"#
    }

    static func open(_ catalog: String = Self.catalog, isPrepared: Bool = false) throws -> Book {
        let book = try Book(entriesPerSnapshot: 12, isPrepared: isPrepared)
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(catalog)
        for (index, more) in [
            #""effective":"2026-03-01T00:00:00Z","expires":"2026-03-20T00:00:00Z","priority":1"#,
            #""effective":"2026-03-09T00:00:00Z","features":["sum"]"#,
            #""effective":"2026-03-02T00:00:00Z""#,
        ].enumerated() {
            try book.record(
                #"{"request":"grant","id":"g\#(index)","account":"a","amount":60,\#(more)}"#)
        }
        return book
    }

    /// Records what should have been, from the start.
    func tellTruth(to book: Book) throws {
        for step in steps {
            book.clock.set(step.clock)
            guard let truth = step.truth else { continue }
            try book.record(Self.line(step, truth, batch: nil))
        }
    }

    /// Records it wrongly, and corrects it on the way.
    /// - Parameter between: called after each step.
    mutating func correct(in book: Book, between: (Int) throws -> Void = { _ in }) throws {
        for batch in 0..<4 {
            try book.record(
                #"{"request":"backfill","id":"o\#(batch)","action":"create","batch":"b\#(batch)","bill":\#(batch != 3)}"#
            )
        }
        for number in steps.indices {
            book.clock.set(steps[number].clock)
            let reply = try book.record(
                Self.line(steps[number], steps[number].first, batch: steps[number].batch))
            steps[number].position = reply.printed("position").flatMap { Int($0) }
            if number % 4 == 3 { try correctSome(in: book, before: number, "k\(number)") }
            try between(number)
        }
        // Batch 0 is closed, 1 closed and reverted, 2 reverted while open, 3 closed and never billed.
        for (id, action, batch) in [
            ("x0", "close", 0), ("x1", "close", 1), ("x2", "revert", 1), ("x3", "revert", 2),
            ("x4", "close", 3),
        ] {
            try book.record(
                #"{"request":"backfill","id":"\#(id)","action":"\#(action)","batch":"b\#(batch)"}"#)
            try between(steps.count)
        }
        for number in steps.indices {
            if let batch = steps[number].batch, batch != "b0" { steps[number].truth = nil }
        }
        try correctSome(in: book, before: steps.count - 1, "last")
    }

    private mutating func correctSome(in book: Book, before end: Int, _ id: String) throws {
        var entries: [String] = []
        for number in 0...end where Int.random(in: 0...5, using: &generator) == 0 {
            guard let position = steps[number].position, steps[number].truth != nil else {
                continue
            }
            let isRetraction =
                steps[number].isConsume || Int.random(in: 0...2, using: &generator) == 0
            if isRetraction {
                steps[number].truth = nil
                entries.append(#"{"entry":\#(position),"action":"retract"}"#)
                continue
            }
            let old = steps[number].truth
            var new = text(around: number * 36 + 24)
            switch Int.random(in: 0...2, using: &generator) {
            case 0:
                // The time alone.
                if let old { new = Text(type: old.type, time: new.time, n: old.n, u: old.u) }
                entries.append(
                    #"{"entry":\#(position),"action":"amend","time":"\#(new.time)"}"#)
            case 1:
                if let old { (new.type, new.time) = (old.type, old.time) }
                entries.append(#"{"entry":\#(position),"action":"amend","data":\#(new.data)}"#)
            default:
                entries.append(
                    #"{"entry":\#(position),"action":"amend","time":"\#(new.time)","type":"\#(new.type)","data":\#(new.data)}"#
                )
            }
            steps[number].truth = new
        }
        guard !entries.isEmpty else { return }
        entries.shuffle(using: &generator)
        try book.record(
            #"{"request":"correct","id":"\#(id)","account":"a","reason":"wrong","entries":[\#(entries.joined(separator: ","))]}"#
        )
    }

    static func text(_ value: Value, decisions: Bool) -> String {
        if case .object(var members) = value {
            for index in members.indices {
                guard members[index].name == "groups", case .array(let list) = members[index].value
                else { continue }
                let sorted = list.sorted { "\($0)" < "\($1)" }
                members[index] = Value.Member(name: "groups", value: .array(sorted))
            }
            return members.filter { decisions || !["allowed", "reason"].contains($0.name) }
                .map { "\($0.name)=\(text($0.value, decisions: decisions))" }
                .joined(separator: " ")
        }
        var json = JSONWriter()
        json.value(value)
        return String(decoding: json.finish(), as: UTF8.self)
    }

    static let months = ["2026-03", "2026-04"]

    /// All that is shown of the account, but for positions.
    /// - Parameter credits: also what it has of credits, and what is decided by them: where all is in one period, for
    ///   what several periods draw from one grant depends on which was reconciled first.
    static func shown(_ book: Book, credits: Bool = true) throws -> [String] {
        var shown: [String] = []
        func ask(_ line: String, _ members: [String]) throws {
            let reply = try book.send(line)
            #expect(reply.printed("ok") == "true", "\(line): \(reply)")
            for member in members {
                // Groups are listed in the order in which they were first seen.
                let list = reply.list(member)
                let parts = list.isEmpty ? [reply[member] ?? .null] : list
                shown += parts.map { "\(member): \(Self.text($0, decisions: credits))" }
            }
        }
        for month in months where credits {
            _ = try book.send(#"{"request":"reconcile","account":"a","period":"\#(month)"}"#)
        }
        for month in months {
            try ask(#"{"request":"usage","account":"a","period":"\#(month)"}"#, ["meters"])
            try ask(
                #"{"request":"invoice","account":"a","period":"\#(month)"}"#,
                ["lines", "subtotal", "total"])
        }
        try ask(#"{"request":"entitlements","account":"a"}"#, ["features"])
        guard credits else { return shown }
        let credits = try book.send(#"{"request":"credits","account":"a"}"#)
        shown.append("overage \(credits.printed("overage") ?? "")")
        shown += credits.list("grants").map {
            "grant \($0.printed("grant") ?? "") \($0.printed("remaining") ?? "")"
        }
        return shown
    }
}

import Billing
import Bytes
import Codec
import Projections
import Testing

/// What the tests of the folds have in common: names, records and catalogs made by hand.
enum Sample {
    static let key = SipKey(k0: 0x0706_0504_0302_0100, k1: 0x0F0E_0D0C_0B0A_0908)
    /// 2026-03-01T12:00:00Z.
    static let now: Int64 = 1_772_366_400_000_000_000
    static let one: Int128 = 1_000_000_000_000

    /// Nanoseconds of an RFC 3339 instant.
    static func time(_ text: String) throws -> Int64 {
        try #require(Timestamp(rfc3339: text)).nanoseconds
    }

    /// The canonical content of an event, given as its JSON line.
    static func event(_ line: String) throws -> [UInt8] {
        let tokens = JSONTokenizer()
        #expect(line.withBytes { tokens.parse($0, paddingAvailable: 0) } == nil, "\(line)")
        var arena = ByteBuffer()
        _ = try EventEncoder(key: key).encode(tokens, into: &arena).get()
        return arena.copyBytes(in: 0..<arena.count)
    }

    /// An event of a type with some data.
    static func event(
        _ id: String, _ type: String, _ account: String, _ data: String = "{}",
        time: String? = nil
    ) throws -> [UInt8] {
        let time = time.map { #","time":"\#($0)""# } ?? ""
        return try event(
            #"{"specversion":"1.0","id":"\#(id)","source":"test","type":"\#(type)","#
                + #""subject":"\#(account)"\#(time),"data":\#(data)}"#)
    }

    /// An event that is known by its epoch and sequence.
    static func sequenced(
        _ source: String, _ epoch: UInt64, _ sequence: UInt64, _ data: String = "{}"
    ) throws -> [UInt8] {
        try event(
            #"{"specversion":"1.0","source":"\#(source)","type":"beat","subject":"acme","#
                + #""epoch":\#(epoch),"sequence":\#(sequence),"data":\#(data)}"#)
    }

    /// The canonical content of a command with its data given as JSON.
    static func command(
        _ kind: RecordKind, _ id: String, _ account: String?, _ data: String,
        effective: String? = nil
    ) throws -> [UInt8] {
        var time: EventTime?
        if let effective {
            time = EventTime(effective)
            #expect(time != nil, "\(effective)")
        }
        var arena = ByteBuffer()
        _ = try CommandEncoder(key: key).encode(
            kind, source: "test", id: id, subject: account, time: time,
            timeText: effective ?? "", data: try ValueCoder.value(json: Array(data.utf8)),
            into: &arena
        ).get()
        return arena.copyBytes(in: 0..<arena.count)
    }

    /// The canonical content of a redaction.
    static func redact(_ id: String, _ positions: [Int], _ paths: [String]) throws -> [UInt8] {
        let list = paths.map { "\"\($0)\"" }.joined(separator: ",")
        return try command(
            .redact, id, nil, #"{"positions":\#(positions),"properties":[\#(list)],"reason":"r"}"#)
    }

    /// An order to drop bodies, decided long ago.
    static func retire(_ id: String, _ before: String) throws -> Ledger.Entry {
        Ledger.Entry(
            content: try command(.retire, id, nil, #"{"before":"\#(before)","reason":"r"}"#),
            outcome: .recorded, recordedAt: now)
    }

    /// The canonical content of a finalised invoice.
    static func finalise(
        _ account: String, _ name: String, from: String, to end: String, number: Int,
        carried: String = "0.00"
    ) throws -> [UInt8] {
        try command(
            .finalise, "\(account)/\(name)", account,
            #"{"name":"\#(name)","period":{"start":"\#(from)T00:00:00Z","end":"\#(end)T00:00:00Z"},"#
                + #""number":\#(number),"through":3,"currency":"USD","carried":"\#(carried)"}"#)
    }

    /// The canonical content of a credit note without tax.
    static func creditNote(
        _ account: String, _ name: String, _ line: String, _ amount: String, number: Int
    ) throws -> [UInt8] {
        try command(
            .creditNote, "n\(number)", account,
            #"{"name":"\#(name)","line":"\#(line)","number":\#(number),"currency":"USD","#
                + #""line_amount":"\#(amount)","subtotal":"-\#(amount)","total":"-\#(amount)","settle":"next_invoice"}"#
        )
    }

    /// A catalog, given as JSON.
    static func catalog(_ json: String) throws -> Catalog {
        try Catalog.decode(ValueCoder.value(json: Array(json.utf8))).get()
    }

    /// Meters of one event type, given as the inside of the catalog's `meters`.
    static func meters(_ json: String) throws -> [CompiledMeter] {
        try catalog(
            #"{"catalog":1,"currency":"USD","meters":{\#(json)},"plans":{}}"#
        ).meters.enumerated().map { CompiledMeter($1, number: UInt32($0), burn: nil) }
    }

    static let catalogJSON = """
        {"catalog":1,"currency":"USD","default_plan":"free",
         "meters":{
           "tokens":{"event":"llm.call","aggregate":"sum","value":"tokens","group_by":["model"]},
           "calls":{"event":"llm.call","aggregate":"count"},
           "people":{"event":"login","aggregate":"unique","value":"person"},
           "images":{"event":"image.made","aggregate":"count"}},
         "features":{"calls":{"meter":"calls"},"tokens":{"meter":"tokens"},
           "images":{"meter":"images"},"people":{"meter":"people"},"sso":{}},
         "credit":{"unit":"credits","burn":{"images":"2.5"}},
         "plans":{
           "free":{"entitlements":{"calls":{"limit":5},"images":{"unlimited":true}}},
           "pro":{"entitlements":{"calls":{"unlimited":true},"tokens":{"unlimited":true},
             "people":{"unlimited":true},"sso":true}}}}
        """
}

/// Books that are driven as the engine drives them, without a log behind them.
final class Ledger {
    /// What a log would hold.
    struct Entry {
        var content: [UInt8]
        var outcome: Outcome
        var recordedAt: Int64
    }

    var books: Books
    private(set) var entries: [Entry] = []

    init() { books = Books(key: Sample.key) }

    /// Books that stand behind some entries.
    init(books: consuming Books, entries: [Entry]) {
        self.books = books
        self.entries = entries
    }

    /// Books folded from entries alone: nothing is decided.
    convenience init(replaying entries: [Entry]) throws {
        self.init()
        for entry in entries { try apply(entry) }
    }

    /// Decides a request and, if it becomes an entry, applies it.
    @discardableResult
    func send(_ content: [UInt8], at recordedAt: Int64 = Sample.now) throws -> Verdict {
        let view = try RecordView(content: content.raw)
        let verdict = books.decide(view, recordedAt: recordedAt)
        if case .entry(let outcome, _) = verdict {
            try apply(Entry(content: content, outcome: outcome, recordedAt: recordedAt))
        }
        return verdict
    }

    /// Sends a request that must become an entry; gives its outcome.
    @discardableResult
    func record(_ content: [UInt8], at recordedAt: Int64 = Sample.now) throws -> Outcome {
        guard case .entry(let outcome, _) = try send(content, at: recordedAt) else {
            throw Failure(text: "refused")
        }
        return outcome
    }

    struct Failure: Error { let text: String }

    /// Applies an entry as it stands, and meters history again where a catalog demands it.
    func apply(_ entry: Entry) throws {
        let view = try RecordView(content: entry.content.raw)
        let stale = try books.apply(view, outcome: entry.outcome, recordedAt: entry.recordedAt)
        entries.append(entry)
        guard !stale.isEmpty else { return }
        for position in entries.indices.dropLast() { try meterAgain(position, stale) }
    }

    private func meterAgain(_ position: Int, _ stale: Stale) throws {
        let old = entries[position]
        let view = try RecordView(content: old.content.raw)
        let isAll = !stale.accounts.isEmpty
        let account = books.account(of: view)
        guard !isAll || account.map({ stale.accounts.contains($0) }) ?? false else { return }
        func again(_ view: borrowing RecordView) {
            books.meterAgain(
                view, at: UInt64(position), outcome: old.outcome, recordedAt: old.recordedAt,
                meters: isAll ? nil : stale.meters, notes: !isAll)
        }
        switch books.current(of: view, at: UInt64(position)) {
        case .nothing: return
        case .asWritten: again(view)
        case .replaced(let by):
            var record = ByteBuffer()
            record.appendPrefixed(old.content.raw)
            old.outcome.append(to: &record)
            var text = ByteBuffer()
            var said = Replacement(type: nil, time: nil, data: nil)
            for by in by {
                let content = entries[Int(by)].content
                let correction = try RecordView(content: content.raw)
                let items = try CorrectOrder.read(correction).items
                said = items.first { $0.entry == UInt64(position) }?.text?.over(said) ?? said
            }
            try said.append(record.bytes, to: &text)
            again(try RecordView(record: text.bytes))
        }
    }

    func publish(_ catalog: String = Sample.catalogJSON, id: String = "v1") throws {
        try record(Sample.command(.publish, id, nil, #"{"catalog":\#(catalog)}"#))
    }

    var digest: String { books.digest().hex }

    /// What a meter counted for an account in the month of `Sample.now`.
    func total(_ account: String, _ meter: String) throws -> (events: UInt64, units: Int128) {
        guard let account = books.account(account), let meter = books.registry.meter(meter) else {
            throw Failure(text: "no such account or meter")
        }
        return books.counters.total(
            account: account, meter: meter, month: Month(containing: Sample.now))
    }

    /// The bytes of one part of a snapshot.
    func state(of part: Books.Part) -> [UInt8] {
        var bytes = ByteBuffer()
        books.serialise(part, into: &bytes)
        return bytes.copyBytes(in: 0..<bytes.count)
    }

    /// A ledger with something of everything in it.
    /// Subscriptions of both kinds, overrides, and usage in the windows of limits.
    private func limits() throws {
        for (id, account, data) in [
            (
                "o1", "acme",
                #"{"feature":"calls","entitlement":{"limit":5,"reset":"day","by":"model","warn":[50,90]}}"#
            ),
            (
                "o2", "beta",
                #"{"feature":"people","entitlement":{"limit":9,"reset":"never","warn":[10]}}"#
            ),
            (
                "o3", "beta",
                #"{"feature":"sso","entitlement":true,"expires":"2027-01-01T00:00:00Z"}"#
            ),
            ("o4", "beta", #"{"feature":"sso","remove":true}"#),
        ] { try record(Sample.command(.override, id, account, data)) }
        for number in 0..<6 {
            try record(
                Sample.command(
                    .consume, "d\(number)", "acme",
                    #"{"feature":"calls","data":{"model":"m\#(number % 2)"}}"#))
            try record(Sample.event("q\(number)", "login", "beta", #"{"person":\#(number)}"#))
        }
        try record(
            Sample.command(.hold, "h1", "acme", #"{"feature":"calls","data":{"model":"m9"}}"#))
        try record(Sample.command(.reset, "z1", "acme", #"{"feature":"calls","anchor":"move"}"#))
        try record(
            Sample.command(.consume, "z2", "acme", #"{"feature":"calls","data":{"model":"m0"}}"#))
        for (id, data) in [
            (
                "s2",
                #"{"subscription":"sub_1","started":"2026-01-01T00:00:00Z","status":"trialing","plan":"pro","quantity":3,"trial_until":"2026-04-01T00:00:00Z"}"#
            ),
            (
                "s3",
                #"{"subscription":"sub_0","started":"2026-01-02T00:00:00Z","status":"past_due","plan":"free","rank":7,"cancel_at":"2026-09-01T00:00:00Z"}"#
            ),
        ] {
            try record(
                Sample.command(
                    .subscription, id, "gamma", data, effective: "2026-02-01T00:00:00Z"))
        }
        try record(Sample.command(.pause, "p1", "acme", #"{"until":"2026-05-01T00:00:00Z"}"#))
        try record(Sample.command(.resume, "p2", "acme", "{}"))
    }

    /// Batches in every state, and corrections.
    private func corrections() throws {
        for (id, data) in [
            ("b1", #"{"action":"create","batch":"open"}"#),
            ("b2", #"{"action":"create","batch":"closed"}"#),
            ("b3", #"{"action":"create","batch":"gone","bill":false}"#),
        ] { try record(Sample.command(.backfill, id, nil, data)) }
        for (number, batch) in ["open", "closed", "gone", "closed"].enumerated() {
            try record(
                Sample.event(
                    #"{"specversion":"1.0","id":"f\#(number)","source":"test","type":"llm.call","#
                        + #""subject":"acme","daybookbatch":"\#(batch)","data":{"tokens":\#(number)}}"#
                ))
        }
        try record(Sample.command(.backfill, "b4", nil, #"{"action":"close","batch":"closed"}"#))
        try record(Sample.command(.backfill, "b5", nil, #"{"action":"revert","batch":"gone"}"#))
        try record(
            Sample.command(
                .correct, "k1", "acme",
                #"{"entries":[{"entry":5,"action":"retract","was":"2026-01-10T00:00:00Z"},"#
                    + #"{"entry":7,"action":"amend","was":"2026-02-10T00:00:00Z","data":{"tokens":4}}],"#
                    + #""through":\#(books.position),"reason":"r"}"#))
    }

    static func filled() throws -> Ledger {
        let ledger = Ledger()
        try ledger.record(Sample.event("e0", "early", "acme"))
        try ledger.publish()
        try ledger.record(
            Sample.command(
                .subscribe, "s1", "acme", #"{"plan":"pro"}"#, effective: "2026-02-01T00:00:00Z"))
        try ledger.record(
            Sample.command(
                .grant, "g1", "acme",
                #"{"amount":"10","priority":-1,"expires":"2027-01-01T00:00:00Z"}"#))
        try ledger.record(Sample.command(.grant, "g2", "beta", #"{"amount":"3.5"}"#))
        for number in 0..<6 {
            try ledger.record(
                Sample.event(
                    "t\(number)", "llm.call", "acme",
                    #"{"tokens":\#(number).5,"model":"m\#(number % 2)"}"#,
                    time: "2026-0\(1 + number % 3)-10T00:00:00Z"))
            try ledger.record(
                Sample.event("p\(number)", "login", "beta", #"{"person":\#(number % 4)}"#))
        }
        try ledger.record(Sample.event("i1", "image.made", "acme"))
        try ledger.record(Sample.event("i2", "image.made", "gamma"))
        try ledger.record(Sample.command(.consume, "c1", "beta", #"{"feature":"images"}"#))
        try ledger.record(Sample.command(.consume, "c2", "beta", #"{"feature":"images"}"#))
        try ledger.record(Sample.event("x1", "llm.call", "acme", #"{"tokens":"many"}"#))
        try ledger.record(
            Sample.event(#"{"specversion":"1.0","id":"n","source":"test","type":"login"}"#))
        for number in 0..<60 {
            try ledger.record(Sample.sequenced("meter-7", UInt64(number / 2), UInt64(number % 2)))
        }
        try ledger.limits()
        try ledger.record(Sample.redact("r1", [3, 5, 9], ["name"]))
        try ledger.record(Sample.redact("r2", [5], ["user.email"]))
        try ledger.record(
            Sample.command(
                .subscribe, "s2", "beta", #"{"plan":"pro","anchor":"2026-01-31T10:00:00Z"}"#))
        try ledger.record(Sample.command(.cancel, "s3", "beta", "{}"))
        try ledger.record(
            Sample.finalise("acme", "2026-01", from: "2026-01-01", to: "2026-02-01", number: 1))
        try ledger.record(
            Sample.finalise(
                "acme", "2026-02", from: "2026-02-01", to: "2026-03-01", number: 2,
                carried: "-1.50"))
        try ledger.record(Sample.creditNote("acme", "2026-01", "calls", "2.50", number: 3))
        for (id, amount) in [("m1", "40"), ("m2", "-1.25")] {
            try ledger.record(
                Sample.command(
                    .deposit, id, "beta", #"{"amount":"\#(amount)","currency":"EUR"}"#))
        }
        try ledger.record(
            Sample.command(.grant, "m3", "gamma", #"{"amount":"7","price":"2.5"}"#))
        for (id, day) in [("d1", "01"), ("d2", "09"), ("d3", "17"), ("d4", "30")] {
            try ledger.apply(Sample.retire(id, "2020-01-\(day)T00:00:00Z"))
        }
        try ledger.corrections()
        try ledger.record(Sample.event("l1", "login", "acme", time: "2026-02-10T00:00:00Z"))
        return ledger
    }
}

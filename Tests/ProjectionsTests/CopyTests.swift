import Billing
import Bytes
import Codec
import Projections
import Seeds
import Testing

/// A copy of the books stays what it was while the original goes on, and the other way round; what
/// it has hashed is given back, and never makes a digest wrong.
@Suite struct CopyTests {
    /// A random entry: usage, credits, subscriptions, catalogs, over few accounts and months.
    private func send(_ ledger: Ledger, _ generator: inout SeededGenerator) throws {
        let id = "r\(ledger.entries.count)"
        // Accounts 0...599 lie in three pages of digests.
        let account = "a\(UInt64.random(in: 0..<600, using: &generator))"
        switch UInt8.random(in: 0..<20, using: &generator) {
        case 0:
            try ledger.record(Sample.command(.grant, id, account, #"{"amount":"10"}"#))
        case 1:
            try ledger.record(Sample.command(.subscribe, id, account, #"{"plan":"pro"}"#))
        case 2:
            try ledger.record(Sample.event(id, "type-\(id)", account))
        case 3:
            try ledger.record(Sample.command(.consume, id, account, #"{"feature":"images"}"#))
        case 4...8:
            let person = UInt64.random(in: 0..<3_000, using: &generator)
            try ledger.record(Sample.event(id, "login", "busy", #"{"person":\#(person)}"#))
        default:
            let model = UInt64.random(in: 0..<40, using: &generator)
            let month = UInt64.random(in: 1...9, using: &generator)
            try ledger.record(
                Sample.event(
                    id, "llm.call", account, #"{"tokens":7,"model":"m\#(model)"}"#,
                    time: "2026-0\(month)-03T00:00:00Z"))
        }
    }

    private func filled(_ generator: inout SeededGenerator, entries: Int) throws -> Ledger {
        let ledger = Ledger()
        try ledger.publish()
        for _ in 0..<entries { try send(ledger, &generator) }
        return ledger
    }

    @Test(arguments: Seeds.all) func aCopyStandsStillWhileTheOriginalGoesOn(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        let ledger = try filled(&generator, entries: 400)
        for _ in 0..<4 {
            let entries = ledger.entries
            var copy = ledger.books.copy()
            for _ in 0..<300 { try send(ledger, &generator) }
            try ledger.publish(
                Sample.catalogJSON.replacing(#""value":"tokens""#, with: #""value":"model""#),
                id: "v\(ledger.entries.count)")
            try ledger.publish(id: "w\(ledger.entries.count)")
            let replayed = try Ledger(replaying: entries)
            let digest = copy.digest().hex
            #expect(digest == replayed.digest)
            for part in Books.Part.allCases {
                var bytes = ByteBuffer()
                copy.serialise(part, into: &bytes)
                #expect(bytes.copyBytes(in: 0..<bytes.count) == replayed.state(of: part))
            }
            #expect(ledger.digest == (try Ledger(replaying: ledger.entries)).digest)
        }
    }

    @Test(arguments: Seeds.all) func aCopyThatGoesOnLeavesTheOriginalAlone(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        let ledger = try filled(&generator, entries: 500)
        let (entries, digest) = (ledger.entries, ledger.digest)
        let other = Ledger(books: ledger.books.copy(), entries: entries)
        for _ in 0..<300 { try send(other, &generator) }
        #expect(ledger.digest == digest)
        #expect(
            ledger.state(of: .counters) == (try Ledger(replaying: entries)).state(of: .counters))
        #expect(other.digest == (try Ledger(replaying: other.entries)).digest)
    }

    /// Entries, copies, digests of copies, their return at any later time, and digests of the
    /// original, in a random order.
    @Test(arguments: Seeds.all) func digestsGivenBackAreNeverWrong(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        let ledger = try filled(&generator, entries: 100)
        var copies: [Ledger] = []
        for _ in 0..<60 {
            switch UInt8.random(in: 0..<6, using: &generator) {
            case 0, 1: for _ in 0..<8 { try send(ledger, &generator) }
            case 2: copies.append(Ledger(books: ledger.books.copy(), entries: ledger.entries))
            case 3:
                _ = copies.randomElement(using: &generator)?.digest
            case 4:
                guard let copy = copies.randomElement(using: &generator) else { continue }
                ledger.books.accept(digestsOf: copy.books)
            default:
                #expect(ledger.digest == (try Ledger(replaying: ledger.entries)).digest)
            }
        }
        for copy in copies { ledger.books.accept(digestsOf: copy.books) }
        #expect(ledger.digest == (try Ledger(replaying: ledger.entries)).digest)
    }

    /// The first write after a copy copies the chunk that it writes, not what is beside it.
    @Test func aWriteAfterACopyTouchesOneChunk() throws {
        let ledger = Ledger()
        try ledger.publish()
        for number in 0..<2_000 {
            try ledger.record(Sample.event("e\(number)", "image.made", "a\(number)"))
        }
        let copy = ledger.books.copy()
        let before = ledger.books.counters.chunksApart(from: copy.counters)
        #expect(before.all >= 15 && before.apart == 0)
        for number in 0..<50 {
            try ledger.record(Sample.event("again\(number)", "image.made", "a700"))
        }
        #expect(ledger.books.counters.chunksApart(from: copy.counters).apart == 1)
        for number in 0..<2_000 {
            try ledger.record(Sample.event("all\(number)", "image.made", "a\(number)"))
        }
        let after = ledger.books.counters.chunksApart(from: copy.counters)
        #expect(after.apart == after.all)
    }

    @Test func manyAccountsAreFoundWhileTheDirectoryGrows() throws {
        var interner = Interner(key: Sample.key)
        var counters = Counters(key: Sample.key)
        let month = Month(index: 24_315)
        for number in 0..<UInt32(40_000) {
            let given = interner.intern("account-\(number)")
            #expect(given == number)
            let isCounted = counters.add(
                .init(aggregation: .sum, units: Int128(number)), account: number,
                meter: number % 20, month: month, group: nil)
            #expect(isCounted)
        }
        for number in 0..<UInt32(40_000) {
            let found = interner.number(of: "account-\(number)")
            let text = interner.text(number)
            let total = counters.total(account: number, meter: number % 20, month: month)
            let other = counters.total(account: number, meter: (number + 1) % 20, month: month)
            guard found == number, text == "account-\(number)", total.units == Int128(number),
                total.events == 1, other.events == 0
            else {
                Issue.record("account \(number) is lost")
                return
            }
        }
    }

    /// A set above and below the size at which it is cut counts and restores the same.
    @Test func largeSetsOfValuesAreCounted() throws {
        let ledger = Ledger()
        try ledger.publish()
        for number in 0..<1_500 {
            try ledger.record(
                Sample.event("p\(number)", "login", "a", #"{"person":\#(number % 1_300)}"#))
            if number == 1_023 || number == 1_024 || number == 1_025 {
                #expect(try ledger.total("a", "people").units == Int128(number + 1) * Sample.one)
            }
        }
        #expect(try ledger.total("a", "people").units == 1_300 * Sample.one)
        var restored = Books(key: Sample.key)
        for part in Books.Part.allCases {
            let state = ledger.state(of: part)
            try restored.restore(part, from: state.raw, at: ledger.books.position)
        }
        let digest = restored.digest().hex
        #expect(digest == ledger.digest)
    }
}

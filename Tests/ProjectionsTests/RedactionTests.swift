import Billing
import Bytes
import Codec
import Projections
import Seeds
import SegmentedLog
import Testing

/// Which values are redacted, as the books say it.
@Suite struct RedactionTests {
    private func paths(_ books: borrowing Books, _ position: Position) -> [String] {
        books.redactions.paths(at: position).map(\.text)
    }

    @Test func ordersAddUpInTheOrderOfPositions() throws {
        let ledger = try Ledger.filled()
        #expect(ledger.books.redactions.entries.map(\.position) == [3, 5, 9])
        #expect(paths(ledger.books, 3) == ["name"])
        #expect(paths(ledger.books, 5) == ["name", "user.email"])
        #expect(paths(ledger.books, 4).isEmpty && paths(ledger.books, 100).isEmpty)
        let before = ledger.books.redactions
        #expect(before.positions(since: before).isEmpty)
        try ledger.record(Sample.redact("r3", [0, 9, 10], ["a", "name"]))
        #expect(ledger.books.redactions.positions(since: before) == [0, 9, 10])
        #expect(ledger.books.redactions.positions(since: Redactions()) == [0, 3, 5, 9, 10])
        #expect(paths(ledger.books, 9) == ["a", "name"] && paths(ledger.books, 3) == ["name"])
    }

    /// Many orders against a dictionary.
    @Test(arguments: Seeds.all) func theyAreWhatADictionaryWouldHold(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        let ledger = Ledger()
        for number in 0..<200 { try ledger.record(Sample.event("e\(number)", "t", "a")) }
        var expected: [Position: Set<String>] = [:]
        for number in 0..<60 {
            let positions = Set((0..<5).map { _ in Int.random(in: 0..<200, using: &generator) })
            let paths = Set(["a", "b", "c.d", "e"].filter { _ in Bool.random(using: &generator) })
            guard !paths.isEmpty else { continue }
            for position in positions { expected[Position(position), default: []].formUnion(paths) }
            try ledger.record(
                Sample.redact("r\(number)", positions.sorted(), paths.sorted()))
        }
        let redactions = ledger.books.redactions
        #expect(redactions.entries.map(\.position) == expected.keys.sorted())
        for (position, paths) in expected {
            #expect(redactions.paths(at: position).map(\.text) == paths.sorted())
        }
        var bytes = ByteBuffer()
        redactions.serialise(into: &bytes)
        let state = bytes.copyBytes(in: 0..<bytes.count)
        var reader = ByteReader(state.raw)
        var restored = try Redactions(restoring: &reader)
        #expect(reader.isAtEnd && restored.entries == redactions.entries)
        var original = redactions
        #expect(restored.digest() == original.digest())
        #expect(try Ledger(replaying: ledger.entries).digest == ledger.digest)
    }

    @Test func aRedactionChangesNothingElse() throws {
        let ledger = try Ledger.filled()
        let parts = Books.Part.allCases.filter { $0 != .redactions && $0 != .deduplication }
        let before = parts.map { ledger.state(of: $0) }
        let digest = ledger.digest
        try ledger.record(Sample.redact("r9", [1], ["x"]))
        #expect(parts.map { ledger.state(of: $0) } == before)
        #expect(ledger.digest != digest)
    }

    @Test(
        arguments: [
            (#"{"positions":[1],"properties":["a"]}"#, "bad_request", "reason"),
            (#"{"positions":[1],"properties":["a"],"reason":""}"#, "bad_request", "reason"),
            (#"{"positions":[],"properties":["a"],"reason":"r"}"#, "bad_request", "positions"),
            (#"{"positions":[1,1],"properties":["a"],"reason":"r"}"#, "bad_request", "positions"),
            (#"{"positions":[2,1],"properties":["a"],"reason":"r"}"#, "bad_request", "positions"),
            (#"{"positions":[-1],"properties":["a"],"reason":"r"}"#, "bad_request", "positions"),
            (#"{"positions":[1.5],"properties":["a"],"reason":"r"}"#, "bad_request", "positions"),
            (#"{"positions":["1"],"properties":["a"],"reason":"r"}"#, "bad_request", "positions"),
            (#"{"positions":1,"properties":["a"],"reason":"r"}"#, "bad_request", "positions"),
            (#"{"positions":[1],"properties":[],"reason":"r"}"#, "bad_request", "properties"),
            (#"{"positions":[1],"properties":[".a"],"reason":"r"}"#, "bad_request", "properties"),
            (
                #"{"positions":[1],"properties":["b","a"],"reason":"r"}"#, "bad_request",
                "properties"
            ),
            (#"{"positions":[1],"properties":[7],"reason":"r"}"#, "bad_request", "properties"),
            (
                #"{"positions":[999],"properties":["a"],"reason":"r"}"#, "unknown_position",
                "positions"
            ),
        ])
    func whatIsNoOrderIsRefused(_ data: String, _ code: String, _ field: String) throws {
        let ledger = try Ledger.filled()
        let verdict = try ledger.send(Sample.command(.redact, "bad", nil, data))
        guard case .refused(let refusal) = verdict else {
            Issue.record("taken: \(data)")
            return
        }
        #expect(refusal.code == code && refusal.field == field, "\(refusal.message)")
    }

    @Test func anOrderHasBounds() throws {
        let ledger = Ledger()
        for number in 0...RedactOrder.positionsMax {
            try ledger.record(Sample.event("e\(number)", "t", "a"))
        }
        let all = Array(0...RedactOrder.positionsMax)
        guard case .refused = try ledger.send(Sample.redact("all", all, ["a"])) else {
            Issue.record("more than \(RedactOrder.positionsMax) positions were taken")
            return
        }
        try ledger.record(Sample.redact("most", Array(all.dropLast()), ["a"]))
        #expect(ledger.books.redactions.entries.count == RedactOrder.positionsMax)
    }

    /// What is personal is never measured: the books are the same before an erasure and after.
    @Test func aMeterReadsNothingPersonal() throws {
        let meters = try Sample.meters(
            """
            "sum":{"event":"t","aggregate":"sum","value":"n"},
            "set":{"event":"t","aggregate":"unique","value":"who"},
            "some":{"event":"t","aggregate":"count","filter":{"who":"x"}},
            "by":{"event":"t","aggregate":"count","group_by":["who"]}
            """)
        let plain = try Sample.event("e", "t", "a", #"{"n":5,"who":"x"}"#)
        let salted = try Self.salted(plain, [["n"], ["who"]])
        for (content, isRead) in [(plain, true), (salted, false)] {
            let view = try RecordView(content: content.raw)
            for meter in meters where meter.key != "by" {
                let reads = if case .counts = meter.reading(of: view) { true } else { false }
                #expect(reads == isRead, "\(meter.key)")
            }
            for meter in meters where meter.key == "by" {
                var group = ByteBuffer()
                meter.appendGroup(of: view, to: &group)
                #expect((group.bytes.byte(at: group.count - 1) == 0) != isRead)
            }
        }
    }

    /// A content with salts of one byte value.
    static func salted(_ content: [UInt8], _ paths: [[String]]) throws -> [UInt8] {
        var arena = ByteBuffer()
        arena.append(content)
        let record = try PreparedRecord(describing: content.raw, at: 0, key: Sample.key)
        _ = record.salting(PersonalPaths(paths), in: &arena) {
            $0.append([UInt8](repeating: 7, count: PersonalPaths.saltBytes))
        }
        return arena.copyBytes(in: 0..<arena.count)
    }

    @Test func aCatalogMayNotHideWhatAnEarlierMeterReads() throws {
        let ledger = Ledger()
        try ledger.publish()
        let verdict = try ledger.send(
            Sample.command(
                .publish, "p2", nil,
                #"{"catalog":{"catalog":1,"currency":"USD","personal":["person.name","x"]}}"#))
        guard case .refused(let refusal) = verdict else {
            Issue.record("a meter that goes on reading it was overlooked")
            return
        }
        #expect(refusal.code == "bad_catalog" && refusal.problems.count == 1)
        #expect(refusal.message.contains("people"))
    }
}

import Billing
import Bytes
import Seeds
import Testing

@testable import Codec

/// Salts, erasures and what is the same content.
@Suite struct PersonalTests {
    /// Salts that count up, so that each is another.
    static func salted(
        _ content: [UInt8], _ paths: [[String]], first: UInt8 = 1
    ) throws -> [UInt8] {
        var arena = ByteBuffer()
        arena.append([1, 2, 3])
        arena.append(content)
        let record = try PreparedRecord(describing: content.raw, at: 3, key: Encoding.key)
        var next = first
        let salted = record.salting(PersonalPaths(paths), in: &arena) {
            $0.append([UInt8](repeating: next, count: PersonalPaths.saltBytes))
            next &+= 1
        }
        #expect(salted.contentStart == 3 && salted.contentLength == arena.count - 3)
        #expect(salted.fingerprint == record.fingerprint && salted.idStart == record.idStart)
        return arena.copyBytes(in: 3..<arena.count)
    }

    private static func erased(_ record: [UInt8], _ paths: [String]) throws -> [UInt8]? {
        var buffer = ByteBuffer()
        let isErased = try RecordErasure.append(
            record.raw, erasing: paths.map { PropertyPath(text: $0) }, to: &buffer)
        return isErased ? buffer.copyBytes(in: 0..<buffer.count) : nil
    }

    private static func commitment(_ record: [UInt8]) throws -> [UInt8] {
        var buffer = ByteBuffer()
        RecordCommitment.append(record.raw, to: &buffer)
        return buffer.copyBytes(in: 0..<buffer.count)
    }

    private static let data =
        #"{"a":{"b":"secret","c":[1,{"d":"x"}]},"list":["p","q"],"n":7,"plain":"\u0009\n"}"#
    private static let paths = [["list"], ["a", "b"], ["absent"], ["n", "deeper"], ["n"]]

    @Test func aSaltChangesNothingThatIsShown() throws {
        let content = try Encoding.content(data: Self.data)
        let salted = try Self.salted(content, Self.paths)
        #expect(salted.count == content.count + 3 * 17)
        let tail = try Encoding.tail(Encoding.record(content))
        #expect(try Encoding.tail(Encoding.record(salted)) == tail)
        #expect(try Self.salted(content, [["absent"]]) == content)
        #expect(try Self.salted(content, []) == content)
        let view = try RecordView(content: salted.raw)
        let states = ["a.b", "list", "n", "plain", "absent", "a", "n.deeper"].map {
            view.personalState(at: PropertyPath(text: $0))
        }
        #expect(states == [.salted, .salted, .salted, .plain, .absent, .plain, .absent])
        // Neither the value, nor what is around it, nor what is in it.
        let measured = ["a.b", "list", "n", "a", "plain", "a.c"].filter { path in
            let node = view.property(PropertyPath(text: path))?.byteCount
            return node != nil
        }
        #expect(measured == ["plain", "a.c"])
    }

    @Test func anErasureLeavesTheHashAndTheCommitment() throws {
        let content = try Self.salted(Encoding.content(data: Self.data), Self.paths)
        let outcome = Outcome(draws: [Draw(grant: 3, units: 5)], shortfallUnits: 9)
        let record = Encoding.record(content, outcome)
        let form = try Self.commitment(record)
        let once = try #require(try Self.erased(record, ["a.b", "plain", "absent"]))
        #expect(try Self.commitment(once) == form)
        #expect(RecordErasure.remains(of: once.raw) == SHA256.hash(form.raw))
        #expect(RecordErasure.remains(of: record.raw) == SHA256.hash(form.raw))
        #expect(try RecordView(record: once.raw).outcome() == outcome)
        let tail = try Encoding.tail(once)
        #expect(tail.contains(#""b":{"redacted":""#) && !tail.contains("secret"))
        #expect(tail.contains(#""list":["p","q"]"#))
        #expect(try Self.erased(once, ["a.b"]) == nil)
        // In any order, one after the other or at once: the same bytes.
        let twice = try #require(try Self.erased(once, ["n", "list"]))
        #expect(try #require(try Self.erased(record, ["list", "n", "a.b"])) == twice)
        #expect(try Self.commitment(twice) == form)
        // With all of it erased, the record is what the proof tree had from the beginning.
        #expect(twice == form)
        #expect(
            try RecordView(record: twice.raw).personalState(at: PropertyPath(["n"])) == .redacted)
    }

    /// With another salt the same value leaves another hash.
    @Test func theHashTellsNothingWithoutItsSalt() throws {
        let content = try Encoding.content(data: #"{"v":"yes"}"#)
        let records = try [1, 2].map {
            Encoding.record(try Self.salted(content, [["v"]], first: $0))
        }
        let left = try records.map { try #require(try Self.erased($0, ["v"])) }
        #expect(left[0] != left[1])
    }

    @Test func aConsumeHasItsPropertiesInItsData() throws {
        var arena = ByteBuffer()
        let data = try ValueCoder.value(
            json: Array(#"{"feature":"v","data":{"v":"secret"},"quantity":"1"}"#.utf8))
        _ = try CommandEncoder(key: Encoding.key).encode(
            .consume, source: "s", id: "i", subject: "a", time: nil, timeText: "", data: data,
            into: &arena
        ).get()
        let content = arena.copyBytes(in: 0..<arena.count)
        let salted = try Self.salted(content, [["v"], ["feature"]])
        #expect(salted.count == content.count + 17)
        let record = Encoding.record(salted)
        #expect(
            try RecordView(record: record.raw).personalState(at: PropertyPath(["v"])) == .salted)
        let tail = try Encoding.tail(try #require(try Self.erased(record, ["v"])))
        #expect(tail.contains(#""data":{"v":{"redacted":""#) && tail.contains(#""feature":"v""#))
    }

    @Test func aPublishHasNothingPersonal() throws {
        var arena = ByteBuffer()
        _ = try CommandEncoder(key: Encoding.key).encode(
            .publish, source: "s", id: "i", subject: nil, time: nil, timeText: "",
            data: .object(of: [("catalog", .string("x"))]), into: &arena
        ).get()
        let content = arena.copyBytes(in: 0..<arena.count)
        #expect(try Self.salted(content, [["catalog"]]) == content)
    }

    @Test func saltsDoNotMakeAConflictAndValuesDo() throws {
        let content = try Encoding.content(data: Self.data)
        let recorded = try Self.salted(content, Self.paths)
        for request in [content, recorded, try Self.salted(content, Self.paths, first: 90)] {
            #expect(try SameContent.holds(recorded: recorded, request: request))
        }
        let changes = [
            ("secret", "secreT"), ("\"p\"", "\"r\""), ("7", "8"), ("\"x\"", "\"y\""),
            ("\"plain\"", "\"plaim\""), ("[\"p\",\"q\"]", "[\"p\"]"), ("\"n\":7,", ""),
        ]
        for (old, new) in changes {
            let other = try Encoding.content(data: Self.data.replacing(old, with: new))
            for request in [other, try Self.salted(other, Self.paths, first: 40)] {
                #expect(
                    try !SameContent.holds(recorded: recorded, request: request), "\(old) \(new)")
            }
        }
    }

    @Test func anErasedValueEqualsAnything() throws {
        let content = try Encoding.content(data: Self.data)
        let record = Encoding.record(try Self.salted(content, Self.paths))
        let left = try #require(try Self.erased(record, ["a.b", "list"]))
        let recorded = try RecordView(record: left.raw).content.makeArray()
        for (old, new) in [("\"secret\"", "{\"z\":[1,2]}"), ("[\"p\",\"q\"]", "null")] {
            let other = try Encoding.content(data: Self.data.replacing(old, with: new))
            #expect(try SameContent.holds(recorded: recorded, request: other))
            #expect(
                try SameContent.holds(
                    recorded: recorded, request: Self.salted(other, Self.paths)))
        }
        for (old, new) in [("7", "8"), ("\"x\"", "\"y\""), ("\"b\"", "\"bb\"")] {
            let other = try Encoding.content(data: Self.data.replacing(old, with: new))
            #expect(try !SameContent.holds(recorded: recorded, request: other), "\(old) \(new)")
        }
    }

    /// Bytes that are no record: thrown, never trapped on, never taken for another length.
    @Test(arguments: Seeds.all) func damageIsThrown(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        let content = try Self.salted(Encoding.content(data: Self.data), Self.paths)
        let record = Encoding.record(content)
        for _ in 0..<3_000 {
            var bad = record
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bad[Int.random(in: 0..<bad.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) {
                bad.removeLast(Int.random(in: 0..<bad.count, using: &generator))
            }
            if let left = try? Self.erased(bad, ["a.b", "list", "n"]) {
                #expect(try Self.commitment(left) == Self.commitment(bad))
            }
            guard let view = try? RecordView(record: bad.raw) else { continue }
            _ = try? SameContent.holds(recorded: view.content.makeArray(), request: content)
            _ = try? SameContent.holds(recorded: content, request: view.content.makeArray())
        }
    }

    @Test func outcomesKeepWhatRemains() throws {
        let hashes = (0..<3).map { SHA256.hash([UInt8($0)].raw) }
        let outcome = Outcome(remains: hashes)
        var bytes = ByteBuffer()
        outcome.append(to: &bytes)
        let whole = bytes.copyBytes(in: 0..<bytes.count)
        #expect(try Outcome(decoding: whole.raw) == outcome)
        var bad = (0..<whole.count).map { Array(whole[..<$0]) }
        bad.append([8, 0])
        bad.append([8, 255, 255, 255, 255, 15] + whole.dropFirst(2))
        for bytes in bad {
            #expect(throws: DecodeFailure.self, "\(bytes)") {
                try Outcome(decoding: bytes.raw)
            }
        }
    }
}

extension SameContent {
    fileprivate static func holds(recorded: [UInt8], request: [UInt8]) throws -> Bool {
        try holds(recorded: recorded.raw, request: request.raw)
    }
}

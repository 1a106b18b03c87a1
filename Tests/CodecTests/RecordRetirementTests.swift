import Billing
import Bytes
import Seeds
import Testing

@testable import Codec

/// What is left of a record whose body was dropped: the hash, what is kept, and whether another is the same.
@Suite struct RecordRetirementTests {
    private static let names = ["a", "b", "c"]
    private static let paths = [
        ["a"], ["b"], ["c"], ["a", "a"], ["a", "b"], ["b", "c"], ["c", "a", "b"], ["c", "c", "c"],
    ]

    private static func retired(_ record: [UInt8], _ paths: [[String]]) throws -> [UInt8]? {
        var kept = KeptProperties()
        for path in paths { kept.keep(path, ofType: "t") }
        var buffer = ByteBuffer()
        let isDropped = try RecordRetirement.append(record.raw, keeping: kept, to: &buffer)
        #expect(isDropped || buffer.count == 0)
        return isDropped ? buffer.copyBytes(in: 0..<buffer.count) : nil
    }

    private static func commitment(_ record: [UInt8]) -> Digest {
        var form = ByteBuffer()
        return RecordCodec.commitment(of: record.raw, &form)
    }

    private static func property(_ record: [UInt8], _ path: [String]) throws -> [UInt8]? {
        let view = try RecordView(record: record.raw)
        return view.property(PropertyPath(path))?.makeArray()
    }

    private static func data(_ depth: Int, _ generator: inout SeededGenerator) -> JSONDocument {
        if depth == 0 || Int.random(in: 0..<4, using: &generator) == 0 {
            return JSONDocument.random(1, &generator)
        }
        return .object(
            names.filter { _ in Bool.random(using: &generator) }
                .map { ($0, data(depth - 1, &generator)) })
    }

    @Test(arguments: Seeds.all)
    func theHashStaysAndWhatIsKeptIsRead(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        var dropped: [[UInt8]] = []
        for number in 0..<400 {
            let document = JSONDocument.object([
                ("a", Self.data(2, &generator)), ("b", Self.data(2, &generator)),
                ("c", Self.data(2, &generator)),
            ])
            let extra = number % 3 == 0 ? #","trace":"x""# : ""
            let line = { (data: String) in
                #"{"specversion":"1.0","id":"1","source":"s","type":"t"\#(extra),"data":\#(data)}"#
            }
            let content = try Encoding.content(
                line(document.spelled(&generator)))
            let personal =
                number % 2 == 0 ? [] : [Self.paths.randomElement(using: &generator) ?? []]
            let wanted = Self.paths.filter {
                !personal.contains($0) && Bool.random(using: &generator)
            }
            let kept = wanted.filter { path in
                personal.allSatisfy { !path.starts(with: $0) && !$0.starts(with: path) }
            }
            let salted = try PersonalTests.salted(content, personal)
            let record = Encoding.record(salted)
            guard let stub = try Self.retired(record, kept) else { continue }
            dropped.append(stub)
            #expect(Self.commitment(stub) == Self.commitment(record))
            #expect(RecordErasure.remains(of: stub.raw) == RecordErasure.remains(of: record.raw))
            for path in kept {
                #expect(try Self.property(stub, path) == Self.property(record, path), "\(path)")
            }
            #expect(try Self.retired(stub, []) == nil)
            #expect(try RecordRetirement.isRetired(RecordView(record: stub.raw)))
            for request in [content, salted, try PersonalTests.salted(content, personal)] {
                #expect(try SameContent.holds(record: stub.raw, request: request.raw))
            }
            // Another value anywhere but at the personal place is another content.
            let other = try Encoding.content(
                line(Self.changed(document).spelled(&generator)))
            #expect(try !SameContent.holds(record: stub.raw, request: other.raw), "\(personal)")
            #expect(try !Encoding.tail(stub).contains("trace"))
        }
        #expect(dropped.count > 200)
        let segment = try RecordBlockTests.Segment(dropped, blockCount: 64)
        let reader = try segment.reader()
        for block in segment.blocks.indices {
            let range = 0..<segment.blocks[block].count
            let start = block * 64
            #expect(
                try segment.decode(block, range, reader)
                    == Array(dropped[start..<(start + range.count)]))
        }
    }

    /// The document with one more member beside the personal one.
    private static func changed(_ document: JSONDocument) -> JSONDocument {
        guard case .object(var members) = document else { return .object([]) }
        members.append((name: "more", value: .bool(true)))
        return .object(members)
    }

    @Test func thePersonalValueMayBeAnything() throws {
        let content = try Encoding.content(data: #"{"a":{"b":"secret","c":1},"d":2}"#)
        let salted = try PersonalTests.salted(content, [["a", "b"]])
        let stub = try #require(try Self.retired(Encoding.record(salted), [["d"]]))
        for (data, isSame) in [
            (#"{"a":{"b":[1,2],"c":1},"d":2}"#, true),
            (#"{"a":{"b":"secret","c":2},"d":2}"#, false),
            (#"{"a":{"c":1},"d":2}"#, false), (#"{"a":{"b":null,"c":1},"d":3}"#, false),
        ] {
            let request = try Encoding.content(data: data)
            #expect(
                try SameContent.holds(record: stub.raw, request: request.raw) == isSame, "\(data)")
        }
        let tail = try Encoding.tail(stub)
        #expect(
            tail.contains(#""data":{"a":{"b":{"redacted":""#) && tail.contains(#""d":2}"#),
            "\(tail)")
        #expect(!tail.contains("secret") && !tail.contains(#""c""#))
        #expect(tail.contains(#""kind":"event","retired":true,"event":{"#))
        // An erasure that comes later finds nothing to erase.
        var erased = ByteBuffer()
        let paths = [PropertyPath(["a", "b"])]
        #expect(try !RecordErasure.append(stub.raw, erasing: paths, to: &erased))
        #expect(try RecordView(record: stub.raw).personalState(at: paths[0]) == .redacted)
    }

    /// Where a producer stands is its identity and stays; other attributes go.
    @Test func aSequenceStays() throws {
        let content = try Encoding.content(
            #"{"specversion":"1.0","id":"3:7","source":"s","type":"t","epoch":3,"sequence":7,"x":"y"}"#
        )
        let stub = try #require(try Self.retired(Encoding.record(content), []))
        let view = try RecordView(record: stub.raw)
        #expect(view.sequence == EventSequence(epoch: 3, number: 7))
        #expect(try !Encoding.tail(stub).contains(#""x""#))
        #expect(try SameContent.holds(record: stub.raw, request: content.raw))
        // Nothing to drop.
        let bare = try Encoding.content(
            #"{"specversion":"1.0","id":"3:7","source":"s","type":"t","epoch":3,"sequence":7,"data":{"n":1}}"#
        )
        #expect(try Self.retired(Encoding.record(bare), [["n"]]) == nil)
    }

    @Test func theBytesOfWhatIsLeft() throws {
        let content = try Encoding.content(data: #"{"a":1,"b":2}"#)
        let record = Encoding.record(content)
        let stub = try #require(try Self.retired(record, [["b"]]))
        let view = try RecordView(record: stub.raw)
        var hash = ByteBuffer()
        SHA256.hash(record.raw).append(to: &hash)
        #expect(
            view.data?.makeArray()
                == [11] + hash.copyBytes(in: 0..<32) + [8, 1, 1, 0x62, 3, 4])
        let salted = Encoding.record(try PersonalTests.salted(content, [["a"]]))
        let personal = try #require(try Self.retired(salted, [["b"]]))
        let data = try #require(try RecordView(record: personal.raw).data?.makeArray())
        var form = ByteBuffer()
        form.append(Array(content.dropLast(10)) + [8, 2, 1, 0x61, 10, 1, 0x62, 3, 4])
        var likeness = ByteBuffer()
        SHA256.hash(form.bytes).append(to: &likeness)
        #expect(data[0] == 12 && Array(data[33..<65]) == likeness.copyBytes(in: 0..<32))
    }
}

import Bytes
import Codec
import Columns
import Seeds
import Testing

/// Damaged columns and dictionaries fail, or give records; they never trap, hang or take much memory.
@Suite struct DamagedBlockTests {
    private func damage(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            if Bool.random(using: &random) {
                bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            } else {
                bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
        }
        if Int.random(in: 0..<5, using: &random) == 0 {
            bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
        }
    }

    @Test(arguments: Seeds.all)
    func damageInColumnsIsHarmless(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        for isRegular in [true, false] {
            var source = RandomRecords(seed: random.next(), isRegular: isRegular)
            let segment = try RecordBlockTests.Segment(source.records(300), blockCount: 300)
            let reader = try segment.reader()
            for _ in 0..<300 {
                var damaged = segment
                damage(&damaged.blocks[0].bytes, &random)
                damaged.blocks[0].count = Int.random(in: 0...600, using: &random)
                if Bool.random(using: &random) { damaged.blocks[0].count = 300 }
                let count = damaged.blocks[0].count
                let range = count / 4..<count
                guard let records = try? damaged.decode(0, range, reader) else { continue }
                #expect(records.count == range.count)
                #expect(records.reduce(0) { $0 + $1.count } < 1 << 22)
            }
        }
    }

    @Test(arguments: Seeds.all)
    func damageInADictionaryIsHarmless(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        for isRegular in [true, false] {
            var source = RandomRecords(seed: random.next(), isRegular: isRegular)
            let segment = try RecordBlockTests.Segment(source.records(300), blockCount: 300)
            for _ in 0..<200 {
                var damaged = segment
                damage(&damaged.dictionary, &random)
                guard let reader = try? damaged.reader() else { continue }
                #expect(reader.byteCount < 1 << 26)
                for number in 0..<UInt32(min(reader.accountCount, 30)) {
                    _ = reader.withAccount(number) { $0.byteCount }
                }
                _ = try? damaged.decode(0, 0..<300, reader)
            }
        }
    }

    @Test func columnsOfAnotherDictionaryAreRefusedOrGiveRecords() throws {
        var source = RandomRecords(seed: 1, isRegular: false)
        let first = try RecordBlockTests.Segment(source.records(200), blockCount: 200)
        let second = try RecordBlockTests.Segment(source.records(200), blockCount: 200)
        let reader = try first.reader()
        _ = try? second.decode(0, 0..<200, reader)
    }

    @Test func whatIsMissingIsRefused() throws {
        var source = RandomRecords(seed: 1, isRegular: true)
        let segment = try RecordBlockTests.Segment(source.records(300), blockCount: 300)
        let reader = try segment.reader()
        for place in segment.blocks[0].parts.indices {
            var damaged = segment
            damaged.blocks[0].parts.remove(at: place)
            #expect(throws: DecodeFailure.self) { try damaged.decode(0, 0..<300, reader) }
        }
        for length in 0..<segment.dictionary.count {
            var damaged = segment
            damaged.dictionary.removeLast(segment.dictionary.count - length)
            #expect(throws: DecodeFailure.self) { try damaged.reader() }
        }
    }

    /// Records of one shape, whose types are these by turns.
    private func segment(types: Int) throws -> RecordBlockTests.Segment {
        let records = try (0..<60).map { place in
            Encoding.record(
                try Encoding.content(
                    "{\"specversion\":\"1.0\",\"id\":\"\(place)\",\"source\":\"s\","
                        + "\"type\":\"t\(place % types)\",\"subject\":\"a\"}"))
        }
        return try RecordBlockTests.Segment(records, blockCount: 60)
    }

    @Test func aNumberBeyondItsDictionaryIsRefused() throws {
        let (many, few) = (try segment(types: 9), try segment(types: 2))
        let reader = try few.reader()
        #expect(throws: DecodeFailure.self) { try many.decode(0, 0..<60, reader) }
        #expect(try few.decode(0, 0..<60, reader).count == 60)
    }

    @Test func aTemplateThatDoesNotFitItsFieldsIsRefused() {
        // Two fields: the accounts, none of them; raw bytes without a dictionary. One shape.
        let fields: [UInt8] = [2, 1, 1, 0, 3, 2, 0, 0, 2, 0]
        for (shapes, isRead): ([UInt8], Bool) in [
            ([1, 1, 2, 1], true), ([1, 4, 0, 1, 7, 2, 1], true),
            // A text from raw bytes; a field that is not there; no outcome; bytes behind it; bytes twice.
            ([1, 2, 1, 2, 1, 1], false), ([1, 1, 2, 2], false), ([1, 0], false),
            ([1, 4, 2, 0, 1, 7, 1], false), ([1, 7, 0, 1, 7, 0, 1, 7, 2, 1], false),
            ([1, 1, 6, 1], false), ([1, 1, 2], false), ([1, 1, 2, 1, 0], false),
        ] {
            let bytes = fields + shapes
            #expect(((try? RecordCodec().makeReader(dictionary: bytes.raw)) != nil) == isRead)
        }
    }
}

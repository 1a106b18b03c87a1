import Bytes
import Codec
import Columns
import Seeds
import Testing

/// Records as columns: they come back byte for byte, and nothing damaged does harm.
@Suite struct RecordBlockTests {
    /// A segment of blocks as the codec wrote it.
    struct Segment {
        var dictionary: [UInt8] = []
        var blocks: [(parts: [BlockColumns.Part], bytes: [UInt8], count: Int)] = []
        var summaries: [BlockSummary] = []
        var accounts: [String] = []

        init(_ records: [[UInt8]], blockCount: Int) throws {
            let survey = RecordCodec().makeSurvey()
            for record in records { try survey.note(record.raw) }
            let writer = survey.finish()
            for start in stride(from: 0, to: records.count, by: blockCount) {
                let end = min(start + blockCount, records.count)
                var columns = BlockColumns()
                for record in records[start..<end] { try writer.append(record.raw) }
                summaries.append(writer.finishBlock(into: &columns))
                blocks.append(
                    (
                        columns.parts, columns.bytes.copyBytes(in: 0..<columns.bytes.count),
                        end - start
                    ))
            }
            var bytes = ByteBuffer()
            writer.appendDictionary(to: &bytes)
            dictionary = bytes.copyBytes(in: 0..<bytes.count)
            for number in 0..<UInt32(writer.accountCount) {
                accounts.append(writer.withAccount(number) { $0.makeString() ?? "?" })
            }
        }

        var byteCount: Int { dictionary.count + blocks.reduce(0) { $0 + $1.bytes.count } }

        func reader() throws -> any BlockReader {
            try RecordCodec().makeReader(dictionary: dictionary.raw)
        }

        func decode(_ block: Int, _ range: Range<Int>, _ reader: any BlockReader) throws
            -> [[UInt8]]
        {
            var columns = BlockColumns()
            columns.bytes.append(blocks[block].bytes)
            for part in blocks[block].parts where part.range.upperBound <= columns.bytes.count {
                columns.add(part)
            }
            var batch = RecordBatch()
            try reader.decode(columns, count: blocks[block].count, range: range, into: &batch)
            return (0..<batch.count).map { batch.bytes.copyBytes(in: batch.range(of: $0)) }
        }
    }

    private func expectRoundTrip(
        _ records: [[UInt8]], blockCount: Int, _ random: inout SeededGenerator
    ) throws {
        let segment = try Segment(records, blockCount: blockCount)
        let reader = try segment.reader()
        for (number, block) in segment.blocks.enumerated() {
            let expected = Array(records[(number * blockCount)...].prefix(block.count))
            let all = try segment.decode(number, 0..<block.count, reader)
            #expect(all == expected)
            for _ in 0..<4 {
                let lower = Int.random(in: 0..<block.count, using: &random)
                let upper = Int.random(in: lower...block.count, using: &random)
                let part = try segment.decode(number, lower..<upper, reader)
                #expect(part == Array(expected[lower..<upper]))
            }
        }
    }

    @Test(arguments: Seeds.all)
    func recordsOfEveryKindComeBack(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        for (count, blockCount) in [(1, 1), (255, 255), (256, 256), (257, 257), (1_000, 100)] {
            for isRegular in [true, false] {
                var source = RandomRecords(seed: random.next(), isRegular: isRegular)
                try expectRoundTrip(source.records(count), blockCount: blockCount, &random)
            }
        }
    }

    @Test func aWholeBlockComesBack() throws {
        var random = SeededGenerator(4)
        var source = RandomRecords(seed: 11, isRegular: true)
        try expectRoundTrip(source.records(4_196), blockCount: 4_096, &random)
    }

    @Test func bytesOfAnySortComeBack() throws {
        var random = SeededGenerator(4)
        var records: [[UInt8]] = [[], [0], [255], Array(repeating: 7, count: 70_000)]
        var source = RandomRecords(seed: 1, isRegular: false)
        let record = source.records(3)[2]
        for length in 0...record.count { records.append(Array(record.prefix(length))) }
        // A record twice, so that its shape is kept, and then with more behind it.
        records += [record, record, record + [1], record + record]
        try expectRoundTrip(records, blockCount: 50, &random)
    }

    /// What has another spelling than the canonical one keeps it: a decimal of scale 0 is no integer here.
    @Test func otherSpellingsComeBack() throws {
        var random = SeededGenerator(4)
        let content = Array(try Encoding.content(data: "0").dropLast(2))
        let nodes: [[UInt8]] = [
            [4, 0, 6], [4, 1, 6], [3, 6], [3, 0x86, 0], [8, 2, 0, 0, 0, 0], [11],
        ]
        let records = nodes.flatMap { node in
            [0, 1, 2].map { _ in Encoding.record(content + node) }
        }
        try expectRoundTrip(records, blockCount: 9, &random)
    }

    @Test func aLargeRecordIsKeptWhole() throws {
        var random = SeededGenerator(4)
        let large = try Encoding.content(data: "[" + String(repeating: "1,", count: 2_500) + "1]")
        let many = try Encoding.content(data: "[" + String(repeating: "1,", count: 1_000) + "1]")
        let records = [large, large, many, many].map { Encoding.record($0) }
        try expectRoundTrip(records, blockCount: 4, &random)
    }

    @Test func theSameRecordsMakeTheSameBytes() throws {
        var source = RandomRecords(seed: 3, isRegular: false)
        let records = source.records(700)
        let (first, second) = (
            try Segment(records, blockCount: 300), try Segment(records, blockCount: 300)
        )
        #expect(first.dictionary == second.dictionary)
        #expect(first.blocks.map(\.bytes) == second.blocks.map(\.bytes))
        #expect(first.blocks.map(\.parts) == second.blocks.map(\.parts))
    }

    @Test func theSummarySaysAccountAndTime() throws {
        var source = RandomRecords(seed: 8, isRegular: false)
        let records = source.records(400)
        let segment = try Segment(records, blockCount: 400)
        let reader = try segment.reader()
        var times: [Int64] = []
        for (place, record) in records.enumerated() {
            guard let parts = try? Parts(record: record) else { continue }
            if let time = parts.time { times.append(time) }
            let number = segment.summaries[0].accounts[place]
            guard let subject = parts.subject else {
                #expect(number == BlockSummary.noAccount)
                continue
            }
            #expect(segment.accounts[Int(number)] == subject)
            let isKnown = Array(subject.utf8).raw.isNumber(number, in: reader)
            #expect(isKnown)
        }
        let span = segment.summaries[0].times
        #expect(
            span?.contains(times.min() ?? 0) == true && span?.contains(times.max() ?? 0) == true)
        #expect(reader.accountCount == segment.accounts.count)
        #expect(reader.accountNumber(of: Array("nobody".utf8).raw) == nil)
        #expect(reader.byteCount > 0)
    }

    @Test func frequentAccountsHaveSmallNumbers() throws {
        let records = try (0..<300).map { place in
            Encoding.record(
                try Encoding.content(
                    "{\"specversion\":\"1.0\",\"id\":\"\(place)\",\"source\":\"s\",\"type\":\"t\","
                        + "\"subject\":\"\(place % 10 > 2 ? "large" : "small\(place % 3)")\"}"))
        }
        let segment = try Segment(records, blockCount: 300)
        #expect(segment.accounts.first == "large" && segment.accounts.count == 4)
    }

    /// What is said twice is not paid for twice: an id `epoch:sequence` beside both attributes.
    @Test func aSequenceTakesNearlyNoBytes() throws {
        let records = try (0..<4_096).map { place in
            Encoding.record(
                try Encoding.content(
                    "{\"specversion\":\"1.0\",\"id\":\"1:\(place + 5_000)\",\"source\":\"s\",\"type\":\"t\","
                        + "\"epoch\":1,\"sequence\":\(place + 5_000)}"))
        }
        #expect(try Segment(records, blockCount: 4_096).byteCount < 350)
    }
}

extension RawSpan {
    /// Whether an account of this name has a number.
    fileprivate func isNumber(_ number: UInt32, in reader: any BlockReader) -> Bool {
        reader.accountNumber(of: self) == number
            && reader.withAccount(number) { $0.isEqual(to: self) }
    }
}

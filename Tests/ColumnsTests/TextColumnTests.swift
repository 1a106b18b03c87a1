import Bytes
import Columns
import Seeds
import Testing

/// What a column of texts gives back, and what it takes.
struct TextColumnTests {
    private func encode(_ texts: [[UInt8]]) -> [UInt8] {
        var list = TextList()
        for text in texts { list.append(text.raw) }
        var buffer = ByteBuffer()
        TextColumn.append(list, to: &buffer)
        return buffer.copyBytes(in: 0..<buffer.count)
    }

    private func decode(
        _ bytes: [UInt8], count: Int, _ range: Range<Int>, hasLengths: Bool = false
    ) throws -> [[UInt8]] {
        var buffer = ByteBuffer()
        buffer.append([1, 2, 3])
        var places: [UInt64] = []
        try TextColumnReader(bytes.raw, count: count).append(
            range, hasLengths: hasLengths, to: &buffer, places: &places)
        return places.map {
            let start = TextPlace.start($0)
            return buffer.copyBytes(in: start..<(start + TextPlace.length($0)))
        }
    }

    static func uuid(_ random: inout SeededGenerator, isRandom: Bool) -> String {
        var (high, low): (UInt64, UInt64) = (random.next(), random.next())
        if isRandom {
            high = high & ~0xF000 | 0x4000
            low = low & ~(3 << 62) | 2 << 62
        }
        var buffer = ByteBuffer()
        buffer.appendUUID(high: high, low: low)
        return buffer.bytes.makeString() ?? ""
    }

    /// A text of some spelling, and of spellings that are nearly those.
    static func text(_ kind: Int, _ random: inout SeededGenerator) -> String {
        let number = random.next() >> UInt64.random(in: 0...63, using: &random)
        return switch kind {
        case 0: uuid(&random, isRandom: true)
        case 1: uuid(&random, isRandom: false)
        case 2: uuid(&random, isRandom: true).uppercased()
        case 3: uuid(&random, isRandom: true).replacing("-", with: "")
        case 4: "\(number % 4):\(number)"
        case 5: "acct_" + String(String(number % 1_000_000 + 1_000_000).dropFirst())
        case 6: String(number)
        case 7: "00\(number)"
        case 8: String(number, radix: 36)
        case 9: ""
        case 10: "naïve \(number) text"
        default: String(repeating: "x", count: Int(number % 200))
        }
    }

    @Test(arguments: Seeds.all)
    func everyRangeComesBack(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        for kind in 0...12 {
            for count in [0, 1, 2, 257, 1_000] {
                let texts = (0..<count).map { _ in
                    let one = kind == 12 ? Int.random(in: 0...11, using: &random) : kind
                    return Array(Self.text(one, &random).utf8)
                }
                let bytes = encode(texts)
                #expect(try decode(bytes, count: count, 0..<count) == texts)
                let lower = Int.random(in: 0...count, using: &random)
                let upper = Int.random(in: lower...count, using: &random)
                let part = try decode(bytes, count: count, lower..<upper, hasLengths: true)
                #expect(
                    part.map { Array($0.dropFirst($0.count > 128 ? 2 : 1)) }
                        == Array(texts[lower..<upper]))
            }
        }
    }

    @Test func anyBytesComeBack() throws {
        let texts: [[UInt8]] = [[], [0], [255, 254], Array(repeating: 48, count: 40), [0x2D]]
        #expect(try decode(encode(texts), count: texts.count, 0..<texts.count) == texts)
    }

    @Test func spellingsTakeWhatTheySay() {
        var random = SeededGenerator(3)
        func bytesEach(_ kind: Int) -> Double {
            let texts = (0..<4_096).map { _ in Array(Self.text(kind, &random).utf8) }
            return Double(encode(texts).count) / 4_096
        }
        #expect(bytesEach(0) < 15.26)
        // One in 64 looks random.
        #expect(bytesEach(1) < 16.2)
        #expect(bytesEach(3) < 16.01)
        // A million numbers are 20 bits; those below 100,000 have no other form here.
        #expect(bytesEach(5) < 2.6)
        let sequence = (0..<4_096).map { Array("1:\(1_000 + $0)".utf8) }
        #expect(encode(sequence).count < 40)
    }

    @Test(arguments: Seeds.all)
    func damagedBytesFailOrGiveTexts(seed: UInt64) {
        var random = SeededGenerator(seed)
        for kind in 0...12 {
            let texts = (0..<300).map { _ in
                let one = kind == 12 ? Int.random(in: 0...11, using: &random) : kind
                return Array(Self.text(one, &random).utf8)
            }
            let whole = encode(texts)
            for _ in 0..<60 {
                var bytes = whole
                let limit = Bool.random(using: &random) ? bytes.count : min(bytes.count, 40)
                bytes[Int.random(in: 0..<limit, using: &random)] ^=
                    1 << UInt8.random(in: 0...7, using: &random)
                if Bool.random(using: &random) {
                    bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
                }
                let count = Int.random(in: 0...600, using: &random)
                if let read = try? decode(bytes, count: count, count / 2..<count) {
                    #expect(read.count == count - count / 2)
                }
            }
        }
    }
}

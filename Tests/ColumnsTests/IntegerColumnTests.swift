import Bytes
import Columns
import Seeds
import Testing

/// What a column of numbers gives back, and what it takes.
struct IntegerColumnTests {
    private func encode(_ values: [UInt64]) -> [UInt8] {
        var buffer = ByteBuffer()
        IntegerColumn.append(values, to: &buffer)
        return buffer.copyBytes(in: 0..<buffer.count)
    }

    private func expectRoundTrip(_ values: [UInt64], _ random: inout SeededGenerator) throws {
        let bytes = encode(values)
        let reader = try IntegerColumnReader(bytes.raw, count: values.count)
        var all: [UInt64] = [7]
        try reader.append(0..<values.count, to: &all)
        #expect(all == [7] + values)
        guard !values.isEmpty else { return }
        for _ in 0..<8 {
            let lower = Int.random(in: 0..<values.count, using: &random)
            let upper = Int.random(in: lower...values.count, using: &random)
            var part: [UInt64] = []
            try reader.append(lower..<upper, to: &part)
            #expect(part == Array(values[lower..<upper]))
            #expect(try reader.value(at: lower) == values[lower])
        }
    }

    /// Columns of every transform and packing, and the ends of the range.
    static func shapes(_ count: Int, _ random: inout SeededGenerator) -> [[UInt64]] {
        func make(_ next: (Int) -> UInt64) -> [UInt64] { (0..<count).map(next) }
        var sum: UInt64 = 1 << 40
        var walk: UInt64 = 1 << 30
        return [
            make { _ in 42 }, make { UInt64($0) }, make { 7_000 &- UInt64($0) &* 3 },
            make { _ in UInt64.random(in: 0...UInt64.max, using: &random) },
            make { _ in Bool.random(using: &random) ? 0 : UInt64.max },
            make { _ in
                UInt64.random(in: 0...1 << Int.random(in: 0...63, using: &random), using: &random)
            },
            make { _ in UInt64.random(in: 1_000...1_100, using: &random) },
            make { _ in
                sum +=
                    UInt64.random(in: 0...3, using: &random)
                    << UInt64.random(in: 0...9, using: &random)
                return sum
            },
            make { _ in
                walk &+= UInt64.random(in: 0...200, using: &random) &- 100
                return walk
            },
            make {
                1 << 60 + UInt64($0) * 1_339_200_000 - UInt64.random(in: 0...2_000, using: &random)
            },
            make { _ in UInt64.random(in: 0...2_000, using: &random) * 1_000_000 },
        ]
    }

    @Test(arguments: Seeds.all)
    func everyRangeComesBack(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        for count in [0, 1, 2, 3, 255, 256, 257, 1_000, 4_096] {
            for values in Self.shapes(count, &random) { try expectRoundTrip(values, &random) }
        }
    }

    @Test func signedNumbersComeBack() throws {
        let values: [Int64] = [0, -1, 1, .min, .max, 5, -77]
        var buffer = ByteBuffer()
        IntegerColumn.append(signed: values, to: &buffer)
        var read: [UInt64] = []
        try IntegerColumnReader(buffer.bytes, count: values.count)
            .append(0..<values.count, to: &read)
        #expect(read.map(IntegerColumn.unzigzag) == values)
    }

    @Test func whatIsKnownTakesNoBytes() {
        #expect(encode([UInt64](repeating: 9, count: 4_096)).count == 2)
        #expect(encode((0..<4_096).map { 1_000_000 + $0 }).count < 24)
        #expect(encode((0..<4_096).map { 1_000_000 - 7 * $0 }).count < 24)
    }

    @Test func takesLittleMoreThanTheEntropy() {
        var random = SeededGenerator(5)
        // Half zero, a quarter one …: 2 bits each.
        let skewed = (0..<4_096).map { _ in
            UInt64(random.next().trailingZeroBitCount)
        }
        #expect(encode(skewed).count < 4_096 * 2 / 8 + 60)
        // Whole milliseconds at a steady pace, up to 2 s late: log2(2,000) bits each.
        let times = (0..<4_096).map { place in
            (1_772_323_200_000 + UInt64(place) * 1_339
                - UInt64.random(in: 0..<2_000, using: &random))
                * 1_000_000
        }
        #expect(encode(times).count < 4_096 * 112 / 80)
        // Ascending numbers with gaps of 0 ... 15.
        var sum: UInt64 = 0
        let ascending = (0..<4_096).map { _ in
            sum += UInt64.random(in: 0..<16, using: &random)
            return sum
        }
        #expect(encode(ascending).count < 4_096 / 2 + 120)
    }

    @Test(arguments: Seeds.all)
    func damagedBytesFailOrGiveNumbers(seed: UInt64) {
        var random = SeededGenerator(seed)
        for values in Self.shapes(600, &random) {
            let whole = encode(values)
            for _ in 0..<60 {
                var bytes = whole
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let place = Int.random(in: 0..<bytes.count, using: &random)
                    bytes[min(place, Bool.random(using: &random) ? 30 : place)] ^=
                        1 << UInt8.random(in: 0...7, using: &random)
                }
                if Bool.random(using: &random) {
                    bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
                }
                let count = Int.random(in: 0...1_200, using: &random)
                var read: [UInt64] = []
                if let reader = try? IntegerColumnReader(bytes.raw, count: count) {
                    try? reader.append(count / 3..<count, to: &read)
                }
                #expect(read.count <= 1_200)
            }
        }
    }

    @Test func aStreamCutShortFails() throws {
        var random = SeededGenerator(9)
        for values in Self.shapes(600, &random).dropFirst(3) {
            let bytes = Array(encode(values).dropLast())
            #expect(throws: DecodeFailure.self) {
                var read: [UInt64] = []
                try IntegerColumnReader(bytes.raw, count: 600).append(0..<600, to: &read)
            }
        }
    }

    @Test func aCodeThatIsNotCompleteIsRefused() throws {
        // Form, base, scale, four symbols of two bits each: complete; then one of them is longer or missing.
        let head: [UInt8] = [0x20, 0, 1, 4]
        for (nibbles, isComplete): ([UInt8], Bool) in [
            ([0x22, 0x22], true), ([0x22, 0x32], false), ([0x22, 0x02], false),
            ([0x22, 0x12], false), ([0x2D, 0x22], false), ([0x00, 0x00], false),
            ([0x00, 0x10], true),
        ] {
            let bytes = head + nibbles + [0xE4]
            let isRead = (try? IntegerColumnReader(bytes.raw, count: 4).value(at: 0)) != nil
            #expect(isRead == isComplete)
        }
    }

    @Test func theBytesAreThoseOfTheFormat() {
        #expect(encode([5, 5, 5]) == [0x00, 5])
        // Base 10, scale 2, least 0, two bits each: 0, 1, 2, 3.
        #expect(encode([10, 12, 14, 16]) == [0x10, 10, 2, 0, 2, 0b1110_0100])
    }
}

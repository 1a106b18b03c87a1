import Billing
import Bytes
import Codec
import Money
import Seeds

/// Canonical records of every kind, and bytes that are none.
struct RandomRecords {
    private var random: SeededGenerator
    /// Few shapes, as of real producers; otherwise every record has its own.
    private let isRegular: Bool
    private var sequence: UInt64 = 0

    init(seed: UInt64, isRegular: Bool) {
        random = SeededGenerator(seed)
        self.isRegular = isRegular
    }

    mutating func records(_ count: Int) -> [[UInt8]] { (0..<count).map { _ in next() } }

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private mutating func next() -> [UInt8] {
        switch below(100) {
        case 0: return (0..<below(40)).map { _ in UInt8.random(in: 0...255, using: &random) }
        case 1:
            var record = canonical()
            record[below(record.count)] ^= 1 << UInt8(below(8))
            return record
        default: return canonical()
        }
    }

    private mutating func canonical() -> [UInt8] {
        sequence += 1
        var content = ByteBuffer()
        content.append(1)
        content.append(isRegular ? 1 : UInt8(1 + below(5)))
        content.appendPrefixed(utf8: ["api", "batch", ""][below(3)])
        content.appendPrefixed(utf8: identifier())
        content.appendPrefixed(utf8: "type.\(below(4))")
        let form = isRegular ? below(2) : below(8)
        let presence: UInt8 = [31 - 4, 31, 0, 1, 2, 7, 9, 18][form]
        content.append(presence)
        if presence & 1 != 0 { content.appendPrefixed(utf8: "acct_\(below(20) * below(20))") }
        if presence & 2 != 0 {
            content.appendInteger(
                Int64(1_772_323_200_000_000_000) + Int64(sequence) * 1_000_000
                    + Int64(below(9)) * (below(20) == 0 ? Int64.min / 100 : 1))
            content.append(presence & 4 != 0 ? 255 : 3)
        }
        if presence & 4 != 0 {
            content.appendPrefixed(utf8: "2026-03-01T00:00:0\(below(10))+01:00")
        }
        if presence & 8 != 0 { appendAttributes(to: &content) }
        if presence & 16 != 0 { appendNode(depth: 0, to: &content) }
        var outcome = Outcome.recorded
        if below(10) == 0 {
            outcome = Outcome(
                decision: OutcomeDecision(allowed: true, reason: .allowed),
                draws: [Draw(grant: UInt32(below(9)), units: Int128(below(1_000)) << 60)])
        }
        return Encoding.record(content.copyBytes(in: 0..<content.count), outcome)
    }

    private mutating func identifier() -> String {
        if isRegular { return "1:\(sequence)" }
        var uuid = ByteBuffer()
        uuid.appendUUID(high: random.next() & ~0xF000 | 0x4000, low: random.next() >> 2 | 1 << 63)
        let kinds = ["1:\(sequence)", uuid.bytes.makeString() ?? "", "", "00\(below(100))"]
        return kinds[below(4)]
    }

    private mutating func appendAttributes(to content: inout ByteBuffer) {
        content.append([8, 2])
        content.appendPrefixed(utf8: "epoch")
        content.append([3, 2])
        content.appendPrefixed(utf8: "sequence")
        content.append(3)
        content.appendZigzag(Int64(sequence))
    }

    private mutating func appendNode(depth: Int, to content: inout ByteBuffer) {
        if isRegular, depth == 0 {
            content.append([8, 3])
            content.appendPrefixed(utf8: "a")
            appendLeaf(below(3), to: &content)
            content.appendPrefixed(utf8: "b")
            appendLeaf(3, to: &content)
            content.appendPrefixed(utf8: "c")
            content.append([7, 2])
            appendLeaf(2, to: &content)
            appendLeaf(2, to: &content)
            return
        }
        let kind = below(depth < 4 ? 13 : 10)
        guard kind >= 10 else { return appendLeaf(kind, to: &content) }
        let count = kind == 12 ? 1 : below(4)
        switch kind {
        case 10: content.append([7, UInt8(count)])
        case 11: content.append([8, UInt8(count)])
        default: content.append([9] + (0..<16).map { _ in UInt8(below(256)) })
        }
        for place in 0..<count {
            if kind == 11 { content.appendPrefixed(utf8: "k\(place)") }
            appendNode(depth: depth + 1, to: &content)
        }
    }

    private mutating func appendLeaf(_ kind: Int, to content: inout ByteBuffer) {
        switch kind {
        case 0: content.append(UInt8(below(3)))
        case 1:
            content.append(6)
            content.appendPrefixed(
                utf8: ["", "eu", "us", String(repeating: "long ", count: below(40))][below(4)])
        case 2:
            content.append(3)
            content.appendZigzag(Int64(truncatingIfNeeded: random.next()) >> Int64(below(64)))
        case 3:
            let mantissa = Int128(below(1_000) * 10 + 1)
            ValueCoder.append(
                .number(DecimalNumber(mantissa: mantissa, scale: below(4))), to: &content)
        case 4:
            content.append(3)
            content.appendZigzag128([Int128.max, .min, 1 << 63, -(1 << 63), -1 << 64][below(5)])
        case 5:
            content.append([4, 250])
            content.appendZigzag128([Int128.max, .min, 3, -7][below(4)])
        case 6:
            content.append(5)
            content.appendPrefixed(utf8: "-12e4\(below(100))")
        case 7: content.append([10] + (0..<32).map { _ in UInt8(below(256)) })
        case 8:
            content.append(6)
            content.appendPrefixed(utf8: "u_\(below(5_000))")
        default: content.append([7, 0])
        }
    }
}

import Bytes

/// The canonical Huffman code of a column's symbols. Numbers below 16 are symbols; longer ones have
/// symbol 11 + their length in bits, and the bits below their leading one follow the code.
struct SymbolCode {
    /// Symbols that there can be: 16, and one for each length from 5 to 64.
    static let symbolsMax = 76
    /// The longest code that is read, bits: what one table look-up decodes.
    static let lengthMax = 12
    /// The longest code that is written. Who reads one value of a column makes its table first, which doubles
    /// with each bit; rare symbols would save nothing with more.
    static let writtenLengthMax = 10

    private let lengths: [UInt8]
    private let codes: [UInt16]
    /// Bits that the counted rests take.
    let bits: Int

    /// The code for some numbers, at least one.
    init(counting rests: [UInt64]) {
        var counts = [Int](repeating: 0, count: Self.symbolsMax)
        for rest in rests { counts[Self.symbol(rest)] += 1 }
        let used = (counts.lastIndex { $0 > 0 } ?? 0) + 1
        let lengths = Self.lengths(Array(counts[..<used]))
        self.lengths = lengths
        codes = Self.codes(lengths)
        bits = (0..<used).reduce(0) { sum, symbol in
            sum + counts[symbol] * (Int(lengths[symbol]) + Self.openBits(symbol))
        }
    }

    @inline(__always) static func symbol(_ value: UInt64) -> Int {
        value < 16 ? Int(value) : 75 - value.leadingZeroBitCount
    }

    /// Bits that a symbol leaves open.
    @inline(__always) static func openBits(_ symbol: Int) -> Int { symbol < 16 ? 0 : symbol - 12 }

    var headerBits: Int { 8 * (1 + (lengths.count + 1) / 2) }

    func append(to buffer: inout ByteBuffer) {
        buffer.append(UInt8(lengths.count))
        for pair in stride(from: 0, to: lengths.count, by: 2) {
            let high = pair + 1 < lengths.count ? lengths[pair + 1] : 0
            buffer.append(lengths[pair] | high << 4)
        }
    }

    func append(_ value: UInt64, to writer: inout BitWriter, _ buffer: inout ByteBuffer) {
        let symbol = Self.symbol(value)
        writer.append(UInt64(codes[symbol]), width: Int(lengths[symbol]), to: &buffer)
        let open = Self.openBits(symbol)
        if open > 0 { writer.append(value & lowBits(open), width: open, to: &buffer) }
    }

    /// Huffman's lengths, none above `writtenLengthMax`: counts are halved until that is so. A lone symbol has
    /// one bit.
    private static func lengths(_ counts: [Int]) -> [UInt8] {
        var weights = counts
        while true {
            let lengths = unlimitedLengths(weights)
            if lengths.allSatisfy({ $0 <= writtenLengthMax }) { return lengths }
            weights = weights.map { $0 == 0 ? 0 : $0 >> 1 | 1 }
        }
    }

    /// The two-queue method: leaves in ascending order, and the nodes made of them, which come into
    /// being in ascending order.
    private static func unlimitedLengths(_ counts: [Int]) -> [UInt8] {
        let leaves = counts.indices.filter { counts[$0] > 0 }
            .sorted { (counts[$0], $0) < (counts[$1], $1) }
        var lengths = [UInt8](repeating: 0, count: counts.count)
        guard leaves.count > 1 else {
            for leaf in leaves { lengths[leaf] = 1 }
            return lengths
        }
        var weights = leaves.map { counts[$0] }
        var parents = [Int](repeating: 0, count: 2 * leaves.count - 1)
        var (leaf, node) = (0, leaves.count)
        func takeLightest() -> Int {
            if leaf < leaves.count, node >= weights.count || weights[leaf] <= weights[node] {
                leaf += 1
                return leaf - 1
            }
            node += 1
            return node - 1
        }
        for _ in 1..<leaves.count {
            let (first, second) = (takeLightest(), takeLightest())
            (parents[first], parents[second]) = (weights.count, weights.count)
            weights.append(weights[first] + weights[second])
        }
        var depths = [UInt8](repeating: 0, count: weights.count)
        for index in stride(from: weights.count - 2, through: 0, by: -1) {
            depths[index] = depths[parents[index]] + 1
            if index < leaves.count { lengths[leaves[index]] = depths[index] }
        }
        return lengths
    }

    /// Canonical codes (RFC 1951 §3.2.2), their bits reversed, for the stream starts at the low end.
    static func codes(_ lengths: [UInt8]) -> [UInt16] {
        var codes = [UInt16](repeating: 0, count: lengths.count)
        var next = 0
        for length in 1...lengthMax {
            for symbol in lengths.indices where lengths[symbol] == length {
                var reversed = 0
                for bit in 0..<length where next & (1 << bit) != 0 {
                    reversed |= 1 << (length - 1 - bit)
                }
                codes[symbol] = UInt16(reversed)
                next += 1
            }
            next <<= 1
        }
        return codes
    }
}

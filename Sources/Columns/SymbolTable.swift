import Bytes

/// What each 12 bits (fewer if the longest code has fewer) say: one look-up decodes a symbol.
struct SymbolTable {
    /// Code length | open bits << 8 | literal << 16: the value is literal + 2^open bits − 1 + those bits.
    private var entries: [UInt32]
    private let mask: Int

    /// The table of a code whose lengths stand in nibbles.
    /// - Throws: `DecodeFailure` where the lengths are those of no complete code.
    init(_ nibbles: RawSpan, count: Int) throws(DecodeFailure) {
        guard count >= 1, count <= SymbolCode.symbolsMax else { throw .invalid("symbols", 0) }
        var lengths = [UInt8](repeating: 0, count: count)
        for symbol in 0..<count {
            lengths[symbol] = nibbles.byte(at: symbol / 2) >> (4 * UInt8(symbol & 1)) & 15
        }
        let longest = Int(lengths.max() ?? 0)
        guard longest > 0, longest <= SymbolCode.lengthMax else {
            throw .invalid("length of a code", 0)
        }
        let used = lengths.count { $0 > 0 }
        let room = lengths.reduce(0) { $0 + ($1 == 0 ? 0 : (1 << longest) >> Int($1)) }
        guard room == 1 << longest || used == 1 && longest == 1 else {
            throw .invalid("code that is not complete", 0)
        }
        mask = (1 << longest) - 1
        entries = [UInt32](repeating: 0, count: 1 << longest)
        let codes = SymbolCode.codes(lengths)
        for symbol in 0..<count where lengths[symbol] > 0 {
            let open = SymbolCode.openBits(symbol)
            let literal = open == 0 ? symbol : 1
            let entry = UInt32(lengths[symbol]) | UInt32(open) << 8 | UInt32(literal) << 16
            let step = used == 1 ? 1 : 1 << Int(lengths[symbol])
            for index in stride(from: Int(codes[symbol]), through: mask, by: step) {
                entries[index] = entry
            }
        }
    }

    /// Reads the numbers of some places of `target`.
    /// - Returns: the bit behind the last; beyond the end of the stream if that is too short.
    func read(
        _ stream: RawSpan, from start: Int, into target: inout MutableSpan<UInt64>,
        _ places: Range<Int>
    ) -> Int {
        var bit = start
        let entries = entries.span
        for index in places { target[index] = next(stream, entries, &bit) }
        return bit
    }

    /// Reads four intervals that start at some bits, one behind the other in `target`.
    /// - Returns: the bits behind their last numbers.
    func readFour(
        _ stream: RawSpan, from starts: (Int, Int, Int, Int),
        into target: inout MutableSpan<UInt64>, at place: Int
    ) -> (Int, Int, Int, Int) {
        let size = IntegerColumn.interval
        var (first, second, third, fourth) = starts
        let entries = entries.span
        for index in place..<(place + size) {
            target[index] = next(stream, entries, &first)
            target[index &+ size] = next(stream, entries, &second)
            target[index &+ 2 &* size] = next(stream, entries, &third)
            target[index &+ 3 &* size] = next(stream, entries, &fourth)
        }
        return (first, second, third, fourth)
    }

    @inline(__always) private func next(
        _ stream: RawSpan, _ entries: Span<UInt32>, _ bit: inout Int
    ) -> UInt64 {
        let window = stream.bitWindow(at: bit)
        let entry = entries[Int(truncatingIfNeeded: window) & mask]
        let length = Int(entry & 0xFF)
        let open = Int(entry >> 8 & 0xFF)
        let rest =
            open <= 57 - SymbolCode.lengthMax
            ? (window &>> UInt64(length)) & lowBits(open)
            : stream.bits(at: bit &+ length, width: open)
        bit &+= length &+ open
        return UInt64(entry >> 16) &+ (1 &<< UInt64(open)) &- 1 &+ rest
    }
}

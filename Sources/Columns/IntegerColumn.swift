package import Bytes

/// # A column of 64-bit numbers: near its entropy, and any part of it alone
///
/// What is written is the smallest of a few forms. Each value is made small in three steps, and the
/// rests of it are packed:
///
/// 1. `u = (value − base) / scale`: base is the least value, scale the greatest common divisor. Times
///    in nanoseconds that are whole milliseconds become milliseconds.
/// 2. A *transform* leaves a rest `r` of every u: u itself, the step from the one before, or the
///    distance to a straight line (times that arrive at a steady pace, some of them late).
/// 3. A *packing* writes the rests: all with the same number of bits, or each as a Huffman-coded
///    symbol and the bits that it leaves open (the hybrid integers of JPEG XL, ISO/IEC 18181-1): numbers
///    below 16 are symbols of their own, longer ones share one for each length.
///
/// The stream is cut every 256 values: for each such *interval* a transform keeps a base of its own, and
/// the Huffman form its length in bits. So a value costs at most the decoding of 256, and a damaged
/// place stays in its interval.
///
///     column    = form u8: transform (bits 0–3) | packing (bits 4–7)
///               | base varint                                  all that is there if packing is 0
///               | scale varint (1 …)
///               | slope zigzag | low zigzag | width u8 (0–8) | intervals × width bytes
///                                                              if transform is not 0
///               | rests
///     rests     = least varint | width u8 (0–64) | bits        packing 1
///               | symbols u8 (1–76) | a nibble for each: its code's length, 0 for none (low nibble first)
///               | (intervals − 1) × u16 bits of the interval | bits          packing 2
///
/// All little endian; bits from the low end of each byte. The number of values stands elsewhere.
/// Arithmetic wraps at 64 bits, so every reader finds the same values in any bytes.
@usableFromInline
package enum IntegerColumn {
    /// Values in an interval.
    package static let interval = 256

    /// Appends the column of some values.
    package static func append(_ values: [UInt64], to buffer: inout ByteBuffer) {
        guard let base = values.min(), let top = values.max(), base < top else {
            buffer.append(Packing.constant.rawValue << 4)
            buffer.appendVarint(values.first ?? 0)
            return
        }
        let scale = commonDivisor(of: values, above: base)
        let scaled = values.map { ($0 &- base) / scale }
        let best = RestCandidate.best(of: scaled)
        buffer.append(best.transform.kind.rawValue | best.packing.rawValue << 4)
        buffer.appendVarint(base)
        buffer.appendVarint(scale)
        if best.transform.kind != .plain { best.transform.append(to: &buffer) }
        best.appendRests(to: &buffer)
    }

    /// Appends the column of signed numbers, small ones of either sign alike. If none is negative, their
    /// common divisor takes back the bit that the sign would cost.
    package static func append(signed values: [Int64], to buffer: inout ByteBuffer) {
        append(values.map(zigzag), to: &buffer)
    }

    /// 0, −1, 1, −2 … become 0, 1, 2, 3 …
    @inlinable package static func zigzag(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: (value << 1) ^ (value >> 63))
    }

    /// The inverse of `zigzag`.
    @inlinable package static func unzigzag(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// How many intervals so many values have.
    static func intervals(_ count: Int) -> Int { (count + interval - 1) / interval }

    private static func commonDivisor(of values: [UInt64], above base: UInt64) -> UInt64 {
        var divisor: UInt64 = 0
        for value in values {
            if divisor == 1 { break }
            var (small, large) = (value &- base, divisor)
            while small != 0 { (small, large) = (large % small, small) }
            divisor = large
        }
        return divisor
    }
}

/// How rests become bits.
enum Packing: UInt8 {
    /// All values are the base.
    case constant = 0
    /// So many bits for each.
    case fixed = 1
    /// A Huffman code for its symbol, then the bits that the symbol leaves open.
    case symbols = 2
}

/// A transform with its rests, and what they take.
struct RestCandidate {
    let transform: RestTransform
    let rests: [UInt64]
    private let least: UInt64
    private let width: Int
    private let code: SymbolCode?

    /// The smallest form of scaled values, of which the least is 0.
    static func best(of scaled: [UInt64]) -> RestCandidate {
        var best = RestCandidate(.plain(scaled), scaled)
        for kind in [TransformKind.rise, .step, .below, .above] {
            guard let (transform, rests) = RestTransform.make(kind, scaled) else { continue }
            let candidate = RestCandidate(transform, rests)
            if candidate.bits < best.bits { best = candidate }
        }
        return best
    }

    private let bits: Int

    private init(_ transform: RestTransform, _ rests: [UInt64]) {
        self.transform = transform
        self.rests = rests
        least = rests.min() ?? 0
        width = 64 - ((rests.max() ?? 0) - least).leadingZeroBitCount
        let fixed = 8 * 2 + width * rests.count
        let code = SymbolCode(counting: rests)
        let coded = code.headerBits + code.bits + 16 * (IntegerColumn.intervals(rests.count) - 1)
        self.code = coded < fixed ? code : nil
        bits = transform.bits + min(coded, fixed)
    }

    var packing: Packing { code == nil ? .fixed : .symbols }

    func appendRests(to buffer: inout ByteBuffer) {
        var writer = BitWriter()
        guard let code else {
            buffer.appendVarint(least)
            buffer.append(UInt8(width))
            for rest in rests { writer.append(rest - least, width: width, to: &buffer) }
            return writer.finish(to: &buffer)
        }
        code.append(to: &buffer)
        let table = buffer.count
        buffer.appendZeros(2 * (IntegerColumn.intervals(rests.count) - 1))
        var start = 0
        for (place, rest) in rests.enumerated() {
            if place > 0, place % IntegerColumn.interval == 0 {
                let entry = table + 2 * (place / IntegerColumn.interval - 1)
                // Safe: 256 values of at most 12 + 63 bits.
                buffer.overwriteInteger(UInt16(writer.count - start), at: entry)
                start = writer.count
            }
            code.append(rest, to: &writer, &buffer)
        }
        writer.finish(to: &buffer)
    }
}

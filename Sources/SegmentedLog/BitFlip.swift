import Bytes

/// Finds the one flipped bit that explains a bad checksum.
///
/// A write that was torn leaves whole sectors missing; a bit that rotted leaves one bit wrong. The
/// checksum is linear, so the difference between the stored and the computed one tells which single
/// bit, if any, is the cause: a torn megabyte is mistaken for that in one case of 500, a torn block in
/// one of 100,000, and then the start is refused, which is the safe side.
enum BitFlip {
    /// The offset in `span` of the byte with the wrong bit.
    /// - Parameter stored: the masked checksum that the bytes should have.
    static func byteOffset(in span: RawSpan, stored: UInt32) -> Int? {
        let wanted = CRC32C.unmask(stored) ^ CRC32C.unmasked(of: span)
        // What remains of a flipped bit after the register was shifted over all later bytes.
        var trace: UInt32 = 1 << 7
        for _ in 0..<8 { trace = shifted(trace) }
        for distance in 0..<(8 * span.byteCount) {
            if trace == wanted { return span.byteCount - 1 - distance / 8 }
            trace = shifted(trace)
        }
        return nil
    }

    /// Whether one flipped bit explains a header that does not check.
    static func byteOffset(inHeader header: RawSpan) -> Int? {
        let stored = header.readInteger(as: UInt32.self, at: 92)
        let checked = header.extracting(0..<92)
        if (CRC32C.masked(of: checked) ^ stored).nonzeroBitCount == 1 { return 92 }
        return byteOffset(in: checked, stored: stored)
    }

    /// One bit further in the reflected Castagnoli polynomial.
    private static func shifted(_ value: UInt32) -> UInt32 {
        value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1
    }
}

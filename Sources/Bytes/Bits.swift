/// Writes numbers of any number of bits, the low bit of each first, the low bits of a byte first.
package struct BitWriter: Sendable {
    private var pending: UInt64 = 0
    private var pendingCount = 0
    /// Bits written so far, those that are still pending too.
    package private(set) var count = 0

    /// A writer that has written nothing.
    package init() {}

    /// Appends the low `width` bits of `value`, 0 to 64; the bits above them must be zero.
    package mutating func append(_ value: UInt64, width: Int, to buffer: inout ByteBuffer) {
        pending |= value << UInt64(pendingCount)
        count += width
        let filled = pendingCount + width
        guard filled >= 64 else {
            pendingCount = filled
            return
        }
        buffer.appendInteger(pending)
        // What did not fit any more; a shift by 64 gives zero.
        pending = value >> UInt64(64 - pendingCount)
        pendingCount = filled - 64
    }

    /// Appends what is pending; the last byte is filled up with zeros.
    package mutating func finish(to buffer: inout ByteBuffer) {
        while pendingCount > 0 {
            buffer.append(UInt8(truncatingIfNeeded: pending))
            pending >>= 8
            pendingCount -= 8
        }
        (pending, pendingCount) = (0, 0)
    }
}

extension RawSpan {
    /// At least 57 bits from a bit on, as `BitWriter` wrote them; zeros beyond the end.
    /// - Parameter bit: 0 or more.
    @inlinable @inline(always) package func bitWindow(at bit: Int) -> UInt64 {
        let byte = bit >> 3
        guard byte >= 0, byte <= byteCount &- 8 else { return lastBitWindow(at: bit) }
        let word = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: byte, as: UInt64.self)
        return UInt64(littleEndian: word) &>> UInt64(truncatingIfNeeded: bit & 7)
    }

    @usableFromInline func lastBitWindow(at bit: Int) -> UInt64 {
        precondition(bit >= 0, "a bit before the start")
        var word: UInt64 = 0
        var shift: UInt64 = 0
        for offset in (bit >> 3)..<Swift.max(bit >> 3, byteCount) {
            word |= UInt64(byte(at: offset)) << shift
            shift += 8
        }
        return word >> UInt64(bit & 7)
    }

    /// `width` bits from a bit on, 0 to 64; zeros beyond the end.
    @inlinable @inline(always) package func bits(at bit: Int, width: Int) -> UInt64 {
        let low = bitWindow(at: bit)
        if width <= 57 { return low & lowBits(width) }
        let high = bitWindow(at: bit &+ 32)
        return ((low & 0xFFFF_FFFF) | (high << 32)) & lowBits(width)
    }
}

/// A word whose low `width` bits are set, 0 to 64.
@inlinable @inline(always) package func lowBits(_ width: Int) -> UInt64 {
    width >= 64 ? UInt64.max : (1 &<< UInt64(truncatingIfNeeded: width)) &- 1
}

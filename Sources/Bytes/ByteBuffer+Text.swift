/// Texts that are made of numbers, and copies of short ones: what a decoder of columns does most.
extension ByteBuffer {
    /// Appends `length` bytes of `source` from `start` on, fast where they are few.
    @inlinable @inline(always) package mutating func append(
        _ source: RawSpan, from start: Int, length: Int
    ) {
        guard length <= 32, length >= 0, start >= 0, start <= source.byteCount &- 32 else {
            return appendLong(source, from: start, length: length)
        }
        reserve(32)
        // 32 bytes whatever the length is: two moves in place of a call. What is too much lies in
        // reserved memory behind the filled bytes.
        typealias Pair = SIMD32<UInt8>
        let bytes = unsafe source.unsafeLoadUnaligned(fromUncheckedByteOffset: start, as: Pair.self)
        unsafe base.storeBytes(of: bytes, toByteOffset: filled, as: Pair.self)
        filled += length
    }

    /// Appends bytes by a call, for which the caller's fast path has no room.
    @usableFromInline @inline(never) mutating func appendLong(
        _ source: RawSpan, from start: Int, length: Int
    ) {
        append(source.extracting(start..<(start + length)))
    }

    /// Appends as `appendVarint`, fast for numbers of one or two bytes.
    @inlinable @inline(always) package mutating func appendShortVarint(_ value: UInt64) {
        guard value < 1 << 14 else { return appendVarint(value) }
        // Both bytes whatever the number needs: what is too much lies behind the filled bytes.
        let continues: UInt64 = value < 128 ? 0 : 1
        reserve(2)
        let word = (value & 127) | continues << 7 | (value >> 7) << 8
        unsafe base.storeBytes(
            of: UInt16(truncatingIfNeeded: word).littleEndian, toByteOffset: filled,
            as: UInt16.self)
        filled += 1 + Int(continues)
    }

    /// Appends the 36 characters of a UUID, lower case (RFC 9562 §4).
    @inlinable package mutating func appendUUID(high: UInt64, low: UInt64) {
        reserve(36)
        let hex = (
            hexDigits(UInt32(truncatingIfNeeded: high >> 32)),
            hexDigits(UInt32(truncatingIfNeeded: high)),
            hexDigits(UInt32(truncatingIfNeeded: low >> 32)),
            hexDigits(UInt32(truncatingIfNeeded: low))
        )
        appendInteger(hex.0)
        append(UInt8(ascii: "-"))
        appendInteger(UInt32(truncatingIfNeeded: hex.1))
        append(UInt8(ascii: "-"))
        appendInteger(UInt32(truncatingIfNeeded: hex.1 >> 32))
        append(UInt8(ascii: "-"))
        appendInteger(UInt32(truncatingIfNeeded: hex.2))
        append(UInt8(ascii: "-"))
        appendInteger(UInt32(truncatingIfNeeded: hex.2 >> 32))
        appendInteger(hex.3)
    }

    /// Appends a number in decimal digits, with zeros in front up to `width` digits.
    package mutating func appendDecimal(_ number: UInt64, width: Int) {
        var digits = 1
        var rest = number
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        if width > digits { append([UInt8](repeating: UInt8(ascii: "0"), count: width - digits)) }
        let end = filled + digits
        reserve(digits)
        rest = number
        for place in stride(from: end - 1, through: filled, by: -1) {
            let digit = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            unsafe base.storeBytes(of: digit, toByteOffset: place, as: UInt8.self)
            rest /= 10
        }
        filled = end
    }
}

/// The 8 lower-case hexadecimal digits of a word, the highest first in memory.
@inlinable package func hexDigits(_ word: UInt32) -> UInt64 {
    var digits = UInt64(word.byteSwapped)
    digits = (digits | digits << 16) & 0x0000_FFFF_0000_FFFF
    digits = (digits | digits << 8) & 0x00FF_00FF_00FF_00FF
    digits = (digits >> 4 | digits << 8) & 0x0F0F_0F0F_0F0F_0F0F
    // 1 in each byte that is 10 or more: 'a' stands 39 behind the place of a digit.
    let letters = (digits &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    return digits &+ 0x3030_3030_3030_3030 &+ letters &* 39
}

extension RawSpan {
    /// The two halves of the UUID that these 36 bytes spell in lower case; nil if they spell none.
    package func uuid() -> (high: UInt64, low: UInt64)? {
        guard byteCount == 36, byte(at: 8) == UInt8(ascii: "-"),
            byte(at: 13) == UInt8(ascii: "-"), byte(at: 18) == UInt8(ascii: "-"),
            byte(at: 23) == UInt8(ascii: "-"), let timeLow = hexadecimal(0..<8),
            let timeMid = hexadecimal(9..<13), let timeHigh = hexadecimal(14..<18),
            let clock = hexadecimal(19..<23), let node = hexadecimal(24..<36)
        else { return nil }
        return (timeLow << 32 | timeMid << 16 | timeHigh, clock << 48 | node)
    }

    /// The number that lower-case hexadecimal digits spell; nil if one of the bytes is none.
    /// - Parameter range: up to 16 bytes of these.
    package func hexadecimal(_ range: Range<Int>) -> UInt64? {
        var number: UInt64 = 0
        for offset in range {
            let digit = byte(at: offset) &- UInt8(ascii: "0")
            let letter = byte(at: offset) &- UInt8(ascii: "a")
            guard digit < 10 || letter < 6 else { return nil }
            number = number << 4 | UInt64(digit < 10 ? digit : letter + 10)
        }
        return number
    }
}

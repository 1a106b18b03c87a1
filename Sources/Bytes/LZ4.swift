import CLZ4

/// LZ4 blocks (liblz4): fast to read, with no frame around them. Lengths and checksums are the caller's.
package enum LZ4 {
    /// How hard to look for repetitions.
    package enum Effort: Sendable {
        /// About 500 MB/s.
        case fast
        /// About a tenth of that, for a few per cent less: for what is written once and read for years.
        case high
    }

    /// Appends `source` compressed, if that is shorter than it is.
    /// - Returns: whether something was appended.
    package static func append(
        _ source: RawSpan, effort: Effort, to buffer: inout ByteBuffer
    ) -> Bool {
        guard source.byteCount > 16, source.byteCount <= Int(LZ4_MAX_INPUT_SIZE) else {
            return false
        }
        // Room for less than the source: who does not fit is not shorter.
        let room = source.byteCount - 1
        let start = buffer.count
        let written = buffer.appendFilled(room) { span in
            unsafe span.withUnsafeMutableBytes { target in
                unsafe source.withUnsafeBytes { bytes in
                    guard let to = target.baseAddress, let from = bytes.baseAddress else {
                        return 0
                    }
                    let output = unsafe to.assumingMemoryBound(to: CChar.self)
                    let input = unsafe from.assumingMemoryBound(to: CChar.self)
                    let (count, limit) = (Int32(bytes.count), Int32(room))
                    return switch effort {
                    case .fast: Int(unsafe LZ4_compress_default(input, output, count, limit))
                    case .high:
                        Int(unsafe LZ4_compress_HC(input, output, count, limit, highLevel))
                    }
                }
            }
        }
        if written <= 0 { buffer.truncate(to: start) }
        return written > 0
    }

    /// Appends the `count` bytes that `source` is the compressed form of.
    /// - Throws: `invalid` where the bytes are no LZ4 block of exactly so many bytes. Nothing of
    ///   `source` is trusted.
    package static func append(
        decompressing source: RawSpan, count: Int, to buffer: inout ByteBuffer
    ) throws(DecodeFailure) {
        let start = buffer.count
        let written = buffer.appendFilled(count) { span in
            unsafe span.withUnsafeMutableBytes { target in
                unsafe source.withUnsafeBytes { bytes in
                    guard let to = target.baseAddress, let from = bytes.baseAddress else {
                        return -1
                    }
                    return Int(
                        unsafe LZ4_decompress_safe(
                            from.assumingMemoryBound(to: CChar.self),
                            to.assumingMemoryBound(to: CChar.self), Int32(bytes.count),
                            Int32(count)))
                }
            }
        }
        guard written == count else {
            buffer.truncate(to: start)
            throw .invalid("compressed bytes", 0)
        }
    }

    /// The level at which the high effort of liblz4 stops gaining much.
    private static let highLevel: Int32 = 9
}

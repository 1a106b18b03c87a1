import CDaybook

/// Orders `count` bytes of each, as `memcmp`.
@usableFromInline
func compareBytes(_ left: RawSpan, _ right: RawSpan, _ count: Int) -> Int {
    unsafe left.withUnsafeBytes { a in
        unsafe right.withUnsafeBytes { b in
            guard count > 0, let a = a.baseAddress, let b = b.baseAddress else { return 0 }
            return Int(unsafe daybook_compare(a, b, count))
        }
    }
}

/// CRC-32C (Castagnoli), by the processor where it can.
package enum CRC32C {
    /// The plain checksum, continuing from `crc` (0 to begin).
    package static func extend(_ crc: UInt32, with span: RawSpan) -> UInt32 {
        unsafe span.withUnsafeBytes { unsafe daybook_crc32c(crc, $0.baseAddress, $0.count) }
    }

    /// The plain checksum.
    package static func unmasked(of span: RawSpan) -> UInt32 { extend(0, with: span) }

    /// The plain checksum that was stored as `masked`.
    package static func unmask(_ masked: UInt32) -> UInt32 {
        let rotated = masked &- 0xA282_EAD8
        return (rotated >> 17) | (rotated << 15)
    }

    /// The checksum as it is stored, masked as LevelDB does: a checksum over bytes that contain
    /// checksums is weak otherwise, and zeros would check as zeros.
    package static func masked(of span: RawSpan) -> UInt32 {
        let crc = extend(0, with: span)
        return ((crc >> 15) | (crc << 17)) &+ 0xA282_EAD8
    }
}

/// A 256-bit hash.
package struct Digest: Hashable, Sendable, BitwiseCopyable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// Bytes in a digest.
    package static let byteCount = 32

    /// All zeros: before the first link of a chain.
    package static let zero = Digest(words: (0, 0, 0, 0))

    private init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// The digest that stands in 32 bytes.
    package init(_ span: RawSpan) {
        precondition(span.byteCount == Self.byteCount, "a digest has 32 bytes")
        words = (
            span.readInteger(as: UInt64.self, at: 0), span.readInteger(as: UInt64.self, at: 8),
            span.readInteger(as: UInt64.self, at: 16), span.readInteger(as: UInt64.self, at: 24)
        )
    }

    /// Reads 32 bytes.
    package init(from reader: inout ByteReader) throws(DecodeFailure) {
        self.init(try reader.read(count: Self.byteCount))
    }

    /// Appends 32 bytes.
    package func append(to buffer: inout ByteBuffer) {
        buffer.appendInteger(words.0)
        buffer.appendInteger(words.1)
        buffer.appendInteger(words.2)
        buffer.appendInteger(words.3)
    }

    /// One of the four 64-bit words, as little-endian numbers in the order of the bytes.
    package func word(_ index: Int) -> UInt64 {
        switch index {
        case 0: words.0
        case 1: words.1
        case 2: words.2
        default: words.3
        }
    }

    /// The first 16 bytes as a little-endian number.
    package var leadingUInt128: UInt128 { UInt128(words.1) << 64 | UInt128(words.0) }

    /// Lower-case hexadecimal, 64 characters.
    package var hex: String {
        var buffer = ByteBuffer(capacity: 32)
        append(to: &buffer)
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in buffer.copyBytes(in: 0..<32) {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Equal if all bytes are.
    package static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }

    /// Hashes all bytes.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}

/// SHA-256 in pieces.
@safe
package struct SHA256Hasher: ~Copyable {
    private let state: UnsafeMutableRawPointer

    /// A hasher that has seen nothing.
    package init() {
        unsafe state = .allocate(byteCount: Int(DAYBOOK_SHA256_STATE_BYTES), alignment: 16)
        unsafe daybook_sha256_init(state)
    }

    deinit { unsafe state.deallocate() }

    /// Adds bytes.
    package mutating func update(_ span: RawSpan) {
        unsafe span.withUnsafeBytes {
            unsafe daybook_sha256_update(state, $0.baseAddress, $0.count)
        }
    }

    /// The hash of everything added since it began; then it begins again.
    package mutating func take() -> Digest {
        let target = unsafe state
        let digest = unsafe withUnsafeTemporaryAllocation(
            byteCount: Digest.byteCount, alignment: 16
        ) { out in
            guard let start = out.baseAddress else { return Digest.zero }
            unsafe daybook_sha256_final(target, start.assumingMemoryBound(to: UInt8.self))
            return Digest(unsafe RawSpan(_unsafeStart: start, byteCount: Digest.byteCount))
        }
        unsafe daybook_sha256_init(state)
        return digest
    }

    /// The hash of everything added.
    package consuming func finish() -> Digest { take() }
}

/// SHA-256 of bytes in one piece.
package enum SHA256 {
    /// The hash of `span`.
    ///
    /// Works on the stack, so that hashing a frame on its way to the disk allocates nothing.
    package static func hash(_ span: RawSpan) -> Digest {
        let stateBytes = Int(DAYBOOK_SHA256_STATE_BYTES)
        return unsafe withUnsafeTemporaryAllocation(
            byteCount: stateBytes + Digest.byteCount, alignment: 16
        ) { scratch in
            guard let state = scratch.baseAddress else { return Digest.zero }
            let out = unsafe state + stateBytes
            unsafe daybook_sha256_init(state)
            unsafe span.withUnsafeBytes {
                unsafe daybook_sha256_update(state, $0.baseAddress, $0.count)
            }
            unsafe daybook_sha256_final(state, out.assumingMemoryBound(to: UInt8.self))
            return Digest(unsafe RawSpan(_unsafeStart: out, byteCount: Digest.byteCount))
        }
    }
}

/// The secret of a keyed hash.
package struct SipKey: Hashable, Sendable, BitwiseCopyable {
    fileprivate let k0: UInt64
    fileprivate let k1: UInt64

    /// A key from two words.
    package init(k0: UInt64, k1: UInt64) {
        self.k0 = k0
        self.k1 = k1
    }

    /// A key from the first half of a digest.
    package init(_ digest: Digest) {
        let bits = digest.leadingUInt128
        k0 = UInt64(truncatingIfNeeded: bits)
        k1 = UInt64(truncatingIfNeeded: bits >> 64)
    }
}

/// SipHash-1-3 (Aumasson and Bernstein): a short keyed hash that a client cannot make collide.
package func siphash(_ span: RawSpan, key: SipKey) -> UInt64 {
    unsafe span.withUnsafeBytes {
        unsafe daybook_siphash13(key.k0, key.k1, $0.baseAddress, $0.count)
    }
}

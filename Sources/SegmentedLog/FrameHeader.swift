import Bytes

/// What a frame is for.
enum FrameKind: UInt8, Sendable {
    /// Entries of one commit.
    case entries = 1
    /// Nothing but the promise that everything before it is durable.
    case fence = 2
    /// The last frame of its segment.
    case seal = 3
    /// Edits of the manifest; only in manifest files.
    case edits = 16
}

/// # Frame header, 96 bytes, little endian
///
///     0  magic "DBK1"          32 count u32                56 chain before, 32 bytes
///     4  kind u8               36 payload bytes u32        88 masked CRC-32C of the payload
///     5  flags u8, zero        40 durable end u64          92 masked CRC-32C of bytes 0..<92
///     6  header bytes u16 = 96 48 commit time i64 ns
///     8  salt u64
///     16 own offset u64
///     24 first position u64
///
/// The salt is drawn for each file and no client ever sees it: bytes of another file, or a record
/// that imitates a header, do not pass. The own offset finds a write that went to the wrong place.
/// The durable end is a promise: every byte of the file below it was flushed when this frame was
/// built. One commit is in flight at a time, so in this version it equals the own offset, and a
/// frame that exists at all proves that a bad one before it is damage and not a torn tail.
struct FrameHeader: Equatable, Sendable {
    var kind: FrameKind
    var salt: UInt64
    var offset: Int
    var firstPosition: Position
    var count: UInt32
    var payloadBytes: Int
    var commitTime: Int64
    var chainBefore: Digest
    var payloadChecksum: UInt32

    static let byteCount = LogLimits.frameHeaderBytes
    static let magic: UInt32 = 0x314B_4244  // "DBK1"

    /// Bytes of the frame in the file.
    var frameBytes: Int { LogLimits.blocks(Self.byteCount + payloadBytes) }

    /// The position after the last entry.
    var nextPosition: Position { firstPosition + Position(count) }

    /// Writes the header over the first 96 bytes of `buffer`.
    func encode(into buffer: inout ByteBuffer) {
        precondition(buffer.count >= Self.byteCount, "room for the header")
        buffer.overwriteInteger(Self.magic, at: 0)
        buffer.overwriteInteger(kind.rawValue, at: 4)
        buffer.overwriteInteger(UInt8(0), at: 5)
        buffer.overwriteInteger(UInt16(Self.byteCount), at: 6)
        buffer.overwriteInteger(salt, at: 8)
        buffer.overwriteInteger(UInt64(offset), at: 16)
        buffer.overwriteInteger(firstPosition, at: 24)
        buffer.overwriteInteger(count, at: 32)
        buffer.overwriteInteger(UInt32(payloadBytes), at: 36)
        buffer.overwriteInteger(UInt64(offset), at: 40)
        buffer.overwriteInteger(commitTime, at: 48)
        chainBefore.overwrite(&buffer, at: 56)
        buffer.overwriteInteger(payloadChecksum, at: 88)
        buffer.overwriteInteger(CRC32C.masked(of: buffer.bytes(in: 0..<92)), at: 92)
    }

    /// Reads a header and checks everything that it can say about itself. Nothing of it, above all
    /// no length, is used before its checksum holds.
    /// - Parameter salt: of the file; nil takes any, as an inspection does.
    static func decode(_ span: RawSpan, salt: UInt64?) throws(FrameFault) -> FrameHeader {
        precondition(span.byteCount == byteCount, "a header has 96 bytes")
        let stored = span.readInteger(as: UInt32.self, at: 92)
        let computed = CRC32C.masked(of: span.extracting(0..<92))
        guard stored == computed else {
            if span.isZero { throw .empty }
            throw .headerChecksum(expected: stored, actual: computed)
        }
        guard span.readInteger(as: UInt32.self, at: 0) == magic else { throw .magic }
        let actualSalt = span.readInteger(as: UInt64.self, at: 8)
        guard salt == nil || salt == actualSalt else { throw .salt(actualSalt) }
        let rawKind = span.readInteger(as: UInt8.self, at: 4)
        guard let kind = FrameKind(rawValue: rawKind) else { throw .unknown("kind \(rawKind)") }
        let flags = span.readInteger(as: UInt8.self, at: 5)
        guard flags == 0 else { throw .unknown("flags \(flags)") }
        let headerBytes = span.readInteger(as: UInt16.self, at: 6)
        guard headerBytes == UInt16(byteCount) else {
            throw .unknown("header of \(headerBytes) bytes")
        }
        let count = span.readInteger(as: UInt32.self, at: 32)
        let payloadBytes = Int(span.readInteger(as: UInt32.self, at: 36))
        guard payloadBytes <= LogLimits.framePayloadBytesMax else { throw .length(payloadBytes) }
        guard Int(count) * 4 <= payloadBytes else { throw .length(payloadBytes) }
        let firstPosition = span.readInteger(as: UInt64.self, at: 24)
        guard !firstPosition.addingReportingOverflow(UInt64(count)).overflow else {
            throw .position(expected: 0, actual: firstPosition)
        }
        let offset = span.readInteger(as: UInt64.self, at: 16)
        let durableEnd = span.readInteger(as: UInt64.self, at: 40)
        guard offset < UInt64(Int64.max) else { throw .offset(Int.max) }
        guard durableEnd == offset else { throw .promise(durableEnd) }
        return FrameHeader(
            kind: kind, salt: actualSalt, offset: Int(offset),
            firstPosition: firstPosition, count: count, payloadBytes: payloadBytes,
            commitTime: span.readInteger(as: Int64.self, at: 48),
            chainBefore: Digest(span.extracting(56..<88)),
            payloadChecksum: span.readInteger(as: UInt32.self, at: 88))
    }
}

extension Digest {
    /// Overwrites 32 bytes of `buffer`.
    func overwrite(_ buffer: inout ByteBuffer, at offset: Int) {
        for word in 0..<4 { buffer.overwriteInteger(self.word(word), at: offset + 8 * word) }
    }
}

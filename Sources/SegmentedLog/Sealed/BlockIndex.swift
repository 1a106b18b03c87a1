import Bytes

/// What the index of a sealed segment says of a block: where it is, what times are in it, and where chain
/// and tree stand, so that neither has to be computed from the segment's beginning.
///
///     0  offset u64            24 earliest time i64    40 boundary position u64   80  root, 32 bytes
///     8  bytes u32             32 latest time i64      48 chain there, 32 bytes
///     12 count u32
///     16 first position u64
///
/// A block without times has an earliest time that is later than the latest.
struct BlockEntry: Equatable, Sendable {
    var offset: Int
    /// Bytes of header and body.
    var bytes: Int
    var count: Int
    var firstPosition: Position
    /// What its entries say of their own time, nanoseconds since 1970 UTC; nil if none says anything.
    var times: ClosedRange<Int64>?
    /// Where the commit of the block's first entry begins, and the chain before that commit.
    var boundary: Position
    var chain: Digest
    /// Root of the RFC 6962 tree over the block's leaves.
    var root: Digest

    static let byteCount = 112

    var nextPosition: Position { firstPosition + Position(count) }

    func append(to buffer: inout ByteBuffer) {
        buffer.appendInteger(UInt64(offset))
        buffer.appendInteger(UInt32(bytes))
        buffer.appendInteger(UInt32(count))
        buffer.appendInteger(firstPosition)
        buffer.appendInteger(times?.lowerBound ?? .max)
        buffer.appendInteger(times?.upperBound ?? .min)
        buffer.appendInteger(boundary)
        chain.append(to: &buffer)
        root.append(to: &buffer)
    }

    init(from reader: inout ByteReader) throws(DecodeFailure) {
        let offset = try reader.readInteger(as: UInt64.self)
        bytes = Int(try reader.readInteger(as: UInt32.self))
        count = Int(try reader.readInteger(as: UInt32.self))
        firstPosition = try reader.readInteger(as: UInt64.self)
        let earliest = try reader.readInteger(as: Int64.self)
        let latest = try reader.readInteger(as: Int64.self)
        times = earliest <= latest ? earliest...latest : nil
        boundary = try reader.readInteger(as: UInt64.self)
        chain = try Digest(from: &reader)
        root = try Digest(from: &reader)
        guard offset < 1 << 40, boundary <= firstPosition else {
            throw .outOfRange(reader.offset)
        }
        self.offset = Int(offset)
    }

    init(
        offset: Int, bytes: Int, count: Int, firstPosition: Position, times: ClosedRange<Int64>?,
        boundary: Position, chain: Digest, root: Digest
    ) {
        self.offset = offset
        self.bytes = bytes
        self.count = count
        self.firstPosition = firstPosition
        self.times = times
        self.boundary = boundary
        self.chain = chain
        self.root = root
    }
}

/// The index section: one entry a block.
enum BlockIndex {
    /// Reads the entries and checks that the blocks follow each other in bytes and positions.
    static func decode(
        _ bytes: RawSpan, of trailer: SealedTrailer
    ) throws(DecodeFailure) -> [BlockEntry] {
        guard bytes.byteCount == trailer.blocks * BlockEntry.byteCount else {
            throw .truncated(bytes.byteCount)
        }
        var reader = ByteReader(bytes)
        var entries: [BlockEntry] = []
        entries.reserveCapacity(trailer.blocks)
        var offset = SealedHeader.byteCount
        var position = trailer.record.firstPosition
        for _ in 0..<trailer.blocks {
            let entry = try BlockEntry(from: &reader)
            let room = LogLimits.blockEntries - Int(position % UInt64(LogLimits.blockEntries))
            let left = trailer.record.nextPosition - position
            guard entry.offset == offset, entry.firstPosition == position,
                entry.count == Int(min(UInt64(room), left)), entry.bytes >= BlockHeader.byteCount
            else { throw .invalid("blocks that do not follow each other", reader.offset) }
            offset += entry.bytes
            position = entry.nextPosition
            entries.append(entry)
        }
        guard offset == trailer.sections[0].offset, position == trailer.record.nextPosition else {
            throw .invalid("blocks that do not fill the segment", reader.offset)
        }
        return entries
    }
}

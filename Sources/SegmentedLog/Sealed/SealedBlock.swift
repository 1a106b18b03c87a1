import Bytes
import Columns

/// # Header of a block of a sealed segment, 64 bytes, little endian
///
///     0  magic "DBB1"        16 count u32         32 first position of the commit that
///     4  columns u16         20 body bytes u32       the block's first entry is in, u64
///     6  flags u16, zero     24 own offset u64    40 zeros
///     8  first position u64                       56 masked CRC-32C of the body
///                                                 60 masked CRC-32C of bytes 0..<60
///
/// The body is a directory, 12 bytes a column (id u16, form u16, bytes u32, stored bytes u32; form
/// 0 plain, 1 LZ4), and then the columns' stored bytes. A block holds the entries of 4,096 positions from
/// a multiple of 4,096 on, or what of these the segment has.
struct BlockHeader: Equatable, Sendable {
    var columns: Int
    var firstPosition: Position
    var count: Int
    var bodyBytes: Int
    var offset: Int
    /// Where the commit of the first entry begins: here or before.
    var commitStart: Position
    var bodyChecksum: UInt32

    static let byteCount = 64
    static let magic: UInt32 = 0x3142_4244  // "DBB1"

    /// Bytes of the block in the file.
    var byteCount: Int { Self.byteCount + bodyBytes }

    func encode(into buffer: inout ByteBuffer) {
        buffer.overwriteInteger(Self.magic, at: 0)
        buffer.overwriteInteger(UInt16(columns), at: 4)
        buffer.overwriteInteger(UInt16(0), at: 6)
        buffer.overwriteInteger(firstPosition, at: 8)
        buffer.overwriteInteger(UInt32(count), at: 16)
        buffer.overwriteInteger(UInt32(bodyBytes), at: 20)
        buffer.overwriteInteger(UInt64(offset), at: 24)
        buffer.overwriteInteger(commitStart, at: 32)
        buffer.overwriteInteger(UInt64(0), at: 40)
        buffer.overwriteInteger(UInt64(0), at: 48)
        buffer.overwriteInteger(bodyChecksum, at: 56)
        buffer.overwriteInteger(CRC32C.masked(of: buffer.bytes(in: 0..<60)), at: 60)
    }

    /// Reads a header. Nothing of it is used before its checksum holds.
    static func decode(_ span: RawSpan) throws(BlockFault) -> BlockHeader {
        let stored = span.readInteger(as: UInt32.self, at: 60)
        let computed = CRC32C.masked(of: span.extracting(0..<60))
        guard stored == computed else {
            throw BlockFault(
                0, "the block header's checksum is \(hex(computed)), stored is \(hex(stored))")
        }
        guard span.readInteger(as: UInt32.self, at: 0) == magic,
            span.readInteger(as: UInt16.self, at: 6) == 0, span.extracting(40..<56).isZero
        else { throw BlockFault(0, "there is no block header of this version") }
        let header = BlockHeader(
            columns: Int(span.readInteger(as: UInt16.self, at: 4)),
            firstPosition: span.readInteger(as: UInt64.self, at: 8),
            count: Int(span.readInteger(as: UInt32.self, at: 16)),
            bodyBytes: Int(span.readInteger(as: UInt32.self, at: 20)),
            offset: Int(truncatingIfNeeded: span.readInteger(as: UInt64.self, at: 24)),
            commitStart: span.readInteger(as: UInt64.self, at: 32),
            bodyChecksum: span.readInteger(as: UInt32.self, at: 56))
        guard header.count > 0, header.count <= LogLimits.blockEntries,
            header.columns * 12 <= header.bodyBytes, header.commitStart <= header.firstPosition
        else { throw BlockFault(0, "the block header has impossible numbers") }
        return header
    }
}

/// What is wrong in a block, at which byte of it.
struct BlockFault: Error {
    var offset: Int
    var text: String

    init(_ offset: Int, _ text: String) {
        self.offset = offset
        self.text = text
    }
}

/// Columns that the log itself adds to a block, behind those of the codec, whose numbers are smaller.
enum LogColumn {
    static let first: UInt16 = 0xFFF0
    /// The commits that have entries in the block.
    static let commits: UInt16 = 0xFFFF
    /// Hashes of payloads that can no longer be computed, because an entry was redacted.
    static let payloads: UInt16 = 0xFFFE
}

/// A commit of which a block has entries.
struct BlockCommit: Equatable, Sendable {
    var firstPosition: Position
    var count: UInt32
    var commitTime: Int64
    /// SHA-256 of its payload, where the entries no longer give it.
    var payload: Digest?

    var nextPosition: Position { firstPosition + Position(count) }
}

/// The column of commits: their number, the first one's time, then two columns of integers, the counts
/// and the times as differences.
enum CommitColumn {
    static func append(_ commits: [BlockCommit], to buffer: inout ByteBuffer) {
        buffer.appendVarint(UInt64(commits.count))
        buffer.appendInteger(commits[0].commitTime)
        var integers = ByteBuffer(capacity: 64)
        IntegerColumn.append(commits.map { UInt64($0.count) }, to: &integers)
        buffer.appendPrefixed(integers.bytes)
        integers.clear()
        var last = commits[0].commitTime
        let steps = commits.dropFirst().map { commit in
            defer { last = commit.commitTime }
            return UInt64(bitPattern: commit.commitTime &- last)
        }
        IntegerColumn.append(steps, to: &integers)
        buffer.append(integers.bytes)
    }

    /// Reads the commits of a block, whose first one begins at `start`.
    static func decode(
        _ bytes: RawSpan, header: BlockHeader
    ) throws(DecodeFailure) -> [BlockCommit] {
        var reader = ByteReader(bytes)
        let count = try reader.readVarint()
        guard count > 0, count <= UInt64(header.count) else { throw .outOfRange(0) }
        var time = try reader.readInteger(as: Int64.self)
        var counts: [UInt64] = []
        var steps: [UInt64] = []
        let countBytes = try reader.readPrefixed()
        let countColumn = try IntegerColumnReader(countBytes, count: Int(count))
        try countColumn.append(0..<Int(count), to: &counts)
        let stepBytes = try reader.read(count: reader.remaining)
        let stepColumn = try IntegerColumnReader(stepBytes, count: Int(count) - 1)
        try stepColumn.append(0..<(Int(count) - 1), to: &steps)
        var commits: [BlockCommit] = []
        commits.reserveCapacity(Int(count))
        var position = header.commitStart
        for index in 0..<Int(count) {
            if index > 0 {
                let (next, overflow) = time.addingReportingOverflow(
                    Int64(bitPattern: steps[index - 1]))
                guard !overflow, next >= time else { throw .outOfRange(0) }
                time = next
            }
            guard let entries = UInt32(exactly: counts[index]), entries > 0 else {
                throw .outOfRange(0)
            }
            commits.append(
                BlockCommit(firstPosition: position, count: entries, commitTime: time))
            let (next, overflow) = position.addingReportingOverflow(Position(entries))
            guard !overflow else { throw .outOfRange(0) }
            position = next
        }
        let end = header.firstPosition + Position(header.count)
        guard commits[0].nextPosition > header.firstPosition, position >= end,
            commits[commits.count - 1].firstPosition < end
        else { throw .invalid("commits that are not the block's", 0) }
        return commits
    }
}

/// The column of payload hashes: index of the commit among the block's, then 32 bytes, for each.
enum PayloadColumn {
    static func append(_ commits: [BlockCommit], to buffer: inout ByteBuffer) {
        for (index, commit) in commits.enumerated() {
            guard let payload = commit.payload else { continue }
            buffer.appendVarint(UInt64(index))
            payload.append(to: &buffer)
        }
    }

    static func decode(
        _ bytes: RawSpan, into commits: inout [BlockCommit]
    ) throws(DecodeFailure) {
        var reader = ByteReader(bytes)
        var last = -1
        while !reader.isAtEnd {
            let index = try reader.readVarint()
            guard index < UInt64(commits.count), Int(index) > last else { throw .outOfRange(0) }
            last = Int(index)
            commits[last].payload = try Digest(from: &reader)
        }
    }
}

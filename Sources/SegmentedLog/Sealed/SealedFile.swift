import Bytes

/// # A sealed segment: one file that is written once and never changed
///
///     header block | block 0 | block 1 | … | dictionary | index | postings | accounts | trailer block
///
/// Header and trailer are blocks of 4,096 bytes with magic, versions, zeros and a checksum, as all
/// of the store's files have them:
///
///     header     0  magic DAYBKSEG         16 store id, 16 bytes       40  zeros
///                8  version, oldest reader 32 first position u64       4092 masked CRC-32C
///                12 flags u32, zero
///     trailer    0  magic DAYBKEND         16 codec version u16        24  record, 152 bytes
///                8  version, oldest reader 18 blocks u32               176 four sections
///                12 flags u32, zero        22 zeros u16                4092 masked CRC-32C
///     section    offset u64 | stored bytes u64 | bytes u64 | masked CRC-32C of the stored bytes u32
///
/// A section whose stored bytes are fewer than its bytes is an LZ4 block. Sections follow each other
/// without a gap, so that every byte of the file is covered by one checksum and by the digest.
struct SealedTrailer: Equatable, Sendable {
    var codecVersion: UInt16
    var blocks: Int
    var record: SealedRecord
    /// In the order of `Part`.
    var sections: [Section]

    /// What stands behind the blocks.
    enum Part: Int, CaseIterable, Sendable {
        case dictionary, index, postings, accounts

        var name: String { "\(self)" }
    }

    /// Where a part stands.
    struct Section: Equatable, Sendable {
        var offset: Int
        var storedBytes: Int
        var bytes: Int
        var checksum: UInt32
    }

    static let magic = ascii("DAYBKEND")
    static let byteCount = LogLimits.blockBytes
    private static let sectionsOffset = 24 + SealedRecord.byteCount
    private static let used = sectionsOffset + Part.allCases.count * 28

    func append(to buffer: inout ByteBuffer) {
        let start = buffer.count
        SealedHeader.begin(&buffer, Self.magic)
        buffer.appendInteger(codecVersion)
        buffer.appendInteger(UInt32(blocks))
        buffer.appendInteger(UInt16(0))
        record.append(to: &buffer)
        for section in sections {
            buffer.appendInteger(UInt64(section.offset))
            buffer.appendInteger(UInt64(section.storedBytes))
            buffer.appendInteger(UInt64(section.bytes))
            buffer.appendInteger(section.checksum)
        }
        assert(buffer.count - start == Self.used)
        Block.finish(&buffer, from: start)
    }

    static func decode(
        _ block: RawSpan, of file: String, at offset: Int
    ) throws(LogFailure) -> SealedTrailer {
        try Block.check(block, magic: magic, used: used, of: file, at: offset)
        do throws(DecodeFailure) {
            var reader = ByteReader(block.extracting(16..<used))
            let codecVersion = try reader.readInteger(as: UInt16.self)
            let blocks = try reader.readInteger(as: UInt32.self)
            let zero = try reader.readInteger(as: UInt16.self)
            let record = try SealedRecord(from: &reader)
            var sections: [Section] = []
            for _ in Part.allCases {
                let place = try reader.readInteger(as: UInt64.self)
                let stored = try reader.readInteger(as: UInt64.self)
                let bytes = try reader.readInteger(as: UInt64.self)
                let checksum = try reader.readInteger(as: UInt32.self)
                guard place < 1 << 40, stored <= bytes, bytes <= LogLimits.sectionBytesMax else {
                    throw .outOfRange(reader.offset)
                }
                sections.append(
                    Section(
                        offset: Int(place), storedBytes: Int(stored), bytes: Int(bytes),
                        checksum: checksum))
            }
            let trailer = SealedTrailer(
                codecVersion: codecVersion, blocks: Int(blocks), record: record,
                sections: sections)
            guard zero == 0, trailer.isConsistent else { throw .outOfRange(0) }
            return trailer
        } catch {
            throw .damaged(file, at: offset, "its trailer contradicts itself")
        }
    }

    /// Whether sections follow each other up to the trailer, and blocks are as many as the positions need.
    private var isConsistent: Bool {
        var end = sections[0].offset
        for section in sections {
            if section.offset != end { return false }
            end += section.storedBytes
        }
        let blockEntries = Position(LogLimits.blockEntries)
        let first = record.firstPosition / blockEntries
        let last = (record.nextPosition - 1) / blockEntries
        return end == record.fileBytes - Self.byteCount
            && sections[0].offset >= SealedHeader.byteCount
            && Position(blocks) == last - first + 1
    }
}

/// The first block of a sealed segment.
enum SealedHeader {
    static let magic = ascii("DAYBKSEG")
    static let byteCount = LogLimits.blockBytes

    static func append(
        storeID: [UInt8], firstPosition: Position, to buffer: inout ByteBuffer
    ) {
        let start = buffer.count
        begin(&buffer, magic)
        buffer.append(storeID)
        buffer.appendInteger(firstPosition)
        Block.finish(&buffer, from: start)
    }

    /// Checks a header. - Returns: the first position.
    static func check(
        _ block: RawSpan, storeID: [UInt8], of file: String
    ) throws(LogFailure) -> Position {
        try Block.check(block, magic: magic, used: 40, of: file, at: 0)
        guard block.extracting(16..<32).isEqual(to: storeID.raw) else {
            throw .damaged(file, at: 16, "the file belongs to another store")
        }
        return block.readInteger(as: UInt64.self, at: 32)
    }

    /// Appends magic, versions and flags.
    static func begin(_ buffer: inout ByteBuffer, _ magic: UInt64) {
        buffer.appendInteger(magic)
        buffer.appendInteger(UInt16(1))
        buffer.appendInteger(UInt16(1))
        buffer.appendInteger(UInt32(0))
    }
}

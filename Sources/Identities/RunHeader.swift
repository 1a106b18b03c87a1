import Bytes

/// # Header of a run, one block of 4,096 bytes
///
///     0  magic DAYBKRUN            80  entries u64      120 CRC-32C of the first leads
///     8  version u16 = 1           88  pages u64        124 CRC-32C of the parts
///     10 oldest reader u16 = 1     96  parts u64        128 CRC-32C of the cells
///     12 flags u32, zero           104 cell bytes u64   132 zeros
///     16 store id, 16 bytes        112 file bytes u64   4092 masked CRC-32C of the rest
///     32 first position u64
///     40 next position u64
///     48 chain before the next position
///
/// Then follow pages, the first lead of each page (u64), the parts of the filter (`FuseShape`), and
/// the filter's cells. The header is written last: a file without it is no run.
struct RunHeader: Equatable {
    var storeID: [UInt8]
    /// Positions that the run covers.
    var positions: Range<UInt64>
    /// The log's chain at their end.
    var chain: Digest
    /// Entries with a key.
    var entries: UInt64 = 0
    var pages: UInt64 = 0
    /// Parts of the filter.
    var parts: UInt64 = 0
    var cellBytes: UInt64 = 0
    var checksums = Checksums()

    /// What the sections after the pages check as.
    struct Checksums: Equatable {
        var leads: UInt32 = 0
        var parts: UInt32 = 0
        var cells: UInt32 = 0
    }

    static let byteCount = 4096
    static let magic: [UInt8] = Array("DAYBKRUN".utf8)
    static let version: UInt16 = 1

    var leadsOffset: Int { Self.byteCount + Int(pages) * RunPage.byteCount }
    var partsOffset: Int { leadsOffset + Int(pages) * 8 }
    var cellsOffset: Int { partsOffset + Int(parts) * FuseShape.byteCount }
    var fileBytes: Int { cellsOffset + Int(cellBytes) }

    /// Appends the block.
    func append(to file: inout ByteBuffer) {
        let start = file.count
        file.append(Self.magic)
        file.appendInteger(Self.version)
        file.appendInteger(Self.version)
        file.appendInteger(UInt32(0))
        file.append(storeID)
        file.appendInteger(positions.lowerBound)
        file.appendInteger(positions.upperBound)
        chain.append(to: &file)
        file.appendInteger(entries)
        file.appendInteger(pages)
        file.appendInteger(parts)
        file.appendInteger(cellBytes)
        file.appendInteger(UInt64(fileBytes))
        file.appendInteger(checksums.leads)
        file.appendInteger(checksums.parts)
        file.appendInteger(checksums.cells)
        file.appendZeros(start + Self.byteCount - 4 - file.count)
        file.appendInteger(
            CRC32C.masked(of: file.bytes(in: start..<(start + Self.byteCount - 4))))
    }

    /// What does not keep a block from being shown: `DecodeFailure` names the first wrong field.
    init(decoding bytes: RawSpan) throws(DecodeFailure) {
        guard bytes.byteCount == Self.byteCount else { throw .truncated(bytes.byteCount) }
        var reader = ByteReader(bytes)
        guard try reader.read(count: 8).isEqual(to: Self.magic.raw) else {
            throw .invalid("magic", 0)
        }
        let checked = Self.byteCount - 4
        guard
            bytes.readInteger(as: UInt32.self, at: checked)
                == CRC32C.masked(of: bytes.extracting(0..<checked))
        else { throw .invalid("header checksum", checked) }
        guard try reader.readInteger(as: UInt16.self) == Self.version else {
            throw .invalid("format version", 8)
        }
        guard try reader.readInteger(as: UInt16.self) == Self.version,
            try reader.readInteger(as: UInt32.self) == 0
        else { throw .invalid("flags", 10) }
        storeID = try reader.read(count: 16).makeArray()
        let first = try reader.readInteger(as: UInt64.self)
        let next = try reader.readInteger(as: UInt64.self)
        guard first < next, next <= 1 << 40 else { throw .invalid("positions", 32) }
        positions = first..<next
        chain = try Digest(from: &reader)
        entries = try reader.readInteger(as: UInt64.self)
        pages = try reader.readInteger(as: UInt64.self)
        parts = try reader.readInteger(as: UInt64.self)
        cellBytes = try reader.readInteger(as: UInt64.self)
        let size = try reader.readInteger(as: UInt64.self)
        checksums.leads = try reader.readInteger(as: UInt32.self)
        checksums.parts = try reader.readInteger(as: UInt32.self)
        checksums.cells = try reader.readInteger(as: UInt32.self)
        guard entries <= next - first, pages <= entries, parts <= entries + 1,
            cellBytes <= 1 << 48, UInt64(fileBytes) == size
        else { throw .invalid("counts", 80) }
        guard try reader.read(count: checked - reader.offset).isZero else {
            throw .invalid("zeros", 132)
        }
    }

    init(storeID: [UInt8], positions: Range<UInt64>, chain: Digest) {
        precondition(storeID.count == 16 && !positions.isEmpty, "of a store, and not empty")
        self.storeID = storeID
        self.positions = positions
        self.chain = chain
    }
}

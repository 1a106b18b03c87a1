import Bytes
import Columns
import Platform

/// A sealed segment opened for reading: its index and dictionary in memory, its blocks on the disk.
///
/// Immutable, so any number of threads may read. Closes itself when the last reader lets go.
final class SealedSegment: Sendable {
    let record: SealedRecord
    let trailer: SealedTrailer
    let index: [BlockEntry]
    let file: File
    /// The dictionary.
    let reader: any BlockReader

    /// Bytes of memory that it takes, about.
    var memoryBytes: Int { reader.byteCount + index.count * MemoryLayout<BlockEntry>.stride }

    /// Nothing was written through it, so there is nothing that closing could fail to do.
    deinit { try? file.close() }

    private init(
        _ file: File, _ trailer: SealedTrailer, _ index: [BlockEntry], _ reader: any BlockReader
    ) {
        self.file = file
        self.trailer = trailer
        self.index = index
        self.reader = reader
        record = trailer.record
    }

    /// Opens the file and checks header, trailer, index and dictionary.
    /// - Parameter codec: nil in a program that cannot read sealed segments.
    static func open(
        _ record: SealedRecord, _ path: String, storeID: [UInt8], codec: (any BlockCodec)?,
        _ fileSystem: any FileSystem
    ) throws(LogFailure) -> SealedSegment {
        let file = try mapped { () throws(SystemFailure) in
            try File.open(path, .reading, fileSystem)
        }
        do throws(LogFailure) {
            let trailer = try check(file, record, storeID: storeID)
            guard let codec, codec.version == trailer.codecVersion else {
                throw .unsupported(
                    path, at: record.fileBytes - SealedTrailer.byteCount + 16,
                    "its columns are of version \(trailer.codecVersion)")
            }
            let index = try section(.index, file, trailer) {
                (bytes: RawSpan) throws(DecodeFailure) in
                try BlockIndex.decode(bytes, of: trailer)
            }
            let reader = try section(.dictionary, file, trailer) {
                (bytes: RawSpan) throws(DecodeFailure) in
                try codec.makeReader(dictionary: bytes)
            }
            return SealedSegment(file, trailer, index, reader)
        } catch {
            try? file.close()
            throw error
        }
    }

    /// Checks header and trailer, and that the trailer's record is the manifest's.
    static func check(
        _ file: File, _ record: SealedRecord, storeID: [UInt8]
    ) throws(LogFailure) -> SealedTrailer {
        let size = try mapped { () throws(SystemFailure) in try file.size() }
        guard size == record.fileBytes else {
            throw .damaged(
                file.path, at: min(size, record.fileBytes), position: record.firstPosition,
                "it has \(size) bytes and was made with \(record.fileBytes)")
        }
        var bytes = ByteBuffer(capacity: 2 * LogLimits.blockBytes)
        let place = size - SealedTrailer.byteCount
        try mapped { () throws(SystemFailure) in
            _ = try file.append(0..<SealedHeader.byteCount, to: &bytes)
            _ = try file.append(place..<size, to: &bytes)
        }
        guard bytes.count == SealedHeader.byteCount + SealedTrailer.byteCount else {
            throw .damaged(file.path, at: bytes.count, "the file ends too early")
        }
        let first = try SealedHeader.check(
            bytes.bytes(in: 0..<SealedHeader.byteCount), storeID: storeID, of: file.path)
        let trailer = try SealedTrailer.decode(
            bytes.bytes(in: SealedHeader.byteCount..<bytes.count), of: file.path, at: place)
        guard trailer.record == record, first == record.firstPosition else {
            throw .damaged(
                file.path, at: place + 24, position: record.firstPosition,
                "it is not the file that the manifest lists")
        }
        return trailer
    }

    /// Reads a section, checks it, and gives its bytes to `body`.
    func section<R>(
        _ part: SealedTrailer.Part, _ body: (RawSpan) throws(DecodeFailure) -> R
    ) throws(LogFailure) -> R {
        try Self.section(part, file, trailer, body)
    }

    /// Checks header, checksum, directory and commits of a block, not its entries.
    static func checkBlock(
        _ entry: BlockEntry, _ number: Int, of record: SealedRecord, in file: File
    ) throws(LogFailure) {
        var memory = BlockMemory()
        do throws(SystemFailure) {
            _ = try file.append(
                entry.offset..<(entry.offset + entry.bytes), to: &memory.columns.bytes)
        } catch {
            var failure = LogFailure(error)
            failure.offset = entry.offset
            failure.position = entry.firstPosition
            throw failure
        }
        do throws(BlockFault) { try memory.open(entry, of: record.id, number) } catch {
            throw .damaged(
                file.path, at: entry.offset + error.offset, position: entry.firstPosition,
                error.text)
        }
    }

    static func section<R>(
        _ part: SealedTrailer.Part, _ file: File, _ trailer: SealedTrailer,
        _ body: (RawSpan) throws(DecodeFailure) -> R
    ) throws(LogFailure) -> R {
        let section = trailer.sections[part.rawValue]
        let range = section.offset..<(section.offset + section.storedBytes)
        var stored = ByteBuffer(capacity: section.storedBytes)
        try mapped { () throws(SystemFailure) in _ = try file.append(range, to: &stored) }
        let position = trailer.record.firstPosition
        guard stored.count == range.count, CRC32C.masked(of: stored.bytes) == section.checksum
        else {
            throw .damaged(
                file.path, at: section.offset, position: position,
                "the checksum of its \(part.name) does not hold")
        }
        do throws(DecodeFailure) {
            if section.storedBytes == section.bytes { return try body(stored.bytes) }
            var bytes = ByteBuffer(capacity: section.bytes)
            try LZ4.append(decompressing: stored.bytes, count: section.bytes, to: &bytes)
            return try body(bytes.bytes)
        } catch {
            throw .damaged(
                file.path, at: section.offset, position: position,
                "its \(part.name) cannot be read: \(error)")
        }
    }

    /// The number of the block that holds a position.
    func block(of position: Position) -> Int {
        let blockEntries = Position(LogLimits.blockEntries)
        return Int(position / blockEntries - record.firstPosition / blockEntries)
    }

    /// The positions of an account's entries in this segment, ascending.
    func positions(of account: RawSpan) throws(LogFailure) -> [Position] {
        guard let number = reader.accountNumber(of: account) else { return [] }
        return try section(.postings) { (bytes: RawSpan) throws(DecodeFailure) in
            try Postings.read(bytes, account: number, of: record)
        }
    }

    /// The chain of an account's entries after this segment; nil if none of them is here.
    func chain(of account: RawSpan) throws(LogFailure) -> EntryChain? {
        guard let number = reader.accountNumber(of: account) else { return nil }
        let section = trailer.sections[SealedTrailer.Part.accounts.rawValue]
        let start = section.offset + Int(number) * AccountStates.byteCount
        var bytes = ByteBuffer(capacity: 64)
        try mapped { () throws(SystemFailure) in
            _ = try file.append(start..<(start + AccountStates.byteCount), to: &bytes)
        }
        do throws(DecodeFailure) {
            guard start + AccountStates.byteCount <= section.offset + section.storedBytes else {
                throw .outOfRange(0)
            }
            return try AccountStates.read(bytes.bytes, account: number)
        } catch {
            throw .damaged(
                file.path, at: start, position: record.firstPosition,
                "an account's chain cannot be read: \(error)")
        }
    }

    /// Checks the digest of all bytes before the trailer.
    func checkDigest() throws(LogFailure) {
        var hasher = SHA256Hasher()
        var piece = ByteBuffer(capacity: LogLimits.pieceBytes)
        let end = record.fileBytes - SealedTrailer.byteCount
        var offset = 0
        while offset < end {
            piece.clear()
            let range = offset..<min(end, offset + LogLimits.pieceBytes)
            let count = try mapped { () throws(SystemFailure) in
                try file.append(range, to: &piece)
            }
            guard count == range.count else { break }
            hasher.update(piece.bytes)
            offset = range.upperBound
        }
        if hasher.finish() == record.digest { return }
        // Which block it is says more than that the file is not what it was.
        var memory = BlockMemory()
        for number in index.indices { try load(number, into: &memory) }
        for part in SealedTrailer.Part.allCases {
            try section(part) { (_: RawSpan) throws(DecodeFailure) in }
        }
        throw .damaged(
            file.path, at: 0, position: record.firstPosition,
            "the digest of its bytes is not what the manifest says")
    }
}

extension SealedSegment {
    /// Reads a block into `memory`, checked.
    func load(_ number: Int, into memory: inout BlockMemory) throws(LogFailure) {
        if memory.isHolding(record.id, number) { return }
        memory.forget()
        let entry = index[number]
        try mapped { () throws(SystemFailure) in
            _ = try file.append(
                entry.offset..<(entry.offset + entry.bytes), to: &memory.columns.bytes)
        }
        do throws(BlockFault) {
            try memory.open(entry, of: record.id, number)
        } catch {
            memory.forget()
            throw .damaged(
                file.path, at: entry.offset + error.offset, position: entry.firstPosition,
                error.text)
        }
    }

    /// Decodes entries of the loaded block: `range` counts from its first.
    func decode(_ range: Range<Int>, in memory: inout BlockMemory) throws(LogFailure) {
        do throws(DecodeFailure) {
            try memory.decode(range, reader)
        } catch {
            let entry = index[memory.number]
            // Who asks again must fail again, and not be shown what was decoded before.
            memory.forget()
            throw .damaged(
                file.path, at: entry.offset, position: entry.firstPosition,
                "the block's columns cannot be read: \(error)")
        }
    }
}

/// A block in memory, and those of its entries that were decoded. Owned by one thread.
struct BlockMemory: ~Copyable {
    var columns = BlockColumns()
    /// The decoded entries.
    private(set) var batch = RecordBatch()
    /// Which entries of the block they are.
    private(set) var decoded = 0..<0
    /// The block's number in its segment.
    private(set) var number = -1
    private(set) var header: BlockHeader?
    private(set) var commits: [BlockCommit] = []
    private var segment: UInt64 = 0
    private var unpacked = ByteBuffer(capacity: 0)

    func isHolding(_ segment: UInt64, _ number: Int) -> Bool {
        header != nil && self.segment == segment && self.number == number
    }

    mutating func forget() {
        header = nil
        decoded = 0..<0
        columns.clear()
        batch.clear()
    }

    /// Checks the block whose bytes are in `columns`, and finds its columns.
    mutating func open(
        _ entry: BlockEntry, of segment: UInt64, _ number: Int
    ) throws(BlockFault) {
        guard columns.bytes.count == entry.bytes else {
            throw BlockFault(columns.bytes.count, "the file ends inside a block")
        }
        let header = try BlockHeader.decode(columns.bytes.bytes(in: 0..<BlockHeader.byteCount))
        guard header.offset == entry.offset, header.byteCount == entry.bytes,
            header.firstPosition == entry.firstPosition, header.count == entry.count,
            header.commitStart == entry.boundary
        else { throw BlockFault(0, "the block is not the one that the index names") }
        let computed = CRC32C.masked(
            of: columns.bytes.bytes(in: BlockHeader.byteCount..<entry.bytes))
        guard computed == header.bodyChecksum else {
            throw BlockFault(
                BlockHeader.byteCount,
                "the block's checksum is \(hex(computed)), stored is \(hex(header.bodyChecksum))")
        }
        let own = try Self.findColumns(header, &columns, &unpacked)
        commits = try Self.commits(columns, own, header)
        self.header = header
        self.segment = segment
        self.number = number
    }

    /// Reads the directory; compressed columns are unpacked behind the block's bytes.
    /// - Returns: the log's own columns, which the codec is not shown.
    private static func findColumns(
        _ header: BlockHeader, _ columns: inout BlockColumns, _ unpacked: inout ByteBuffer
    ) throws(BlockFault) -> [BlockColumns.Part] {
        var own: [BlockColumns.Part] = []
        var start = BlockHeader.byteCount + header.columns * 12
        let end = header.byteCount
        for number in 0..<header.columns {
            let place = BlockHeader.byteCount + number * 12
            let id = columns.bytes.bytes.readInteger(as: UInt16.self, at: place)
            let form = columns.bytes.bytes.readInteger(as: UInt16.self, at: place + 2)
            let count = Int(columns.bytes.bytes.readInteger(as: UInt32.self, at: place + 4))
            let stored = Int(columns.bytes.bytes.readInteger(as: UInt32.self, at: place + 8))
            guard form <= 1, form == 1 || count == stored, stored <= end - start,
                count <= LogLimits.columnBytesMax
            else { throw BlockFault(place, "the directory of columns contradicts itself") }
            var range = start..<(start + stored)
            if form == 1 {
                unpacked.clear()
                do throws(DecodeFailure) {
                    try LZ4.append(
                        decompressing: columns.bytes.bytes(in: start..<(start + stored)),
                        count: count, to: &unpacked)
                } catch { throw BlockFault(start, "a column cannot be unpacked") }
                let place = columns.bytes.count
                columns.bytes.append(unpacked.bytes)
                range = place..<columns.bytes.count
            }
            let part = BlockColumns.Part(id: id, range: range)
            if id >= LogColumn.first { own.append(part) } else { columns.add(part) }
            start += stored
        }
        guard start == end else { throw BlockFault(start, "there are bytes behind the columns") }
        return own
    }

    private static func commits(
        _ columns: borrowing BlockColumns, _ own: [BlockColumns.Part], _ header: BlockHeader
    ) throws(BlockFault) -> [BlockCommit] {
        do throws(DecodeFailure) {
            guard let first = own.first, first.id == LogColumn.commits else {
                throw .invalid("no column of commits", 0)
            }
            var commits = try CommitColumn.decode(
                columns.bytes.bytes(in: first.range), header: header)
            for part in own.dropFirst() {
                guard part.id == LogColumn.payloads, own.count == 2 else {
                    throw .invalid("unknown column \(part.id)", 0)
                }
                try PayloadColumn.decode(columns.bytes.bytes(in: part.range), into: &commits)
            }
            return commits
        } catch { throw BlockFault(BlockHeader.byteCount, "its commits cannot be read: \(error)") }
    }

    mutating func decode(
        _ range: Range<Int>, _ reader: any BlockReader
    ) throws(DecodeFailure) {
        if decoded.lowerBound <= range.lowerBound, range.upperBound <= decoded.upperBound {
            return
        }
        batch.clear()
        decoded = 0..<0
        try reader.decode(columns, count: header?.count ?? 0, range: range, into: &batch)
        guard batch.count == range.count else { throw .invalid("missing entries", 0) }
        decoded = range
    }

    /// A decoded entry; `index` counts from the block's first.
    @_lifetime(borrow self)
    func record(_ index: Int) -> RawSpan { batch.record(index - decoded.lowerBound) }

    /// Calls `body` with a decoded entry; `index` counts from the block's first.
    func withRecord<R>(_ index: Int, _ body: (RawSpan) throws -> R) rethrows -> R {
        try body(record(index))
    }

    /// The commit that has an entry of the block.
    func commit(of position: Position) -> BlockCommit {
        var lower = 0
        var upper = commits.count
        while lower < upper {
            let middle = (lower + upper) / 2
            if commits[middle].firstPosition <= position {
                lower = middle + 1
            } else {
                upper = middle
            }
        }
        return commits[lower - 1]
    }
}

import Bytes
import Platform

/// A stretch of history that one file holds whole, bound to what is before and after it by the chain: a sealed
/// segment, or one commit of a row segment.
struct Stretch: Sendable {
    enum Form: Sendable {
        case sealed(SealedRecord)
        case commit(FrameHeader)
    }

    /// The file that holds it.
    var path: String
    var positions: Range<Position>
    var chainBefore: Digest
    var chain: Digest
    var commitTime: Int64
    var form: Form

    /// A sealed segment that was checked.
    init(_ record: SealedRecord, _ path: String) {
        self.path = path
        positions = record.positions
        chainBefore = record.chainBefore
        chain = record.chain
        commitTime = record.commitTime
        form = .sealed(record)
    }

    /// A commit that was checked.
    /// - Parameter chain: after it.
    init(_ frame: FrameHeader, _ path: String, chain: Digest) {
        self.path = path
        positions = frame.firstPosition..<frame.nextPosition
        chainBefore = frame.chainBefore
        self.chain = chain
        commitTime = frame.commitTime
        form = .commit(frame)
    }
}

/// What one file still gives, however damaged it is.
struct FileFindings {
    /// What is sound and bound by the chain.
    var stretches: [Stretch] = []
    /// Entries that can be read although the file as a whole cannot be believed.
    var readable: [Range<Position>] = []
    /// The first damage.
    var damage: LogFailure?
}

extension FileFindings {
    /// Reads a sealed segment.
    /// - Parameter expected: what the manifest says; nil takes the file's own word.
    static func sealed(
        _ path: String, id: UInt64, expected: SealedRecord?, storeID: [UInt8],
        _ fileSystem: any FileSystem
    ) -> FileFindings {
        var findings = FileFindings()
        do throws(LogFailure) {
            let file = try mapped { () throws(SystemFailure) in
                try File.open(path, .reading, fileSystem)
            }
            defer { try? file.close() }
            file.dropCache(from: 0)
            let record: SealedRecord
            if let expected {
                record = expected
            } else {
                record = try trailer(of: file).record
            }
            let trailer = try SealedSegment.check(file, record, storeID: storeID)
            guard record.id == id else {
                throw .damaged(path, at: 24, "it is segment \(record.id) under another name")
            }
            do throws(LogFailure) {
                if try SealedCopy.digest(of: file, record) == record.digest {
                    findings.stretches = [Stretch(record, path)]
                    return findings
                }
            } catch {
                // The device could not read some of it: which block, is found out now.
            }
            findings.readBlocks(of: file, trailer)
        } catch { findings.damage = findings.damage ?? error }
        return findings
    }

    static func trailer(of file: File) throws(LogFailure) -> SealedTrailer {
        var bytes = ByteBuffer(capacity: SealedTrailer.byteCount)
        let size = try mapped { () throws(SystemFailure) in
            let size = try file.size()
            let start = max(0, size - SealedTrailer.byteCount)
            _ = try file.append(start..<size, to: &bytes)
            return size
        }
        return try SealedTrailer.decode(
            bytes.bytes, of: file.path, at: max(0, size - SealedTrailer.byteCount))
    }

    /// Finds the damage in a segment whose digest does not hold, and the blocks that are sound. Without its
    /// index or its dictionary none can be read.
    private mutating func readBlocks(of file: File, _ trailer: SealedTrailer) {
        let record = trailer.record
        do throws(LogFailure) {
            let index = try SealedSegment.section(.index, file, trailer) {
                (bytes: RawSpan) throws(DecodeFailure) in
                try BlockIndex.decode(bytes, of: trailer)
            }
            try SealedSegment.section(.dictionary, file, trailer) {
                (_: RawSpan) throws(DecodeFailure) in
            }
            for (number, entry) in index.enumerated() {
                do throws(LogFailure) {
                    try SealedSegment.checkBlock(entry, number, of: record, in: file)
                    readable.append(entry.firstPosition..<entry.nextPosition)
                } catch { damage = damage ?? error }
            }
            for part in [SealedTrailer.Part.postings, .accounts] {
                try SealedSegment.section(part, file, trailer) {
                    (_: RawSpan) throws(DecodeFailure) in
                }
            }
        } catch { damage = damage ?? error }
        damage =
            damage
            ?? .damaged(
                file.path, at: 0, position: record.firstPosition,
                "the digest of its bytes is not what the manifest says")
    }

    /// Reads every commit of a row segment that is still there, also behind what is damaged.
    /// - Parameter end: bytes to look at; nil: all.
    static func rows(
        _ path: String, storeID: [UInt8], upTo end: Int? = nil, _ fileSystem: any FileSystem
    ) -> FileFindings {
        var findings = FileFindings()
        do throws(SystemFailure) {
            let file = try File.open(path, .reading, fileSystem)
            defer { try? file.close() }
            file.dropCache(from: 0)
            let size = try min(file.size(), end ?? Int.max)
            var walk = CommitSearch(file, size, storeID: storeID)
            try walk.run()
            findings.stretches = walk.found
            findings.damage = walk.damage
        } catch { findings.damage = LogFailure(error) }
        return findings
    }
}

/// Walks over a file of frames and goes on behind what is damaged: frames begin at blocks, name their own place,
/// and carry the file's salt, so that no record passes for one.
private struct CommitSearch: ~Copyable {
    private let file: File
    private let size: Int
    private let storeID: [UInt8]
    // A block at a time: one that the device cannot read must not hide its neighbours.
    private var window = FrameWindow(ahead: 0)
    private var links = Chain()
    private var salt: UInt64?
    private(set) var found: [Stretch] = []
    private(set) var damage: LogFailure?

    init(_ file: File, _ size: Int, storeID: [UInt8]) {
        self.file = file
        self.size = size
        self.storeID = storeID
    }

    mutating func run() throws(SystemFailure) {
        readHeader()
        var offset = FileHeader.byteCount
        while offset < size {
            do throws(ReadFault) {
                let frame = try read(offset)
                offset += frame.frameBytes
            } catch {
                note(error, at: offset)
                offset += LogLimits.blockBytes
            }
        }
    }

    private mutating func readHeader() {
        do throws(LogFailure) {
            let block = 0..<FileHeader.byteCount
            let (file, size) = (file, size)
            let isThere: Bool
            do throws(SystemFailure) {
                isThere = try window.load(block, of: file, limit: size)
            } catch { throw LogFailure(error) }
            guard isThere else {
                throw .damaged(file.path, at: 0, "the file ends inside its header")
            }
            let header = try FileHeader.decode(window.bytes(block), as: .segment, of: file.path)
            guard header.storeID == storeID else {
                throw .damaged(file.path, at: 16, "the file belongs to another store")
            }
            salt = header.salt
        } catch { damage = error }
    }

    private mutating func read(_ offset: Int) throws(ReadFault) -> FrameHeader {
        let range = offset..<(offset + FrameHeader.byteCount)
        let isThere: Bool
        do throws(SystemFailure) { isThere = try window.load(range, of: file, limit: size) } catch {
            throw .system(error)
        }
        guard isThere else { throw .frame(.truncated) }
        let header: FrameHeader
        do throws(FrameFault) {
            header = try FrameHeader.decode(window.bytes(range), salt: salt)
            guard header.offset == offset else { throw .offset(header.offset) }
            try header.checkKind(in: .segment)
        } catch { throw .frame(error) }
        try window.body(of: header, in: file, limit: size)
        salt = header.salt
        guard header.count > 0 else { return header }
        let start = offset + FrameHeader.byteCount
        let payload = SHA256.hash(window.bytes(start..<(start + header.payloadBytes)))
        let chain = links.link(
            after: header.chainBefore, firstPosition: header.firstPosition, count: header.count,
            commitTime: header.commitTime, payload: payload)
        found.append(Stretch(header, file.path, chain: chain))
        return header
    }

    /// Zeros are no damage: the file is made in its full size.
    private mutating func note(_ fault: ReadFault, at offset: Int) {
        if case .frame(.empty) = fault { return }
        let position = found.last?.positions.upperBound ?? 0
        damage = damage ?? fault.failure(file.path, at: offset, position: position)
    }
}

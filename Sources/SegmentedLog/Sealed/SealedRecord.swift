import Bytes

/// What the manifest and the trailer of a sealed segment say of it alike.
struct SealedRecord: Equatable, Sendable {
    /// Number of the file; no two sealed files of a store ever have the same.
    var id: UInt64
    var firstPosition: Position
    var nextPosition: Position
    /// Chain before the first commit, and after the last.
    var chainBefore: Digest
    var chain: Digest
    /// Time of the commit before the first, and of the last: nanoseconds since 1970 UTC.
    var timeBefore: Int64
    var commitTime: Int64
    /// Commits in it.
    var commits: UInt64
    /// Bytes of the whole file.
    var fileBytes: Int
    /// SHA-256 of the file from its header up to its trailer.
    var digest: Digest

    static let byteCount = 8 * 3 + 32 * 2 + 8 * 4 + 32

    /// Appends the record's 152 bytes, which stand in trailer and manifest alike.
    func append(to buffer: inout ByteBuffer) {
        buffer.appendInteger(id)
        buffer.appendInteger(firstPosition)
        buffer.appendInteger(nextPosition)
        chainBefore.append(to: &buffer)
        chain.append(to: &buffer)
        buffer.appendInteger(timeBefore)
        buffer.appendInteger(commitTime)
        buffer.appendInteger(commits)
        buffer.appendInteger(UInt64(fileBytes))
        digest.append(to: &buffer)
    }

    /// Reads what `append` wrote.
    init(from reader: inout ByteReader) throws(DecodeFailure) {
        id = try reader.readInteger(as: UInt64.self)
        firstPosition = try reader.readInteger(as: UInt64.self)
        nextPosition = try reader.readInteger(as: UInt64.self)
        chainBefore = try Digest(from: &reader)
        chain = try Digest(from: &reader)
        timeBefore = try reader.readInteger(as: Int64.self)
        commitTime = try reader.readInteger(as: Int64.self)
        commits = try reader.readInteger(as: UInt64.self)
        let bytes = try reader.readInteger(as: UInt64.self)
        digest = try Digest(from: &reader)
        let least = SealedHeader.byteCount + BlockHeader.byteCount + SealedTrailer.byteCount
        guard nextPosition > firstPosition, bytes <= 1 << 40, bytes > least,
            commitTime >= timeBefore, commits > 0, commits <= nextPosition - firstPosition
        else { throw .outOfRange(reader.offset) }
        fileBytes = Int(bytes)
    }

    init(
        id: UInt64, firstPosition: Position, nextPosition: Position, chainBefore: Digest,
        chain: Digest, timeBefore: Int64, commitTime: Int64, commits: UInt64, fileBytes: Int,
        digest: Digest
    ) {
        self.id = id
        self.firstPosition = firstPosition
        self.nextPosition = nextPosition
        self.chainBefore = chainBefore
        self.chain = chain
        self.timeBefore = timeBefore
        self.commitTime = commitTime
        self.commits = commits
        self.fileBytes = fileBytes
        self.digest = digest
    }

    /// Its positions.
    var positions: Range<Position> { firstPosition..<nextPosition }
}

import Bytes
import Platform

/// Writes a closed row segment from commits that another file holds, each proved to follow the one before.
///
/// The frames get new places and a new salt; positions, times and payloads stay, and so the chain does.
/// Fences and seals are left out. Nothing refers to the file before it is whole, so it is flushed once.
final class RowSegmentWriter {
    private let file: File
    private let fileSystem: any FileSystem
    private let id: UInt64
    private let storeID: [UInt8]
    private let salt: UInt64
    private let start: StoreContents.End
    private var links = Chain()
    private var frame = ByteBuffer(capacity: 1 << 17)
    private var index = FrameIndex()
    /// Bytes so far.
    private(set) var bytes = FileHeader.byteCount
    /// After the last commit.
    private(set) var end: StoreContents.End

    /// Makes the file.
    /// - Parameter start: the point in the log that its first commit must follow.
    init(
        _ id: UInt64, after start: StoreContents.End, storeID: [UInt8], _ paths: StorePaths,
        _ fileSystem: any FileSystem, _ random: any RandomSource
    ) throws(LogFailure) {
        self.id = id
        self.storeID = storeID
        self.fileSystem = fileSystem
        self.start = start
        end = start
        do throws(SystemFailure) {
            salt = try random.integer()
            file = try File.create(paths.segment(id), fileSystem)
        } catch { throw LogFailure(error) }
    }

    /// Appends a commit.
    /// - Parameters:
    ///   - source: its header where it was read; checksums were checked there.
    ///   - path: of the file that it was read from.
    func append(
        _ source: FrameHeader, _ payload: RawSpan, from path: String
    ) throws(LogFailure) {
        guard source.firstPosition == end.nextPosition, source.chainBefore == end.chain,
            source.commitTime >= end.commitTime
        else {
            throw .damaged(
                path, at: source.offset, position: end.nextPosition,
                "the commit does not follow the one before")
        }
        var header = source
        header.salt = salt
        header.offset = bytes
        frame.clear()
        frame.appendZeros(FrameHeader.byteCount)
        frame.append(payload)
        header.encode(into: &frame)
        frame.appendZeros(header.frameBytes - frame.count)
        let (file, offset) = (file, bytes)
        try frame.withBytes(in: 0..<frame.count) { (span) throws(LogFailure) in
            try mapped { () throws(SystemFailure) in try file.writeAll(span, at: offset) }
        }
        index.note(position: header.firstPosition, offset: bytes)
        bytes += header.frameBytes
        end.chain = links.link(
            after: end.chain, firstPosition: header.firstPosition, count: header.count,
            commitTime: header.commitTime, payload: SHA256.hash(payload))
        end.nextPosition = header.nextPosition
        end.commitTime = header.commitTime
    }

    /// Ends the file, makes it durable and closes it. The caller syncs the directory.
    func finish() throws(LogFailure) -> WrittenSegment {
        let capacity = max(bytes, FileHeader.byteCount + LogLimits.blockBytes)
        let header = FileHeader(
            kind: .segment, storeID: storeID, id: id, firstPosition: start.nextPosition,
            salt: salt, previousID: 0, previousBytes: 0, previousNextPosition: start.nextPosition,
            chain: start.chain, capacity: capacity)
        var block = ByteBuffer(capacity: 2 * LogLimits.blockBytes)
        header.append(to: &block)
        // A segment without commits still has room for one, as every segment has.
        block.appendZeros(capacity - bytes)
        do throws(SystemFailure) {
            try file.writeAll(block.bytes, at: 0)
            try file.syncAll()
            try file.close()
        } catch { throw LogFailure(error) }
        var record = SegmentRecord(header)
        record.close = SegmentRecord.Close(
            end: .recovered, validBytes: bytes, writtenBytes: bytes,
            nextPosition: end.nextPosition, chain: end.chain, commitTime: end.commitTime)
        return WrittenSegment(
            record: record, timeBefore: start.commitTime, index: index, path: file.path)
    }

    /// Removes what was written, as far as that can be done.
    func discard() {
        try? file.close()
        try? fileSystem.unlink(file.path)
    }
}

/// A row segment that was written whole.
struct WrittenSegment {
    var record: SegmentRecord
    /// Commit time before its first commit.
    var timeBefore: Int64
    var index: FrameIndex
    var path: String

    /// Lists it in a manifest.
    func add(to state: inout ManifestState) throws(ManifestState.Contradiction) {
        var open = record
        open.close = nil
        try state.apply(.added(open))
        if let close = record.close { try state.apply(.closed(id: record.id, close)) }
    }

    /// What a superblock promises of it.
    var floor: LogFloor {
        guard let close = record.close else { preconditionFailure("a written segment is closed") }
        return LogFloor(
            segmentID: record.id, offset: close.validBytes, nextPosition: close.nextPosition,
            chain: close.chain, commitTime: close.commitTime)
    }
}

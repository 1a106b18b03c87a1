import Bytes
import Platform

/// A stretch of one file in memory, moved along as its user asks.
///
/// Reads ahead when the file is walked, so that small frames cost no system call each; the memory
/// is reused.
struct FrameWindow: ~Copyable {
    private var buffer: ByteBuffer
    private var start = 0
    private let aheadBytes: Int

    /// - Parameter ahead: bytes to read at once; more if more is asked for.
    init(ahead: Int) {
        buffer = ByteBuffer(capacity: ahead)
        aheadBytes = ahead
    }

    /// Forgets the bytes: they belong to another file now, or may have changed.
    mutating func forget() {
        buffer.clear()
        start = 0
    }

    /// Makes `range` available.
    /// - Parameter limit: the byte of the file behind which nothing is read.
    /// - Returns: false if the file ends before the range does.
    mutating func load(
        _ range: Range<Int>, of file: File, limit: Int
    ) throws(SystemFailure) -> Bool {
        if range.lowerBound >= start, range.upperBound <= start + buffer.count { return true }
        guard range.upperBound <= limit else { return false }
        buffer.clear()
        start = range.lowerBound
        let wanted = max(range.count, min(aheadBytes, limit - start))
        let count = try file.append(start..<(start + wanted), to: &buffer)
        return count >= range.count
    }

    /// Bytes that were loaded.
    @_lifetime(borrow self)
    func bytes(_ range: Range<Int>) -> RawSpan {
        buffer.bytes(in: (range.lowerBound - start)..<(range.upperBound - start))
    }
}

/// What the next frame of a file must say to be believed.
struct FrameExpectation: Sendable {
    var salt: UInt64
    var position: Position
    /// The chain before the frame; nil where a reader starts in the middle and takes the frame's.
    var chain: Digest?
    var commitTime: Int64
    /// Bytes of the file.
    var capacity: Int
    var fileKind: FrameFileKind
}

extension FrameWindow {
    /// Reads the header of the frame at `offset` and checks it against what is expected.
    mutating func header(
        at offset: Int, of file: File, limit: Int, expecting expected: FrameExpectation
    ) throws(ReadFault) -> FrameHeader {
        let range = offset..<(offset + FrameHeader.byteCount)
        guard try loaded(range, of: file, limit: limit) else { throw .frame(.truncated) }
        do throws(FrameFault) {
            let header = try FrameHeader.decode(bytes(range), salt: expected.salt)
            guard header.offset == offset else { throw .offset(header.offset) }
            guard offset + header.frameBytes <= expected.capacity else { throw .truncated }
            try header.checkKind(in: expected.fileKind)
            guard header.firstPosition == expected.position else {
                throw .position(expected: expected.position, actual: header.firstPosition)
            }
            if let chain = expected.chain, header.chainBefore != chain {
                throw .chain(expected: chain, actual: header.chainBefore)
            }
            guard header.commitTime >= expected.commitTime else {
                throw .time(expected: expected.commitTime, actual: header.commitTime)
            }
            return header
        } catch { throw .frame(error) }
    }

    /// Reads the whole frame with this header and checks payload, padding and directory.
    mutating func body(
        of header: FrameHeader, in file: File, limit: Int
    ) throws(ReadFault) {
        let end = header.offset + header.frameBytes
        guard try loaded(header.offset..<end, of: file, limit: limit) else {
            throw .frame(.truncated)
        }
        let payloadStart = header.offset + FrameHeader.byteCount
        let payloadEnd = payloadStart + header.payloadBytes
        let payload = bytes(payloadStart..<payloadEnd)
        let computed = CRC32C.masked(of: payload)
        guard computed == header.payloadChecksum else {
            throw .frame(.payloadChecksum(expected: header.payloadChecksum, actual: computed))
        }
        let padding = bytes(payloadEnd..<end)
        if !padding.isZero {
            let place = (0..<padding.byteCount).first { padding.byte(at: $0) != 0 } ?? 0
            throw .frame(.padding(payloadEnd + place))
        }
        if !Directory.isSound(payload, count: Int(header.count)) { throw .frame(.directory) }
    }

    /// Calls `body` with a record of a frame whose body was loaded.
    func withRecord<R>(
        _ index: Int, of header: FrameHeader, _ body: (RawSpan) throws -> R
    ) rethrows -> R {
        try body(bytes(recordRange(index, of: header)))
    }

    /// Where a record of a frame stands in the file; the frame's body was loaded.
    func recordRange(_ index: Int, of header: FrameHeader) -> Range<Int> {
        let start = header.offset + FrameHeader.byteCount
        let payload = bytes(start..<(start + header.payloadBytes))
        let range = Directory.range(of: index, in: payload, count: Int(header.count))
        return (start + range.lowerBound)..<(start + range.upperBound)
    }

    private mutating func loaded(
        _ range: Range<Int>, of file: File, limit: Int
    ) throws(ReadFault) -> Bool {
        do { return try load(range, of: file, limit: limit) } catch { throw .system(error) }
    }
}

/// Why a frame could not be read: its bytes, the device, or who was given its records.
enum ReadFault: Error {
    case frame(FrameFault)
    case system(SystemFailure)
    case visit(LogFailure)
}

extension FrameHeader {
    /// Checks that such a frame may stand in such a file, and that fences and seals are empty.
    func checkKind(in file: FrameFileKind) throws(FrameFault) {
        switch (kind, file) {
        case (.entries, .segment), (.edits, .manifest):
            guard count > 0 else { throw .length(payloadBytes) }
        case (.fence, .segment), (.seal, .segment):
            guard count == 0, payloadBytes == 0 else { throw .length(payloadBytes) }
        case (.entries, .manifest), (.fence, .manifest), (.seal, .manifest), (.edits, .segment):
            throw .misplaced(kind)
        }
    }
}

/// The directory of ends at the end of a payload.
enum Directory {
    /// Whether the ends do not fall and the last is where the directory starts.
    static func isSound(_ payload: RawSpan, count: Int) -> Bool {
        let start = payload.byteCount - 4 * count
        guard start >= 0 else { return false }
        var last: UInt32 = 0
        for index in 0..<count {
            let end = payload.readInteger(as: UInt32.self, at: start + 4 * index)
            if end < last { return false }
            last = end
        }
        return count == 0 ? start == 0 : Int(last) == start
    }

    /// The bytes of a record in its payload.
    static func range(of index: Int, in payload: RawSpan, count: Int) -> Range<Int> {
        precondition(index >= 0 && index < count, "no such record")
        let start = payload.byteCount - 4 * count
        let lower =
            index == 0
            ? 0 : Int(payload.readInteger(as: UInt32.self, at: start + 4 * (index - 1)))
        return lower..<Int(payload.readInteger(as: UInt32.self, at: start + 4 * index))
    }
}

import Bytes
import Platform

/// What a walk over all frames of one file found.
struct ScanResult: Sendable {
    /// Bytes that hold sound frames, header included.
    var end: Int
    var nextPosition: Position
    var chain: Digest
    var commitTime: Int64
    var frames: UInt64 = 0
    var index = FrameIndex()
    /// Whether the last frame is a seal.
    var isSealed = false
    /// The last frame. Nothing behind it in the file promises that it is durable.
    var last: FrameHeader?
    /// The commit time before that frame.
    var timeBeforeLast: Int64 = 0
    /// Bytes behind which the file is zero.
    var writtenEnd: Int
    /// Whether the file ends in an unfinished write.
    var isTorn = false
}

/// Walks over the frames of one file from its header to its end and decides where that is.
///
/// Everything is checked: both checksums, padding, own offset, salt, positions, times, and the hash
/// chain, because a checksum of 32 bits lets one in four billion pass.
struct FrameScan: ~Copyable {
    private var window = FrameWindow(ahead: LogLimits.pieceBytes + LogLimits.frameBytesMax)
    private var chain = Chain()

    /// What else is known of the file's end.
    struct Limits: Sendable {
        /// Bytes that the manifest closed it at, and those behind which all is zero.
        var closed: (validBytes: Int, writtenBytes: Int)?
        var isFollowed = false
        /// What the superblock promises of this file.
        var floorOffset = 0
        var floorPosition: Position = 0
        /// Stop at this offset without asking what is behind: the live end of an open log.
        var liveEnd: Int?
    }

    /// Reads the file's header and compares it with what is known of it.
    mutating func header(
        of file: File, as kind: FrameFileKind, storeID: [UInt8]
    ) throws(LogFailure) -> FileHeader {
        window.forget()
        let block = 0..<FileHeader.byteCount
        guard try mappedLoad(block, file, limit: Int.max) else {
            throw .damaged(file.path, at: 0, "the file ends inside its header")
        }
        let header = try FileHeader.decode(window.bytes(block), as: kind, of: file.path)
        guard header.storeID == storeID else {
            throw .damaged(file.path, at: 16, "the file belongs to another store")
        }
        let size = try mapped { () throws(SystemFailure) in try file.size() }
        guard size == header.capacity else {
            throw .damaged(
                file.path, at: min(size, header.capacity),
                "it has \(size) bytes and was made with \(header.capacity)")
        }
        return header
    }

    /// Walks the frames.
    /// - Parameter visit: is given each frame that holds records, and its payload.
    mutating func frames(
        of file: File, header: FileHeader, commitTime: Int64, limits: Limits,
        visit: (FrameHeader, RawSpan) throws(LogFailure) -> Void
    ) throws(LogFailure) -> ScanResult {
        window.forget()
        var result = ScanResult(
            end: FileHeader.byteCount, nextPosition: header.firstPosition, chain: header.chain,
            commitTime: commitTime, writtenEnd: FileHeader.byteCount)
        var expected = FrameExpectation(
            salt: header.salt, position: header.firstPosition, chain: header.chain,
            commitTime: commitTime, capacity: header.capacity, fileKind: header.kind)
        let stop = limits.liveEnd ?? limits.closed?.validBytes ?? header.capacity
        while result.end < stop, !result.isSealed {
            expected.position = result.nextPosition
            expected.chain = result.chain
            expected.commitTime = result.commitTime
            do throws(ReadFault) {
                let frame = try window.header(
                    at: result.end, of: file, limit: header.capacity, expecting: expected)
                try window.body(of: frame, in: file, limit: header.capacity)
                try accept(frame, in: file, &result, visit)
            } catch {
                return try end(of: file, header, result, limits, error)
            }
        }
        if limits.liveEnd != nil { return result }
        return try end(of: file, header, result, limits, .frame(.empty))
    }

    /// The payload of a frame that was walked over.
    mutating func payload(of frame: FrameHeader, in file: File) throws(LogFailure) -> [UInt8] {
        let start = frame.offset + FrameHeader.byteCount
        let range = start..<(start + frame.payloadBytes)
        guard try mappedLoad(range, file, limit: range.upperBound) else {
            throw .damaged(file.path, at: start, "the file ends inside a frame")
        }
        return window.bytes(range).makeArray()
    }

    /// Takes a sound frame into the result.
    private mutating func accept(
        _ frame: FrameHeader, in file: File, _ result: inout ScanResult,
        _ visit: (FrameHeader, RawSpan) throws(LogFailure) -> Void
    ) throws(ReadFault) {
        result.frames += 1
        result.isSealed = frame.kind == .seal
        result.last = frame
        result.timeBeforeLast = result.commitTime
        if frame.count > 0 {
            let payloadHash = try hand(frame, to: visit)
            result.chain = chain.link(
                after: result.chain, firstPosition: frame.firstPosition, count: frame.count,
                commitTime: frame.commitTime, payload: payloadHash)
            result.index.note(position: frame.firstPosition, offset: frame.offset)
        }
        result.nextPosition = frame.nextPosition
        result.commitTime = frame.commitTime
        result.end += frame.frameBytes
        result.writtenEnd = result.end
    }

    /// Gives a frame's payload to `visit`. - Returns: its hash.
    private func hand(
        _ frame: FrameHeader, to visit: (FrameHeader, RawSpan) throws(LogFailure) -> Void
    ) throws(ReadFault) -> Digest {
        let start = frame.offset + FrameHeader.byteCount
        let payload = window.bytes(start..<(start + frame.payloadBytes))
        do { try visit(frame, payload) } catch { throw .visit(error) }
        return SHA256.hash(payload)
    }

    /// Decides what the end at `result.end` is.
    private mutating func end(
        of file: File, _ header: FileHeader, _ scanned: ScanResult, _ limits: Limits,
        _ fault: ReadFault
    ) throws(LogFailure) -> ScanResult {
        var result = scanned
        let cause: FrameFault
        switch fault {
        case .system(let failure): throw LogFailure(failure)
        case .visit(let failure): throw failure
        case .frame(let frameFault): cause = frameFault
        }
        if let closed = limits.closed, result.end == closed.validBytes {
            try checkZero(file, from: closed.writtenBytes, to: header.capacity, result.nextPosition)
            result.writtenEnd = closed.writtenBytes
            return result
        }
        var facts = EndFacts()
        facts.isClosedBeyond = limits.closed != nil
        facts.isFollowed = limits.isFollowed
        facts.isBelowFloor =
            result.end < limits.floorOffset || result.nextPosition < limits.floorPosition
        facts.contradicts = !cause.canBeTorn
        let tail = try tail(of: file, header, from: result.end, &facts)
        facts.isBehindSeal = result.isSealed && !facts.restIsZero
        switch EndDecision.decide(facts) {
        case .damaged(let reason):
            throw .damaged(
                file.path, at: result.end, position: result.nextPosition,
                "\(cause.text); \(tail.bit.map { "the bit is in byte \($0)" } ?? reason.rawValue)")
        case .unreadable:
            throw tail.failure.map { LogFailure($0) }
                ?? .damaged(file.path, at: result.end, position: result.nextPosition, cause.text)
        case .cleanEnd: break
        case .tornTail: result.isTorn = true
        }
        result.writtenEnd = max(result.end, tail.writtenEnd)
        return result
    }

    private struct Tail {
        var writtenEnd = 0
        var bit: Int?
        var failure: SystemFailure?
    }

    /// Reads everything from `start` on and notes what it says about the end there.
    private mutating func tail(
        of file: File, _ header: FileHeader, from start: Int, _ facts: inout EndFacts
    ) throws(LogFailure) -> Tail {
        var tail = Tail()
        do throws(SystemFailure) {
            let reach = try examine(start, file, header, &tail, &facts)
            var offset = start
            while offset < header.capacity {
                let block = offset..<(offset + LogLimits.blockBytes)
                guard try window.load(block, of: file, limit: header.capacity) else { break }
                let bytes = window.bytes(block)
                if !bytes.isZero {
                    tail.writtenEnd = block.upperBound
                    if offset > start, Self.isHeader(bytes, salt: header.salt) {
                        facts.laterFrame = true
                    }
                }
                offset = block.upperBound
            }
            facts.restIsZero = tail.writtenEnd == 0
            facts.strayBytes = tail.writtenEnd > reach
        } catch {
            facts.readFailed = true
            tail.failure = error
        }
        return tail
    }

    /// Looks at the bad frame itself. - Returns: the offset up to which its write reached at most.
    private mutating func examine(
        _ start: Int, _ file: File, _ header: FileHeader, _ tail: inout Tail,
        _ facts: inout EndFacts
    ) throws(SystemFailure) -> Int {
        let farthest = start + LogLimits.frameBytesMax
        let range = start..<(start + FrameHeader.byteCount)
        guard try window.load(range, of: file, limit: header.capacity) else { return start }
        if window.bytes(range).isZero { return farthest }
        guard let frame = try? FrameHeader.decode(window.bytes(range), salt: header.salt) else {
            if let bit = BitFlip.byteOffset(inHeader: window.bytes(range)) {
                facts.oneBitExplains = true
                tail.bit = start + bit
            }
            return farthest
        }
        let payload = range.upperBound..<(range.upperBound + frame.payloadBytes)
        guard try window.load(payload, of: file, limit: header.capacity) else { return farthest }
        if let bit = BitFlip.byteOffset(in: window.bytes(payload), stored: frame.payloadChecksum) {
            facts.oneBitExplains = true
            tail.bit = payload.lowerBound + bit
        }
        return start + frame.frameBytes
    }

    private static func isHeader(_ block: RawSpan, salt: UInt64) -> Bool {
        let bytes = block.extracting(0..<FrameHeader.byteCount)
        do throws(FrameFault) {
            _ = try FrameHeader.decode(bytes, salt: salt)
            return true
        } catch {
            // Its checksum holds and it carries our salt: it is ours, whatever else is odd about it.
            return !error.canBeTorn && error != .magic
        }
    }

    /// Demands that a stretch of the file is zero.
    private mutating func checkZero(
        _ file: File, from start: Int, to end: Int, _ position: Position
    ) throws(LogFailure) {
        var offset = start
        while offset < end {
            let piece = offset..<min(end, offset + LogLimits.pieceBytes)
            guard try mappedLoad(piece, file, limit: end) else {
                throw .damaged(file.path, at: offset, position: position, "the file is too short")
            }
            let bytes = window.bytes(piece)
            if !bytes.isZero {
                let place = (0..<bytes.byteCount).first { bytes.byte(at: $0) != 0 } ?? 0
                throw .damaged(
                    file.path, at: offset + place, position: position,
                    "there is a byte behind the end of the file's frames")
            }
            offset = piece.upperBound
        }
    }

    private mutating func mappedLoad(
        _ range: Range<Int>, _ file: File, limit: Int
    ) throws(LogFailure) -> Bool {
        do { return try window.load(range, of: file, limit: limit) } catch {
            throw LogFailure(error)
        }
    }
}

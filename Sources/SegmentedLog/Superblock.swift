import Bytes

/// A place in the log that is certainly durable: less than this is damage.
struct LogFloor: Equatable, Sendable {
    var segmentID: UInt64
    /// Bytes of that segment that are durable.
    var offset: Int
    var nextPosition: Position
    var chain: Digest
    var commitTime: Int64
}

/// # Superblock: the root of the store, four copies of one block
///
///     0  magic DAYBKSUP           40 manifest id u64             72  next position u64
///     8  version, oldest reader   48 manifest's durable bytes    80  chain, 32 bytes
///     12 flags u32, zero          56 segment id u64              112 commit time i64
///     16 store id, 16 bytes       64 segment's durable bytes     120 zeros
///     32 sequence u64                                            4092 masked CRC-32C
///
/// It names the manifest that counts. It is written two copies at a time, each pair flushed before
/// the other is touched, and read as the highest sequence that two copies agree on: whatever a crash
/// leaves, one pair is whole.
struct Superblock: Equatable, Sendable {
    var storeID: [UInt8]
    var sequence: UInt64
    var manifestID: UInt64
    var manifestBytes: Int
    var floor: LogFloor

    static let magic = ascii("DAYBKSUP")
    static let fileBytes = LogLimits.superblockCopies * LogLimits.blockBytes

    /// Appends one copy.
    func append(to buffer: inout ByteBuffer) {
        let start = buffer.count
        buffer.appendInteger(Self.magic)
        buffer.appendInteger(FileHeader.version)
        buffer.appendInteger(FileHeader.version)
        buffer.appendInteger(UInt32(0))
        buffer.append(storeID)
        buffer.appendInteger(sequence)
        buffer.appendInteger(manifestID)
        buffer.appendInteger(UInt64(manifestBytes))
        buffer.appendInteger(floor.segmentID)
        buffer.appendInteger(UInt64(floor.offset))
        buffer.appendInteger(floor.nextPosition)
        floor.chain.append(to: &buffer)
        buffer.appendInteger(floor.commitTime)
        assert(buffer.count - start == 120)
        Block.finish(&buffer, from: start)
    }

    /// Reads one copy.
    static func decode(_ block: RawSpan, of file: String, at offset: Int) throws(LogFailure)
        -> Superblock
    {
        try Block.check(block, magic: magic, used: 120, of: file, at: offset)
        let manifestBytes = block.readInteger(as: UInt64.self, at: 48)
        let segmentBytes = block.readInteger(as: UInt64.self, at: 64)
        guard manifestBytes <= 1 << 40, segmentBytes <= 1 << 40 else {
            throw .damaged(file, at: offset, "it gives impossible sizes")
        }
        return Superblock(
            storeID: block.extracting(16..<32).makeArray(),
            sequence: block.readInteger(as: UInt64.self, at: 32),
            manifestID: block.readInteger(as: UInt64.self, at: 40),
            manifestBytes: Int(manifestBytes),
            floor: LogFloor(
                segmentID: block.readInteger(as: UInt64.self, at: 56), offset: Int(segmentBytes),
                nextPosition: block.readInteger(as: UInt64.self, at: 72),
                chain: Digest(block.extracting(80..<112)),
                commitTime: block.readInteger(as: Int64.self, at: 112)))
    }

    /// What the copies in a file say together.
    struct Reading: Equatable, Sendable {
        /// The superblock that counts.
        var chosen: Superblock
        /// Copies that say something else, or nothing.
        var otherCopies: [Int]
    }

    /// Chooses among the copies of a file.
    static func choose(_ bytes: RawSpan, of file: String) throws(LogFailure) -> Reading {
        guard bytes.byteCount == fileBytes else {
            throw .damaged(
                file, at: min(bytes.byteCount, fileBytes),
                "it has \(bytes.byteCount) bytes instead of \(fileBytes)")
        }
        var copies: [Superblock?] = []
        var reason: LogFailure?
        for copy in 0..<LogLimits.superblockCopies {
            let start = copy * LogLimits.blockBytes
            let block = bytes.extracting(start..<(start + LogLimits.blockBytes))
            do throws(LogFailure) {
                copies.append(try decode(block, of: file, at: start))
            } catch {
                if case .unsupported = error.kind { throw error }
                copies.append(nil)
                reason = reason ?? error
            }
        }
        let agreed = copies.compactMap { $0 }.filter { one in
            copies.count { $0 == one } >= 2
        }
        guard let chosen = agreed.max(by: { $0.sequence < $1.sequence }) else {
            throw reason ?? .damaged(file, at: 0, "no two of its four copies agree")
        }
        return Reading(chosen: chosen, otherCopies: copies.indices.filter { copies[$0] != chosen })
    }
}

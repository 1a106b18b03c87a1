import Bytes

/// The files that hold frames.
enum FrameFileKind: Sendable {
    case segment, manifest

    var magic: UInt64 {
        switch self {
        case .segment: ascii("DAYBKWAL")
        case .manifest: ascii("DAYBKMAN")
        }
    }

    /// The version that is written. Manifests of version 2 may list sealed segments.
    var version: UInt16 {
        switch self {
        case .segment: 1
        case .manifest: 2
        }
    }
}

/// Eight letters as the little-endian number that they are on disk.
func ascii(_ letters: StaticString) -> UInt64 {
    "\(letters)".utf8.reversed().reduce(0) { $0 << 8 | UInt64($1) }
}

/// # Header of a file of frames, one block
///
///     0  magic DAYBKWAL or DAYBKMAN   48 salt u64                  80  chain before the first frame
///     8  version u16 = 1              56 previous file's id u64    112 capacity in bytes u64
///     10 oldest reader u16 = 1        64 its valid bytes u64       120 zeros
///     12 flags u32, zero              72 its next position u64     4092 masked CRC-32C of the rest
///     16 store id, 16 bytes
///     32 file id u64
///     40 first position u64
///
/// A segment repeats what the manifest says of it and of its predecessor, so that a file under a
/// wrong name, or of another store, does not pass. A manifest's positions count edits, and it has no
/// predecessor.
struct FileHeader: Equatable, Sendable {
    var kind: FrameFileKind
    var storeID: [UInt8]
    var id: UInt64
    var firstPosition: Position
    var salt: UInt64
    var previousID: UInt64
    var previousBytes: Int
    var previousNextPosition: Position
    var chain: Digest
    var capacity: Int

    static let byteCount = LogLimits.blockBytes
    /// The version of the blocks that have had no other yet.
    static let version: UInt16 = 1

    /// Appends the block.
    func append(to buffer: inout ByteBuffer) {
        let start = buffer.count
        buffer.appendInteger(kind.magic)
        buffer.appendInteger(kind.version)
        buffer.appendInteger(kind.version)
        buffer.appendInteger(UInt32(0))
        buffer.append(storeID)
        buffer.appendInteger(id)
        buffer.appendInteger(firstPosition)
        buffer.appendInteger(salt)
        buffer.appendInteger(previousID)
        buffer.appendInteger(UInt64(previousBytes))
        buffer.appendInteger(previousNextPosition)
        chain.append(to: &buffer)
        buffer.appendInteger(UInt64(capacity))
        assert(buffer.count - start == 120)
        Block.finish(&buffer, from: start)
    }

    /// Reads a block of this kind.
    static func decode(_ block: RawSpan, as kind: FrameFileKind, of file: String) throws(LogFailure)
        -> FileHeader
    {
        try Block.check(
            block, magic: kind.magic, version: kind.version, used: 120, of: file, at: 0)
        let capacity = block.readInteger(as: UInt64.self, at: 112)
        let previousBytes = block.readInteger(as: UInt64.self, at: 64)
        guard capacity % UInt64(LogLimits.blockBytes) == 0, capacity <= 1 << 40,
            previousBytes <= 1 << 40
        else {
            throw .damaged(file, at: 0, "its header gives impossible sizes")
        }
        return FileHeader(
            kind: kind, storeID: block.extracting(16..<32).makeArray(),
            id: block.readInteger(as: UInt64.self, at: 32),
            firstPosition: block.readInteger(as: UInt64.self, at: 40),
            salt: block.readInteger(as: UInt64.self, at: 48),
            previousID: block.readInteger(as: UInt64.self, at: 56),
            previousBytes: Int(previousBytes),
            previousNextPosition: block.readInteger(as: UInt64.self, at: 72),
            chain: Digest(block.extracting(80..<112)), capacity: Int(capacity))
    }
}

/// What file headers and superblocks share: a block with magic, versions, zeros and a checksum.
enum Block {
    /// Fills the block that begins at `start` with zeros up to its checksum and appends that.
    static func finish(_ buffer: inout ByteBuffer, from start: Int) {
        let checked = LogLimits.blockBytes - 4
        buffer.appendZeros(start + checked - buffer.count)
        buffer.appendInteger(CRC32C.masked(of: buffer.bytes(in: start..<(start + checked))))
    }

    /// Checks the checksum, then the magic, then the version, then that the rest is zeros.
    /// - Parameters:
    ///   - version: the newest that this program can read.
    ///   - used: bytes of the block that mean something.
    static func check(
        _ block: RawSpan, magic: UInt64, version: UInt16 = FileHeader.version, used: Int,
        of file: String, at offset: Int
    ) throws(LogFailure) {
        let checked = LogLimits.blockBytes - 4
        guard block.byteCount == LogLimits.blockBytes else {
            throw .damaged(file, at: offset, "the file ends inside its header")
        }
        let stored = block.readInteger(as: UInt32.self, at: checked)
        let computed = CRC32C.masked(of: block.extracting(0..<checked))
        guard stored == computed else {
            throw .damaged(
                file, at: offset,
                block.isZero
                    ? "there are zeros where its header should be"
                    : "its header's checksum is \(hex(computed)), stored is \(hex(stored))")
        }
        guard block.readInteger(as: UInt64.self, at: 0) == magic else {
            throw .damaged(file, at: offset, "it is a file of another kind")
        }
        let oldestReader = block.readInteger(as: UInt16.self, at: 10)
        guard oldestReader <= version else {
            throw .unsupported(
                file, at: offset + 10, "the format needs a reader of version \(oldestReader)")
        }
        guard (1...version).contains(block.readInteger(as: UInt16.self, at: 8)),
            block.readInteger(as: UInt32.self, at: 12) == 0,
            block.extracting(used..<checked).isZero
        else { throw .unsupported(file, at: offset, "the header has fields of a later version") }
    }
}

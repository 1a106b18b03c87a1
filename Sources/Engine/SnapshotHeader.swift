import Bytes
import SegmentedLog

/// What stands before the state in a snapshot file.
///
///     magic `DAYBKSNP` | format u16 | projection version u32 | store 16 | position u64 |
///     recorded-at i64 | chain 32 | books digest 32 | state length u64 | SHA-256 of state 32 |
///     masked CRC-32C of all before u32 | state
///
/// Format 1 had no recorded-at. Its files are recognised and passed over: the log has everything.
struct SnapshotHeader: Equatable {
    /// Version of the projection whose state follows.
    var projectionVersion: UInt32
    /// 16 bytes that name the store.
    var storeID: [UInt8]
    /// Entries that the state includes.
    var position: Position
    /// Commit time of the last of them, nanoseconds UTC.
    var recordedAt: Int64
    /// The log's chain there.
    var chain: Digest
    /// The digest of all books there.
    var digest: Digest
    /// Bytes of the state.
    var stateBytes: UInt64
    /// Their SHA-256.
    var stateHash: Digest

    static let magic: [UInt8] = Array("DAYBKSNP".utf8)
    static let formatVersion: UInt16 = 2
    static let byteCount = 8 + 2 + 4 + 16 + 8 + 8 + 32 + 32 + 8 + 32 + 4

    /// Appends the header's bytes.
    func append(to file: inout ByteBuffer) {
        let start = file.count
        file.append(Self.magic)
        file.appendInteger(Self.formatVersion)
        file.appendInteger(projectionVersion)
        file.append(storeID)
        file.appendInteger(position)
        file.appendInteger(recordedAt)
        chain.append(to: &file)
        digest.append(to: &file)
        file.appendInteger(stateBytes)
        stateHash.append(to: &file)
        file.appendInteger(CRC32C.masked(of: file.bytes(in: start..<file.count)))
        precondition(file.count - start == Self.byteCount, "the header has its documented size")
    }
}

extension SnapshotHeader {
    /// Reads the header at the start of a file.
    init(decoding bytes: RawSpan) throws(DecodeFailure) {
        var reader = ByteReader(bytes)
        guard try reader.read(count: 8).makeArray() == Self.magic else {
            throw .invalid("magic", 0)
        }
        let format = try reader.readInteger(as: UInt16.self)
        guard format == Self.formatVersion else {
            throw .invalid("format \(format), this is \(Self.formatVersion)", 8)
        }
        projectionVersion = try reader.readInteger(as: UInt32.self)
        storeID = try reader.read(count: 16).makeArray()
        position = try reader.readInteger(as: UInt64.self)
        recordedAt = try reader.readInteger(as: Int64.self)
        chain = try Digest(from: &reader)
        digest = try Digest(from: &reader)
        stateBytes = try reader.readInteger(as: UInt64.self)
        stateHash = try Digest(from: &reader)
        let covered = bytes.extracting(0..<reader.offset)
        guard try reader.readInteger(as: UInt32.self) == CRC32C.masked(of: covered) else {
            throw .invalid("header checksum", reader.offset)
        }
    }
}

import Billing
import Bytes
import Codec
package import Platform
import Projections
import SegmentedLog

/// Shows what is in a snapshot file, for a person: sound or not, and without changing it.
package enum SnapshotInspection {
    /// Lines that describe the file at `path`.
    /// - Returns: nil if it is no snapshot.
    /// - Throws: `SystemFailure` if it cannot be read.
    package static func describe(
        path: String, fileSystem: any FileSystem
    ) throws(SystemFailure) -> [String]? {
        var bytes = ByteBuffer()
        _ = try File.readWhole(path, into: &bytes, fileSystem)
        return describe(bytes.bytes, path: path)
    }

    private static func describe(_ bytes: RawSpan, path: String) -> [String]? {
        let magic = SnapshotHeader.magic
        guard bytes.byteCount >= magic.count,
            bytes.extracting(0..<magic.count).isEqual(to: magic.raw)
        else { return nil }
        var lines = ["\(path): snapshot, \(bytes.byteCount) bytes"]
        do throws(DecodeFailure) {
            var reader = ByteReader(bytes)
            _ = try reader.read(count: magic.count)
            let format = try reader.readInteger(as: UInt16.self)
            let version = try reader.readInteger(as: UInt32.self)
            let store = try reader.read(count: 16).makeArray()
            let position = try reader.readInteger(as: UInt64.self)
            // Format 1 does not say when its last entry was recorded.
            let recordedAt = format == 1 ? nil : try reader.readInteger(as: Int64.self)
            let chain = try Digest(from: &reader)
            let digest = try Digest(from: &reader)
            let stateBytes = try reader.readInteger(as: UInt64.self)
            let stateHash = try Digest(from: &reader)
            let covered = CRC32C.masked(of: bytes.extracting(0..<reader.offset))
            let isSound = try reader.readInteger(as: UInt32.self) == covered
            lines.append(
                "header: format \(format), projection version \(version), store \(hex(store)), "
                    + "checksum \(isSound ? "right" : "WRONG")")
            let time = recordedAt.map { ", recorded \(Timestamp(nanoseconds: $0))" } ?? ""
            lines.append("position \(position)\(time), chain \(chain.hex)")
            lines.append("digest of all books \(digest.hex)")
            lines.append(state(bytes, from: reader.offset, stateBytes, stateHash))
        } catch {
            lines.append("cut off inside the header, which has \(SnapshotHeader.byteCount) bytes")
        }
        lines.append("it may be deleted while the server is stopped: the log is the truth")
        return lines
    }

    private static func state(
        _ bytes: RawSpan, from start: Int, _ count: UInt64, _ hash: Digest
    ) -> String {
        let state = bytes.extracting(start..<bytes.byteCount)
        guard UInt64(state.byteCount) == count else {
            return "state: \(state.byteCount) bytes where the header says \(count): DAMAGED"
        }
        let isSound = SHA256.hash(state) == hash
        return "state: \(count) bytes, SHA-256 \(hash.hex), \(isSound ? "sound" : "DAMAGED")"
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}

import Bytes
import Codec
import Engine
import SegmentedLog

/// What a signer says of the entries of a proof whose bodies were dropped.
///
/// The tree binds what such an entry was, by its hash, and not what was kept of it. So the signer vouches for
/// that in a note of its own, whose body is
///
///     <origin>
///     retired <size of the log> <count> <base64 of SHA-256 over, for each: position, length, record>
///
/// numbers as 8 bytes, the most significant first. Nobody else can change what was kept; that the signer kept
/// it as it was, is believed.
struct RetiredEntries {
    /// How many there are.
    private(set) var count: UInt64 = 0
    private let hash: Digest

    /// Those among the entries of a proof.
    init(_ entries: [BillFromEntries.Entry]) throws(DecodeFailure) {
        var bytes = ByteBuffer(capacity: 4096)
        for entry in entries
        where RecordRetirement.isRetired(try RecordView(record: entry.record.raw)) {
            count += 1
            bytes.appendInteger(entry.position.bigEndian)
            bytes.appendInteger(UInt64(entry.record.count).bigEndian)
            bytes.append(entry.record)
        }
        hash = SHA256.hash(bytes.bytes)
    }

    /// The note's body.
    func body(origin: String, size: Position) -> String {
        "\(origin)\nretired \(size) \(count) \(Base64.text(hash))\n"
    }
}

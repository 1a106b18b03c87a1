package import Bytes

/// # The chain
///
/// Each commit is bound to all before it:
///
///     chain(n) = SHA-256( 0x02 ‖ chain(n-1) ‖ first position u64 ‖ count u32 ‖ commit time i64
///                         ‖ SHA-256(payload) )
///
/// with integers little endian and `chain(-1)` all zeros. It says nothing of files and offsets, so
/// that it still holds when frames are stored in another form. Fences and seals are no links.
package struct Chain: ~Copyable {
    private var scratch: ByteBuffer

    /// Bytes that a link hashes.
    static let linkBytes = 1 + Digest.byteCount + 8 + 4 + 8 + Digest.byteCount

    /// A chain calculator; it keeps its scratch memory.
    package init() { scratch = ByteBuffer(capacity: Self.linkBytes) }

    /// The link after `previous`.
    /// - Parameters:
    ///   - firstPosition: of the commit's first entry.
    ///   - count: entries of the commit.
    ///   - commitTime: nanoseconds since 1970 UTC.
    ///   - payload: SHA-256 of records and directory.
    package mutating func link(
        after previous: Digest, firstPosition: Position, count: UInt32, commitTime: Int64,
        payload: Digest
    ) -> Digest {
        scratch.clear()
        scratch.append(0x02)
        previous.append(to: &scratch)
        scratch.appendInteger(firstPosition)
        scratch.appendInteger(count)
        scratch.appendInteger(commitTime)
        payload.append(to: &scratch)
        assert(scratch.count == Self.linkBytes)
        return SHA256.hash(scratch.bytes)
    }
}

package import Bytes
package import SegmentedLog

/// Which (source, id) is already in the log, for ever: there is no window.
///
/// Every entry has a fingerprint, a keyed 64-bit hash of its (source, id). The table leads from a
/// fingerprint to the positions that have it; it never decides by itself. The engine reads the
/// entry at a candidate's position and compares the whole key and the whole content, so two keys
/// with one fingerprint are two events, and a changed content is a conflict.
///
/// A slot holds a position (40 bits, one trillion entries) and the top 24 bits of its fingerprint,
/// so that a probe touches the fingerprint array only where it is very likely to match.
package struct Deduplication: ~Copyable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 1
    /// Positions must fit into a slot.
    package static let positionMax: Position = (1 << 40) - 2

    private static let pageEntries = 4096

    /// Fingerprint of each entry, by position.
    private var fingerprints = Chunked<12, UInt64>()
    private var slots: [UInt64]
    private let isIndexed: Bool
    /// Running hash over the full pages; a digest adds what follows them.
    private var fullPagesDigest: Digest = .zero

    /// Nothing recorded yet.
    /// - Parameter indexed: whether to keep the table. The durable head only needs the digest.
    package init(indexed: Bool) {
        isIndexed = indexed
        slots = indexed ? Array(repeating: 0, count: 1 << 12) : []
    }

    /// The same identities, sharing their memory until one of both learns more.
    /// - Parameter indexed: whether to make the table for this copy.
    package func copy(indexed: Bool) -> Deduplication {
        var copy = Deduplication(indexed: indexed)
        if indexed {
            for index in 0..<fingerprints.count { copy.append(fingerprints[index]) }
        }
        copy.fingerprints = fingerprints
        copy.fullPagesDigest = fullPagesDigest
        return copy
    }

    /// How many entries are known: the next position.
    package var count: Position { Position(fingerprints.count) }

    /// Adds the entry at the next position.
    package mutating func append(_ fingerprint: UInt64) {
        precondition(count < Self.positionMax, "deduplication holds at most 2^40 entries")
        fingerprints.append(fingerprint)
        if isIndexed {
            if fingerprints.count * 2 > slots.count { grow() } else { place(count - 1) }
        }
        if fingerprints.count % Self.pageEntries == 0 { closePage() }
    }

    /// Calls `body` with each position whose fingerprint is `fingerprint`, until it returns true.
    /// - Returns: the position for which `body` returned true.
    package func first(
        _ fingerprint: UInt64, where body: (Position) throws -> Bool
    ) rethrows -> Position? {
        precondition(isIndexed, "this copy has no index")
        let mask = slots.count - 1
        let tag = fingerprint >> 40
        var slot = Int(truncatingIfNeeded: fingerprint) & mask
        while slots[slot] != 0 {
            let position = (slots[slot] & 0xFF_FFFF_FFFF) - 1
            if slots[slot] >> 40 == tag, fingerprints[Int(position)] == fingerprint,
                try body(position)
            {
                return position
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// The digest of all fingerprints in position order.
    package func digest() -> Digest {
        var bytes = ByteBuffer(capacity: Self.pageEntries * 8 + 64)
        fullPagesDigest.append(to: &bytes)
        bytes.appendVarint(UInt64(fingerprints.count))
        let open = fingerprints.count / Self.pageEntries * Self.pageEntries
        for index in open..<fingerprints.count { bytes.appendInteger(fingerprints[index]) }
        return SHA256.hash(bytes.bytes)
    }

    /// Writes the fingerprints of a range of positions.
    package func serialise(_ positions: Range<Position>, into bytes: inout ByteBuffer) {
        for index in Int(positions.lowerBound)..<Int(positions.upperBound) {
            bytes.appendInteger(fingerprints[index])
        }
    }

    private mutating func closePage() {
        var bytes = ByteBuffer(capacity: Self.pageEntries * 8 + 32)
        fullPagesDigest.append(to: &bytes)
        for index in (fingerprints.count - Self.pageEntries)..<fingerprints.count {
            bytes.appendInteger(fingerprints[index])
        }
        fullPagesDigest = SHA256.hash(bytes.bytes)
    }

    private mutating func place(_ position: Position) {
        let fingerprint = fingerprints[Int(position)]
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: fingerprint) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = (fingerprint >> 40) << 40 | (position + 1)
    }

    private mutating func grow() {
        slots = Array(repeating: 0, count: slots.count * 2)
        for position in 0..<count { place(position) }
    }
}

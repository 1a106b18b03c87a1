package import Bytes
package import SegmentedLog

/// The part of the state digest that says which identities are in the log, and in which order.
///
/// Every entry has a fingerprint, a keyed 64-bit hash of its (source, id). What is kept is a running
/// hash over full pages of fingerprints and the open page: a few KiB, however long the log is.
/// Which position has a fingerprint is asked of the engine's `IdentityIndex`, which is no part of
/// the books: it is a cache of the log as they are, with files of its own.
package struct Deduplication: ~Copyable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 2

    private static let pageEntries = 4096

    /// Fingerprints after the full pages, in position order.
    private var openPage: [UInt64] = []
    private var fullPages: UInt64 = 0
    /// Running hash over the full pages; a digest adds what follows them.
    private var fullPagesDigest: Digest = .zero

    /// Nothing recorded yet.
    package init() {
        openPage.reserveCapacity(Self.pageEntries)
    }

    /// The same state.
    package func copy() -> Deduplication {
        var copy = Deduplication()
        copy.openPage = openPage
        copy.fullPages = fullPages
        copy.fullPagesDigest = fullPagesDigest
        return copy
    }

    /// How many entries are in it: the next position.
    package var count: Position {
        fullPages * Position(Self.pageEntries) + Position(openPage.count)
    }

    /// Adds the entry at the next position.
    package mutating func append(_ fingerprint: UInt64) {
        openPage.append(fingerprint)
        if openPage.count == Self.pageEntries { closePage() }
    }

    /// The digest of all fingerprints in position order.
    package func digest() -> Digest {
        var bytes = ByteBuffer(capacity: Self.pageEntries * 8 + 64)
        serialise(into: &bytes)
        return SHA256.hash(bytes.bytes)
    }

    /// Writes the state: hash of the full pages, count of all entries, fingerprints of the open page.
    package func serialise(into bytes: inout ByteBuffer) {
        fullPagesDigest.append(to: &bytes)
        bytes.appendVarint(count)
        for fingerprint in openPage { bytes.appendInteger(fingerprint) }
    }

    /// Reads what `serialise` wrote.
    /// - Throws: `DecodeFailure` if the bytes end too early.
    package init(restoring reader: inout ByteReader) throws(DecodeFailure) {
        self.init()
        fullPagesDigest = try Digest(from: &reader)
        let count = try reader.readVarint()
        fullPages = count / Position(Self.pageEntries)
        for _ in 0..<(count % Position(Self.pageEntries)) {
            openPage.append(try reader.readInteger(as: UInt64.self))
        }
    }

    private mutating func closePage() {
        var bytes = ByteBuffer(capacity: Self.pageEntries * 8 + 32)
        fullPagesDigest.append(to: &bytes)
        for fingerprint in openPage { bytes.appendInteger(fingerprint) }
        fullPagesDigest = SHA256.hash(bytes.bytes)
        fullPages += 1
        openPage.removeAll(keepingCapacity: true)
    }
}

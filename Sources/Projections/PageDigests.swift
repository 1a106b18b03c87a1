package import Bytes

/// The digest of a projection, kept page by page.
///
/// State is cut into pages of `accountsPerPage` accounts; a change marks its page dirty, and only
/// dirty pages are hashed again when a digest is asked for. The page's bytes are the same bytes
/// that a snapshot writes, so that what is compared is what is stored.
package struct PageDigests {
    /// Accounts in a page: small enough that one busy account does not rehash much.
    package static let accountsPerPage = 256

    private var digests: [Digest] = []
    private var dirty: [Bool] = []
    private var dirtyPages: [Int] = []

    /// No page yet.
    package init() {}

    /// How many pages have ever been touched.
    package var count: Int { digests.count }

    /// The page in which an account's state lies.
    package static func page(of account: UInt32) -> Int { Int(account) / accountsPerPage }

    /// Reads how many pages follow in a snapshot.
    /// - Throws: `DecodeFailure` for more than account numbers can fill.
    package static func readCount(_ reader: inout ByteReader) throws(DecodeFailure) -> Int {
        let offset = reader.offset
        let count = try reader.readVarint()
        guard count <= UInt64(page(of: .max)) + 1 else { throw .outOfRange(offset) }
        return Int(count)
    }

    /// Marks the page of `account` as changed.
    package mutating func touch(account: UInt32) {
        touch(page: Self.page(of: account))
    }

    /// Marks a page as changed.
    package mutating func touch(page: Int) {
        while digests.count <= page {
            digests.append(.zero)
            dirty.append(true)
            dirtyPages.append(digests.count - 1)
        }
        guard !dirty[page] else { return }
        dirty[page] = true
        dirtyPages.append(page)
    }

    /// Hashes what changed and returns the digest over all pages.
    /// - Parameter serialise: writes one page's state in its one canonical form.
    package mutating func digest(_ serialise: (Int, inout ByteBuffer) -> Void) -> Digest {
        var bytes = ByteBuffer(capacity: 1 << 16)
        for page in dirtyPages {
            bytes.clear()
            serialise(page, &bytes)
            digests[page] = SHA256.hash(bytes.bytes)
            dirty[page] = false
        }
        dirtyPages.removeAll(keepingCapacity: true)
        bytes.clear()
        bytes.appendVarint(UInt64(digests.count))
        for digest in digests { digest.append(to: &bytes) }
        return SHA256.hash(bytes.bytes)
    }
}

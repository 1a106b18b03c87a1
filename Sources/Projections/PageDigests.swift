package import Bytes

/// The digest of a projection, kept page by page.
///
/// State is cut into pages of `accountsPerPage` accounts; a change marks its page, and only marked
/// pages are hashed again when a digest is asked for. The page's bytes are the same bytes that a
/// snapshot writes, so that what is compared is what is stored.
///
/// Hashing is done on a copy, away from the lock under which the original goes on. What the copy
/// found is given back (`accept`) for the pages that did not change meanwhile. Each mark carries
/// an epoch, the number of copies taken before the change, and so tells one from the other.
package struct PageDigests {
    /// Accounts in a page: small enough that one busy account does not rehash much.
    package static let accountsPerPage = 256

    private var digests: [Digest] = []
    /// Epoch of each page's last change; 0: its digest is right.
    private var changed: [UInt64] = []
    /// Pages whose digest is not right, each once.
    private var marked: [Int] = []
    private var epoch: UInt64 = 1

    /// No page yet.
    package init() {}

    /// How many pages have ever been touched.
    package var count: Int { digests.count }

    /// Pages that the next digest hashes.
    package var markedCount: Int { marked.count }

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
            marked.append(digests.count)
            digests.append(.zero)
            changed.append(epoch)
        }
        guard changed[page] != epoch else { return }
        if changed[page] == 0 { marked.append(page) }
        changed[page] = epoch
    }

    /// Hashes what changed and returns the digest over all pages.
    /// - Parameter serialise: writes one page's state in its one canonical form.
    package mutating func digest(_ serialise: (Int, inout ByteBuffer) -> Void) -> Digest {
        var bytes = ByteBuffer(capacity: 1 << 16)
        for page in marked {
            bytes.clear()
            serialise(page, &bytes)
            digests[page] = SHA256.hash(bytes.bytes)
            changed[page] = 0
        }
        marked.removeAll(keepingCapacity: true)
        bytes.clear()
        bytes.appendVarint(UInt64(digests.count))
        for digest in digests { digest.append(to: &bytes) }
        return SHA256.hash(bytes.bytes)
    }

    /// The digests as they stand. Changes from now on are told from those before.
    package mutating func copy() -> PageDigests {
        let copy = self
        epoch += 1
        return copy
    }

    /// Takes over what a copy has hashed since, for the pages that did not change after the copy.
    /// - Parameter copy: a copy of these digests, whose own state was not changed.
    package mutating func accept(_ copy: borrowing PageDigests) {
        precondition(copy.epoch < epoch, "not a copy of these digests")
        for page in marked where changed[page] <= copy.epoch && copy.changed[page] == 0 {
            digests[page] = copy.digests[page]
            changed[page] = 0
        }
        marked.removeAll { changed[$0] == 0 }
    }
}

package import Bytes
package import SegmentedLog

/// # What the signer says of the log at one size
///
/// The body of a C2SP checkpoint (https://c2sp.org/tlog-checkpoint), with three extension lines:
///
///     daybook/<store name>
///     <size: entries in the log, decimal>
///     <root of the tree over all entries, base64>
///     chain <head of the frame chain at that size, hexadecimal>
///     catalogs <count> <chain over the entries that publish a catalog, base64>
///     accounts <count> <root of the accounts map, base64>
///
/// The chains say that nothing is missing: exactly these catalogs, and for each account exactly the
/// entries of its row in the map.
package struct Checkpoint: Hashable, Sendable {
    /// Whose log.
    package let origin: String
    /// Entries in the log.
    package let size: Position
    /// The root of the tree over them.
    package let root: Digest
    /// The frame chain's head, as receipts carry it.
    package let chain: Digest
    /// All published catalogs.
    package let catalogs: EntryChain
    /// Rows of the accounts map.
    package let accounts: UInt64
    /// Root of the accounts map.
    package let accountsRoot: Digest

    /// The name of a store's log and of its key.
    static func origin(_ storeName: String) -> String { "daybook/\(storeName)" }

    init(
        origin: String, size: Position, root: Digest, chain: Digest, catalogs: EntryChain,
        accounts: AccountsMap
    ) {
        self.origin = origin
        self.size = size
        self.root = root
        self.chain = chain
        self.catalogs = catalogs
        self.accounts = accounts.count
        accountsRoot = accounts.root
    }

    /// Reads a note's body; there is one spelling of it.
    init(_ body: String) throws(ProofFailure) {
        let lines = body.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 7, lines[6].isEmpty, VerifierKey.isName(lines[0]),
            let size = UInt64(lines[1]), let root = Base64.digest(String(lines[2])),
            let chain = Self.hex(Self.words(lines[3], "chain", 2)),
            let catalogs = Self.counted(Self.words(lines[4], "catalogs", 3)),
            let accounts = Self.counted(Self.words(lines[5], "accounts", 3))
        else { throw ProofFailure("checkpoint", "its lines are not those of a checkpoint") }
        origin = String(lines[0])
        self.size = size
        self.root = root
        self.chain = chain
        self.catalogs = EntryChain(count: catalogs.0, head: catalogs.1)
        self.accounts = accounts.0
        accountsRoot = accounts.1
        guard self.body.utf8.elementsEqual(body.utf8) else {
            throw ProofFailure("checkpoint", "its lines are not written as a checkpoint's are")
        }
    }

    /// The lines that are signed.
    package var body: String {
        """
        \(origin)
        \(size)
        \(Base64.text(root))
        chain \(chain.hex)
        catalogs \(catalogs.count) \(Base64.text(catalogs.head))
        accounts \(accounts) \(Base64.text(accountsRoot))

        """
    }

    private static func words(
        _ line: Substring, _ name: String, _ count: Int
    ) -> [Substring] {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        return words.count == count && words[0].elementsEqual(name) ? words : []
    }

    private static func hex(_ words: [Substring]) -> Digest? {
        guard let digits = words.last?.utf8, digits.count == 2 * Digest.byteCount else {
            return nil
        }
        var bytes: [UInt8] = []
        var rest = Substring(digits)
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes.count == Digest.byteCount ? Digest(bytes.raw) : nil
    }

    private static func counted(_ words: [Substring]) -> (UInt64, Digest)? {
        guard words.count == 3, let count = UInt64(words[1]),
            let digest = Base64.digest(String(words[2]))
        else { return nil }
        return (count, digest)
    }
}

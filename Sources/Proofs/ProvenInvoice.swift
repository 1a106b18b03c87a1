import Billing
import Bytes
import Codec
package import Engine
import Projections
import SegmentedLog

/// # What a proof proves
///
/// Made only by checking a proof file, with nothing but the file and perhaps the signer's key: no log,
/// no data directory, no network. It says: the signer committed to a log of `size` entries, in which
/// the account has exactly these entries and there are exactly these catalogs, and from them follows
/// exactly this invoice.
///
/// Recipe:
///
///     let proven = try ProvenInvoice(file: bytes, key: try VerifierKey(text))
///     proven.isSignerVerified        // false where no key was given: anybody may have signed
package struct ProvenInvoice: Sendable {
    /// What the signer says of the log.
    package let checkpoint: Checkpoint
    /// The key under which the signature holds.
    package let key: VerifierKey
    /// Whether that key was given from outside, not only found in the file.
    package let isSignerVerified: Bool
    /// Whose invoice.
    package let account: String
    /// The name of the billing period.
    package let period: String
    /// The invoice, computed anew.
    package let invoice: BilledInvoice
    /// Entries of the account, all of them.
    package let entries: UInt64
    /// Entries whose bodies were dropped: that what was kept of them is what they said, is the signer's word.
    package let retired: UInt64

    /// Checks a proof.
    /// - Parameters:
    ///   - file: all bytes of the file.
    ///   - key: whose signature is believed; nil: that of the key in the file, whoever has it.
    /// - Throws: `ProofFailure` with the first thing that does not hold.
    package init(file: [UInt8], key: VerifierKey?) throws(ProofFailure) {
        let proof = try ReadProof(file)
        let document = proof.document
        if let key, key != document.key {
            throw ProofFailure(
                "key", "the proof is signed with \(document.key), not with the given key \(key)")
        }
        try document.checkpoint.check(document.key)
        let checkpoint = try Checkpoint(document.checkpoint.body)
        guard checkpoint.origin.utf8.elementsEqual(document.key.name.utf8) else {
            throw ProofFailure("checkpoint", "\(document.key.name) signs for another log")
        }
        let leaves = try Self.leaves(document, checkpoint)
        entries = try Self.checkComplete(document, leaves, checkpoint)
        retired = try Self.checkRetired(document, checkpoint)
        invoice = try Self.bill(document, checkpoint.size)
        try Self.compare(proof, file, invoice)
        self.checkpoint = checkpoint
        self.key = document.key
        isSignerVerified = key != nil
        account = document.account
        period = document.period
    }

    /// Every entry is in the log, at its place and with its time.
    private static func leaves(
        _ document: ProofDocument, _ checkpoint: Checkpoint
    ) throws(ProofFailure) -> [Digest] {
        var hasher = MerkleHasher()
        var entryLeaves = EntryLeaves()
        var leaves: [Digest] = []
        for entry in document.entries {
            leaves.append(
                entryLeaves.leaf(
                    entry.record.raw, position: entry.position, recordedAt: entry.recordedAt,
                    &hasher))
        }
        let root = MerkleProof.root(
            size: checkpoint.size, positions: document.entries.map(\.position), leaves: leaves,
            hashes: document.hashes)
        guard let root else {
            throw ProofFailure(
                "hashes",
                "entries and hashes are not those of a log of \(checkpoint.size) entries")
        }
        guard root == checkpoint.root else {
            throw ProofFailure(
                "entries",
                "they do not lead to the checkpoint's root: an entry or a hash was changed, or "
                    + "the checkpoint is of another log or size")
        }
        return leaves
    }

    /// What was kept of entries is what the signer says.
    /// - Returns: how many have lost their bodies.
    private static func checkRetired(
        _ document: ProofDocument, _ checkpoint: Checkpoint
    ) throws(ProofFailure) -> UInt64 {
        let retired: RetiredEntries
        do { retired = try RetiredEntries(document.entries) } catch {
            throw ProofFailure("entries", "one is no record: \(error)")
        }
        guard let note = document.retired else {
            guard retired.count == 0 else {
                throw ProofFailure(
                    "retired",
                    "\(retired.count) entries have no body, and the signer says nothing of them")
            }
            return 0
        }
        try note.check(document.key)
        guard retired.count > 0,
            note.body == retired.body(origin: checkpoint.origin, size: checkpoint.size)
        else {
            throw ProofFailure(
                "retired", "what was kept of entries without a body is not what was signed")
        }
        return retired.count
    }

    /// The entries are all of the account's and all catalogs, and nothing else.
    /// - Returns: entries of the account.
    private static func checkComplete(
        _ document: ProofDocument, _ leaves: [Digest], _ checkpoint: Checkpoint
    ) throws(ProofFailure) -> UInt64 {
        var hasher = MerkleHasher()
        var (account, catalogs) = (EntryChain(), EntryChain())
        for (index, (entry, leaf)) in zip(document.entries, leaves).enumerated() {
            let (isAccounts, isCatalog) = try kind(of: entry, index, document.account)
            if isAccounts { account.append(leaf, &hasher) }
            if isCatalog { catalogs.append(leaf, &hasher) }
            guard isAccounts || isCatalog else {
                throw ProofFailure(
                    "entries[\(index)]",
                    "the entry at position \(entry.position) is neither of the account "
                        + "\"\(document.account)\" nor a catalog, nor of a batch")
            }
        }
        guard catalogs == checkpoint.catalogs else {
            throw ProofFailure(
                "entries",
                "the \(catalogs.count) catalogs are not the \(checkpoint.catalogs.count) that the "
                    + "log has")
        }
        let key = document.account.withBytes { AccountsMap.key(ofAccount: $0) }
        let isInMap = AccountsMap.contains(
            .init(key: key, chain: account), at: document.place, count: checkpoint.accounts,
            root: checkpoint.accountsRoot)
        guard isInMap else {
            throw ProofFailure(
                "entries",
                "these \(account.count) are not exactly the entries that the log has of the "
                    + "account \"\(document.account)\": one is missing or added, or the place in "
                    + "the accounts map is not the account's")
        }
        return account.count
    }

    private static func kind(
        of entry: BillFromEntries.Entry, _ index: Int, _ account: String
    ) throws(ProofFailure) -> (isAccounts: Bool, isCatalog: Bool) {
        do {
            let record = try RecordView(record: entry.record.raw)
            let isAccounts =
                if let subject = record.subject {
                    subject.isEqual(to: account)
                } else { false }
            return (isAccounts, record.kind == .publish || record.kind == .backfill)
        } catch {
            throw ProofFailure(
                "entries[\(index)]", "position \(entry.position) is no record: \(error)")
        }
    }

    private static func bill(
        _ document: ProofDocument, _ size: Position
    ) throws(ProofFailure) -> BilledInvoice {
        do { return try document.bill(size) } catch {
            throw ProofFailure("entries", "they cannot be billed: \(error)")
        }
    }

    /// The file is exactly the proof of this invoice, to the last byte.
    private static func compare(
        _ proof: ReadProof, _ file: [UInt8], _ billed: BilledInvoice
    ) throws(ProofFailure) {
        let document = proof.document
        let invoice = ProofDocument.invoice(billed)
        let computed = try? ValueCoder.value(json: invoice)
        guard computed == proof.invoice else {
            throw ProofFailure("invoice", difference(proof.invoice, computed ?? .null))
        }
        let bytes = document.encoded(invoice: invoice)
        guard bytes == file else {
            let offset = zip(bytes, file).enumerated().first { $0.element.0 != $0.element.1 }
            throw ProofFailure(
                "file",
                "byte \(offset?.offset ?? min(bytes.count, file.count)) is not as a proof has it")
        }
    }

    /// What the first difference between two invoices is, in words.
    private static func difference(_ claimed: Value, _ computed: Value) -> String {
        if case .array(let theirs)? = claimed["lines"], case .array(let ours)? = computed["lines"] {
            for (their, our) in zip(theirs, ours) where their != our {
                let name = our["id"]?.text ?? ""
                return "line \"\(name)\" says amount \(their["amount"]?.text ?? "nothing"), "
                    + "quantity \(their["quantity"]?.text ?? "nothing"); the entries give amount "
                    + "\(our["amount"]?.text ?? ""), quantity \(our["quantity"]?.text ?? "")"
            }
            if theirs.count != ours.count {
                return "it has \(theirs.count) lines; the entries give \(ours.count)"
            }
        }
        return "it says total \(claimed["total"]?.text ?? "nothing"); the entries give "
            + "\(computed["total"]?.text ?? "nothing"), or another member differs"
    }
}

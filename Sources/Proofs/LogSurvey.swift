import Bytes
import Codec
import Engine
import SegmentedLog

/// The leaves of entries as they stand in the log.
struct EntryLeaves: ~Copyable {
    private var commitment: ByteBuffer? = ByteBuffer(capacity: 4096)

    /// The leaf of an entry.
    mutating func leaf(
        _ record: RawSpan, position: Position, recordedAt: Int64, _ hasher: inout MerkleHasher
    ) -> Digest {
        var bytes = commitment.take() ?? ByteBuffer(capacity: 4096)
        bytes.clear()
        Self.appendCommitment(record, to: &bytes)
        let leaf = hasher.leaf(
            position: position, recordedAt: recordedAt, commitment: bytes.bytes)
        commitment = consume bytes
        return leaf
    }

    /// What of a record the tree commits to: the whole canonical record, outcome included.
    private static func appendCommitment(_ record: RawSpan, to bytes: inout ByteBuffer) {
        bytes.append(record)
    }
}

/// One pass over the first entries of a log: all that a checkpoint says of them, and what a proof of
/// one account carries.
///
/// It takes the time of reading the log and the memory of a hash for 4,096 entries and one for each
/// account.
struct LogSurvey {
    /// Entries that were read.
    let size: Position
    /// Leaves and block roots for proofs.
    let leaves: LogLeaves
    let accounts: AccountsMap
    /// Over the entries that publish a catalog.
    let catalogs: EntryChain
    /// All catalogs and all entries of the account that was asked for, in position order.
    let entries: [BillFromEntries.Entry]

    /// Reads the entries before `size`, which must be the end of a commit.
    /// - Parameters:
    ///   - account: whose entries are kept; nil: nobody's.
    ///   - recordBytesMax: bytes of records that are kept at most.
    /// - Throws: `LogFailure` or `DecodeFailure` where the log cannot be read; `ProofFailure` if the
    ///   account has more.
    init(
        _ reader: LogReader, size: Position, account: String?, recordBytesMax: Int = 0
    ) throws {
        var pass = Pass(account: account, recordBytesLeft: recordBytesMax)
        if size > 0 {
            var cursor = try reader.cursor(from: 0)
            while pass.position < size, try cursor.next() {
                let header = cursor.header
                for index in 0..<Int(header.count) {
                    try pass.take(cursor.record(index), recordedAt: header.commitTime)
                }
            }
        }
        guard pass.position == size else {
            throw ProofFailure("log", "position \(size) is not the end of a commit")
        }
        self.size = size
        leaves = LogLeaves(reader: reader, blockRoots: pass.blockRoots, tail: pass.block)
        accounts = AccountsMap(pass.chains.map { .init(key: $0, chain: $1) })
        catalogs = pass.catalogs
        entries = pass.entries
    }

    /// The state of the pass.
    private struct Pass: ~Copyable {
        let account: String?
        var recordBytesLeft: Int
        var position: Position = 0
        var blockRoots: [Digest] = []
        /// Leaves since the last full block.
        var block: [Digest] = []
        /// By the account's key, not its name: two names that Swift holds for equal are two accounts.
        var chains: [Digest: EntryChain] = [:]
        var catalogs = EntryChain()
        var entries: [BillFromEntries.Entry] = []
        private var hasher = MerkleHasher()
        private var entryLeaves = EntryLeaves()

        init(account: String?, recordBytesLeft: Int) {
            self.account = account
            self.recordBytesLeft = recordBytesLeft
        }

        mutating func take(_ record: RawSpan, recordedAt: Int64) throws {
            let leaf = entryLeaves.leaf(
                record, position: position, recordedAt: recordedAt, &hasher)
            block.append(leaf)
            if block.count == Int(MerkleTree.blockLeaves) {
                blockRoots.append(MerkleTree.root(of: block))
                block.removeAll(keepingCapacity: true)
            }
            let view = try RecordView(record: record)
            var isKept = view.kind == .publish
            if isKept { catalogs.append(leaf, &hasher) }
            if let subject = view.subject {
                let key = AccountsMap.key(ofAccount: subject)
                var chain = chains[key] ?? EntryChain()
                chain.append(leaf, &hasher)
                chains[key] = chain
                if let account, subject.isEqual(to: account) { isKept = true }
            }
            if isKept, account != nil { try keep(record, recordedAt) }
            position += 1
        }

        private mutating func keep(_ record: RawSpan, _ recordedAt: Int64) throws {
            recordBytesLeft -= record.byteCount
            guard recordBytesLeft >= 0 else {
                throw ProofFailure("entries", "the account has more than a proof can carry")
            }
            entries.append(
                .init(position: position, recordedAt: recordedAt, record: record.makeArray()))
        }
    }
}

/// The tree's hashes where nothing keeps them: block roots of one pass, and leaves computed again from
/// the log.
struct LogLeaves: MerkleSource {
    let reader: LogReader
    let blockRoots: [Digest]
    /// Leaves behind the last full block.
    let tail: [Digest]

    func blockRoot(_ block: UInt64) throws(LogFailure) -> Digest { blockRoots[Int(block)] }

    func leaves(ofBlock block: UInt64, upTo size: UInt64) throws(LogFailure) -> [Digest] {
        let first = block * MerkleTree.blockLeaves
        let end = min(first + MerkleTree.blockLeaves, size)
        if block == UInt64(blockRoots.count) { return Array(tail.prefix(Int(end - first))) }
        var hasher = MerkleHasher()
        var entryLeaves = EntryLeaves()
        var leaves: [Digest] = []
        var cursor = try reader.cursor(from: first)
        while leaves.count < Int(end - first), try cursor.next() {
            let header = cursor.header
            for index in 0..<Int(header.count) {
                let position = header.firstPosition + Position(index)
                guard (first..<end).contains(position) else { continue }
                leaves.append(
                    entryLeaves.leaf(
                        cursor.record(index), position: position, recordedAt: header.commitTime,
                        &hasher))
            }
        }
        return leaves
    }
}

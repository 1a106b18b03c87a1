import Bytes
import Codec
import Engine
import SegmentedLog

/// The leaves of entries as they stand in the log.
struct EntryLeaves: ~Copyable {
    private var form: ByteBuffer? = ByteBuffer(capacity: 4096)

    /// The leaf of an entry.
    mutating func leaf(
        _ record: RawSpan, position: Position, recordedAt: Int64, _ hasher: inout MerkleHasher
    ) -> Digest {
        var buffer = form.take() ?? ByteBuffer(capacity: 4096)
        let commitment = RecordCodec.commitment(of: record, &buffer)
        form = consume buffer
        return hasher.leaf(position: position, recordedAt: recordedAt, commitment: commitment)
    }
}

/// All that a checkpoint says of the first entries of a log, and what a proof of one account carries.
///
/// What is sealed is taken from sealed segments: roots of blocks, chains of accounts, postings; only what
/// stands in rows behind them is read entry by entry. So it takes the time of the rows, and the memory of
/// a hash for 4,096 entries and one for each account.
struct LogSurvey {
    /// Entries that it is of.
    let size: Position
    /// Leaves and block roots for proofs.
    let leaves: LogLeaves
    let accounts: AccountsMap
    /// Over the entries that publish a catalog.
    let catalogs: EntryChain
    /// All catalogs and all entries of the account that was asked for, in position order.
    let entries: [BillFromEntries.Entry]

    /// Surveys the entries before `size`, which must be the end of a commit.
    /// - Parameters:
    ///   - catalogs: positions of the entries that publish a catalog, ascending.
    ///   - account: whose entries are kept; nil: nobody's.
    ///   - recordBytesMax: bytes of records that are kept at most.
    /// - Throws: `LogFailure` or `DecodeFailure` where the log cannot be read; `ProofFailure` if the
    ///   account has more.
    init(
        _ reader: LogReader, size: Position, catalogs: [Position], account: String?,
        recordBytesMax: Int = 0
    ) throws {
        guard try size == 0 || reader.chain(at: size) != nil else {
            throw ProofFailure("log", "position \(size) is not the end of a commit")
        }
        self.size = size
        leaves = LogLeaves(reader: reader)
        // By the account's key, not its name: two names that Swift holds for equal are two accounts.
        var chains: [Digest: EntryChain] = [:]
        let sealed = try reader.forEachSealedChain(before: size) { name, chain in
            chains[AccountsMap.key(ofAccount: name)] = chain
        }
        try Self.fold(reader, sealed..<size, into: &chains)
        accounts = AccountsMap(chains.map { .init(key: $0, chain: $1) })
        var kept = Kept(bytesLeft: recordBytesMax, isWanted: account != nil)
        try reader.withRecords(at: catalogs.filter { $0 < size }) { position, record, info in
            try kept.addCatalog(record, position, info.commitTime)
        }
        if let account {
            try account.withBytes { name in
                try reader.forEachEntry(of: name, before: size) { position, record, info in
                    try kept.add(record, position, info.commitTime)
                }
            }
        }
        self.catalogs = kept.catalogs
        entries = kept.entries.sorted { $0.position < $1.position }
    }

    /// Adds the entries of a range to their accounts' chains.
    private static func fold(
        _ reader: LogReader, _ range: Range<Position>, into chains: inout [Digest: EntryChain]
    ) throws {
        guard !range.isEmpty else { return }
        var hasher = MerkleHasher()
        var entryLeaves = EntryLeaves()
        var cursor = try reader.cursor(from: range.lowerBound)
        while try cursor.next() {
            let header = cursor.header
            for index in 0..<Int(header.count) {
                let position = header.firstPosition + Position(index)
                if position < range.lowerBound { continue }
                if position >= range.upperBound { return }
                let record = cursor.record(index)
                guard let subject = try RecordView(record: record).subject else { continue }
                let leaf = entryLeaves.leaf(
                    record, position: position, recordedAt: header.commitTime, &hasher)
                chains[AccountsMap.key(ofAccount: subject), default: EntryChain()].append(
                    leaf, &hasher)
            }
        }
    }

    /// The entries that a proof carries.
    private struct Kept: ~Copyable {
        var bytesLeft: Int
        let isWanted: Bool
        var catalogs = EntryChain()
        var entries: [BillFromEntries.Entry] = []
        private var hasher = MerkleHasher()
        private var entryLeaves = EntryLeaves()

        init(bytesLeft: Int, isWanted: Bool) {
            self.bytesLeft = bytesLeft
            self.isWanted = isWanted
        }

        mutating func addCatalog(
            _ record: RawSpan, _ position: Position, _ recordedAt: Int64
        ) throws {
            let leaf = entryLeaves.leaf(
                record, position: position, recordedAt: recordedAt, &hasher)
            catalogs.append(leaf, &hasher)
            if isWanted { try add(record, position, recordedAt) }
        }

        mutating func add(
            _ record: RawSpan, _ position: Position, _ recordedAt: Int64
        ) throws {
            bytesLeft -= record.byteCount
            guard bytesLeft >= 0 else {
                throw ProofFailure("entries", "the account has more than a proof can carry")
            }
            entries.append(
                .init(position: position, recordedAt: recordedAt, record: record.makeArray()))
        }
    }
}

/// The tree's hashes: block roots from sealed segments where these have them, and else computed again from
/// the log.
final class LogLeaves: MerkleSource {
    private let reader: LogReader
    /// Of blocks that are not whole in a sealed segment, computed once.
    private var roots: [UInt64: Digest] = [:]

    init(reader: LogReader) { self.reader = reader }

    func blockRoot(_ block: UInt64) throws(LogFailure) -> Digest {
        if let root = roots[block] { return root }
        if let root = try reader.sealedRoot(ofBlock: block) { return root }
        let root = MerkleTree.root(of: try leaves(ofBlock: block, upTo: .max))
        roots[block] = root
        return root
    }

    func leaves(ofBlock block: UInt64, upTo size: UInt64) throws(LogFailure) -> [Digest] {
        let first = block * MerkleTree.blockLeaves
        let end = min(first + MerkleTree.blockLeaves, size)
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

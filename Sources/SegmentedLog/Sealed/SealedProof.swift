import Bytes
import Columns
import Platform

/// Computes everything that a sealed segment says of itself from its decoded entries, and compares.
struct SealedProof {
    private let segment: SealedSegment
    private let codec: any BlockCodec
    private let previous: (RawSpan) throws(LogFailure) -> EntryChain

    init(
        _ segment: SealedSegment, _ codec: any BlockCodec,
        _ previous: @escaping (RawSpan) throws(LogFailure) -> EntryChain
    ) {
        self.segment = segment
        self.codec = codec
        self.previous = previous
    }

    /// - Throws: `damaged` with the first difference.
    func run(_ pause: () -> Bool) throws(LogFailure) {
        try segment.checkDigest()
        var fold = ChainFold(after: segment.record.chainBefore)
        var accounts = Accounts(segment.reader.accountCount)
        var tree = MerkleHasher()
        var form = ByteBuffer(capacity: 4096)
        var memory = BlockMemory()
        var commits: UInt64 = 0
        var time = segment.record.timeBefore
        for (number, entry) in segment.index.enumerated() {
            guard pause() else { throw LogFailure(.interrupted, "stopped") }
            try segment.load(number, into: &memory)
            try segment.decode(0..<entry.count, in: &memory)
            // Inside a commit, the chain stays that before it.
            guard memory.commits[0].firstPosition == entry.boundary, fold.chain == entry.chain
            else { throw damaged(entry, "the index does not have its chain") }
            var leaves: [Digest] = []
            leaves.reserveCapacity(entry.count)
            for index in 0..<entry.count {
                let position = entry.firstPosition + Position(index)
                let record = memory.record(index)
                let commit = memory.commit(of: position)
                if commit.firstPosition == position {
                    fold.begin(commit)
                    commits += 1
                    time = commit.commitTime
                }
                _ = fold.add(record)
                do throws(DecodeFailure) {
                    let leaf = tree.leaf(
                        position: position, recordedAt: commit.commitTime,
                        commitment: try codec.commitment(of: record, &form))
                    leaves.append(leaf)
                    if let range = try codec.account(of: record) {
                        try accounts.add(
                            record.extracting(range), position, leaf, segment.reader, previous,
                            &tree)
                    }
                } catch let failure {
                    throw damaged(entry, "an entry is no record: \(failure)")
                }
            }
            guard MerkleTree.root(of: leaves) == entry.root else {
                throw damaged(entry, "the index does not have its root")
            }
        }
        guard fold.isWhole, fold.chain == segment.record.chain else {
            throw .damaged(
                segment.file.path, at: 0, position: segment.record.firstPosition,
                "the chain over its entries is not the log's")
        }
        guard commits == segment.record.commits, time == segment.record.commitTime else {
            throw .damaged(
                segment.file.path, at: segment.record.fileBytes - SealedTrailer.byteCount,
                position: segment.record.firstPosition,
                "its trailer does not have the number or the time of its commits")
        }
        try accounts.compare(with: segment)
    }

    private func damaged(_ entry: BlockEntry, _ what: String) -> LogFailure {
        .damaged(segment.file.path, at: entry.offset, position: entry.firstPosition, what)
    }

    /// Postings and chains of the accounts, as the decoded entries give them.
    private struct Accounts {
        private var postings: [[Position]]
        private var states: [EntryChain?]
        private var failure: LogFailure?

        init(_ count: Int) {
            postings = Array(repeating: [], count: count)
            states = Array(repeating: nil, count: count)
        }

        mutating func add(
            _ name: RawSpan, _ position: Position, _ leaf: Digest, _ reader: any BlockReader,
            _ previous: (RawSpan) throws(LogFailure) -> EntryChain, _ tree: inout MerkleHasher
        ) throws(DecodeFailure) {
            guard let number = reader.accountNumber(of: name) else {
                throw .invalid("an account that the dictionary does not have", 0)
            }
            let index = Int(number)
            postings[index].append(position)
            var state: EntryChain
            if let known = states[index] {
                state = known
            } else {
                do { state = try previous(name) } catch {
                    failure = failure ?? error
                    state = EntryChain()
                }
            }
            state.append(leaf, &tree)
            states[index] = state
        }

        func compare(with segment: SealedSegment) throws(LogFailure) {
            if let failure { throw failure }
            let record = segment.record
            let (postings, states) = (postings, states)
            let arePostingsRight = try segment.section(.postings) {
                (bytes: RawSpan) throws(DecodeFailure) in
                try Postings.isEqual(bytes, to: postings, of: record)
            }
            let areStatesRight = try segment.section(.accounts) {
                (bytes: RawSpan) throws(DecodeFailure) in
                var expected = ByteBuffer(capacity: bytes.byteCount)
                AccountStates.append(states.map { $0 ?? EntryChain() }, to: &expected)
                return expected.bytes.isEqual(to: bytes)
            }
            guard arePostingsRight, areStatesRight else {
                throw .damaged(
                    segment.file.path,
                    at: segment.trailer.sections[SealedTrailer.Part.postings.rawValue].offset,
                    position: record.firstPosition,
                    "its \(arePostingsRight ? "accounts" : "postings") are not those of its entries"
                )
            }
        }
    }
}

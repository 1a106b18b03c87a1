import Bytes
import Columns
import Platform

/// Writes a sealed segment, block by block. Owned by one thread.
///
/// Nothing refers to the file before it is whole, read back and compared; so whatever fails on the way
/// leaves a file that no manifest lists.
final class SealedWriter {
    private let file: File
    private let codec: any BlockCodec
    private let columns: any BlockWriter
    private let effort: LZ4.Effort
    private var record: SealedRecord
    private let previous: (RawSpan) throws(LogFailure) -> EntryChain

    private var hasher = SHA256Hasher()
    private var offset = 0
    private var index: [BlockEntry] = []
    // The block at hand.
    private var blockFirst: Position
    private var count = 0
    private var commits: [BlockCommit] = []
    private var boundary: (position: Position, chain: Digest)
    private var leaves: [Digest] = []
    // Of the whole segment.
    private var fold: ChainFold
    private var postings: [[UInt32]]
    private var states: [EntryChain?]
    private var tree = MerkleHasher()
    private var form = ByteBuffer(capacity: 4096)
    private var block = ByteBuffer(capacity: 1 << 17)
    private var stored = BlockColumns()
    private var packed = ByteBuffer(capacity: 1 << 16)

    /// - Parameters:
    ///   - record: of what will be written; bytes and digest are set here.
    ///   - columns: after the survey of the same entries.
    ///   - previous: the state of an account before the segment.
    init(
        _ file: File, _ record: SealedRecord, storeID: [UInt8], codec: any BlockCodec,
        columns: any BlockWriter, effort: LZ4.Effort,
        previous: @escaping (RawSpan) throws(LogFailure) -> EntryChain
    ) throws(LogFailure) {
        self.file = file
        self.record = record
        self.codec = codec
        self.columns = columns
        self.effort = effort
        self.previous = previous
        blockFirst = record.firstPosition
        boundary = (record.firstPosition, record.chainBefore)
        fold = ChainFold(after: record.chainBefore)
        postings = Array(repeating: [], count: columns.accountCount)
        states = Array(repeating: nil, count: columns.accountCount)
        SealedHeader.append(storeID: storeID, firstPosition: record.firstPosition, to: &block)
        try write()
    }

    func begin(_ commit: BlockCommit) {
        fold.begin(commit)
        commits.append(commit)
    }

    /// - Parameter record: the next entry. In a commit that has a payload hash, it may be redacted.
    func entry(_ record: RawSpan, at position: Position) throws(LogFailure) {
        let commit = commits[commits.count - 1]
        do throws(DecodeFailure) {
            try columns.append(record)
            let commitment = try codec.commitment(of: record, &form)
            leaves.append(
                tree.leaf(
                    position: position, recordedAt: commit.commitTime, commitment: commitment))
        } catch {
            throw .damaged(
                file.path, at: offset, position: position, "the entry is no record: \(error)")
        }
        _ = fold.add(record)
        count += 1
        let isLast = position + 1 == self.record.nextPosition
        if isLast || (position + 1) % Position(LogLimits.blockEntries) == 0 {
            try finishBlock(at: position + 1)
        }
    }

    private func finishBlock(at next: Position) throws(LogFailure) {
        stored.clear()
        let summary = columns.finishBlock(into: &stored)
        stored.append(LogColumn.commits) { CommitColumn.append(commits, to: &$0) }
        if commits.contains(where: { $0.payload != nil }) {
            stored.append(LogColumn.payloads) { PayloadColumn.append(commits, to: &$0) }
        }
        let header = BlockHeader(
            columns: stored.parts.count, firstPosition: blockFirst, count: count, bodyBytes: 0,
            offset: offset, commitStart: commits[0].firstPosition, bodyChecksum: 0)
        Self.layOut(header, stored, effort, &packed, &block)
        index.append(
            BlockEntry(
                offset: offset, bytes: block.count, count: count, firstPosition: blockFirst,
                times: summary.times, boundary: boundary.position, chain: boundary.chain,
                root: MerkleTree.root(of: leaves)))
        try account(for: summary.accounts)
        try write()
        // The last commit goes on in the next block, unless it is whole.
        if fold.isWhole {
            commits.removeAll(keepingCapacity: true)
            boundary = (next, fold.chain)
        } else {
            commits.removeFirst(commits.count - 1)
            boundary.position = commits[0].firstPosition
            boundary.chain = fold.chain
        }
        leaves.removeAll(keepingCapacity: true)
        blockFirst = next
        count = 0
    }

    /// Lays header, directory and columns out in `block`.
    private static func layOut(
        _ header: BlockHeader, _ stored: borrowing BlockColumns, _ effort: LZ4.Effort,
        _ packed: inout ByteBuffer, _ block: inout ByteBuffer
    ) {
        block.clear()
        block.appendZeros(BlockHeader.byteCount + stored.parts.count * 12)
        for (number, part) in stored.parts.enumerated() {
            let source = stored.bytes.bytes(in: part.range)
            packed.clear()
            let isPacked = LZ4.append(source, effort: effort, to: &packed)
            let place = BlockHeader.byteCount + number * 12
            let bytes = isPacked ? packed.count : source.byteCount
            block.overwriteInteger(part.id, at: place)
            block.overwriteInteger(UInt16(isPacked ? 1 : 0), at: place + 2)
            block.overwriteInteger(UInt32(source.byteCount), at: place + 4)
            block.overwriteInteger(UInt32(bytes), at: place + 8)
            if isPacked { block.append(packed.bytes) } else { block.append(source) }
        }
        var header = header
        header.bodyBytes = block.count - BlockHeader.byteCount
        header.bodyChecksum = CRC32C.masked(
            of: block.bytes(in: BlockHeader.byteCount..<block.count))
        header.encode(into: &block)
    }

    /// Adds the block's entries to postings and to the chains of their accounts.
    private func account(for accounts: [UInt32]) throws(LogFailure) {
        let base = UInt32(blockFirst - record.firstPosition)
        for (place, account) in accounts.enumerated() where account != BlockSummary.noAccount {
            let number = Int(account)
            postings[number].append(base + UInt32(place))
            var state: EntryChain
            if let known = states[number] {
                state = known
            } else {
                var name: [UInt8] = []
                columns.withAccount(account) { name = $0.makeArray() }
                state = try previous(name.raw)
            }
            state.append(leaves[place], &tree)
            states[number] = state
        }
    }

    /// Writes what is in `block`.
    private func write() throws(LogFailure) {
        let bytes = block.count
        let (file, start) = (file, offset)
        try block.withBytes(in: 0..<bytes) { (span) throws(LogFailure) in
            try mapped { () throws(SystemFailure) in try file.writeAll(span, at: start) }
        }
        block.withBytes(in: 0..<bytes) { hasher.update($0) }
        offset += bytes
    }

    /// Ends the file and makes it durable.
    func finish() throws(LogFailure) -> SealedRecord {
        precondition(fold.isWhole && count == 0, "all entries were written")
        guard fold.chain == record.chain else {
            throw .damaged(
                file.path, at: offset, position: record.nextPosition,
                "the chain over its entries is \(fold.chain.hex), the log's is "
                    + "\(record.chain.hex)")
        }
        var sections: [SealedTrailer.Section] = []
        for part in SealedTrailer.Part.allCases { sections.append(try writeSection(part)) }
        record.digest = hasher.take()
        record.fileBytes = offset + SealedTrailer.byteCount
        let trailer = SealedTrailer(
            codecVersion: codec.version, blocks: index.count, record: record, sections: sections)
        block.clear()
        trailer.append(to: &block)
        // The digest is in the trailer, and so of what stands before it.
        try write()
        try mapped { () throws(SystemFailure) in try file.syncAll() }
        return record
    }

    private func writeSection(
        _ part: SealedTrailer.Part
    ) throws(LogFailure) -> SealedTrailer.Section {
        var bytes = ByteBuffer(capacity: 1 << 16)
        switch part {
        case .dictionary: columns.appendDictionary(to: &bytes)
        case .index: for block in index { block.append(to: &bytes) }
        case .postings: Postings.append(postings, to: &bytes)
        case .accounts: AccountStates.append(states.map { $0 ?? EntryChain() }, to: &bytes)
        }
        var stored = ByteBuffer(capacity: bytes.count)
        let isPacked = part != .accounts && LZ4.append(bytes.bytes, effort: effort, to: &stored)
        if !isPacked { stored.append(bytes.bytes) }
        let section = SealedTrailer.Section(
            offset: offset, storedBytes: stored.count, bytes: bytes.count,
            checksum: CRC32C.masked(of: stored.bytes))
        block = stored
        try write()
        return section
    }
}

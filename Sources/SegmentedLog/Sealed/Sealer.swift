package import Bytes
import Columns
import Platform

/// # Sealing
///
/// Rows become columns beside the traffic: nothing of it touches the active segment or its thread, but for one
/// edit of the manifest at the end. A sealer proves its own work before that edit: it reads the file back from
/// the device, decodes every block, computes the chain over what came out, the tree's roots, the account's
/// chains and postings, and demands that all are what the rows gave. Killed anywhere, the next start finds
/// the rows or the sealed segment listed, never both, and removes what is not.
///
/// Compaction is the same with sealed segments as the source.
package struct Sealer: Sendable {
    /// Replaces the bytes of an entry that was redacted or retired; says whether it did. The bytes go to
    /// the buffer. It is told the commit time, nanoseconds since 1970 UTC.
    package typealias Redaction =
        @Sendable (
            Position, _ recordedAt: Int64, RawSpan, inout ByteBuffer
        ) throws(DecodeFailure) -> Bool

    let reader: LogReader
    let storeID: [UInt8]
    let codec: any BlockCodec

    init(_ reader: LogReader, codec: any BlockCodec) {
        self.reader = reader
        storeID = reader.storeID
        self.codec = codec
    }

    /// What is to be sealed.
    struct Job: Sendable {
        var positions: Range<Position>
        var chainBefore: Digest
        var chain: Digest
        var timeBefore: Int64
        var commitTime: Int64
        var effort: LZ4.Effort
        var bytes: Int
    }

    /// Writes, proves and makes durable a sealed segment. It is not part of the log yet.
    /// - Parameter pause: called often; may wait, and says whether to go on.
    func seal(
        _ job: Job, id: UInt64, redaction: Redaction?, pause: () -> Bool
    ) throws(LogFailure) -> SealedRecord {
        let path = reader.paths.sealed(id)
        let file = try mapped { () throws(SystemFailure) in
            try File.create(path, reader.fileSystem)
        }
        do throws(LogFailure) {
            let record = try write(job, id, file, redaction, pause)
            try mapped { () throws(SystemFailure) in
                try reader.fileSystem.syncDirectory(reader.paths.sealedSegments)
                file.dropCache(from: 0)
            }
            try prove(record, path, pause)
            try mapped { () throws(SystemFailure) in try file.close() }
            return record
        } catch {
            // A full disk is met again and again: neither descriptors nor space may be lost to it.
            try? file.close()
            try? reader.fileSystem.unlink(path)
            throw error
        }
    }

    private func write(
        _ job: Job, _ id: UInt64, _ file: File, _ redaction: Redaction?, _ pause: () -> Bool
    ) throws(LogFailure) -> SealedRecord {
        var survey = Survey(
            survey: codec.makeSurvey(), fold: ChainFold(after: job.chainBefore),
            redaction: redaction)
        try reader.walk(job.positions, &survey, pause: pause)
        guard survey.fold.isWhole, survey.fold.chain == job.chain else {
            throw LogFailure(
                .damaged,
                "the chain over positions \(job.positions) is "
                    + "\(survey.fold.chain.hex), the log's is \(job.chain.hex)",
                position: job.positions.lowerBound)
        }
        let record = SealedRecord(
            id: id, firstPosition: job.positions.lowerBound,
            nextPosition: job.positions.upperBound, chainBefore: job.chainBefore,
            chain: job.chain, timeBefore: job.timeBefore, commitTime: job.commitTime,
            commits: survey.commits, fileBytes: 0, digest: .zero)
        let writer = try SealedWriter(
            file, record, storeID: storeID, codec: codec, columns: survey.survey.finish(),
            effort: job.effort, previous: reader.previousChains(before: record.firstPosition))
        var writing = Writing(writer: writer, payloads: survey.payloads, redaction: redaction)
        try reader.walk(job.positions, &writing, pause: pause)
        return try writer.finish()
    }

    /// Reads a sealed segment back and demands that it says what it was made of.
    func prove(
        _ record: SealedRecord, _ path: String, _ pause: () -> Bool = { true }
    ) throws(LogFailure) {
        let segment = try SealedSegment.open(
            record, path, storeID: storeID, codec: codec, reader.fileSystem)
        try SealedProof(segment, codec, reader.previousChains(before: record.firstPosition)).run(
            pause)
    }
}

/// The first pass: what there is, and that it is what the chain says.
private struct Survey: CommitVisitor, ~Copyable {
    let survey: any BlockSurvey
    var fold: ChainFold
    let redaction: Sealer.Redaction?
    var commits: UInt64 = 0
    /// Payloads of commits that are redacted now, by first position.
    var payloads: [Position: Digest] = [:]
    private var first: Position = 0
    private var recordedAt: Int64 = 0
    private var isRedacted = false
    private var redacted = ByteBuffer(capacity: 4096)

    init(survey: any BlockSurvey, fold: consuming ChainFold, redaction: Sealer.Redaction?) {
        self.survey = survey
        self.fold = fold
        self.redaction = redaction
    }

    mutating func begin(_ commit: BlockCommit) {
        fold.begin(commit)
        first = commit.firstPosition
        recordedAt = commit.commitTime
        isRedacted = false
        commits += 1
    }

    mutating func entry(_ record: RawSpan, at position: Position) throws(LogFailure) {
        do throws(DecodeFailure) {
            redacted.clear()
            if let redaction, try redaction(position, recordedAt, record, &redacted) {
                isRedacted = true
                try survey.note(redacted.bytes)
            } else {
                try survey.note(record)
            }
        } catch {
            throw LogFailure(
                .damaged, "the entry at position \(position) is no record: \(error)",
                position: position)
        }
        if let payload = fold.add(record), isRedacted { payloads[first] = payload }
    }
}

/// The second pass.
private struct Writing: CommitVisitor, ~Copyable {
    let writer: SealedWriter
    let payloads: [Position: Digest]
    let redaction: Sealer.Redaction?
    private var redacted = ByteBuffer(capacity: 4096)
    private var recordedAt: Int64 = 0

    init(writer: SealedWriter, payloads: [Position: Digest], redaction: Sealer.Redaction?) {
        self.writer = writer
        self.payloads = payloads
        self.redaction = redaction
    }

    mutating func begin(_ commit: BlockCommit) {
        var commit = commit
        recordedAt = commit.commitTime
        if let payload = payloads[commit.firstPosition] { commit.payload = payload }
        writer.begin(commit)
    }

    mutating func entry(_ record: RawSpan, at position: Position) throws(LogFailure) {
        redacted.clear()
        // The first pass has shown that the record can be read.
        if let redaction,
            (try? redaction(position, recordedAt, record, &redacted)) == true
        {
            try writer.entry(redacted.bytes, at: position)
        } else {
            try writer.entry(record, at: position)
        }
    }
}

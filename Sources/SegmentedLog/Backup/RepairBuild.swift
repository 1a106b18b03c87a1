import Bytes
import Columns
import Platform

/// Writes the files of a repaired store beside what is there, under numbers that nothing has.
final class RepairBuild {
    /// What belongs to the new store.
    private(set) var files: Set<String> = []
    private let paths: StorePaths
    private let storeID: [UInt8]
    private let fileSystem: any FileSystem
    private let codec: (any BlockCodec)?
    private let random: any RandomSource
    private var sealed: [SealedRecord] = []
    private var rows: [WrittenSegment] = []
    private var end = StoreContents.End(nextPosition: 0, chain: .zero, commitTime: 0)
    private var nextSealedID: UInt64 = 1
    private var nextSegmentID: UInt64 = 1
    private var nextManifestID: UInt64 = 1

    init(
        _ paths: StorePaths, _ storeID: [UInt8], _ fileSystem: any FileSystem,
        _ codec: (any BlockCodec)?, _ random: any RandomSource
    ) throws(LogFailure) {
        self.paths = paths
        self.storeID = storeID
        self.fileSystem = fileSystem
        self.codec = codec
        self.random = random
        do throws(SystemFailure) {
            for directory in [paths.sealedSegments, paths.segments, paths.manifests] {
                _ = try fileSystem.makeDirectoryIfMissing(directory)
            }
            nextSealedID = try nextID(paths.sealedSegments, "S-")
            nextSegmentID = try nextID(paths.segments, "W-")
            nextManifestID = try nextID(paths.manifests, "M-")
        } catch { throw LogFailure(error) }
    }

    private func nextID(_ directory: String, _ prefix: String) throws(SystemFailure) -> UInt64 {
        let ids = try fileSystem.list(directory).compactMap {
            StorePaths.id(of: $0, prefix: prefix)
        }
        return (ids.max() ?? 0) + 1
    }

    /// What a superblock promises of the new store.
    var floor: LogFloor {
        guard let last = rows.last else { preconditionFailure("finish() lists a row segment") }
        return last.floor
    }

    /// Writes what a plan takes from elsewhere, durably.
    func write(_ plan: RepairPlan) throws(LogFailure) {
        var index = 0
        while index < plan.steps.count {
            let step = plan.steps[index]
            switch step.stretch.form {
            case .sealed(let record):
                try take(record, step)
                index += 1
            case .commit:
                var next = index + 1
                while next < plan.steps.count, case .commit = plan.steps[next].stretch.form {
                    next += 1
                }
                let written = try writeRows(plan.steps[index..<next])
                if plan.mustBeSealed(index) {
                    for segment in written { try seal(segment) }
                } else {
                    rows += written
                    files.formUnion(written.map(\.path))
                }
                index = next
            }
        }
        if rows.isEmpty {
            let writer = try self.writer()
            rows = [try writer.finish()]
            files.insert(rows[0].path)
        }
    }

    private func take(_ record: SealedRecord, _ step: RepairPlan.Step) throws(LogFailure) {
        var record = record
        if step.source == .backup {
            let copied = try SealedCopy.write(
                record, from: step.stretch.path, as: nextSealedID, to: paths, storeID: storeID,
                fileSystem)
            guard let copied else {
                throw LogReader.missing(step.stretch.path, record.firstPosition)
            }
            nextSealedID += 1
            record = copied
        }
        sealed.append(record)
        files.insert(paths.sealed(record.id))
        end = StoreContents.End(
            nextPosition: record.nextPosition, chain: record.chain, commitTime: record.commitTime)
    }

    // MARK: Rows

    private func writer() throws(LogFailure) -> RowSegmentWriter {
        defer { nextSegmentID += 1 }
        return try RowSegmentWriter(
            nextSegmentID, after: end, storeID: storeID, paths, fileSystem, random)
    }

    /// Writes commits into new row segments.
    private func writeRows(
        _ steps: ArraySlice<RepairPlan.Step>
    ) throws(LogFailure) -> [WrittenSegment] {
        var written: [WrittenSegment] = []
        var writer = try self.writer()
        var source: File?
        defer { try? source?.close() }
        var window = FrameWindow(ahead: LogLimits.pieceBytes)
        for step in steps {
            guard case .commit(let frame) = step.stretch.form else { continue }
            if writer.bytes + frame.frameBytes > LogLimits.segmentBytesMax {
                written.append(try writer.finish())
                end = writer.end
                writer = try self.writer()
            }
            if source?.path != step.stretch.path {
                try? source?.close()
                source = try mapped { () throws(SystemFailure) in
                    try File.open(step.stretch.path, .reading, fileSystem)
                }
                window.forget()
            }
            guard let source else { continue }
            let limit = frame.offset + frame.frameBytes
            do throws(ReadFault) { try window.body(of: frame, in: source, limit: limit) } catch {
                throw error.failure(
                    source.path, at: frame.offset, position: frame.firstPosition)
            }
            let start = frame.offset + FrameHeader.byteCount
            try writer.append(
                frame, window.bytes(start..<(start + frame.payloadBytes)), from: source.path)
        }
        written.append(try writer.finish())
        end = writer.end
        try mapped { () throws(SystemFailure) in try fileSystem.syncDirectory(paths.segments) }
        return written
    }

    /// Makes a sealed segment of a row segment, for sealed ones follow it, and removes the rows.
    private func seal(_ segment: WrittenSegment) throws(LogFailure) {
        guard let codec, let close = segment.record.close else {
            throw LogFailure(
                .unsupported, "sealing \(segment.path) needs the codec of its records",
                file: segment.path)
        }
        let record = segment.record
        let row = SegmentView(
            id: record.id, path: segment.path, salt: record.salt, capacity: record.capacity,
            firstPosition: record.firstPosition, chainBefore: record.chainBefore,
            timeBefore: segment.timeBefore, end: close.validBytes,
            writtenBytes: close.writtenBytes, index: segment.index)
        let view = LogView(
            sealed: sealed, segments: [row], durablePosition: close.nextPosition,
            chain: close.chain, commitTime: close.commitTime)
        let reader = LogReader(view, storeID: storeID, paths, codec: codec, fileSystem)
        let made = try Sealer(reader, codec: codec).seal(
            Sealer.Job(
                positions: record.firstPosition..<close.nextPosition,
                chainBefore: record.chainBefore, chain: close.chain,
                timeBefore: segment.timeBefore, commitTime: close.commitTime, effort: .fast,
                bytes: close.validBytes), id: nextSealedID, redaction: nil
        ) { true }
        nextSealedID += 1
        sealed.append(made)
        files.insert(paths.sealed(made.id))
        try mapped { () throws(SystemFailure) in try fileSystem.unlink(segment.path) }
    }

    // MARK: The end

    /// Makes all names durable and writes the manifest that lists them.
    func finish() throws(LogFailure) -> ManifestFile {
        var state = ManifestState()
        do throws(ManifestState.Contradiction) {
            for record in sealed { try state.apply(.sealed(record)) }
            for segment in rows { try segment.add(to: &state) }
        } catch {
            throw LogFailure(
                .damaged, "the parts of the repaired log do not fit: \(error.text)",
                file: paths.directory)
        }
        do throws(SystemFailure) {
            for directory in [paths.sealedSegments, paths.segments, paths.directory] {
                try fileSystem.syncDirectory(directory)
            }
            let manifest = try ManifestFile.create(
                nextManifestID, state, storeID: storeID, salt: try random.integer(), paths,
                fileSystem)
            files.insert(paths.manifest(nextManifestID))
            return manifest
        } catch { throw LogFailure(error) }
    }
}

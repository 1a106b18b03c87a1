package import Bytes
package import Platform

/// What a backup holds.
package struct BackupReport: Sendable, Equatable {
    /// The position after its last entry.
    package internal(set) var position: Position = 0
    /// The chain's head there: a receipt for the whole.
    package internal(set) var chain = Digest.zero
    /// Files of the log that were written, and what was copied beside it.
    package internal(set) var files = 0
    /// Their bytes.
    package internal(set) var bytes = 0
}

/// # A backup: a whole store at one durable position, made beside the traffic
///
///     UNFINISHED ─► sealed segments ─► rows ─► manifest ─► SUPER ─► no UNFINISHED
///
/// Every part of the reader's view is copied: sealed segments byte for byte, row segments commit by commit
/// into closed ones without spare room, each commit checked against the chain. No lock is held meanwhile. If a
/// file is gone because it was sealed or merged, the copy goes on with what took its place; parts that no longer
/// fit are copied again. So the result is one view of the log, the last one that was looked at.
///
/// SUPER comes last, when all else is durable. Without it, a directory with the mark UNFINISHED is refused as
/// an unfinished backup, and never taken for a new store.
package struct LogBackup {
    private enum Part {
        case sealed(SealedRecord)
        case rows(WrittenSegment)

        var positions: Range<Position> {
            switch self {
            case .sealed(let record): record.positions
            case .rows(let segment):
                segment.record.firstPosition..<segment.end
            }
        }
    }

    private let reader: LogReader
    private let paths: StorePaths
    private let fileSystem: any FileSystem
    private let random: any RandomSource
    private var parts: [Part] = []
    private var report = BackupReport()
    /// A file that was not there when a view listed it.
    private var missing: String?
    private var mayBeWhole = false

    /// Makes a directory a backup of the log that `reader` reads.
    /// - Parameters:
    ///   - directory: must not exist, or be empty, and lie outside the store.
    ///   - withKeys: copy the store's `keys/` too. Who has them can sign as this store.
    ///   - random: where salts come from.
    /// - Throws: `refused` if the directory is no place for it; else what went wrong, and then the directory is
    ///   marked as unfinished.
    package static func write(
        _ reader: LogReader, to directory: String, withKeys: Bool = false,
        random: any RandomSource = SystemRandom()
    ) throws(LogFailure) -> BackupReport {
        var backup = LogBackup(
            reader: reader, paths: StorePaths(directory: directory), fileSystem: reader.fileSystem,
            random: random)
        try backup.makeDirectories()
        do throws(LogFailure) {
            let view = try backup.copyLog()
            for folder in ["checkpoints"] + (withKeys ? ["keys"] : []) {
                try backup.copyFolder(folder)
            }
            try backup.finish(view)
        } catch {
            // Space is what is missing most often. Once SUPER may be there, the store may be whole.
            if !backup.mayBeWhole { for part in backup.parts { backup.remove(part) } }
            throw error
        }
        return backup.report
    }

    private init(
        reader: LogReader, paths: StorePaths, fileSystem: any FileSystem,
        random: any RandomSource
    ) {
        self.reader = reader
        self.paths = paths
        self.fileSystem = fileSystem
        self.random = random
    }

    private func makeDirectories() throws(LogFailure) {
        let directory = paths.directory
        if (directory + "/").hasPrefix(reader.paths.directory + "/") {
            throw LogFailure(
                .refused, "\(directory) is inside the store; a backup needs a place of its own",
                file: directory)
        }
        try mapped { () throws(SystemFailure) in
            if try fileSystem.makeDirectoryIfMissing(directory) {
                try fileSystem.syncDirectory(StoreOpening.parent(of: directory))
            }
        }
        let names = try mapped { () throws(SystemFailure) in try fileSystem.list(directory) }
        guard names.isEmpty else {
            let what =
                names.contains(StorePaths.unfinishedName)
                ? "holds a backup that was not finished; remove it and ask again"
                : "is not empty; a backup needs a new directory"
            throw LogFailure(.refused, "\(directory) \(what)", file: directory)
        }
        try mapped { () throws(SystemFailure) in
            // The mark first: whatever else is found here is then known to be part of a backup.
            try makeEmpty(paths.unfinished)
            try fileSystem.syncDirectory(directory)
            try makeEmpty(paths.lock)
            for folder in [
                paths.segments, paths.sealedSegments, paths.manifests, paths.quarantine,
            ] {
                try fileSystem.makeDirectory(folder)
            }
            try fileSystem.syncDirectory(directory)
        }
    }

    private func makeEmpty(_ path: String) throws(SystemFailure) {
        let file = try File.create(path, fileSystem)
        try file.syncAll()
        try file.close()
    }

    // MARK: The log

    /// Copies what the newest view shows, as often as it takes until that view holds still.
    private mutating func copyLog() throws(LogFailure) -> LogView {
        while true {
            let view = reader.view.read { $0 }
            dropReplaced(by: view)
            if try copy(view) { return view }
        }
    }

    private var end: Position { parts.last?.positions.upperBound ?? 0 }

    /// Removes copied parts that do not fit between the parts of a newer view: rows that are sealed now, and
    /// parts of which a merge took only some.
    private mutating func dropReplaced(by view: LogView) {
        while let last = parts.last {
            let isSealedNow = if case .rows = last { end <= view.sealedEnd } else { false }
            let next = view.sealed.first { $0.nextPosition > end }
            guard isSealedNow || next.map({ $0.firstPosition < end }) ?? false else { return }
            remove(last)
            parts.removeLast()
        }
    }

    private func remove(_ part: Part) {
        switch part {
        case .sealed(let record): try? fileSystem.unlink(paths.sealed(record.id))
        case .rows(let segment): try? fileSystem.unlink(segment.path)
        }
    }

    /// Copies the parts of a view that were not copied yet.
    /// - Returns: false if a file is no longer there.
    private mutating func copy(_ view: LogView) throws(LogFailure) -> Bool {
        for record in view.sealed where record.firstPosition >= end {
            let copied = try SealedCopy.write(
                record, from: reader.paths.sealed(record.id), as: record.id, to: paths,
                storeID: reader.storeID, fileSystem)
            guard let copied else {
                return try lookAgain(reader.paths.sealed(record.id), record.firstPosition)
            }
            parts.append(.sealed(copied))
        }
        for (index, row) in view.segments.enumerated() where row.firstPosition >= end {
            let isLast = index == view.segments.count - 1
            let next =
                isLast
                ? StoreContents.End(
                    nextPosition: view.durablePosition, chain: view.chain,
                    commitTime: view.commitTime) : view.segments[index + 1].start
            if next.nextPosition == row.firstPosition, !isLast { continue }
            guard try copy(row, upTo: next) else { return false }
        }
        return true
    }

    /// A newer view will not list a file that was replaced.
    /// - Returns: false.
    private mutating func lookAgain(
        _ path: String, _ position: Position
    ) throws(LogFailure) -> Bool {
        if missing == path { throw LogReader.missing(path, position) }
        missing = path
        return false
    }

    private mutating func copy(
        _ row: SegmentView, upTo next: StoreContents.End
    ) throws(LogFailure) -> Bool {
        guard let open = try reader.segments.segment(row.id, row.path) else {
            return try lookAgain(row.path, row.firstPosition)
        }
        var scan = FrameScan()
        let header = try scan.header(of: open.file, as: .segment, storeID: reader.storeID)
        guard header.id == row.id, header.salt == row.salt else {
            throw .damaged(row.path, at: 32, "its header is not what the manifest says")
        }
        let writer = try RowSegmentWriter(
            row.id, after: row.start, storeID: reader.storeID, paths, fileSystem, random)
        do throws(LogFailure) {
            var limits = FrameScan.Limits()
            limits.liveEnd = row.end
            _ = try scan.frames(
                of: open.file, header: header, commitTime: row.timeBefore, limits: limits
            ) { (frame, payload) throws(LogFailure) in
                try writer.append(frame, payload, from: row.path)
            }
            guard writer.end.nextPosition == next.nextPosition, writer.end.chain == next.chain
            else {
                throw .damaged(
                    row.path, at: row.end, position: writer.end.nextPosition,
                    "its end is not what the log says")
            }
            parts.append(.rows(try writer.finish()))
            return true
        } catch {
            writer.discard()
            throw error
        }
    }

    // MARK: The rest

    /// Copies the files of a folder that stands beside the log, if there is one.
    private mutating func copyFolder(_ name: String) throws(LogFailure) {
        let (source, target) = (
            reader.paths.directory + "/" + name, paths.directory + "/" + name
        )
        do throws(SystemFailure) {
            let names = try fileSystem.listIfPresent(source)
            if names.isEmpty { return }
            try fileSystem.makeDirectory(target)
            for name in names.sorted() {
                var bytes = ByteBuffer()
                do throws(SystemFailure) {
                    _ = try File.readWhole(source + "/" + name, into: &bytes, fileSystem)
                } catch {
                    // It was replaced meanwhile.
                    if error.isMissing { continue }
                    throw error
                }
                let file = try File.create(target + "/" + name, fileSystem)
                try file.writeAll(bytes.bytes, at: 0)
                try file.syncAll()
                try file.close()
                report.files += 1
                report.bytes += bytes.count
            }
            try fileSystem.syncDirectory(target)
        } catch { throw LogFailure(error) }
    }

    /// Makes all names durable, then the manifest, then the superblock, and takes the mark away.
    private mutating func finish(_ view: LogView) throws(LogFailure) {
        guard case .rows(let last) = parts.last else {
            preconditionFailure("a log has an active segment")
        }
        let state = manifest()
        do throws(SystemFailure) {
            try fileSystem.syncDirectory(paths.sealedSegments)
            try fileSystem.syncDirectory(paths.segments)
            try fileSystem.syncDirectory(paths.directory)
            let manifest = try ManifestFile.create(
                1, state, storeID: reader.storeID, salt: try random.integer(), paths, fileSystem)
            try manifest.close()
            mayBeWhole = true
            let superblock = try SuperblockFile.create(
                Superblock(
                    storeID: reader.storeID, sequence: 1, manifestID: 1,
                    manifestBytes: manifest.end, floor: last.floor), paths, fileSystem)
            try superblock.close()
            report.bytes += Superblock.fileBytes + manifest.end
            try fileSystem.unlink(paths.unfinished)
            try fileSystem.syncDirectory(paths.directory)
        } catch { throw LogFailure(error) }
        report.position = view.durablePosition
        report.chain = view.chain
        report.files += parts.count + 2
    }

    private mutating func manifest() -> ManifestState {
        var state = ManifestState()
        do throws(ManifestState.Contradiction) {
            for part in parts {
                switch part {
                case .sealed(let record):
                    try state.apply(.sealed(record))
                    report.bytes += record.fileBytes
                case .rows(let segment):
                    try segment.add(to: &state)
                    report.bytes += segment.record.capacity
                }
            }
        } catch { preconditionFailure("copied parts contradict each other: \(error.text)") }
        return state
    }
}

extension WrittenSegment {
    /// The position after its last entry.
    var end: Position { record.close?.nextPosition ?? record.firstPosition }
}

extension SegmentView {
    /// The point in the log that its first commit follows.
    var start: StoreContents.End {
        StoreContents.End(
            nextPosition: firstPosition, chain: chainBefore, commitTime: timeBefore)
    }
}

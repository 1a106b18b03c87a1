import Bytes
import Platform

/// What a start hands to the log.
struct OpenedStore {
    var report: RecoveryReport
    var storeID: [UInt8]
    var chain: Digest
    var nextPosition: Position
    var commitTime: Int64
    var reader: LogReader
    var paths: StorePaths
    var fileSystem: any FileSystem
    var superblock: SuperblockFile
    var manifest: ManifestFile
    var active: FrameFile
    /// A number that no sealed segment has.
    var nextSealedID: UInt64
}

/// # A start
///
/// First everything is read and decided; then the disk is changed, in an order in which every point may
/// be the last:
///
/// 1. the superblock's copies are made equal, leftovers removed, strangers moved to quarantine;
/// 2. a new segment is made, and the last commit copied into it if nothing proves that it is
///    durable where it is;
/// 3. a new manifest is made that says where the old segments end and lists the new one;
/// 4. the superblock names that manifest: only now did anything change;
/// 5. the old manifest and segments without entries are removed.
///
/// Killed before 4, the next start finds what this one found, and its unlisted files as leftovers. The
/// old segments are never written to.
struct StoreOpening {
    private let paths: StorePaths
    private let fileSystem: any FileSystem
    private let options: LogOptions

    init(_ directory: String, _ fileSystem: any FileSystem, _ options: LogOptions) {
        paths = StorePaths(directory: directory)
        self.fileSystem = fileSystem
        self.options = options
        precondition(
            options.segmentBytesFirst % LogLimits.blockBytes == 0
                && options.segmentBytesFirst >= 3 * LogLimits.blockBytes
                && options.segmentBytesMax % LogLimits.blockBytes == 0, "whole blocks")
    }

    /// Takes the lock, reads, decides, changes.
    func open() throws(LogFailure) -> SegmentedLog {
        let lock = try mapped { () throws(SystemFailure) in try makeDirectories() }
        do throws(LogFailure) {
            guard try mapped({ () throws(SystemFailure) in try lock.lock() }) else {
                throw Self.locked(paths)
            }
            try mapped { () throws(SystemFailure) in
                // A killed process may have left names that are not durable.
                try fileSystem.syncDirectory(paths.directory)
                try fileSystem.syncDirectory(paths.segments)
                try fileSystem.syncDirectory(paths.sealedSegments)
                try fileSystem.syncDirectory(paths.manifests)
            }
            var scan = StoreScan(paths, fileSystem)
            let contents = try scan.read()
            do throws(SystemFailure) {
                let opened = if let contents { try reopen(contents) } else { try create() }
                return SegmentedLog(opened, options, lock: lock)
            } catch { throw LogFailure(error) }
        } catch {
            try? lock.close()
            throw error
        }
    }

    static func locked(_ paths: StorePaths) -> LogFailure {
        LogFailure(
            .locked,
            "\(paths.directory) is in use by another process; stop that one first, or ask it",
            file: paths.lock)
    }

    /// Makes the directories that are missing, and opens LOCK.
    private func makeDirectories() throws(SystemFailure) -> File {
        if try fileSystem.makeDirectoryIfMissing(paths.directory) {
            try fileSystem.syncDirectory(Self.parent(of: paths.directory))
        }
        var madeAny = false
        for directory in [
            paths.segments, paths.sealedSegments, paths.manifests, paths.quarantine,
        ] {
            if try fileSystem.makeDirectoryIfMissing(directory) { madeAny = true }
        }
        let lock = try openLock()
        if madeAny { try fileSystem.syncDirectory(paths.directory) }
        return lock
    }

    private func openLock() throws(SystemFailure) -> File {
        do { return try File.create(paths.lock, fileSystem) } catch {
            if !error.isExisting { throw error }
            return try File.open(paths.lock, .writing, fileSystem)
        }
    }

    static func parent(of path: String) -> String {
        let trimmed = path.hasSuffix("/") ? path.dropLast() : path[...]
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }

    // MARK: A new store

    private func create() throws(SystemFailure) -> OpenedStore {
        // What an interrupted creation left; the scan has shown that it holds no commit.
        for directory in [paths.segments, paths.manifests] {
            for name in try fileSystem.list(directory).sorted() where Self.isOurs(name) {
                try fileSystem.unlink(directory + "/" + name)
            }
        }
        var report = RecoveryReport()
        report.isNew = true
        let storeID = try options.random.bytes(16)
        let start = StoreContents.End(nextPosition: 0, chain: .zero, commitTime: 0)
        let active = try beginSegment(1, storeID, after: nil, start)
        var state = ManifestState()
        add(active, to: &state)
        let manifest = try ManifestFile.create(
            1, state, storeID: storeID, salt: try options.random.integer(), paths, fileSystem)
        let superblock = try SuperblockFile.create(
            self.superblock(storeID, 1, manifest, active, start), paths, fileSystem)
        let view = LogView(
            segments: [SegmentView(active.header, paths, timeBefore: 0)], durablePosition: 0,
            chain: .zero, commitTime: 0)
        return OpenedStore(
            report: report, storeID: storeID, chain: .zero, nextPosition: 0, commitTime: 0,
            reader: LogReader(
                view, storeID: storeID, paths, codec: options.codec, fileSystem),
            paths: paths, fileSystem: fileSystem, superblock: superblock, manifest: manifest,
            active: active, nextSealedID: 1)
    }

    private static func isOurs(_ name: String) -> Bool {
        StorePaths.id(of: name, prefix: "W-") != nil
            || StorePaths.id(of: name, prefix: "M-") != nil
    }

    // MARK: A store that exists

    private func reopen(_ contents: StoreContents) throws(SystemFailure) -> OpenedStore {
        var report = contents.report(paths)
        let plan = contents.plan
        let storeID = contents.superblock.chosen.storeID
        let superblock = try SuperblockFile.open(contents.superblock, paths, fileSystem)
        try tidy(contents, &report)
        let active = try beginSegment(
            contents.segmentIDMax + 1, storeID, after: plan.kept.last, plan.end,
            room: plan.copied?.header.frameBytes ?? 0)
        if let frame = plan.copied { try copy(frame, to: active) }
        let end = contents.end
        var state = ManifestState()
        for record in contents.sealed { add(.sealed(record), to: &state) }
        for segment in plan.kept { segment.add(to: &state) }
        add(active, to: &state)
        let manifest = try ManifestFile.create(
            contents.manifestIDMax + 1, state, storeID: storeID,
            salt: try options.random.integer(), paths, fileSystem)
        try superblock.write(
            self.superblock(
                storeID, superblock.current.sequence + 1, manifest, active, end))
        try removeReplaced(contents, plan)
        var view = LogView(
            sealed: contents.sealed, segments: plan.kept.map { SegmentView($0, paths) },
            durablePosition: end.nextPosition, chain: end.chain, commitTime: end.commitTime)
        var fresh = SegmentView(active.header, paths, timeBefore: plan.end.commitTime)
        fresh.end = active.end
        if let frame = plan.copied {
            fresh.index.note(position: frame.header.firstPosition, offset: FileHeader.byteCount)
        }
        view.segments.append(fresh)
        return OpenedStore(
            report: report, storeID: storeID, chain: end.chain, nextPosition: end.nextPosition,
            commitTime: end.commitTime,
            reader: LogReader(
                view, storeID: storeID, paths, codec: options.codec, fileSystem),
            paths: paths, fileSystem: fileSystem, superblock: superblock, manifest: manifest,
            active: active, nextSealedID: contents.sealedIDMax + 1)
    }

    /// Removes what interrupted starts left and moves away what is not ours.
    private func tidy(
        _ contents: StoreContents, _ report: inout RecoveryReport
    ) throws(SystemFailure) {
        // With a superblock, a backup is whole.
        try fileSystem.unlinkIfPresent(paths.unfinished)
        for path in contents.leftovers { try fileSystem.unlink(path) }
        for stranger in contents.strangers {
            let source = stranger.directory + "/" + stranger.name
            var target = paths.quarantine + "/" + stranger.name
            let taken = Set(try fileSystem.list(paths.quarantine))
            var count = 1
            while taken.contains(String(target.dropFirst(paths.quarantine.count + 1))) {
                count += 1
                target = paths.quarantine + "/" + stranger.name + "-\(count)"
            }
            try fileSystem.rename(source, to: target)
            try fileSystem.syncDirectory(paths.quarantine)
            report.quarantined.append(target)
            report.notes.append("\(source) does not belong there; moved to \(target)")
        }
        if !contents.leftovers.isEmpty || !contents.strangers.isEmpty {
            try fileSystem.syncDirectory(paths.segments)
            try fileSystem.syncDirectory(paths.sealedSegments)
            try fileSystem.syncDirectory(paths.manifests)
        }
    }

    private func removeReplaced(
        _ contents: StoreContents, _ plan: StoreContents.Plan
    ) throws(SystemFailure) {
        // Names that survive a crash here are unlisted, and removed by the next start.
        try fileSystem.unlink(paths.manifest(contents.superblock.chosen.manifestID))
        for segment in plan.dropped { try fileSystem.unlink(paths.segment(segment.record.id)) }
    }

    private func beginSegment(
        _ id: UInt64, _ storeID: [UInt8], after previous: ScannedSegment?,
        _ end: StoreContents.End, room: Int = 0
    ) throws(SystemFailure) -> FrameFile {
        // A seal must fit behind what is copied.
        let needed = FileHeader.byteCount + room + LogLimits.blockBytes
        let prepared = try SpareSegment.make(
            id, capacity: max(options.segmentBytesFirst, needed), paths, fileSystem)
        return try FrameFile.begin(
            prepared.file,
            FileHeader(
                kind: .segment, storeID: storeID, id: id, firstPosition: end.nextPosition,
                salt: try options.random.integer(), previousID: previous?.record.id ?? 0,
                previousBytes: previous?.result.end ?? 0,
                previousNextPosition: end.nextPosition, chain: end.chain,
                capacity: prepared.capacity))
    }

    /// Copies a commit by a real write: where it stands, the kernel may only pretend to have it.
    private func copy(
        _ frame: StoreContents.Unpromised, to active: FrameFile
    ) throws(SystemFailure) {
        var buffer = ByteBuffer(capacity: FrameHeader.byteCount + frame.payload.count)
        buffer.appendZeros(FrameHeader.byteCount)
        buffer.append(frame.payload)
        _ = try active.append(frame.header, &buffer)
    }

    private func add(_ active: FrameFile, to state: inout ManifestState) {
        add(.added(SegmentRecord(active.header)), to: &state)
    }

    private func add(_ edit: ManifestEdit, to state: inout ManifestState) {
        do { try state.apply(edit) } catch {
            preconditionFailure("an edit contradicts the manifest: \(error.text)")
        }
    }

    private func superblock(
        _ storeID: [UInt8], _ sequence: UInt64, _ manifest: ManifestFile, _ active: FrameFile,
        _ end: StoreContents.End
    ) -> Superblock {
        Superblock(
            storeID: storeID, sequence: sequence, manifestID: manifest.id,
            manifestBytes: manifest.end,
            floor: LogFloor(
                segmentID: active.header.id, offset: active.end, nextPosition: end.nextPosition,
                chain: end.chain, commitTime: end.commitTime))
    }
}

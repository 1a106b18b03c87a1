import Bytes
import Platform

/// A segment as the disk has it.
struct ScannedSegment: Sendable {
    var record: SegmentRecord
    var result: ScanResult
    /// Commit time before its first frame.
    var timeBefore: Int64
}

/// Everything that a start reads before it decides to change anything.
struct StoreContents: Sendable {
    var superblock: Superblock.Reading
    /// Sealed segments, which hold the log's beginning.
    var sealed: [SealedRecord] = []
    /// Row segments, which follow them.
    var segments: [ScannedSegment]
    /// The last frame, if nothing on the disk promises that it is durable.
    var unpromised: Unpromised?
    /// Files that an interrupted start or roll left, which hold nothing that counts.
    var leftovers: [String] = []
    /// Files that do not belong there, by directory and name.
    var strangers: [(directory: String, name: String)] = []
    /// The highest id of any segment, listed or not.
    var segmentIDMax: UInt64 = 0
    /// The highest id of any manifest.
    var manifestIDMax: UInt64 = 0
    /// The highest id of any sealed segment, listed or not.
    var sealedIDMax: UInt64 = 0
    var frames: UInt64 = 0
    var bytes = 0
}

/// # Reading a store, before anything is changed
///
/// The superblock names the manifest, the manifest names the segments, and every frame of every
/// segment is checked. What does not add up throws, and the disk is as it was.
struct StoreScan: ~Copyable {
    let paths: StorePaths
    let fileSystem: any FileSystem
    private var scan = FrameScan()
    private var unpromised: StoreContents.Unpromised?

    init(_ paths: StorePaths, _ fileSystem: any FileSystem) {
        self.paths = paths
        self.fileSystem = fileSystem
    }

    /// Reads the store. - Returns: nil if there is none yet.
    mutating func read() throws(LogFailure) -> StoreContents? {
        guard let superblock = try readSuperblock() else {
            try checkNothingCommitted()
            return nil
        }
        var contents = StoreContents(superblock: superblock, segments: [])
        let manifest = try readManifest(superblock.chosen)
        try checkSealed(manifest, superblock.chosen, into: &contents)
        try readSegments(manifest, superblock.chosen, into: &contents)
        try sortManifests(superblock.chosen, into: &contents)
        try sortSegments(manifest, into: &contents)
        try sortSealed(manifest, into: &contents)
        return contents
    }

    /// Opens a file so that what is read is what the device has: what a killed process left in the
    /// kernel's memory is flushed, and then forgotten. After a failed flush the kernel may keep bytes
    /// that the device never got, and call them clean.
    /// - Parameter durableBytes: bytes that are known to be durable; these may come from memory.
    private func open(_ path: String, durableBytes: Int = 0) throws(SystemFailure) -> File {
        let file = try File.open(path, .reading, fileSystem)
        do throws(SystemFailure) {
            try file.syncData()
            file.dropCache(from: durableBytes)
            return file
        } catch {
            try? file.close()
            throw error
        }
    }

    private func readSuperblock() throws(LogFailure) -> Superblock.Reading? {
        var bytes = ByteBuffer(capacity: Superblock.fileBytes)
        do throws(SystemFailure) {
            let file = try open(paths.superblock)
            defer { try? file.close() }
            // One byte more than there should be: a longer file shows.
            _ = try file.append(0..<(Superblock.fileBytes + 1), to: &bytes)
        } catch {
            if error.isMissing, error.call == .open { return nil }
            throw LogFailure(error)
        }
        return try Superblock.choose(bytes.bytes, of: paths.superblock)
    }

    /// Without a superblock there must be no commit: making a new store over one would hide it.
    private mutating func checkNothingCommitted() throws(LogFailure) {
        let names = try mapped { () throws(SystemFailure) in
            try fileSystem.listIfPresent(paths.segments)
        }
        for name in names.sorted() {
            guard let id = StorePaths.id(of: name, prefix: "W-") else { continue }
            let path = paths.segment(id)
            if try stray(path, id, nil) == .hasFrames { throw hidden(path) }
        }
        // A store has a superblock long before it seals anything.
        let sealed = try mapped { () throws(SystemFailure) in
            try fileSystem.listIfPresent(paths.sealedSegments)
        }
        for name in sealed.sorted() {
            guard let id = StorePaths.id(of: name, prefix: "S-") else { continue }
            throw hidden(paths.sealed(id))
        }
    }

    private func hidden(_ path: String) -> LogFailure {
        LogFailure(
            .damaged,
            "\(paths.superblock) is missing, and \(path) holds commits. Nothing was "
                + "changed; restore SUPER and manifest/ from a backup",
            file: paths.superblock)
    }

    private mutating func readManifest(
        _ superblock: Superblock
    ) throws(LogFailure) -> ManifestState {
        let path = paths.manifest(superblock.manifestID)
        let file = try openListed(path, "the superblock names it")
        defer { try? file.close() }
        let header = try scan.header(of: file, as: .manifest, storeID: superblock.storeID)
        guard header.id == superblock.manifestID else {
            throw .damaged(path, at: 32, "it is manifest \(hex(header.id)) under another name")
        }
        var state = ManifestState()
        _ = try scan.frames(
            of: file, header: header, commitTime: 0,
            limits: FrameScan.Limits(floorOffset: superblock.manifestBytes)
        ) { (frame, payload) throws(LogFailure) in
            for index in 0..<Int(frame.count) {
                let range = Directory.range(of: index, in: payload, count: Int(frame.count))
                do { try state.apply(ManifestEdit.decode(payload.extracting(range))) } catch {
                    let what = (error as? ManifestState.Contradiction)?.text ?? "\(error)"
                    throw LogFailure.damaged(path, at: frame.offset, "an edit is wrong: \(what)")
                }
            }
        }
        guard !state.segments.isEmpty else {
            throw .damaged(path, at: FileHeader.byteCount, "it lists no row segment")
        }
        return state
    }

    private mutating func readSegments(
        _ manifest: ManifestState, _ superblock: Superblock, into contents: inout StoreContents
    ) throws(LogFailure) {
        let floor = superblock.floor
        guard manifest.segments.contains(where: { $0.id == floor.segmentID }) else {
            throw .damaged(
                paths.manifest(superblock.manifestID), at: FileHeader.byteCount,
                "it does not list segment \(hex(floor.segmentID)), which the superblock promises")
        }
        var time = manifest.sealed.last?.commitTime ?? 0
        for (index, record) in manifest.segments.enumerated() {
            let isLast = index == manifest.segments.count - 1
            let scanned = try readSegment(
                record, isLast: isLast, timeBefore: time, superblock)
            time = scanned.result.commitTime
            contents.frames += scanned.result.frames
            contents.bytes += scanned.result.end
            contents.segments.append(scanned)
        }
        contents.unpromised = unpromised
    }

    private mutating func readSegment(
        _ record: SegmentRecord, isLast: Bool, timeBefore: Int64, _ superblock: Superblock
    ) throws(LogFailure) -> ScannedSegment {
        let path = paths.segment(record.id)
        let promised = superblock.floor.segmentID == record.id ? superblock.floor.offset : 0
        let file = try openListed(
            path, "the manifest lists it", isFresh: record.close == nil, durableBytes: promised)
        defer { try? file.close() }
        let header = try scan.header(of: file, as: .segment, storeID: superblock.storeID)
        guard header.id == record.id, header.salt == record.salt,
            header.capacity == record.capacity, header.firstPosition == record.firstPosition,
            header.chain == record.chainBefore
        else { throw .damaged(path, at: 32, "its header is not what the manifest says") }
        let floor = superblock.floor
        var limits = FrameScan.Limits(isFollowed: !isLast && record.close == nil)
        limits.closed = record.close.map { ($0.validBytes, $0.writtenBytes) }
        if floor.segmentID == record.id {
            limits.floorOffset = floor.offset
            limits.floorPosition = floor.nextPosition
        }
        let result = try scan.frames(
            of: file, header: header, commitTime: timeBefore, limits: limits
        ) { _, _ in }
        if isLast, record.close == nil, let frame = result.last,
            floor.segmentID != record.id || frame.offset + frame.frameBytes > floor.offset
        {
            unpromised = StoreContents.Unpromised(
                header: frame, payload: try scan.payload(of: frame, in: file))
        }
        if let close = record.close {
            guard close.nextPosition == result.nextPosition, close.chain == result.chain,
                close.commitTime == result.commitTime
            else {
                throw .damaged(
                    path, at: result.end, position: result.nextPosition,
                    "its end is not what the manifest says")
            }
        }
        if isLast, floor.nextPosition > result.nextPosition {
            throw .damaged(
                path, at: result.end, position: result.nextPosition,
                "the superblock promises entries up to position \(floor.nextPosition)")
        }
        return ScannedSegment(record: record, result: result, timeBefore: timeBefore)
    }

    /// Opens a file that the store needs.
    /// - Parameter isFresh: whether the process that wrote it may have ended before it was durable.
    func openListed(
        _ path: String, _ why: String, isFresh: Bool = true, durableBytes: Int = 0
    ) throws(LogFailure) -> File {
        do throws(SystemFailure) {
            if !isFresh { return try File.open(path, .reading, fileSystem) }
            return try open(path, durableBytes: durableBytes)
        } catch {
            guard error.isMissing else { throw LogFailure(error) }
            throw LogFailure(
                .damaged, "\(path) is missing, and \(why). Restore it from a backup", file: path)
        }
    }

    private func sortManifests(
        _ superblock: Superblock, into contents: inout StoreContents
    ) throws(LogFailure) {
        contents.manifestIDMax = superblock.manifestID
        let names = try mapped { () throws(SystemFailure) in try fileSystem.list(paths.manifests) }
        for name in names.sorted() {
            guard let id = StorePaths.id(of: name, prefix: "M-") else {
                contents.strangers.append((paths.manifests, name))
                continue
            }
            contents.manifestIDMax = max(contents.manifestIDMax, id)
            if id != superblock.manifestID { contents.leftovers.append(paths.manifest(id)) }
        }
    }

    private mutating func sortSegments(
        _ manifest: ManifestState, into contents: inout StoreContents
    ) throws(LogFailure) {
        let names = try mapped { () throws(SystemFailure) in try fileSystem.list(paths.segments) }
        let listed = Set(manifest.segments.map(\.id))
        contents.segmentIDMax = listed.max() ?? 0
        let isSealed = contents.segments.last?.result.isSealed ?? false
        for name in names.sorted() {
            guard let id = StorePaths.id(of: name, prefix: "W-") else {
                contents.strangers.append((paths.segments, name))
                continue
            }
            contents.segmentIDMax = max(contents.segmentIDMax, id)
            if listed.contains(id) { continue }
            let path = paths.segment(id)
            if let first = listed.min(), id < first, !manifest.sealed.isEmpty {
                // Its entries are in a sealed segment: ids of rows only rise.
                contents.leftovers.append(path)
                continue
            }
            switch try stray(path, id, contents.superblock.chosen.storeID) {
            case .isEmpty: contents.leftovers.append(path)
            case .isForeign: contents.strangers.append((paths.segments, name))
            case .hasFrames:
                // A start copies the last commit before it lists the segment, and only if the one
                // before has no seal. With a seal, the edit that listed this segment is gone.
                if isSealed {
                    throw .damaged(
                        paths.manifest(contents.superblock.chosen.manifestID),
                        at: contents.superblock.chosen.manifestBytes,
                        "it does not list \(path), which holds commits")
                }
                contents.leftovers.append(path)
            }
        }
    }

    private func stray(
        _ path: String, _ id: UInt64, _ storeID: [UInt8]?
    ) throws(LogFailure) -> StraySegment {
        do throws(SystemFailure) {
            let file = try open(path)
            defer { try? file.close() }
            return try StraySegment.classify(file, id, storeID: storeID)
        } catch { throw LogFailure(error) }
    }
}

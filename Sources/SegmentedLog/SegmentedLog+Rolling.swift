import Bytes
import Platform

/// Going on in the next segment.
///
/// The order is what recovery relies on: the seal, the new file with its header, the edit that closes
/// the one and lists the other, the superblock, and only then a commit in the new segment. A segment
/// that is not listed holds no commit.
extension SegmentedLog {
    /// Seals the active segment and makes the next one active.
    /// - Parameter needed: bytes that it must have room for.
    func roll(for needed: Int) throws(SystemFailure) {
        let capacity = max(nextCapacity, FileHeader.byteCount + needed)
        try writeEmpty(.seal)
        let prepared = try nextFile(capacity)
        let header = FileHeader(
            kind: .segment, storeID: storeID, id: prepared.id, firstPosition: nextPosition,
            salt: try options.random.integer(), previousID: active.header.id,
            previousBytes: active.end, previousNextPosition: nextPosition, chain: chain,
            capacity: prepared.capacity)
        let next = try FrameFile.begin(prepared.file, header)
        try edit([closing(.rolled), .added(SegmentRecord(header))])
        let writtenBytes = active.end
        let previous = active
        active = next
        try raiseFloor()
        try previous.close()
        let view = SegmentView(header, paths, timeBefore: lastCommitTime)
        reader.view.withLock { state in
            state.segments[state.segments.count - 1].writtenBytes = writtenBytes
            state.segments.append(view)
        }
        sealing.tellNews()
    }

    /// Capacity of the segment after the active one.
    var nextCapacity: Int {
        min(2 * active.header.capacity, options.segmentBytesMax)
    }

    /// Whether the active segment is half full and nothing stands ready to follow it.
    var wantsSpare: Bool { active.room < active.header.capacity / 2 && spare.isMissing }

    /// Starts to prepare the next segment when it is time, if a thread may.
    func prepareSpare(inBackground: Bool) {
        guard inBackground, options.preparesInBackground, wantsSpare else { return }
        spare.prepareInBackground(takeSegmentID(), capacity: nextCapacity)
    }

    /// An id that no file has.
    func takeSegmentID() -> UInt64 {
        defer { nextSegmentID += 1 }
        return nextSegmentID
    }

    private func nextFile(_ capacity: Int) throws(SystemFailure) -> SpareSegment.Prepared {
        if let prepared = try spare.take() {
            if prepared.capacity >= capacity { return prepared }
            try spare.discard(prepared)
        }
        return try SpareSegment.make(
            takeSegmentID(), capacity: capacity, paths, fileSystem)
    }

    /// Makes edits of the manifest durable.
    func edit(_ edits: [ManifestEdit]) throws(SystemFailure) {
        if manifest.hasRoom {
            try manifest.append(edits)
        } else {
            try replaceManifest(adding: edits)
        }
    }

    /// Writes a new manifest with everything that counts. The old one goes when the superblock names
    /// the new one in all copies.
    private func replaceManifest(adding edits: [ManifestEdit]) throws(SystemFailure) {
        var state = manifest.state
        for edit in edits {
            do { try state.apply(edit) } catch {
                preconditionFailure("an edit contradicts the manifest: \(error.text)")
            }
        }
        let old = manifest
        manifest = try ManifestFile.create(
            old.id + 1, state, storeID: storeID, salt: try options.random.integer(), paths,
            fileSystem)
        try raiseFloor()
        try old.close()
        try fileSystem.unlink(paths.manifest(old.id))
    }
}

extension SegmentRecord {
    /// What the manifest says of a segment that was just begun.
    init(_ header: FileHeader) {
        self.init(
            id: header.id, salt: header.salt, capacity: header.capacity,
            firstPosition: header.firstPosition, chainBefore: header.chain, close: nil)
    }
}

extension SegmentView {
    /// A segment that was just begun.
    init(_ header: FileHeader, _ paths: StorePaths, timeBefore: Int64) {
        self.init(
            id: header.id, path: paths.segment(header.id), salt: header.salt,
            capacity: header.capacity, firstPosition: header.firstPosition,
            chainBefore: header.chain, timeBefore: timeBefore, end: FileHeader.byteCount,
            index: FrameIndex())
    }

    /// A segment that a start verified.
    init(_ scanned: ScannedSegment, _ paths: StorePaths) {
        self.init(
            id: scanned.record.id, path: paths.segment(scanned.record.id),
            salt: scanned.record.salt, capacity: scanned.record.capacity,
            firstPosition: scanned.record.firstPosition, chainBefore: scanned.record.chainBefore,
            timeBefore: scanned.timeBefore, end: scanned.result.end,
            writtenBytes: scanned.result.writtenEnd, index: scanned.result.index)
    }
}

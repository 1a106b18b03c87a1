import Bytes
import Platform

/// # Reading a store that cannot be opened
///
/// A start stops at the first damage. A survey goes on: each file is read for itself, and what is sound in it is
/// noted with the chain before and after it. What counts is then no matter of lists: stretches that the
/// chain links from the log's beginning on are its history, whatever file they are in.
struct StoreSurvey {
    /// Names the store; empty if nothing tells.
    var storeID: [UInt8] = []
    /// What the superblock says, or the newest of its copies if no two agree.
    var superblock: Superblock?
    /// What the manifest lists, up to its first damage.
    var manifest = ManifestState()
    /// Everything sound that was found.
    var stretches: [Stretch] = []
    private var readable: [Range<Position>] = []
    private var damages: [LogFailure] = []
    private let paths: StorePaths
    private let fileSystem: any FileSystem

    /// Reads a store.
    /// - Parameter known: the store's identity, for the case that nothing in it tells.
    /// - Throws: `missing` if there is none; a device that fails is damage.
    static func read(
        _ paths: StorePaths, _ fileSystem: any FileSystem, known: [UInt8]? = nil
    ) throws(LogFailure) -> StoreSurvey {
        var survey = StoreSurvey(paths, fileSystem)
        let names = try mapped { () throws(SystemFailure) in
            try fileSystem.listIfPresent(paths.directory)
        }
        let hasSuper = names.contains("SUPER")
        if !hasSuper, names.contains(StorePaths.unfinishedName) {
            throw StoreScan.unfinished(paths)
        }
        guard hasSuper || (names.contains("wal") && names.contains("manifest")) else {
            throw LogFailure(
                .missing, "there is no store in \(paths.directory)", file: paths.directory)
        }
        survey.readSuperblock()
        survey.storeID = survey.superblock?.storeID ?? known ?? survey.identityOfFiles()
        survey.readManifest()
        survey.readSealed()
        survey.readRows()
        return survey
    }

    private init(_ paths: StorePaths, _ fileSystem: any FileSystem) {
        self.paths = paths
        self.fileSystem = fileSystem
    }

    /// Where the log ended at least.
    var end: Position {
        let listed = manifest.segments.compactMap { $0.close?.nextPosition }
        return
            ([superblock?.floor.nextPosition, manifest.sealed.last?.nextPosition].compactMap { $0 }
            + listed + stretches.map(\.positions.upperBound)).max() ?? 0
    }

    /// What a person wants to know.
    var report: DamageReport {
        DamageReport(damages, stretches.map(\.positions) + readable, end: end)
    }

    // MARK: What names what

    private mutating func readSuperblock() {
        let scan = StoreScan(paths, fileSystem)
        do throws(LogFailure) {
            guard let reading = try scan.readSuperblock() else {
                damages.append(
                    LogFailure(
                        .damaged, "\(paths.superblock) is missing", file: paths.superblock))
                return
            }
            superblock = reading.chosen
        } catch {
            damages.append(error)
            superblock = Superblock.newest(in: paths.superblock, fileSystem)
        }
    }

    private mutating func readManifest() {
        guard let superblock else { return }
        var scan = StoreScan(paths, fileSystem)
        do throws(LogFailure) { try scan.readManifest(superblock, into: &manifest) } catch {
            damages.append(error)
        }
    }

    /// The identity that the first sound header of a row segment or a sealed segment has.
    private func identityOfFiles() -> [UInt8] {
        for directory in [paths.segments, paths.sealedSegments] {
            for name in ((try? fileSystem.listIfPresent(directory)) ?? []).sorted() {
                guard let file = try? File.open(directory + "/" + name, .reading, fileSystem)
                else { continue }
                defer { try? file.close() }
                var block = ByteBuffer(capacity: FileHeader.byteCount)
                _ = try? file.append(0..<FileHeader.byteCount, to: &block)
                let checked = LogLimits.blockBytes - 4
                if block.count == LogLimits.blockBytes,
                    block.bytes.readInteger(as: UInt32.self, at: checked)
                        == CRC32C.masked(of: block.bytes(in: 0..<checked))
                {
                    return block.copyBytes(in: 16..<32)
                }
            }
        }
        return []
    }

    // MARK: The log

    private mutating func readSealed() {
        let listed = Dictionary(uniqueKeysWithValues: manifest.sealed.map { ($0.id, $0) })
        let ids = Set(listed.keys).union(self.ids(in: paths.sealedSegments, "S-"))
        for id in ids.sorted(by: {
            (listed[$0]?.firstPosition ?? 0, $0) < (listed[$1]?.firstPosition ?? 0, $1)
        }) {
            let findings = FileFindings.sealed(
                paths.sealed(id), id: id, expected: listed[id], storeID: storeID, fileSystem)
            take(findings, counts: listed[id] != nil || isListless)
        }
    }

    private mutating func readRows() {
        var scan = StoreScan(paths, fileSystem)
        let listed = manifest.segments
        var time = manifest.sealed.last?.commitTime ?? 0
        for (index, record) in listed.enumerated() {
            let path = paths.segment(record.id)
            var findings = FileFindings.rows(path, storeID: storeID, fileSystem)
            // A torn tail is no damage, and bytes behind an end may be: a start's own eyes decide.
            findings.damage = nil
            do throws(LogFailure) {
                if let superblock {
                    _ = try scan.readSegment(
                        record, isLast: index == listed.count - 1, timeBefore: time, superblock)
                }
            } catch { findings.damage = error }
            time = record.close?.commitTime ?? time
            take(findings, counts: true)
        }
        let known = Set(listed.map(\.id))
        for id in ids(in: paths.segments, "W-").sorted() where !known.contains(id) {
            var findings = FileFindings.rows(paths.segment(id), storeID: storeID, fileSystem)
            // Without a list, an end that cannot be read may be a write that did not finish.
            if !findings.stretches.isEmpty { findings.damage = nil }
            take(findings, counts: false)
        }
    }

    /// Whether nothing says which sealed segments there are.
    private var isListless: Bool { manifest.segments.isEmpty }

    private mutating func take(_ findings: FileFindings, counts: Bool) {
        stretches += findings.stretches
        readable += findings.readable
        if counts, let damage = findings.damage { damages.append(damage) }
    }

    private func ids(in directory: String, _ prefix: String) -> [UInt64] {
        let names = (try? fileSystem.listIfPresent(directory)) ?? []
        return names.compactMap { StorePaths.id(of: $0, prefix: prefix) }
    }
}

extension Superblock {
    /// The newest copy in a file of which no two copies agree; nil if none can be read.
    static func newest(in path: String, _ fileSystem: any FileSystem) -> Superblock? {
        var bytes = ByteBuffer(capacity: fileBytes)
        guard let file = try? File.open(path, .reading, fileSystem) else { return nil }
        defer { try? file.close() }
        _ = try? file.append(0..<fileBytes, to: &bytes)
        var newest: Superblock?
        for start in stride(
            from: 0, through: bytes.count - LogLimits.blockBytes, by: LogLimits.blockBytes)
        {
            let block = bytes.bytes(in: start..<(start + LogLimits.blockBytes))
            guard let copy = try? decode(block, of: path, at: start) else { continue }
            if newest.map({ $0.sequence < copy.sequence }) ?? true { newest = copy }
        }
        return newest
    }
}

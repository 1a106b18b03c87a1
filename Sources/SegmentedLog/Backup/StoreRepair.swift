import Bytes
package import Columns
package import Platform

/// # Repair: a damaged store and a backup of it become one whole store
///
///     survey both ─► plan ─► new files ─► old files to quarantine ─► SUPER names the new manifest
///
/// The plan is the longest history that the chain links from the two stores' sound parts. Sealed segments that are
/// sound stay where they are; the others are copied under new numbers; rows are written again into new segments,
/// sealed where sealed segments follow them. Nothing that was there is changed or deleted: what the new manifest
/// does not list is moved to `quarantine/`, and only when everything new is durable. Killed before SUPER is
/// written, the store is as damaged as before and another repair finds all that this one had found; killed after,
/// it is the repaired one.
///
/// Recipe:
///
///     let repair = try StoreRepair.plan(directory: data, from: backup, fileSystem: system)
///     print(repair.lines)
///     let report = try repair.carryOut(acceptLoss: false, codec: codec)
package final class StoreRepair {
    /// What was found to be damaged.
    package let damage: DamageReport
    /// Entries that the repaired store has.
    package var position: Position { plan.end }
    /// Entries that come from the backup.
    package var entriesFromBackup: UInt64 { plan.entriesFromBackup }
    /// Positions that neither store has; nil: nothing is lost.
    package let lost: Range<Position>?
    /// Whether there is nothing to repair.
    package var isSound: Bool { damage.damages.isEmpty }

    private let plan: RepairPlan
    private let storeID: [UInt8]
    private let own: StoreSurvey
    private let paths: StorePaths
    private let fileSystem: any FileSystem
    private let locks: [File]

    private init(
        _ plan: RepairPlan, _ own: StoreSurvey, _ storeID: [UInt8], _ paths: StorePaths,
        _ fileSystem: any FileSystem, _ locks: [File]
    ) {
        self.plan = plan
        self.own = own
        self.storeID = storeID
        self.paths = paths
        self.fileSystem = fileSystem
        self.locks = locks
        damage = own.report
        lost = plan.end < own.end ? plan.end..<own.end : nil
    }

    deinit { for lock in locks { try? lock.close() } }

    /// Reads both stores, with their locks, and makes a plan. Changes nothing.
    /// - Throws: `locked`, `missing`, or `refused` if the backup is another store's or has another history.
    package static func plan(
        directory: String, from backup: String, fileSystem: any FileSystem
    ) throws(LogFailure) -> StoreRepair {
        let (paths, source) = (StorePaths(directory: directory), StorePaths(directory: backup))
        guard directory != backup else {
            throw LogFailure(.refused, "a store cannot be repaired from itself", file: backup)
        }
        var locks: [File] = []
        do throws(LogFailure) {
            for place in [paths, source] { locks.append(try lock(place, fileSystem)) }
            let other = try StoreSurvey.read(source, fileSystem)
            guard let superblock = other.superblock else {
                throw LogFailure(
                    .refused, "the superblock of \(backup) cannot be read; take another backup",
                    file: source.superblock)
            }
            let own = try StoreSurvey.read(paths, fileSystem, known: superblock.storeID)
            guard own.storeID == superblock.storeID else {
                throw LogFailure(
                    .refused,
                    "\(backup) is a backup of store \(LogInspection.text(superblock.storeID)), and "
                        + "\(directory) is store \(LogInspection.text(own.storeID))",
                    file: source.superblock)
            }
            let plan = try RepairPlan(own: own.stretches, backup: other.stretches)
            return StoreRepair(plan, own, superblock.storeID, paths, fileSystem, locks)
        } catch {
            for lock in locks { try? lock.close() }
            throw error
        }
    }

    private static func lock(
        _ paths: StorePaths, _ fileSystem: any FileSystem
    ) throws(LogFailure) -> File {
        let file: File
        do throws(SystemFailure) {
            file = try File.open(paths.lock, .reading, fileSystem)
        } catch {
            guard error.isMissing else { throw LogFailure(error) }
            throw LogFailure(
                .missing, "there is no store in \(paths.directory)", file: paths.directory)
        }
        guard (try? file.lock()) ?? false else {
            try? file.close()
            throw StoreOpening.locked(paths)
        }
        return file
    }

    /// What was found and what would be done, a line each.
    package var lines: [String] {
        var lines = damage.damages.map { "damaged: \($0.message)" }
        guard !isSound else { return ["nothing is damaged: there is nothing to repair"] }
        lines.append(damage.readableText)
        lines += plan.lines
        if let lost {
            lines.append(
                "LOST: positions \(lost.lowerBound)..<\(lost.upperBound) are sound neither in the "
                    + "store nor in the backup, or nothing links them to what is before them")
        }
        return lines
    }

    /// Carries the plan out.
    /// - Parameters:
    ///   - acceptLoss: end the log before what is lost, for good.
    ///   - codec: how rows are sealed; needed only if rows stand before sealed segments.
    /// - Returns: where the files went that no longer belong to the store.
    /// - Throws: `refused` if something would be lost; else what went wrong: repair again then.
    package func carryOut(
        acceptLoss: Bool, codec: (any BlockCodec)?, random: any RandomSource = SystemRandom()
    ) throws(LogFailure) -> [String] {
        guard !isSound else { return [] }
        if let lost, !acceptLoss {
            throw LogFailure(
                .refused,
                "positions \(lost.lowerBound)..<\(lost.upperBound) would be lost: the backup ends too "
                    + "early. Use a newer backup; or --accept-loss ends the log at position "
                    + "\(lost.lowerBound) for good. Nothing was changed", file: paths.directory,
                position: lost.lowerBound)
        }
        let build = try RepairBuild(paths, storeID, fileSystem, codec, random)
        try build.write(plan)
        let manifest = try build.finish()
        let retired = try retire(except: build)
        try mapped { () throws(SystemFailure) in try switchOver(manifest, build) }
        // A start's own eyes have the last word.
        var scan = StoreScan(paths, fileSystem)
        _ = try scan.read()
        return retired
    }

    // MARK: The switch

    /// Moves everything that the new manifest does not list to quarantine.
    private func retire(except build: RepairBuild) throws(LogFailure) -> [String] {
        var moved: [String] = []
        do throws(SystemFailure) {
            _ = try fileSystem.makeDirectoryIfMissing(paths.quarantine)
            try fileSystem.syncDirectory(paths.directory)
            for directory in [paths.sealedSegments, paths.segments, paths.manifests] {
                for name in try fileSystem.list(directory).sorted()
                where !build.files.contains(directory + "/" + name) {
                    moved.append(
                        try paths.moveToQuarantine(directory + "/" + name, name, fileSystem))
                }
                try fileSystem.syncDirectory(directory)
            }
        } catch { throw LogFailure(error) }
        return moved
    }

    private func switchOver(
        _ manifest: ManifestFile, _ build: RepairBuild
    ) throws(SystemFailure) {
        let next = Superblock(
            storeID: storeID, sequence: (own.superblock?.sequence ?? 0) + 1,
            manifestID: manifest.id, manifestBytes: manifest.end, floor: build.floor)
        try manifest.close()
        let scan = StoreScan(paths, fileSystem)
        if let reading = try? scan.readSuperblock() {
            let file = try SuperblockFile.open(reading, paths, fileSystem)
            try file.write(next)
            return try file.close()
        }
        if try fileSystem.list(paths.directory).contains("SUPER") {
            _ = try paths.moveToQuarantine(paths.superblock, "SUPER", fileSystem)
            try fileSystem.syncDirectory(paths.directory)
        }
        try SuperblockFile.create(next, paths, fileSystem).close()
    }
}

extension StorePaths {
    /// Moves a file to quarantine, under a name that is free. The caller syncs the directory that it leaves.
    /// - Returns: the file's new path.
    func moveToQuarantine(
        _ path: String, _ name: String, _ fileSystem: any FileSystem
    ) throws(SystemFailure) -> String {
        let taken = Set(try fileSystem.list(quarantine))
        var target = name
        var count = 1
        while taken.contains(target) {
            count += 1
            target = name + "-\(count)"
        }
        try fileSystem.rename(path, to: quarantine + "/" + target)
        try fileSystem.syncDirectory(quarantine)
        return quarantine + "/" + target
    }
}

package import Columns
package import Platform

/// A store opened by a tool: it is read, verified, and not changed. Holds the lock for as long as it
/// lives, so keep it while reading.
///
/// `Sendable` because the lock is only released, once, by whoever closes.
package final class ReadOnlyLog: Sendable {
    /// For all who read.
    package let reader: LogReader
    /// 16 random bytes that name the store.
    package let storeID: [UInt8]
    /// What a start of the server would do.
    package let recovery: RecoveryReport
    private let lock: File

    fileprivate init(
        reader: LogReader, storeID: [UInt8], recovery: RecoveryReport, lock: File
    ) {
        self.reader = reader
        self.storeID = storeID
        self.recovery = recovery
        self.lock = lock
    }

    /// Nothing was written, so there is nothing that closing could fail to do.
    deinit { try? lock.close() }
}

extension LogReader {
    /// Opens a store for reading, with its lock, while no server has it. Verifies all of it.
    /// - Throws: `isLocked` if a server has it; `missing` if there is no store; `damaged`.
    package static func openReadOnly(
        directory: String, fileSystem: any FileSystem, codec: (any BlockCodec)? = nil
    ) throws(LogFailure) -> ReadOnlyLog {
        let paths = StorePaths(directory: directory)
        let lock = try openLock(paths, fileSystem)
        do throws(LogFailure) {
            guard try mapped({ () throws(SystemFailure) in try lock.lock() }) else {
                throw StoreOpening.locked(paths)
            }
            var scan = StoreScan(paths, fileSystem)
            guard let contents = try scan.read(), !contents.segments.isEmpty else {
                throw missing(paths)
            }
            let end = contents.end
            let view = LogView(
                sealed: contents.sealed, segments: contents.segments.map { SegmentView($0, paths) },
                durablePosition: end.nextPosition, chain: end.chain, commitTime: end.commitTime)
            let storeID = contents.superblock.chosen.storeID
            return ReadOnlyLog(
                reader: LogReader(view, storeID: storeID, paths, codec: codec, fileSystem),
                storeID: storeID,
                recovery: contents.report(paths), lock: lock)
        } catch {
            try? lock.close()
            throw error
        }
    }

    private static func openLock(
        _ paths: StorePaths, _ fileSystem: any FileSystem
    ) throws(LogFailure) -> File {
        do { return try File.open(paths.lock, .reading, fileSystem) } catch {
            guard error.isMissing else { throw LogFailure(error) }
            if let names = try? fileSystem.list(paths.directory),
                names.contains(StorePaths.unfinishedName)
            {
                throw StoreScan.unfinished(paths)
            }
            throw missing(paths)
        }
    }

    private static func missing(_ paths: StorePaths) -> LogFailure {
        LogFailure(
            .missing, "there is no store in \(paths.directory); `daybook serve` makes one",
            file: paths.directory)
    }
}

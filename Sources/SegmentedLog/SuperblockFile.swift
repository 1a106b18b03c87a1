import Bytes
import Platform

/// The file SUPER, open for writing.
final class SuperblockFile {
    private let file: File
    private var isOpen = true
    /// What all four copies say.
    private(set) var current: Superblock

    private init(_ file: File, _ current: Superblock) {
        self.file = file
        self.current = current
    }

    /// Makes the file of a new store: whole under another name first, so that SUPER is never partial.
    static func create(
        _ first: Superblock, _ paths: StorePaths, _ fileSystem: any FileSystem
    ) throws(SystemFailure) -> SuperblockFile {
        try fileSystem.unlinkIfPresent(paths.newSuperblock)
        let file = try File.create(paths.newSuperblock, fileSystem)
        do throws(SystemFailure) {
            var copies = ByteBuffer(capacity: Superblock.fileBytes)
            for _ in 0..<LogLimits.superblockCopies { first.append(to: &copies) }
            try file.writeAll(copies.bytes, at: 0)
            try file.syncAll()
        } catch {
            try? file.close()
            throw error
        }
        try file.close()
        try fileSystem.rename(paths.newSuperblock, to: paths.superblock)
        try fileSystem.syncDirectory(paths.directory)
        // Opened again under its own name, so that a later failure names the right file.
        return SuperblockFile(try File.open(paths.superblock, .writing, fileSystem), first)
    }

    /// Opens the file and makes all copies say what was chosen: the next write must find the pair
    /// that it does not touch whole.
    static func open(
        _ reading: Superblock.Reading, _ paths: StorePaths, _ fileSystem: any FileSystem
    ) throws(SystemFailure) -> SuperblockFile {
        let file = try File.open(paths.superblock, .writing, fileSystem)
        let opened = SuperblockFile(file, reading.chosen)
        try opened.write(reading.chosen, copies: reading.otherCopies)
        return opened
    }

    /// Makes `next` what all copies say, pair by pair.
    func write(_ next: Superblock) throws(SystemFailure) {
        precondition(next.sequence > current.sequence, "superblocks count up")
        try write(next, copies: [0, 1])
        try write(next, copies: [2, 3])
        current = next
    }

    /// After a failure nobody closes in order, and there is nothing more to learn from it.
    deinit { if isOpen { try? file.close() } }

    /// Closes the file.
    func close() throws(SystemFailure) {
        isOpen = false
        try file.close()
    }

    private func write(_ block: Superblock, copies: [Int]) throws(SystemFailure) {
        guard !copies.isEmpty else { return }
        var buffer = ByteBuffer(capacity: LogLimits.blockBytes)
        block.append(to: &buffer)
        for copy in copies {
            try file.writeAll(buffer.bytes, at: copy * LogLimits.blockBytes)
        }
        try file.syncData()
    }
}

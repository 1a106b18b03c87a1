import Bytes
import Platform
import Projections
import SegmentedLog

/// # Snapshots: a cache of the books on disk
///
///     snapshots/<projection>/P-<20 digit position>
///
/// One file a projection, each written beside its name and renamed when it is synced, the
/// registry's last: where that is, the others are. A snapshot is believed only if all its files are whole, belong to this store and these versions, name the
/// chain hash that the log itself has at that position, and restore to books with the digest that
/// is written in them. Whatever does not match is passed over for the next older one, and said.
/// Deleting the folder is always safe: the log is replayed from the start then. Which ones are kept
/// says `SnapshotKeeping`.
struct SnapshotStore: Sendable {
    let directory: String
    let fileSystem: any FileSystem
    let storeID: [UInt8]

    typealias Header = SnapshotHeader

    private func folder(_ part: Books.Part) -> String { "\(directory)/\(part.rawValue)" }

    private func path(_ part: Books.Part, _ position: Position) -> String {
        "\(folder(part))/\(Self.name(position))"
    }

    /// The name that the files of a snapshot have, one in the folder of each part.
    static func name(_ position: Position) -> String {
        let digits = String(position)
        return "P-" + String(repeating: "0", count: max(0, 20 - digits.count)) + digits
    }

    /// A name of the store that may be shown: its id itself is the secret of the fingerprints.
    var storeName: String {
        var bytes = ByteBuffer(capacity: 64)
        bytes.append(utf8: "daybook store name 1")
        bytes.append(storeID)
        return String(SHA256.hash(bytes.bytes).hex.prefix(16))
    }

    // MARK: Writing

    /// Where a snapshot stands.
    struct Stamp {
        /// Entries in it.
        let position: Position
        /// Commit time of the last of them, nanoseconds UTC.
        let recordedAt: Int64
        /// The log's chain there.
        let chain: Digest
        /// The digest of the books.
        let digest: Digest
    }

    /// Writes all parts of a snapshot and removes those that are not to be kept.
    func write(_ books: borrowing Books, _ stamp: Stamp) throws(SystemFailure) {
        try makeDirectory(directory)
        for part in Books.Part.allCases.reversed() {
            try makeDirectory(folder(part))
            try write(part, of: books, stamp)
        }
        try prune()
    }

    private func makeDirectory(_ path: String) throws(SystemFailure) {
        if try fileSystem.makeDirectoryIfMissing(path) {
            try fileSystem.syncDirectory(parent(of: path))
        }
    }

    private func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return String(path[..<slash])
    }

    private func write(
        _ part: Books.Part, of books: borrowing Books, _ stamp: Stamp
    ) throws(SystemFailure) {
        let path = path(part, stamp.position)
        let temporary = path + ".tmp"
        try fileSystem.unlinkIfPresent(temporary)
        let file = try File.create(temporary, fileSystem)
        do throws(SystemFailure) {
            try fill(file, with: part, of: books, stamp)
            try file.syncAll()
        } catch {
            // A full disk is met again and again: neither descriptors nor space may be lost to it.
            try? file.close()
            try? fileSystem.unlink(temporary)
            throw error
        }
        try file.close()
        try fileSystem.unlinkIfPresent(path)
        try fileSystem.rename(temporary, to: path)
        try fileSystem.syncDirectory(folder(part))
    }

    /// Writes the state in pieces, each hashed on its way, and the header when both are known.
    private func fill(
        _ file: File, with part: Books.Part, of books: borrowing Books, _ stamp: Stamp
    ) throws(SystemFailure) {
        var offset = Header.byteCount
        var hasher = SHA256Hasher()
        var piece = ByteBuffer(capacity: EngineLimits.snapshotPieceBytes * 2)
        try books.serialise(part, into: &piece) { piece throws(SystemFailure) in
            guard piece.count >= EngineLimits.snapshotPieceBytes else { return }
            hasher.update(piece.bytes)
            try file.writeAll(piece.bytes, at: offset)
            offset += piece.count
            piece.clear()
        }
        hasher.update(piece.bytes)
        try file.writeAll(piece.bytes, at: offset)
        offset += piece.count
        let header = Header(
            projectionVersion: part.version, storeID: storeID, position: stamp.position,
            recordedAt: stamp.recordedAt, chain: stamp.chain, digest: stamp.digest,
            stateBytes: UInt64(offset - Header.byteCount), stateHash: hasher.finish())
        piece.clear()
        header.append(to: &piece)
        try file.writeAll(piece.bytes, at: 0)
    }

    /// Removes what is not kept; of a snapshot the registry's file first, so that what a crash
    /// leaves is no snapshot any more.
    private func prune() throws(SystemFailure) {
        var candidates: [SnapshotKeeping.Candidate] = []
        for position in try positions() {
            // Without a header of this format a file is no use to this version.
            guard let header = try header(path(.registry, position)) else { continue }
            candidates.append(.init(position: position, recordedAt: header.recordedAt))
        }
        let keep = SnapshotKeeping.kept(candidates)
        for part in Books.Part.allCases {
            for name in try fileSystem.listIfPresent(folder(part)) {
                let isOld = Self.position(of: name).map { !keep.contains($0) } ?? false
                guard isOld || Self.isLeftover(name) else { continue }
                try fileSystem.unlinkIfPresent("\(folder(part))/\(name)")
            }
        }
    }

    /// The header of a file; nil if it has none of this format.
    private func header(_ path: String) throws(SystemFailure) -> Header? {
        let file = try File.open(path, .reading, fileSystem)
        var bytes = ByteBuffer(capacity: Header.byteCount)
        bytes.appendZeros(Header.byteCount)
        do throws(SystemFailure) {
            var room = bytes.mutableBytes
            let count = try file.read(into: &room, at: 0)
            bytes.truncate(to: count)
        } catch {
            try? file.close()
            throw error
        }
        try file.close()
        return try? Header(decoding: bytes.bytes)
    }

    // MARK: Reading

    /// Positions of which any file exists, newest first.
    func positions() throws(SystemFailure) -> [Position] {
        var found: Set<Position> = []
        for name in try fileSystem.listIfPresent(folder(.registry)) {
            if let position = Self.position(of: name) { found.insert(position) }
        }
        return found.sorted(by: >)
    }

    private static func position(of name: String) -> Position? {
        let digits = name.utf8.dropFirst(2)
        guard name.utf8.count == 22, name.utf8.starts(with: "P-".utf8) else { return nil }
        return Position(String(decoding: digits, as: UTF8.self))
    }

    /// Whether a file was being written when the process or the disk stopped.
    private static func isLeftover(_ name: String) -> Bool {
        name.hasSuffix(".tmp") && position(of: String(name.dropLast(4))) != nil
    }

    /// Restores the snapshot at a position into empty books, one file at a time.
    /// - Parameter chain: the log's chain there, which the snapshot must name.
    /// - Throws: `EngineFailure` with the reason why this snapshot is not to be believed.
    func restore(
        _ books: inout Books, at position: Position, chain: Digest
    ) throws(EngineFailure) {
        var agreed: Header?
        for part in Books.Part.allCases {
            let path = path(part, position)
            var bytes = ByteBuffer(capacity: 0)
            do {
                _ = try File.readWhole(path, into: &bytes, fileSystem)
            } catch {
                throw EngineFailure("\(path): \(error.message)")
            }
            let header = try check(bytes.bytes, path, part)
            guard header.position == position else {
                throw EngineFailure("\(path): holds position \(header.position)")
            }
            guard header.chain == chain else {
                throw EngineFailure("\(path): its chain hash is not the log's at that position")
            }
            if let agreed, agreed.digest != header.digest {
                throw EngineFailure("\(path): not of one snapshot with the other projections")
            }
            agreed = header
            do {
                try books.restore(
                    part, from: bytes.bytes(in: Header.byteCount..<bytes.count), at: position)
            } catch {
                throw EngineFailure("\(path): its state cannot be read: \(error)")
            }
        }
        guard books.digest() == agreed?.digest else {
            throw EngineFailure("it does not restore to the digest it names")
        }
    }

    private func check(
        _ bytes: RawSpan, _ path: String, _ part: Books.Part
    ) throws(EngineFailure) -> Header {
        let header: Header
        do {
            header = try Header(decoding: bytes)
        } catch .invalid(let what, _) {
            throw EngineFailure("\(path): \(what)")
        } catch {
            throw EngineFailure("\(path): damaged header")
        }
        guard header.storeID == storeID else {
            throw EngineFailure("\(path): belongs to another store")
        }
        guard header.projectionVersion == part.version else {
            throw EngineFailure(
                "\(path): version \(header.projectionVersion) of the projection, this is "
                    + "\(part.version)")
        }
        let state = bytes.extracting(Header.byteCount..<bytes.byteCount)
        guard UInt64(state.byteCount) == header.stateBytes,
            SHA256.hash(state) == header.stateHash
        else { throw EngineFailure("\(path): damaged state") }
        return header
    }
}

import Bytes
import Platform
import Projections
import SegmentedLog

/// # Snapshots: a cache of the books on disk
///
///     snapshots/<projection>/P-<20 digit position>
///
/// One file a projection, each written beside its name and renamed when it is synced. A snapshot
/// is believed only if all its files are whole, belong to this store and these versions, name the
/// chain hash that the log itself has at that position, and restore to books with the digest that
/// is written in them. Whatever does not match is passed over for the next older one, and said.
/// Deleting the folder is always safe: the log is replayed from the start then.
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

    /// Writes all parts of a snapshot; the newest `EngineLimits.snapshotsKept` are kept.
    func write(
        _ parts: consuming SnapshotParts, position: Position, chain: Digest, digest: Digest
    ) throws(SystemFailure) {
        try makeDirectory(directory)
        for part in Books.Part.allCases {
            try makeDirectory(folder(part))
            var file = ByteBuffer(capacity: 0)
            parts.withPart(part) { state in
                let header = Header(
                    projectionVersion: part.version, storeID: storeID, position: position,
                    chain: chain,
                    digest: digest, stateBytes: UInt64(state.count),
                    stateHash: SHA256.hash(state.bytes))
                header.append(to: &file)
                file.append(state.bytes)
            }
            try replaceFile(path(part, position), with: file.bytes, in: folder(part))
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

    private func replaceFile(
        _ path: String, with bytes: RawSpan, in folder: String
    ) throws(SystemFailure) {
        let temporary = path + ".tmp"
        try fileSystem.unlinkIfPresent(temporary)
        let file = try File.create(temporary, fileSystem)
        do throws(SystemFailure) {
            try file.writeAll(bytes, at: 0)
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
        try fileSystem.syncDirectory(folder)
    }

    private func prune() throws(SystemFailure) {
        let keep = Set(try positions().prefix(EngineLimits.snapshotsKept))
        for part in Books.Part.allCases {
            for name in try fileSystem.listIfPresent(folder(part)) {
                let isOld = Self.position(of: name).map { !keep.contains($0) } ?? false
                guard isOld || Self.isLeftover(name) else { continue }
                try fileSystem.unlinkIfPresent("\(folder(part))/\(name)")
            }
        }
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

    /// Reads a snapshot's parts and what their headers agree on.
    /// - Throws: `EngineFailure` with the reason why this snapshot is not to be believed.
    func read(
        _ position: Position, into parts: inout SnapshotParts
    ) throws(EngineFailure) -> Header {
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
            if let agreed, (agreed.chain, agreed.digest) != (header.chain, header.digest) {
                throw EngineFailure("\(path): not of one snapshot with the other projections")
            }
            guard header.position == position else {
                throw EngineFailure("\(path): holds position \(header.position)")
            }
            agreed = header
            parts.withPart(part) {
                $0.append(bytes.bytes(in: Header.byteCount..<bytes.count))
            }
        }
        guard let agreed else { throw EngineFailure("no projections") }
        return agreed
    }

    private func check(
        _ bytes: RawSpan, _ path: String, _ part: Books.Part
    ) throws(EngineFailure) -> Header {
        let header: Header
        do {
            header = try Header(decoding: bytes)
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

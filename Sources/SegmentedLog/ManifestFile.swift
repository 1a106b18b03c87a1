import Bytes
import Platform

/// The manifest file that this process made, and the state that its edits add up to.
final class ManifestFile {
    let id: UInt64
    private let frames: FrameFile
    private(set) var state: ManifestState
    private var builder = FrameBuilder(capacity: LogLimits.blockBytes)
    private var chain = Chain()
    private var head = Digest.zero
    private var nextEdit: Position = 0

    /// Edits in one frame of the first ones.
    private static let editsPerFrame = 4096

    private init(_ id: UInt64, _ frames: FrameFile, _ state: ManifestState) {
        self.id = id
        self.frames = frames
        self.state = state
    }

    /// Makes a manifest that begins with `state`. It counts once the superblock names it.
    static func create(
        _ id: UInt64, _ state: ManifestState, storeID: [UInt8], salt: UInt64, _ paths: StorePaths,
        _ fileSystem: any FileSystem
    ) throws(SystemFailure) -> ManifestFile {
        let edits = state.edits
        // An edit has at most 153 bytes and 4 in the directory; what a roll adds fits one block.
        let first = edits.count * 157 + (edits.count / editsPerFrame + 1) * LogLimits.blockBytes
        let later = LogLimits.manifestRollsMax * LogLimits.blockBytes
        let path = paths.manifest(id)
        let capacity = FileHeader.byteCount + LogLimits.blocks(first) + later
        let file = try FrameFile.prepare(path, capacity: capacity, fileSystem)
        let header = FileHeader(
            kind: .manifest, storeID: storeID, id: id, firstPosition: 0, salt: salt, previousID: 0,
            previousBytes: 0, previousNextPosition: 0, chain: .zero, capacity: capacity)
        let made = ManifestFile(id, try FrameFile.begin(file, header), state)
        var rest = edits[...]
        while !rest.isEmpty {
            try made.write(rest.prefix(editsPerFrame))
            rest = rest.dropFirst(editsPerFrame)
        }
        try fileSystem.syncDirectory(paths.manifests)
        return made
    }

    /// Bytes that are durable.
    var end: Int { frames.end }

    /// Whether a frame of a few edits still fits.
    var hasRoom: Bool { frames.room >= LogLimits.blockBytes }

    /// Appends edits in one frame and makes them durable.
    func append(_ edits: [ManifestEdit]) throws(SystemFailure) {
        for edit in edits {
            do { try state.apply(edit) } catch {
                preconditionFailure("an edit contradicts the manifest: \(error.text)")
            }
        }
        try write(edits[...])
    }

    func close() throws(SystemFailure) { try frames.close() }

    private func write(_ edits: ArraySlice<ManifestEdit>) throws(SystemFailure) {
        builder.reset()
        for edit in edits { builder.append { edit.append(to: &$0) } }
        builder.finish()
        let payload = SHA256.hash(builder.payload)
        let header = FrameHeader(
            kind: .edits, salt: 0, offset: 0, firstPosition: nextEdit, count: UInt32(edits.count),
            payloadBytes: 0, commitTime: 0, chainBefore: head, payloadChecksum: 0)
        _ = try frames.append(header, &builder.buffer)
        head = chain.link(
            after: head, firstPosition: nextEdit, count: header.count, commitTime: 0,
            payload: payload)
        nextEdit += Position(edits.count)
    }
}

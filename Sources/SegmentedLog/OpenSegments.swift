import Columns
import Platform

/// A row segment opened for reading; closes itself when the last reader lets go.
final class OpenSegment: Sendable {
    let id: UInt64
    let file: File

    init(id: UInt64, file: File) {
        self.id = id
        self.file = file
    }

    /// Nothing was written through it, so there is nothing that closing could fail to do.
    deinit { try? file.close() }
}

/// The segments that were read last, so that random access does not open a file each time and a log
/// of thousands of segments takes neither thousands of descriptors nor the memory of their dictionaries.
final class OpenSegments: Sendable {
    private struct Recent {
        var rows: [OpenSegment] = []
        var sealed: [SealedSegment] = []
    }

    private let fileSystem: any FileSystem
    private let paths: StorePaths
    private let storeID: [UInt8]
    private let codec: (any BlockCodec)?
    private let recent = Monitor(Recent())

    init(
        _ fileSystem: any FileSystem, _ paths: StorePaths, storeID: [UInt8],
        codec: (any BlockCodec)?
    ) {
        self.fileSystem = fileSystem
        self.paths = paths
        self.storeID = storeID
        self.codec = codec
    }

    /// The row segment, opened now or before; nil if there is no such file any more.
    func segment(_ id: UInt64, _ path: String) throws(LogFailure) -> OpenSegment? {
        if let known = recent.withLock({ Self.find(in: &$0.rows) { $0.id == id } }) {
            return known
        }
        do {
            let opened = OpenSegment(id: id, file: try File.open(path, .reading, fileSystem))
            recent.withLock { Self.add(opened, to: &$0.rows, max: LogLimits.openSegmentsMax) }
            return opened
        } catch {
            if error.isMissing { return nil }
            throw LogFailure(error)
        }
    }

    /// The sealed segment, opened now or before; nil if there is no such file any more.
    func segment(_ record: SealedRecord) throws(LogFailure) -> SealedSegment? {
        if let known = recent.withLock({ Self.find(in: &$0.sealed) { $0.record == record } }) {
            return known
        }
        do {
            let opened = try SealedSegment.open(
                record, paths.sealed(record.id), storeID: storeID, codec: codec, fileSystem)
            recent.withLock { recent in
                // Two readers may have opened it at once.
                recent.sealed.removeAll { $0.record == record }
                Self.add(opened, to: &recent.sealed, max: LogLimits.openSegmentsMax)
                var bytes = recent.sealed.reduce(0) { $0 + $1.memoryBytes }
                while bytes > LogLimits.openSealedBytesMax, recent.sealed.count > 1 {
                    bytes -= recent.sealed.removeFirst().memoryBytes
                }
            }
            return opened
        } catch {
            if case .system(let failure) = error.kind, failure.isMissing { return nil }
            throw error
        }
    }

    /// Forgets segments that are no longer part of the log.
    func forget(rows: Set<UInt64>, sealed: Set<UInt64>) {
        recent.withLock { recent in
            recent.rows.removeAll { rows.contains($0.id) }
            recent.sealed.removeAll { sealed.contains($0.record.id) }
        }
    }

    /// The newest stand last: those behind the one that is found move by one.
    private static func find<Segment>(
        in list: inout [Segment], where condition: (Segment) -> Bool
    ) -> Segment? {
        guard let index = list.lastIndex(where: condition) else { return nil }
        let segment = list[index]
        if index < list.count - 1 {
            list.remove(at: index)
            list.append(segment)
        }
        return segment
    }

    private static func add<Segment>(_ segment: Segment, to list: inout [Segment], max: Int) {
        if list.count >= max { list.removeFirst() }
        list.append(segment)
    }
}

import Platform

/// A segment opened for reading; closes itself when the last reader lets go.
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
/// of thousands of segments does not take thousands of descriptors.
final class OpenSegments: Sendable {
    private let fileSystem: any FileSystem
    private let recent = Monitor<[OpenSegment]>([])

    init(_ fileSystem: any FileSystem) { self.fileSystem = fileSystem }

    /// The segment, opened now or before.
    func segment(_ id: UInt64, _ path: String) throws(LogFailure) -> OpenSegment {
        let known: OpenSegment? = recent.withLock { list in
            guard let index = list.firstIndex(where: { $0.id == id }) else { return nil }
            let segment = list[index]
            // The newest stand last: those before it move by one.
            if index < list.count - 1 {
                list.remove(at: index)
                list.append(segment)
            }
            return segment
        }
        if let known { return known }
        do {
            let opened = OpenSegment(id: id, file: try File.open(path, .reading, fileSystem))
            recent.withLock { list in
                if list.count == LogLimits.openSegmentsMax { list.removeFirst() }
                list.append(opened)
            }
            return opened
        } catch { throw LogFailure(error) }
    }
}

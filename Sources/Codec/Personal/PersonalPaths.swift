package import Bytes

/// # Personal properties: values that can be erased with every hash intact
///
///     recorded   {"email": 9 ‖ salt ‖ "a@b.c"}          the salt makes its hash tell nothing
///     proved     {"email": 10 ‖ SHA-256(9 ‖ salt ‖ "a@b.c")}     the leaf, before and after
///     redacted   {"email": 10 ‖ SHA-256(9 ‖ salt ‖ "a@b.c")}     what is left on the disk
///
/// Which properties are personal is said by the catalog. The edge puts a salt before each of them; an
/// entry of an earlier catalog has none, and nothing of it can be erased. Without its salt a redacted
/// value cannot be guessed, however short it was.

/// The paths that a catalog marks personal, as each kind of entry has them.
package struct PersonalPaths: Equatable, Sendable {
    /// The bytes of a salt.
    package static let saltBytes = 16

    private let events: [PropertyPath]
    private let consumes: [PropertyPath]

    /// Paths inside `data` of an event; a consume has them in its own `data`.
    package init(_ paths: [[String]] = []) {
        events = paths.map { PropertyPath($0) }
        consumes = paths.map { PropertyPath(["data"] + $0) }
    }

    /// Whether nothing is personal.
    package var isEmpty: Bool { events.isEmpty }

    /// The first of the paths at which the data of an event have a value; nil: none.
    package func firstPath(in data: RawSpan) -> String? {
        events.first { NodeReader.find($0.keys, in: data) != nil }?.text
    }

    /// The paths inside `data` of a record of this kind.
    func paths(of kind: RecordKind) -> [PropertyPath] {
        switch kind {
        case .event: events
        case .consume, .hold, .settle: consumes
        default: []
        }
    }
}

extension PreparedRecord {
    /// Puts a salt before each personal property of a content that has just been appended to an arena.
    /// - Parameters:
    ///   - arena: the content is its end.
    ///   - salt: appends `PersonalPaths.saltBytes` random bytes.
    /// - Returns: the record as it lies there now.
    package func salting<Failure: Error>(
        _ personal: PersonalPaths, in arena: inout ByteBuffer,
        salt: (inout ByteBuffer) throws(Failure) -> Void
    ) throws(Failure) -> PreparedRecord {
        let paths = personal.paths(of: kind)
        guard !paths.isEmpty else { return self }
        let end = contentStart + contentLength
        precondition(arena.count == end, "the content is the arena's end")
        let places = Self.places(of: paths, in: arena.bytes(in: contentStart..<end))
        guard let first = places.first else { return self }
        let rest = arena.copyBytes(in: (contentStart + first)..<end)
        arena.truncate(to: contentStart + first)
        for (index, place) in places.enumerated() {
            arena.append(NodeTag.salted)
            try salt(&arena)
            let next = index + 1 < places.count ? places[index + 1] : contentLength
            arena.append(rest.raw.extracting((place - first)..<(next - first)))
        }
        var salted = self
        salted.contentLength = arena.count - contentStart
        return salted
    }

    /// Where the properties at some paths begin in a content, ascending. None lies in another: a catalog
    /// has no such paths.
    private static func places(of paths: [PropertyPath], in content: RawSpan) -> [Int] {
        guard let view = try? RecordView(content: content) else { return [] }
        return paths.compactMap { view.place($0.keys)?.lowerBound }.sorted()
    }
}

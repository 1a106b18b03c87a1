package import Bytes

/// What a record has at a path.
package enum PersonalState: Sendable {
    /// No such property.
    case absent
    /// A value without a salt: erasing it would break the proof.
    case plain
    /// A value that can be erased.
    case salted
    /// What is left of one that was.
    case redacted
}

extension RecordView {
    /// What the record has at a path, as the catalog names it: inside an event's `data`, or inside the
    /// `data` of a consume.
    package func personalState(at path: PropertyPath) -> PersonalState {
        guard let node = personalPlace(of: path) else { return .absent }
        switch byte(at: node.lowerBound) {
        case NodeTag.salted: return .salted
        case NodeTag.redacted: return .redacted
        default: return .plain
        }
    }

    /// Where the property stands in the bytes that the view was made of.
    func personalPlace(of path: PropertyPath) -> Range<Int>? {
        switch kind {
        case .event: place(path.keys)
        case .consume, .hold, .settle: place([Array("data".utf8)] + path.keys)
        default: nil
        }
    }
}

/// Records as they are when values are erased.
package enum RecordErasure {
    /// Appends a record as it is when the personal properties at some paths are erased. The proof tree
    /// has the same leaf for both.
    /// - Returns: false, and nothing is appended, if there is no such value left in it.
    /// - Throws: `DecodeFailure` if the bytes are no canonical record.
    package static func append(
        _ record: RawSpan, erasing paths: [PropertyPath], to buffer: inout ByteBuffer
    ) throws(DecodeFailure) -> Bool {
        let view = try RecordView(record: record)
        var places: [Range<Int>] = []
        for path in paths {
            guard let place = view.personalPlace(of: path),
                record.byte(at: place.lowerBound) == NodeTag.salted
            else { continue }
            places.append(place)
        }
        guard !places.isEmpty else { return false }
        places.sort { $0.lowerBound < $1.lowerBound }
        var form = ByteBuffer(capacity: record.byteCount + 64)
        var done = view.contentPlace.lowerBound
        for place in places where place.lowerBound >= done {
            form.append(record.extracting(done..<place.lowerBound))
            let node = record.extracting(place)
            var reader = ByteReader(node)
            try RecordCommitment.appendNode(node, &reader, NodeReader.depthMax, to: &form)
            done = place.upperBound
        }
        let end = view.contentPlace.upperBound
        form.append(record.extracting(done..<end))
        buffer.appendPrefixed(form.bytes)
        buffer.append(record.extracting(end..<record.byteCount))
        return true
    }

    /// The hash of what is left of a record when everything that is personal in it is erased: SHA-256
    /// of the form that the proof tree has. It never changes.
    package static func remains(of record: RawSpan) -> Digest {
        var form = ByteBuffer(capacity: record.byteCount + 64)
        return RecordCommitment.digest(of: record, &form)
    }
}

package import Billing
package import Bytes

/// What a correction says in the place of an event: each part that is given.
package struct Replacement: Hashable, Sendable {
    /// The event's type, UTF-8.
    package let type: [UInt8]?
    /// Its own time.
    package let time: Timestamp?
    /// Its data, a canonical node.
    package let data: [UInt8]?

    /// A replacement of an event's parts.
    package init(type: [UInt8]?, time: Timestamp?, data: [UInt8]?) {
        self.type = type
        self.time = time
        self.data = data
    }

    /// What both say, this one before the earlier one.
    package func over(_ earlier: Replacement) -> Replacement {
        Replacement(
            type: type ?? earlier.type, time: time ?? earlier.time, data: data ?? earlier.data)
    }

    /// Appends a record with these parts, and else as it is: identity, account and outcome stay.
    ///
    /// It is for readers and never written: a time is in one style whatever it was.
    /// - Throws: `DecodeFailure` if the bytes are no canonical record.
    package func append(
        _ record: RawSpan, to buffer: inout ByteBuffer
    ) throws(DecodeFailure) {
        let view = try RecordView(record: record)
        var content = ByteBuffer(capacity: record.byteCount + (data?.count ?? 0) + 64)
        content.append(RecordFormat.version)
        content.append(view.kind.rawValue)
        content.appendPrefixed(view.source)
        content.appendPrefixed(view.id)
        if let type { content.appendPrefixed(type.raw) } else { content.appendPrefixed(view.type) }
        let time = time?.nanoseconds ?? view.time
        var presence: UInt8 = 0
        if view.subject != nil { presence |= RecordFormat.hasSubject }
        if time != nil { presence |= RecordFormat.hasTime }
        if view.attributes != nil { presence |= RecordFormat.hasAttributes }
        if data != nil || view.data != nil { presence |= RecordFormat.hasData }
        content.append(presence)
        if let subject = view.subject { content.appendPrefixed(subject) }
        if let time {
            content.appendInteger(time)
            content.append(9)
        }
        if let attributes = view.attributes { content.append(attributes) }
        if let data { content.append(data) } else if let own = view.data { content.append(own) }
        buffer.appendPrefixed(content.bytes)
        buffer.append(record.extracting(view.contentPlace.upperBound..<record.byteCount))
    }
}

extension RecordView {
    /// The attribute by which an event says of which batch it is.
    package static let batchAttribute = "daybookbatch"
    private static let batchKey = [Array(batchAttribute.utf8)]

    /// The node by which an event says of which batch it is; nil: it does not.
    package var batch: RawSpan? {
        @_lifetime(copy self)
        get {
            guard kind == .event, let attributes,
                let place = NodeReader.find(Self.batchKey, in: attributes)
            else { return nil }
            return attributes.extracting(place)
        }
    }
}

package import Bytes

/// # What is left of an entry whose body was dropped
///
///     recorded   head | attributes         | data                                         | outcome
///     retired    head | epoch, sequence, batch | 11 ‖ SHA-256(form) ‖ {what meters read}      | outcome
///     or         head | epoch, sequence, batch | 12 ‖ SHA-256(form) ‖ SHA-256(likeness) ‖ {…} | outcome
///
/// The *form* is what the proof tree has of the record (`RecordCommitment`), so the leaf stays. Identity,
/// type, account, time and outcome stay as they are, and of the data what some meter or price reads: every
/// fold has the same result before and after. Personal values go as by a redaction.
///
/// Whether an event that is sent again is the same is told by the hash: without personal values the form is
/// the content and the outcome. With them, the *likeness* is the content without these values, which may be
/// anything, as those of a redaction.
package enum RecordRetirement {
    /// The hash of the form of a record whose body was dropped; nil of any other bytes.
    static func commitment(of record: RawSpan) -> Digest? {
        do throws(DecodeFailure) {
            var reader = ByteReader(record)
            _ = try reader.readVarint()
            let nodes = try RecordCommitment.skipHead(&reader)
            guard nodes.hasData else { return nil }
            if nodes.hasAttributes { try NodeReader.skip(&reader) }
            return try RetiredNode(at: &reader)?.commitment
        } catch {
            return nil
        }
    }

    /// Whether a record's body was dropped.
    package static func isRetired(_ record: borrowing RecordView) -> Bool {
        guard let data = record.data else { return false }
        return NodeTag.isRetired(data.byte(at: 0))
    }

    /// Appends a record without its body.
    /// - Returns: false, and nothing is appended, if there is nothing to drop.
    /// - Throws: `DecodeFailure` if the bytes are no canonical record.
    package static func append(
        _ record: RawSpan, keeping properties: KeptProperties, to buffer: inout ByteBuffer
    ) throws(DecodeFailure) -> Bool {
        let view = try RecordView(record: record)
        guard view.kind.isUsage, !isRetired(view) else { return false }
        let kept = try KeptTree.node(
            view.data, properties.paths(of: view).map { $0.keys[...] })
        let attributes = try keptAttributes(of: view)
        let hadAttributes = view.attributes?.makeArray() ?? []
        if (view.data?.makeArray() ?? kept) == kept && hadAttributes == attributes { return false }
        var form = ByteBuffer(capacity: record.byteCount + 64)
        let commitment = RecordCommitment.digest(of: record, &form)
        let isPersonal = NodeReader.holdsPersonal(kept.raw)
        form.clear()
        appendHead(of: view, hasAttributes: !attributes.isEmpty, to: &form)
        form.append(attributes)
        form.append(isPersonal ? NodeTag.retiredPersonal : NodeTag.retired)
        commitment.append(to: &form)
        if isPersonal { try Likeness.hash(view.content, kept.raw).append(to: &form) }
        form.append(kept)
        buffer.appendPrefixed(form.bytes)
        buffer.append(record.extracting(view.contentPlace.upperBound..<record.byteCount))
        return true
    }

    /// Whether a request says what a record said whose body was dropped; nil of a record that has one.
    static func isSame(
        _ record: RawSpan, request: RawSpan
    ) throws(DecodeFailure) -> Bool? {
        let view = try RecordView(record: record)
        guard let data = view.data else { return nil }
        var reader = ByteReader(data)
        guard let node = try RetiredNode(at: &reader) else { return nil }
        let kept = data.extracting(reader.offset..<data.byteCount)
        if let likeness = node.likeness { return try Likeness.hash(request, kept) == likeness }
        var form = ByteBuffer(capacity: request.byteCount + 64)
        var content = ByteBuffer(capacity: request.byteCount)
        try Likeness.append(request, kept, to: &content)
        form.appendPrefixed(content.bytes)
        form.append(record.extracting(view.contentPlace.upperBound..<record.byteCount))
        return SHA256.hash(form.bytes) == node.commitment
    }

    /// What says where an event stands at its producer is its identity, and by its batch it counts or not; other attributes
    /// go.
    private static func keptAttributes(
        of view: borrowing RecordView
    ) throws(DecodeFailure) -> [UInt8] {
        var names = view.sequence == nil ? [] : ["epoch", "sequence"]
        if view.batch != nil {
            names.append(RecordView.batchAttribute)
        }
        guard !names.isEmpty else { return [] }
        return try KeptTree.node(view.attributes, names.map { PropertyPath([$0]).keys[...] })
    }

    private static func appendHead(
        of view: borrowing RecordView, hasAttributes: Bool, to form: inout ByteBuffer
    ) {
        let start = form.count
        form.append(view.head)
        let place = start + view.presencePlace - view.contentPlace.lowerBound
        var presence = view.head.byte(at: place - start) & ~RecordFormat.hasAttributes
        presence |= RecordFormat.hasData
        if hasAttributes { presence |= RecordFormat.hasAttributes }
        form.overwriteInteger(presence, at: place)
    }
}

/// The hashes of a retired node.
private struct RetiredNode {
    let commitment: Digest
    let likeness: Digest?

    /// Reads tag and hashes, and stops at what was kept; nil, and nothing is read, at another node.
    init?(at reader: inout ByteReader) throws(DecodeFailure) {
        guard let tag = reader.peek, NodeTag.isRetired(tag) else { return nil }
        _ = try reader.readByte()
        commitment = try Digest(from: &reader)
        likeness = tag == NodeTag.retiredPersonal ? try Digest(from: &reader) : nil
    }
}

/// What is kept of a data tree.
private enum KeptTree {
    /// The object with the values at some paths, and with the hashes of all personal values.
    static func node(
        _ node: RawSpan?, _ paths: [ArraySlice<[UInt8]>]
    ) throws(DecodeFailure) -> [UInt8] {
        if let node, node.byte(at: 0) == NodeTag.object {
            var reader = ByteReader(node)
            if let kept = try keep(node, &reader, paths) { return kept }
        }
        return [NodeTag.object, 0]
    }

    /// What is kept of the node at the reader, which is moved behind it; nil: nothing.
    private static func keep(
        _ span: RawSpan, _ reader: inout ByteReader, _ paths: [ArraySlice<[UInt8]>]
    ) throws(DecodeFailure) -> [UInt8]? {
        let tag = reader.peek
        if paths.contains(where: \.isEmpty) || tag == NodeTag.salted || tag == NodeTag.redacted {
            var whole = ByteBuffer(capacity: 64)
            try RecordCommitment.appendNode(span, &reader, NodeReader.depthMax, to: &whole)
            return whole.copyBytes(in: 0..<whole.count)
        }
        guard tag == NodeTag.object else {
            try NodeReader.skip(&reader)
            return nil
        }
        _ = try reader.readByte()
        var members = ByteBuffer(capacity: 64)
        var count = 0
        for _ in 0..<(try NodeReader.count(&reader)) {
            let name = try reader.readPrefixed()
            let key = name.makeArray()
            let inside = paths.filter { $0.first == key }.map { $0.dropFirst() }
            guard let kept = try keep(span, &reader, inside) else { continue }
            members.appendPrefixed(name)
            members.append(kept)
            count += 1
        }
        guard count > 0 else { return nil }
        var object = ByteBuffer(capacity: members.count + 8)
        object.append(NodeTag.object)
        object.appendVarint(UInt64(count))
        object.append(members.bytes)
        return object.copyBytes(in: 0..<object.count)
    }
}

/// A content without salts, and with a bare tag 10 wherever a kept tree has a redacted value.
private enum Likeness {
    static func hash(_ content: RawSpan, _ kept: RawSpan) throws(DecodeFailure) -> Digest {
        var form = ByteBuffer(capacity: content.byteCount)
        try append(content, kept, to: &form)
        return SHA256.hash(form.bytes)
    }

    static func append(
        _ content: RawSpan, _ kept: RawSpan, to form: inout ByteBuffer
    ) throws(DecodeFailure) {
        let view = try RecordView(content: content)
        form.append(view.head)
        if let attributes = view.attributes {
            var reader = ByteReader(attributes)
            try append(&reader, attributes, nil, NodeReader.depthMax, to: &form)
        }
        if let data = view.data {
            var reader = ByteReader(data)
            try append(&reader, data, kept, NodeReader.depthMax, to: &form)
        }
    }

    private static func append(
        _ reader: inout ByteReader, _ span: RawSpan, _ kept: RawSpan?, _ depth: Int,
        to form: inout ByteBuffer
    ) throws(DecodeFailure) {
        guard depth > 0 else { throw .invalid("nested too deeply", reader.offset) }
        if kept?.byte(at: 0) == NodeTag.redacted {
            try NodeReader.skip(&reader, depth: depth)
            return form.append(NodeTag.redacted)
        }
        try SameContent.skipSalt(&reader)
        let start = reader.offset
        let tag = reader.peek
        guard tag == NodeTag.array || tag == NodeTag.object else {
            try NodeReader.skip(&reader, depth: depth)
            return form.append(span.extracting(start..<reader.offset))
        }
        _ = try reader.readByte()
        let count = try NodeReader.count(&reader)
        form.append(span.extracting(start..<reader.offset))
        for _ in 0..<count {
            guard tag == NodeTag.object else {
                try append(&reader, span, nil, depth - 1, to: &form)
                continue
            }
            let name = try reader.readPrefixed()
            form.appendPrefixed(name)
            if let kept, let place = NodeReader.find([name.makeArray()], in: kept) {
                try append(&reader, span, kept.extracting(place), depth - 1, to: &form)
            } else {
                try append(&reader, span, nil, depth - 1, to: &form)
            }
        }
    }
}

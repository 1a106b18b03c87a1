import Bytes

/// A record as the proof tree has it.
///
/// Each salted node (tag 9, salt, node) is replaced by what is left of it once it is erased: tag 10 and
/// SHA-256(0x09 ‖ salt ‖ node). A salted node inside another is replaced before the outer one is hashed,
/// so that the order of two erasures leaves no trace. A retired record says its hash: what it was hashed from
/// is gone.
enum RecordCommitment {
    /// The hash of a record's form.
    /// - Parameter form: working memory; emptied.
    static func digest(of record: RawSpan, _ form: inout ByteBuffer) -> Digest {
        if let retired = RecordRetirement.commitment(of: record) { return retired }
        form.clear()
        append(record, to: &form)
        return SHA256.hash(form.bytes)
    }

    /// Appends the form of a record; of bytes that are no canonical record, those bytes.
    static func append(_ record: RawSpan, to buffer: inout ByteBuffer) {
        let start = buffer.count
        do throws(DecodeFailure) {
            guard try hasSalt(record) else { return buffer.append(record) }
            try appendSalted(record, to: &buffer)
        } catch {
            buffer.truncate(to: start)
            buffer.append(record)
        }
    }

    /// Whether a record has a salted node anywhere: most have none, and are not built anew.
    private static func hasSalt(_ record: RawSpan) throws(DecodeFailure) -> Bool {
        var reader = ByteReader(record)
        _ = try reader.readVarint()
        let nodes = try skipHead(&reader)
        for isThere in [nodes.hasAttributes, nodes.hasData] where isThere {
            if try hasSalt(&reader, NodeReader.depthMax) { return true }
        }
        return false
    }

    /// Moves behind a node that has no salt; anywhere, if it has one.
    private static func hasSalt(
        _ reader: inout ByteReader, _ depth: Int
    ) throws(DecodeFailure) -> Bool {
        guard depth > 0 else { throw .invalid("nested too deeply", reader.offset) }
        switch try reader.readByte() {
        case NodeTag.null, NodeTag.false, NodeTag.true: return false
        case NodeTag.integer: _ = try reader.readVarint128()
        case NodeTag.decimal:
            _ = try reader.readByte()
            _ = try reader.readVarint128()
        case NodeTag.numberText, NodeTag.string: _ = try reader.readPrefixed()
        case NodeTag.array:
            for _ in 0..<(try NodeReader.count(&reader)) {
                if try hasSalt(&reader, depth - 1) { return true }
            }
        case NodeTag.object:
            for _ in 0..<(try NodeReader.count(&reader)) {
                _ = try reader.readPrefixed()
                if try hasSalt(&reader, depth - 1) { return true }
            }
        case NodeTag.salted: return true
        case NodeTag.redacted: _ = try reader.read(count: 32)
        case NodeTag.retired, NodeTag.retiredPersonal:
            // It has its hash, which no salt below is part of.
            return false
        default: throw .invalid("node tag", reader.offset - 1)
        }
        return false
    }

    /// Moves behind everything that stands before the attributes.
    /// - Returns: which nodes follow.
    static func skipHead(
        _ reader: inout ByteReader
    ) throws(DecodeFailure) -> (hasAttributes: Bool, hasData: Bool) {
        guard try reader.readByte() == RecordFormat.version else {
            throw .invalid("record version", reader.offset)
        }
        _ = try reader.readByte()
        for _ in 0..<3 { _ = try reader.readPrefixed() }
        let presence = try reader.readByte()
        guard presence & ~RecordFormat.presenceMask == 0 else {
            throw .invalid("record presence", reader.offset)
        }
        if presence & RecordFormat.hasSubject != 0 { _ = try reader.readPrefixed() }
        if presence & RecordFormat.hasTime != 0 { _ = try reader.read(count: 9) }
        if presence & RecordFormat.hasTimeText != 0 { _ = try reader.readPrefixed() }
        return (
            presence & RecordFormat.hasAttributes != 0, presence & RecordFormat.hasData != 0
        )
    }

    private static func appendSalted(
        _ record: RawSpan, to buffer: inout ByteBuffer
    ) throws(DecodeFailure) {
        var prefix = ByteReader(record)
        let length = try prefix.readVarint()
        guard length <= UInt64(prefix.remaining) else { throw .truncated(prefix.offset) }
        let content = try prefix.read(count: Int(length))
        var reader = ByteReader(content)
        let nodes = try skipHead(&reader)
        var form = ByteBuffer(capacity: content.byteCount + 64)
        form.append(content.extracting(0..<reader.offset))
        for isThere in [nodes.hasAttributes, nodes.hasData] where isThere {
            try appendNode(content, &reader, NodeReader.depthMax, to: &form)
        }
        guard reader.isAtEnd else { throw .invalid("bytes after the content", reader.offset) }
        buffer.appendPrefixed(form.bytes)
        buffer.append(try prefix.read(count: prefix.remaining))
    }

    /// Appends the node at the reader; salted nodes as what is left of them.
    static func appendNode(
        _ content: RawSpan, _ reader: inout ByteReader, _ depth: Int, to form: inout ByteBuffer
    ) throws(DecodeFailure) {
        guard depth > 0 else { throw .invalid("nested too deeply", reader.offset) }
        let start = reader.offset
        switch try reader.readByte() {
        case NodeTag.salted:
            let salt = try reader.read(count: 16)
            var hashed = ByteBuffer(capacity: 256)
            hashed.append(NodeTag.salted)
            hashed.append(salt)
            try appendNode(content, &reader, depth - 1, to: &hashed)
            form.append(NodeTag.redacted)
            SHA256.hash(hashed.bytes).append(to: &form)
        case NodeTag.array:
            let count = try NodeReader.count(&reader)
            form.append(content.extracting(start..<reader.offset))
            for _ in 0..<count { try appendNode(content, &reader, depth - 1, to: &form) }
        case NodeTag.object:
            let count = try NodeReader.count(&reader)
            form.append(content.extracting(start..<reader.offset))
            for _ in 0..<count {
                form.appendPrefixed(try reader.readPrefixed())
                try appendNode(content, &reader, depth - 1, to: &form)
            }
        default:
            var node = ByteReader(content)
            _ = try node.read(count: start)
            try NodeReader.skip(&node, depth: depth)
            _ = try reader.read(count: node.offset - reader.offset)
            form.append(content.extracting(start..<node.offset))
        }
    }
}

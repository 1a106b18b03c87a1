import Bytes

/// Tags of the nodes of a data tree; see `Record.swift`.
enum NodeTag {
    static let null: UInt8 = 0
    static let `false`: UInt8 = 1
    static let `true`: UInt8 = 2
    static let integer: UInt8 = 3
    static let decimal: UInt8 = 4
    static let numberText: UInt8 = 5
    static let string: UInt8 = 6
    static let array: UInt8 = 7
    static let object: UInt8 = 8
    static let salted: UInt8 = 9
    static let redacted: UInt8 = 10
    static let retired: UInt8 = 11
    static let retiredPersonal: UInt8 = 12

    /// Whether a tag is of what is left of a body that was dropped.
    static func isRetired(_ tag: UInt8) -> Bool { tag == retired || tag == retiredPersonal }

    /// Bytes of hashes between the tag of what was retired and the object that was kept.
    static func retiredHashBytes(_ tag: UInt8) -> Int { tag == retired ? 32 : 64 }
}

/// Walks a data tree in its bytes.
enum NodeReader {
    /// Nesting that is read; the edge refuses deeper documents, so more is damage.
    static let depthMax = 80

    /// Moves behind one node, checking its form.
    static func skip(
        _ reader: inout ByteReader, depth: Int = depthMax
    ) throws(DecodeFailure) {
        guard depth > 0 else { throw .invalid("nested too deeply", reader.offset) }
        switch try reader.readByte() {
        case NodeTag.null, NodeTag.false, NodeTag.true: return
        case NodeTag.integer: _ = try reader.readZigzag128()
        case NodeTag.decimal:
            _ = try reader.readByte()
            _ = try reader.readZigzag128()
        case NodeTag.numberText, NodeTag.string: _ = try reader.readPrefixed()
        case NodeTag.array:
            for _ in 0..<(try count(&reader)) { try skip(&reader, depth: depth - 1) }
        case NodeTag.object:
            for _ in 0..<(try count(&reader)) {
                _ = try reader.readPrefixed()
                try skip(&reader, depth: depth - 1)
            }
        case NodeTag.salted:
            _ = try reader.read(count: 16)
            try skip(&reader, depth: depth - 1)
        case NodeTag.redacted: _ = try reader.read(count: 32)
        case NodeTag.retired: try skipKept(NodeTag.retired, &reader, depth)
        case NodeTag.retiredPersonal: try skipKept(NodeTag.retiredPersonal, &reader, depth)
        default: throw .invalid("node tag", reader.offset - 1)
        }
    }

    private static func skipKept(
        _ tag: UInt8, _ reader: inout ByteReader, _ depth: Int
    ) throws(DecodeFailure) {
        _ = try reader.read(count: NodeTag.retiredHashBytes(tag))
        guard reader.peek == NodeTag.object else {
            throw .invalid("retired data", reader.offset)
        }
        try skip(&reader, depth: depth - 1)
    }

    /// Members or elements; each takes a byte at least, so a length beyond the rest is damage.
    static func count(_ reader: inout ByteReader) throws(DecodeFailure) -> Int {
        let count = try reader.readVarint()
        guard count <= UInt64(reader.remaining) else { throw .outOfRange(reader.offset) }
        return Int(count)
    }

    /// Whether a node is personal, or has a personal one in it: salted or redacted. The tree was
    /// checked before.
    static func holdsPersonal(_ node: RawSpan) -> Bool {
        switch node.byte(at: 0) {
        case NodeTag.salted, NodeTag.redacted: return true
        case NodeTag.array, NodeTag.object:
            var reader = ByteReader(node)
            return (try? findPersonal(&reader, depth: depthMax)) ?? false
        default: return false
        }
    }

    private static func findPersonal(
        _ reader: inout ByteReader, depth: Int
    ) throws(DecodeFailure) -> Bool {
        guard depth > 0 else { throw .invalid("nested too deeply", reader.offset) }
        let tag = reader.peek
        switch tag {
        case NodeTag.salted, NodeTag.redacted: return true
        case NodeTag.array, NodeTag.object:
            _ = try reader.readByte()
            for _ in 0..<(try count(&reader)) {
                if tag == NodeTag.object { _ = try reader.readPrefixed() }
                if try findPersonal(&reader, depth: depth - 1) { return true }
            }
            return false
        default:
            try skip(&reader, depth: depth)
            return false
        }
    }

    /// Where the node at a path lies; nil if there is none. The tree was checked before.
    static func find(_ keys: [[UInt8]], in node: RawSpan) -> Range<Int>? {
        do {
            var reader = ByteReader(node)
            if let tag = reader.peek, NodeTag.isRetired(tag) {
                _ = try reader.read(count: 1 + NodeTag.retiredHashBytes(tag))
            }
            for key in keys {
                guard try enter(key, &reader) else { return nil }
            }
            let start = reader.offset
            try skip(&reader)
            return start..<reader.offset
        } catch {
            return nil
        }
    }

    /// Moves to the value of a key of the object at the reader.
    private static func enter(
        _ key: [UInt8], _ reader: inout ByteReader
    ) throws(DecodeFailure) -> Bool {
        guard try reader.readByte() == NodeTag.object else { return false }
        for _ in 0..<(try count(&reader)) {
            let name = try reader.readPrefixed()
            if name.isEqual(to: key.raw) { return true }
            try skip(&reader)
        }
        return false
    }
}

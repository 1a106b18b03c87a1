package import Bytes

/// Whether a request says what an entry of the same identity says.
package enum SameContent {
    /// Whether a request has the content of a record, whose body may have been dropped.
    /// - Throws: `DecodeFailure` if one is not canonical.
    package static func holds(
        record: RawSpan, request: RawSpan
    ) throws(DecodeFailure) -> Bool {
        if let isSame = try RecordRetirement.isSame(record, request: request) { return isSame }
        return try holds(recorded: RecordView(record: record).content, request: request)
    }

    /// Whether two contents are the same: byte for byte, but for the salts of personal properties, which
    /// are new each time. A redacted value of the entry equals anything at its place: it is gone.
    /// - Throws: `DecodeFailure` if one is no canonical content.
    package static func holds(
        recorded: RawSpan, request: RawSpan
    ) throws(DecodeFailure) -> Bool {
        if recorded.isEqual(to: request) { return true }
        let left = try RecordView(content: recorded)
        let right = try RecordView(content: request)
        guard left.head.isEqual(to: right.head) else { return false }
        guard try isSame(left.attributes, right.attributes) else { return false }
        return try isSame(left.data, right.data)
    }

    private static func isSame(
        _ recorded: RawSpan?, _ request: RawSpan?
    ) throws(DecodeFailure) -> Bool {
        guard let recorded, let request else { return recorded == nil && request == nil }
        var left = ByteReader(recorded)
        var right = ByteReader(request)
        return try isSame(&left, &right, NodeReader.depthMax)
    }

    /// Compares the nodes at two readers, and moves behind them if they are the same.
    private static func isSame(
        _ left: inout ByteReader, _ right: inout ByteReader, _ depth: Int
    ) throws(DecodeFailure) -> Bool {
        guard depth > 0 else { throw .invalid("nested too deeply", left.offset) }
        try skipSalt(&left)
        if left.peek == NodeTag.redacted {
            try NodeReader.skip(&left, depth: depth)
            try NodeReader.skip(&right, depth: depth)
            return true
        }
        try skipSalt(&right)
        let tag = left.peek
        guard tag == right.peek else { return false }
        switch tag {
        case NodeTag.array, NodeTag.object:
            _ = try left.readByte()
            _ = try right.readByte()
            let count = try NodeReader.count(&left)
            guard count == (try NodeReader.count(&right)) else { return false }
            for _ in 0..<count {
                if tag == NodeTag.object {
                    let name = try left.readPrefixed()
                    guard name.isEqual(to: try right.readPrefixed()) else { return false }
                }
                guard try isSame(&left, &right, depth - 1) else { return false }
            }
            return true
        default:
            let ends = (left.remaining, right.remaining)
            var leftEnd = left
            var rightEnd = right
            try NodeReader.skip(&leftEnd, depth: depth)
            try NodeReader.skip(&rightEnd, depth: depth)
            let leftNode = try left.read(count: ends.0 - leftEnd.remaining)
            return leftNode.isEqual(to: try right.read(count: ends.1 - rightEnd.remaining))
        }
    }

    /// Moves behind salts, to the value.
    static func skipSalt(_ reader: inout ByteReader) throws(DecodeFailure) {
        while reader.peek == NodeTag.salted {
            _ = try reader.read(count: 1 + PersonalPaths.saltBytes)
        }
    }
}

extension ByteReader {
    /// The next byte, which stays; nil at the end.
    var peek: UInt8? {
        var copy = self
        return try? copy.readByte()
    }
}

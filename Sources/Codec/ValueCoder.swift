package import Billing
package import Bytes
package import Money

/// Data trees between their three forms: tokens, `Value`, and canonical node bytes.
package enum ValueCoder {
    /// The canonical bytes of a value.
    package static func nodeBytes(_ value: Value) -> [UInt8] {
        var bytes = ByteBuffer(capacity: 64)
        append(value, to: &bytes)
        return bytes.copyBytes(in: 0..<bytes.count)
    }

    /// Appends the canonical bytes of a value.
    package static func append(_ value: Value, to bytes: inout ByteBuffer) {
        switch value {
        case .null: bytes.append(NodeTag.null)
        case .bool(let flag): bytes.append(flag ? NodeTag.true : NodeTag.false)
        case .number(let number): NumberEncoder.append(number, to: &bytes)
        case .numberText(let text):
            bytes.append(NodeTag.numberText)
            bytes.appendPrefixed(utf8: text)
        case .string(let text):
            bytes.append(NodeTag.string)
            bytes.appendPrefixed(utf8: text)
        case .array(let values):
            bytes.append(NodeTag.array)
            bytes.appendVarint(UInt64(values.count))
            for value in values { append(value, to: &bytes) }
        case .object(let members):
            bytes.append(NodeTag.object)
            bytes.appendVarint(UInt64(members.count))
            for member in members {
                bytes.appendPrefixed(utf8: member.name)
                append(member.value, to: &bytes)
            }
        case .redacted(let hash):
            precondition(hash.count == 32, "a redacted value keeps a SHA-256")
            bytes.append(NodeTag.redacted)
            bytes.append(hash)
        }
    }

    /// The value that a node says.
    package static func value(_ node: RawSpan) throws(DecodeFailure) -> Value {
        var reader = ByteReader(node)
        let value = try value(from: &reader)
        guard reader.isAtEnd else { throw .invalid("bytes after the node", reader.offset) }
        return value
    }

    /// Reads one node.
    package static func value(
        from reader: inout ByteReader, depth: Int = NodeReader.depthMax
    ) throws(DecodeFailure) -> Value {
        guard depth > 0 else { throw .invalid("nested too deeply", reader.offset) }
        switch try reader.readByte() {
        case NodeTag.null: return .null
        case NodeTag.false: return .bool(false)
        case NodeTag.true: return .bool(true)
        case NodeTag.integer:
            return .number(DecimalNumber(mantissa: try reader.readZigzag128(), scale: 0))
        case NodeTag.decimal:
            let offset = reader.offset
            let scale = Int(try reader.readByte())
            let number = DecimalNumber(mantissa: try reader.readZigzag128(), scale: scale)
            guard scale > 0, number.scale == scale else { throw .invalid("decimal", offset) }
            return .number(number)
        case NodeTag.numberText:
            let offset = reader.offset
            let spelling = try reader.readPrefixed()
            guard NumberEncoder.isCanonicalText(spelling), let text = spelling.makeString() else {
                throw .invalid("number text", offset)
            }
            return .numberText(text)
        case NodeTag.string: return .string(try text(&reader))
        case NodeTag.array:
            var values: [Value] = []
            for _ in 0..<(try NodeReader.count(&reader)) {
                values.append(try value(from: &reader, depth: depth - 1))
            }
            return .array(values)
        case NodeTag.object:
            var members: [Value.Member] = []
            for _ in 0..<(try NodeReader.count(&reader)) {
                let offset = reader.offset
                let name = try text(&reader)
                if let last = members.last,
                    !last.name.utf8.lexicographicallyPrecedes(name.utf8)
                {
                    throw .invalid("keys out of order", offset)
                }
                members.append(
                    Value.Member(name: name, value: try value(from: &reader, depth: depth - 1)))
            }
            return .object(members)
        case NodeTag.salted:
            _ = try reader.read(count: 16)
            return try value(from: &reader, depth: depth - 1)
        case NodeTag.redacted: return .redacted(try reader.read(count: 32).makeArray())
        case NodeTag.retired:
            _ = try reader.read(count: NodeTag.retiredHashBytes(NodeTag.retired))
            return try value(from: &reader, depth: depth - 1)
        case NodeTag.retiredPersonal:
            _ = try reader.read(count: NodeTag.retiredHashBytes(NodeTag.retiredPersonal))
            return try value(from: &reader, depth: depth - 1)
        default: throw .invalid("node tag", reader.offset - 1)
        }
    }

    private static func text(_ reader: inout ByteReader) throws(DecodeFailure) -> String {
        let offset = reader.offset
        guard let text = try reader.readPrefixed().makeString() else {
            throw .invalid("text is not UTF-8", offset)
        }
        return text
    }

    /// The number that a node says; nil if it is no number of 128 bits.
    package static func number(_ node: RawSpan) -> DecimalNumber? {
        do {
            var reader = ByteReader(node)
            switch try reader.readByte() {
            case NodeTag.integer:
                return DecimalNumber(mantissa: try reader.readZigzag128(), scale: 0)
            case NodeTag.decimal:
                let scale = Int(try reader.readByte())
                return DecimalNumber(mantissa: try reader.readZigzag128(), scale: scale)
            default: return nil
            }
        } catch {
            return nil
        }
    }

    /// The value in a document's tokens.
    /// - Throws: `Rejection` where an object has a key twice, or a number no canonical form.
    package static func value(_ tokens: JSONTokenizer) throws(Rejection) -> Value {
        var bytes = ByteBuffer(capacity: 1024)
        do {
            try TokenNodes.append(0, of: tokens.all, to: &bytes)
        } catch {
            throw Rejection(error)
        }
        do {
            return try value(bytes.bytes)
        } catch {
            throw Rejection(field: nil, message: "the document cannot be read")
        }
    }

    /// The value in a JSON text, an object.
    package static func value(json: [UInt8]) throws(Rejection) -> Value {
        let tokens = JSONTokenizer()
        if let problem = tokens.parse(json.raw, paddingAvailable: 0) {
            throw Rejection(field: nil, message: problem.message)
        }
        return try value(tokens)
    }
}

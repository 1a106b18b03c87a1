import Billing
import Bytes
import Codec

/// A record's parts, copied: the view itself cannot be handed to an expectation.
struct Parts {
    let kind: RecordKind
    let source: String?
    let id: String?
    let type: String?
    let subject: String?
    let time: Int64?
    let timeText: String?
    let attributes: Value?
    let data: Value?
    let content: [UInt8]
    let fingerprint: UInt64

    init(record: [UInt8]) throws { self.init(try RecordView(record: record.raw)) }

    init(content: [UInt8]) throws { self.init(try RecordView(content: content.raw)) }

    private init(_ view: borrowing RecordView) {
        kind = view.kind
        source = view.source.makeString()
        id = view.id.makeString()
        type = view.type.makeString()
        if let text = view.subject { subject = text.makeString() } else { subject = nil }
        time = view.time
        timeText = view.timeText
        if let node = view.attributes {
            attributes = try? ValueCoder.value(node)
        } else {
            attributes = nil
        }
        if let node = view.data { data = try? ValueCoder.value(node) } else { data = nil }
        content = view.content.makeArray()
        fingerprint = view.fingerprint(key: Encoding.key)
    }

    /// The value at a path under `data`.
    static func property(_ path: [String], of content: [UInt8]) throws -> Value? {
        let view = try RecordView(content: content.raw)
        guard let node = view.property(PropertyPath(path)) else { return nil }
        return try ValueCoder.value(node)
    }

    static func outcome(of record: [UInt8]) throws -> Outcome {
        try RecordView(record: record.raw).outcome()
    }

    static func haveOneIdentity(_ left: [UInt8], _ right: [UInt8]) throws -> Bool {
        try RecordView(content: left.raw).hasSameIdentity(as: right.raw)
    }
}

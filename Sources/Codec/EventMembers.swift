import Bytes

/// Where the members of a CloudEvent stand among its tokens; below zero: nowhere.
///
/// A null attribute counts as absent, but it takes its name: a second one is a duplicate.
struct EventMembers {
    private static let absent = -1
    private static let null = -2

    private(set) var specversion = absent
    private(set) var id = absent
    private(set) var source = absent
    private(set) var type = absent
    private(set) var subject = absent
    private(set) var time = absent
    private(set) var data = absent
    private(set) var dataBase64 = absent
    /// The producer's count of its lives and of its events in this one, which may stand for an id.
    private(set) var epoch = absent
    private(set) var sequence = absent
    /// The key tokens of all other attributes in byte order, null or not; `data_base64` is one.
    private(set) var others = SortedKeys()
    /// How many of them are not null.
    private(set) var otherCount = 0

    /// Whether a sequence stands where the id is missing.
    var isSequenced: Bool { id < 0 && epoch >= 0 && sequence >= 0 }

    /// Finds the members of the object that `tokens` are.
    /// - Throws: `DocumentFault` for a name that stands twice, `Rejection` for an attribute that can
    ///   be none.
    init(_ tokens: borrowing JSONTokens) throws {
        var key = 1
        for _ in 0..<tokens.memberCount(0) {
            try place(key, tokens)
            key = tokens.next(key + 1)
        }
        if others.count > 1 { try others.sort(tokens) }
    }

    private mutating func place(_ key: Int, _ tokens: borrowing JSONTokens) throws {
        let name = tokens.text(key)
        let value = key + 1
        switch Name(name) {
        case .id: try Self.set(&id, value, tokens)
        case .type: try Self.set(&type, value, tokens)
        case .time: try Self.set(&time, value, tokens)
        case .source: try Self.set(&source, value, tokens)
        case .subject: try Self.set(&subject, value, tokens)
        case .specversion: try Self.set(&specversion, value, tokens)
        case .data:
            guard data == Self.absent else { throw DocumentFault.duplicateKey("data") }
            data = value
        case .dataBase64:
            if !tokens.isNull(value) { dataBase64 = value }
            try placeOther(key, tokens)
        case .epoch:
            if !tokens.isNull(value) { epoch = value }
            try placeOther(key, tokens)
        case .sequence:
            if !tokens.isNull(value) { sequence = value }
            try placeOther(key, tokens)
        case .other: try placeOther(key, tokens)
        }
    }

    private static func set(
        _ slot: inout Int, _ value: Int, _ tokens: borrowing JSONTokens
    ) throws {
        guard slot == absent else {
            throw DocumentFault.duplicateKey(tokens.text(value - 1).makeString() ?? "")
        }
        slot = tokens.isNull(value) ? null : value
    }

    private mutating func placeOther(_ key: Int, _ tokens: borrowing JSONTokens) throws {
        guard tokens.text(key).byteCount > 0 else {
            throw Rejection(field: "", message: "an attribute has an empty name")
        }
        others.append(key)
        switch tokens.tag(key + 1) {
        case .null: return
        case .true, .false, .number, .string: otherCount += 1
        case .key, .object, .array:
            let name = tokens.text(key).makeString() ?? ""
            throw Rejection(
                field: name,
                message: "the attribute \"\(name)\" must be a text, a number or a boolean; "
                    + "structured values belong under data")
        }
    }

    /// The names that CloudEvents gives a meaning to.
    private enum Name {
        case id, type, time, data, epoch, source, subject, sequence, specversion, dataBase64, other

        /// Every event has most of these: they are told by their length and compared in words.
        init(_ name: RawSpan) {
            switch name.byteCount {
            case 2 where name.isEqual(to: "id"): self = .id
            case 4 where name.isEqual(to: "type"): self = .type
            case 4 where name.isEqual(to: "time"): self = .time
            case 4 where name.isEqual(to: "data"): self = .data
            case 5 where name.isEqual(to: "epoch"): self = .epoch
            case 6 where name.isEqual(to: "source"): self = .source
            case 7 where name.isEqual(to: "subject"): self = .subject
            case 8 where name.isEqual(to: "sequence"): self = .sequence
            case 11 where name.isEqual(to: "specversion"): self = .specversion
            case 11 where name.isEqual(to: "data_base64"): self = .dataBase64
            default: self = .other
            }
        }
    }
}

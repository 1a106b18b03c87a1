import Billing
package import Bytes

/// CloudEvents 1.0 lines into canonical contents: one pass over the tokens, no text copied but
/// into the content itself.
///
/// Rules of CloudEvents 1.0 ("Context Attributes"): `specversion` is "1.0"; `id`, `source`,
/// `type` are non-empty strings; `subject`, if present, is one too; `time` is an RFC 3339 instant;
/// other attributes are booleans, integers or strings. A null attribute counts as absent.
package struct EventEncoder {
    private let key: SipKey

    /// An encoder whose fingerprints are hashed under `key`.
    package init(key: SipKey) { self.key = key }

    private struct Members {
        var specversion = -1
        var id = -1
        var source = -1
        var type = -1
        var subject = -1
        var time = -1
        var data = -1
        var dataBase64 = -1
        /// Key tokens of all other attributes.
        var others: [Int] = []
    }

    /// Appends the content of the event in `tokens` to an arena.
    /// - Returns: where it lies, or what is wrong with the line; nothing is appended then.
    package func encode(
        _ tokens: JSONTokenizer, into arena: inout ByteBuffer
    ) -> Result<PreparedRecord, Rejection> {
        let start = arena.count
        do {
            let members = try members(of: tokens)
            try check(members, tokens)
            try write(members, tokens, to: &arena)
            return .success(
                try PreparedRecord(
                    describing: arena.bytes(in: start..<arena.count), at: start, key: key))
        } catch let rejection as Rejection {
            arena.truncate(to: start)
            return .failure(rejection)
        } catch let duplicate as TokenNodes.DuplicateKey {
            arena.truncate(to: start)
            return .failure(
                Rejection(
                    field: duplicate.key,
                    message: "the member \"\(duplicate.key)\" stands twice in one object; send "
                        + "each member once"))
        } catch {
            arena.truncate(to: start)
            return .failure(Rejection(field: nil, message: "the event has no canonical form"))
        }
    }

    private func members(of tokens: JSONTokenizer) throws -> Members {
        var members = Members()
        var key = 1
        for _ in 0..<tokens.memberCount(0) {
            try place(key, tokens, in: &members)
            key = tokens.next(key + 1)
        }
        return members
    }

    private func place(
        _ key: Int, _ tokens: JSONTokenizer, in members: inout Members
    ) throws {
        let name = tokens.text(key)
        let value = key + 1
        if name.isEqual(to: Names.data.raw) {
            try set(&members.data, value, "data")
            return
        }
        if case .null = tokens.tag(value) { return }
        if name.isEqual(to: Names.id.raw) {
            try set(&members.id, value, "id")
        } else if name.isEqual(to: Names.type.raw) {
            try set(&members.type, value, "type")
        } else if name.isEqual(to: Names.time.raw) {
            try set(&members.time, value, "time")
        } else if name.isEqual(to: Names.source.raw) {
            try set(&members.source, value, "source")
        } else if name.isEqual(to: Names.subject.raw) {
            try set(&members.subject, value, "subject")
        } else if name.isEqual(to: Names.specversion.raw) {
            try set(&members.specversion, value, "specversion")
        } else {
            if name.isEqual(to: Names.dataBase64.raw) { members.dataBase64 = value }
            try checkAttribute(key, tokens)
            members.others.append(key)
        }
    }

    private enum Names {
        static let id = Array("id".utf8)
        static let type = Array("type".utf8)
        static let time = Array("time".utf8)
        static let data = Array("data".utf8)
        static let source = Array("source".utf8)
        static let subject = Array("subject".utf8)
        static let specversion = Array("specversion".utf8)
        static let dataBase64 = Array("data_base64".utf8)
        static let version = Array("1.0".utf8)
    }

    private func set(_ slot: inout Int, _ value: Int, _ name: String) throws {
        guard slot < 0 else { throw TokenNodes.DuplicateKey(key: name) }
        slot = value
    }

    private func checkAttribute(_ key: Int, _ tokens: JSONTokenizer) throws {
        let name = tokens.text(key).makeString() ?? ""
        guard !name.isEmpty else {
            throw Rejection(field: "", message: "an attribute has an empty name")
        }
        switch tokens.tag(key + 1) {
        case .true, .false, .number, .string: return
        case .null, .key, .object, .array:
            throw Rejection(
                field: name,
                message: "the attribute \"\(name)\" must be a text, a number or a boolean; "
                    + "structured values belong under data")
        }
    }

    private func check(_ members: Members, _ tokens: JSONTokenizer) throws {
        guard members.specversion >= 0, case .string = tokens.tag(members.specversion),
            tokens.text(members.specversion).isEqual(to: Names.version.raw)
        else {
            throw Rejection(
                field: "specversion", message: "must be the text \"1.0\" (CloudEvents 1.0)")
        }
        try checkText(members.id, "id", tokens)
        try checkText(members.source, "source", tokens)
        try checkText(members.type, "type", tokens)
        if members.subject >= 0 { try checkText(members.subject, "subject", tokens) }
        guard members.data < 0 || members.dataBase64 < 0 else {
            throw Rejection(
                field: "data_base64", message: "an event has data or data_base64, not both")
        }
    }

    private func checkText(_ index: Int, _ name: String, _ tokens: JSONTokenizer) throws {
        guard index >= 0, case .string = tokens.tag(index), tokens.text(index).byteCount > 0
        else {
            throw Rejection(field: name, message: "\(name) must be a text that is not empty")
        }
    }

    private func write(
        _ members: Members, _ tokens: JSONTokenizer, to arena: inout ByteBuffer
    ) throws {
        arena.append(RecordFormat.version)
        arena.append(RecordKind.event.rawValue)
        arena.appendPrefixed(tokens.text(members.source))
        arena.appendPrefixed(tokens.text(members.id))
        arena.appendPrefixed(tokens.text(members.type))
        var presence: UInt8 = 0
        var time: EventTime?
        if members.time >= 0 {
            guard case .string = tokens.tag(members.time),
                let read = EventTime(tokens.text(members.time))
            else {
                throw Rejection(
                    field: "time",
                    message: "time must be an RFC 3339 instant such as 2026-03-01T12:00:00Z, in "
                        + "the years 1678 to 2261")
            }
            time = read
            presence |= RecordFormat.hasTime
            if read.style == TimeStyle.text { presence |= RecordFormat.hasTimeText }
        }
        if members.subject >= 0 { presence |= RecordFormat.hasSubject }
        if !members.others.isEmpty { presence |= RecordFormat.hasAttributes }
        if members.data >= 0 { presence |= RecordFormat.hasData }
        arena.append(presence)
        if members.subject >= 0 { arena.appendPrefixed(tokens.text(members.subject)) }
        if let time {
            arena.appendInteger(time.nanoseconds)
            arena.append(time.style)
            if time.style == TimeStyle.text { arena.appendPrefixed(tokens.text(members.time)) }
        }
        if !members.others.isEmpty {
            arena.append(NodeTag.object)
            arena.appendVarint(UInt64(members.others.count))
            for key in try TokenNodes.sort(members.others, tokens) {
                arena.appendPrefixed(tokens.text(key))
                try TokenNodes.append(key + 1, of: tokens, to: &arena)
            }
        }
        if members.data >= 0 { try TokenNodes.append(members.data, of: tokens, to: &arena) }
    }
}

import Billing
package import Bytes

/// CloudEvents 1.0 lines into canonical contents: one pass over the tokens, no text copied but
/// into the content itself.
///
/// An event without an id that says `epoch` and `sequence` (integers of 0 or more, in digits alone)
/// gets the id `<epoch>:<sequence>`; see `EventSequence`.
///
/// Rules of CloudEvents 1.0 ("Context Attributes"): `specversion` is "1.0"; `id`, `source`,
/// `type` are non-empty strings; `subject`, if present, is one too; `time` is an RFC 3339 instant;
/// other attributes are booleans, integers or strings. A null attribute counts as absent.
package struct EventEncoder {
    private let key: SipKey

    /// An encoder whose fingerprints are hashed under `key`.
    package init(key: SipKey) { self.key = key }

    /// Appends the content of the event in `tokens` to an arena.
    /// - Returns: where it lies, or what is wrong with the line; nothing is appended then.
    package func encode(
        _ tokens: JSONTokenizer, into arena: inout ByteBuffer
    ) -> Result<PreparedRecord, Rejection> {
        let start = arena.count
        let tokens = tokens.all
        do {
            let members = try EventMembers(tokens)
            try check(members, tokens)
            try write(members, tokens, to: &arena)
            return .success(
                try PreparedRecord(
                    describing: arena.bytes(in: start..<arena.count), at: start, key: key))
        } catch {
            arena.truncate(to: start)
            switch error {
            case let rejection as Rejection: return .failure(rejection)
            case let fault as DocumentFault: return .failure(Rejection(fault))
            default:
                return .failure(
                    Rejection(field: nil, message: "the event has no canonical form"))
            }
        }
    }

    private func check(_ members: borrowing EventMembers, _ tokens: borrowing JSONTokens) throws {
        guard members.specversion >= 0, case .string = tokens.tag(members.specversion),
            tokens.text(members.specversion).isEqual(to: "1.0")
        else {
            throw Rejection(
                field: "specversion", message: "must be the text \"1.0\" (CloudEvents 1.0)")
        }
        if !members.isSequenced { try checkText(members.id, "id", tokens) }
        try checkText(members.source, "source", tokens)
        try checkText(members.type, "type", tokens)
        if members.subject >= 0 { try checkText(members.subject, "subject", tokens) }
        guard members.data < 0 || members.dataBase64 < 0 else {
            throw Rejection(
                field: "data_base64", message: "an event has data or data_base64, not both")
        }
        if members.dataBase64 >= 0 { try checkText(members.dataBase64, "data_base64", tokens) }
    }

    private func checkText(_ index: Int, _ name: String, _ tokens: borrowing JSONTokens) throws {
        guard index >= 0, case .string = tokens.tag(index), tokens.text(index).byteCount > 0
        else {
            throw Rejection(field: name, message: "\(name) must be a text that is not empty")
        }
    }

    /// A count that stands for a part of an id: it must have one spelling.
    private func count(
        _ index: Int, _ name: String, _ tokens: borrowing JSONTokens
    ) throws -> UInt64 {
        guard case .number = tokens.tag(index),
            let text = tokens.text(index).makeString(), text.utf8.count <= 19,
            text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
            let count = UInt64(text), count <= EventSequence.max
        else {
            throw Rejection(
                field: name,
                message: "\(name) of an event without an id must be a whole number of 0 or more, "
                    + "in digits alone")
        }
        return count
    }

    private func write(
        _ members: borrowing EventMembers, _ tokens: borrowing JSONTokens,
        to arena: inout ByteBuffer
    ) throws {
        arena.append(RecordFormat.version)
        arena.append(RecordKind.event.rawValue)
        arena.appendPrefixed(tokens.text(members.source))
        if members.isSequenced {
            let sequence = EventSequence(
                epoch: try count(members.epoch, "epoch", tokens),
                number: try count(members.sequence, "sequence", tokens))
            arena.appendPrefixed(utf8: sequence.id)
        } else {
            arena.appendPrefixed(tokens.text(members.id))
        }
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
        if members.otherCount > 0 { presence |= RecordFormat.hasAttributes }
        if members.data >= 0 { presence |= RecordFormat.hasData }
        arena.append(presence)
        if members.subject >= 0 { arena.appendPrefixed(tokens.text(members.subject)) }
        if let time {
            arena.appendInteger(time.nanoseconds)
            arena.append(time.style)
            if time.style == TimeStyle.text { arena.appendPrefixed(tokens.text(members.time)) }
        }
        if members.otherCount > 0 {
            arena.append(NodeTag.object)
            arena.appendVarint(UInt64(members.otherCount))
            for place in 0..<members.others.count {
                let key = members.others[place]
                if tokens.isNull(key + 1) { continue }
                arena.appendPrefixed(tokens.text(key))
                try TokenNodes.append(key + 1, of: tokens, to: &arena)
            }
        }
        if members.data >= 0 { try TokenNodes.append(members.data, of: tokens, to: &arena) }
    }
}

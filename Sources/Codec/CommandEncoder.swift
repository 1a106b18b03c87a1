package import Billing
package import Bytes

/// Commands and consumes into canonical contents: the same form as events, of another kind.
package struct CommandEncoder {
    private let key: SipKey

    /// An encoder whose fingerprints are hashed under `key`.
    package init(key: SipKey) { self.key = key }

    /// Appends a command's content to an arena.
    /// - Parameters:
    ///   - time: the effective time, if one was given.
    ///   - data: the parameters.
    package func encode(
        _ kind: RecordKind, source: String, id: String, subject: String?, time: EventTime?,
        timeText: String, data: Value, into arena: inout ByteBuffer
    ) -> Result<PreparedRecord, Rejection> {
        precondition(kind != .event, "events are encoded from their own line")
        let start = arena.count
        arena.append(RecordFormat.version)
        arena.append(kind.rawValue)
        arena.appendPrefixed(utf8: source)
        arena.appendPrefixed(utf8: id)
        arena.appendPrefixed(utf8: "daybook.\(kind.name)")
        var presence = RecordFormat.hasData
        if subject != nil { presence |= RecordFormat.hasSubject }
        if let time {
            presence |= RecordFormat.hasTime
            if time.style == TimeStyle.text { presence |= RecordFormat.hasTimeText }
        }
        arena.append(presence)
        if let subject { arena.appendPrefixed(utf8: subject) }
        if let time {
            arena.appendInteger(time.nanoseconds)
            arena.append(time.style)
            if time.style == TimeStyle.text { arena.appendPrefixed(utf8: timeText) }
        }
        ValueCoder.append(data, to: &arena)
        do {
            return .success(
                try PreparedRecord(
                    describing: arena.bytes(in: start..<arena.count), at: start, key: key))
        } catch {
            arena.truncate(to: start)
            return .failure(Rejection(field: nil, message: "the command has no canonical form"))
        }
    }
}

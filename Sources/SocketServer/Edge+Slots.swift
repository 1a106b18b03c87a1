import Codec
import Engine

/// What is answered in its turn.
extension Edge {
    /// Answers the first slots of a connection, up to one that waits for something.
    func advance(_ connection: Connection) {
        guard isOpen(connection) else { return }
        while let slot = connection.slots.first {
            switch slot.kind {
            case .records, .longQuery, .following: return
            case .blank:
                connection.stream?.countBlank(slot.lines)
                connection.popSlot()
            case .rejected(let bytes):
                connection.stream?.countRejected()
                emit(bytes, to: connection)
                connection.popSlot()
            case .query(let query, let id):
                if query.isLong, !isRefusedAtOnce(query) {
                    return work(on: .query(query, id: id), for: connection, slot)
                }
                // One read can hold thousands of small questions with large answers.
                guard connection.unwrittenBytes < limits.unreadReplyBytes else { return }
                emit(answers.answer(query, id: id), to: connection)
                connection.popSlot()
                // It was refused at once.
                if query.isLong { connection.isHeld = false }
            case .publication(let content):
                return work(on: .publication(content), for: connection, slot)
            case .follow(let request, let id):
                startFollow(request, id: id, connection, slot)
            case .stream(let ackEvery, let id):
                connection.stream = StreamProgress(ackEvery: ackEvery)
                json.clear()
                EdgeReply.writeStream(ackEvery: ackEvery, id: id, to: &json)
                emit(connection)
                connection.popSlot()
            case .end(let isFinal):
                return finish(connection, isFinal: isFinal)
            }
        }
    }

    /// Whether a rebuild would wait for the one that is under way, only to be a second one.
    private func isRefusedAtOnce(_ query: Query) -> Bool {
        if case .rebuild = query { engine.isRebuilding } else { false }
    }

    /// Whether the first slot waits for nothing but room in the output.
    func canAdvance(_ connection: Connection) -> Bool {
        guard let slot = connection.slots.first, case .query = slot.kind else { return false }
        return connection.unwrittenBytes < limits.unreadReplyBytes
    }

    private func work(
        on work: QueryThread.Work, for connection: Connection, _ slot: Slot
    ) {
        var waiting = slot
        waiting.kind = .longQuery
        connection.slots.first = waiting
        queries.submit(
            QueryThread.Job(work: work, connection: connection.token, mailbox: mailbox))
    }

    /// The answer to a long query or a publication is there.
    func take(_ answer: LongAnswer) {
        guard let connection = table[answer.connection],
            let slot = connection.slots.first, case .longQuery = slot.kind
        else { return }
        emit(answer.json, to: connection)
        connection.popSlot()
        connection.isHeld = false
        advance(connection)
        touch(connection)
    }

    /// Everything is answered.
    private func finish(_ connection: Connection, isFinal: Bool) {
        if let progress = connection.stream,
            isFinal || progress.lines > progress.reportedLines
        {
            writeAcknowledgement(connection, progress, isFinal: isFinal)
        }
        connection.popSlot()
        connection.isClosing = true
        touch(connection)
    }
}

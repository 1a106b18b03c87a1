import Bytes
import Codec
import Engine
import Platform

/// From bytes to requests.
extension Edge {
    /// Decodes what was left over; if that was no whole line, reads once and decodes.
    func receive(_ connection: Connection) {
        input.clear()
        if !connection.leftover.isEmpty {
            input.append(connection.leftover)
            connection.leftover = []
        }
        let goesOn = connection.hasUndecodedLines || read(connection)
        // A read may have closed it.
        guard isOpen(connection) else { return }
        decode(connection)
        if !goesOn { endInput(connection) }
        advance(connection)
        touch(connection)
    }

    /// Reads once. - Returns: false if nothing more will come.
    private func read(_ connection: Connection) -> Bool {
        var transfer = Transfer.wouldBlock
        var failure: SystemFailure?
        let socket = connection.socket
        let count = input.appendFilled(limits.readBytes) { room in
            do throws(SystemFailure) {
                transfer = try socket.read(into: &room)
            } catch {
                failure = error
            }
            if case .bytes(let count) = transfer { return count }
            return 0
        }
        if let failure {
            Complaint.write(failure.message)
            close(connection)
            return false
        }
        switch transfer {
        case .bytes:
            guard isStopping else { return true }
            connection.drainedBytes += count
            return connection.drainedBytes < limits.drainBytes
        case .wouldBlock: return !isStopping
        case .ended:
            connection.hasEnded = true
            return false
        }
    }

    /// Takes whole lines from the input, as far as the limits allow, and keeps the rest.
    private func decode(_ connection: Connection) {
        let batch = currentBatch()
        let firstRecord = batch.records.count
        var lines = LineCursor(searched: connection.searched)
        connection.hasUndecodedLines = true
        stretches: while mayDecode(connection) {
            var stretch = Stretch(
                firstToken: nextToken, linesMax: limits.unansweredLines - connection.pendingLines,
                bytesMax: limits.unansweredBytes - connection.pendingBytes)
            let stop = decodeRecords(
                input, &lines, &stretch, &batch.arena, &batch.records, &batch.tokens,
                isStream: connection.streamLines != nil)
            take(stretch, connection)
            switch stop {
            case .isFull: continue
            case .noLine:
                connection.hasUndecodedLines = false
                break stretches
            case .tooLong:
                lines = LineCursor(start: input.count)
                refuseLongLine(connection)
            case .blank:
                guard connection.streamLines != nil else { continue }
                connection.streamLines? += 1
                put(Slot(kind: .blank), connection)
            case .request(let request, let bytes):
                connection.streamLines? += 1
                take(request, bytes, connection)
            case .publication(let content, let bytes):
                // Later lines of the connection may need what it publishes.
                connection.isHeld = true
                put(Slot(kind: .publication(content), bytes: bytes), connection)
            }
        }
        if batch.records.count > firstRecord {
            inFlight.append(
                Run(
                    connection: connection.token, batch: batch, next: firstRecord,
                    end: batch.records.count))
        }
        connection.searched = connection.hasUndecodedLines ? 0 : input.count - lines.start
        if lines.start < input.count {
            connection.leftover = input.copyBytes(in: lines.start..<input.count)
        }
        if batch.arena.count >= limits.batchBytes { submitBatch() }
    }

    private func mayDecode(_ connection: Connection) -> Bool {
        !connection.inputEnded && !connection.isHeld && !connection.isClosing
            && connection.pendingLines < limits.unansweredLines
            && connection.pendingBytes < limits.unansweredBytes
            && connection.unwrittenBytes < limits.unreadReplyBytes
    }

    /// Decodes lines as long as they are events and commands: the hot loop. Everything that it
    /// changes is its argument, so that it is opened once a stretch and not once a line.
    private func decodeRecords(
        _ input: borrowing ByteBuffer, _ lines: inout LineCursor, _ stretch: inout Stretch,
        _ arena: inout ByteBuffer, _ records: inout [PreparedRecord], _ tokens: inout [UInt64],
        isStream: Bool
    ) -> Stop {
        let lineBytesMax = limits.lineBytes
        while stretch.records < stretch.linesMax, stretch.bytes < stretch.bytesMax {
            guard let line = lines.next(in: input.bytes) else {
                return input.count - lines.start > lineBytesMax ? .tooLong : .noLine
            }
            if line.count > lineBytesMax { return .tooLong }
            if isBlank(input.bytes(in: line)) { return .blank }
            let start = arena.count
            let request = decoder.decode(
                input.bytes(in: line), paddingAvailable: input.capacity - line.upperBound,
                into: &arena)
            guard case .record(let record) = request else {
                return .request(request, bytes: line.count)
            }
            if record.kind == .publish || record.kind == .override, !isStream,
                engine.takesPreparation(record, arena)
            {
                let end = record.contentStart + record.contentLength
                let content = arena.copyBytes(in: record.contentStart..<end)
                arena.truncate(to: start)
                return .publication(content, bytes: line.count)
            }
            records.append(record)
            tokens.append(stretch.firstToken + UInt64(stretch.records))
            stretch.records += 1
            stretch.bytes += line.count
        }
        return .isFull
    }

    /// Why a stretch of events and commands ends.
    private enum Stop {
        /// A limit of the connection is reached.
        case isFull
        /// The rest is no whole line.
        case noLine
        case tooLong
        case blank
        case request(Request, bytes: Int)
        case publication([UInt8], bytes: Int)
    }

    /// Events and commands that stand next to each other.
    private struct Stretch {
        let firstToken: UInt64
        let linesMax: Int
        let bytesMax: Int
        var records = 0
        var bytes = 0
    }

    /// Nothing but spaces; `\r` belongs to the line end.
    private func isBlank(_ line: RawSpan) -> Bool {
        for offset in 0..<line.byteCount {
            switch line.byte(at: offset) {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): continue
            default: return false
            }
        }
        return true
    }

    private func take(_ stretch: Stretch, _ connection: Connection) {
        guard stretch.records > 0 else { return }
        nextToken += UInt64(stretch.records)
        connection.streamLines? += UInt64(stretch.records)
        connection.appendRecords(stretch.records, stretch.bytes)
    }

    // MARK: What is not a record

    private func take(_ request: Request, _ bytes: Int, _ connection: Connection) {
        let isStream = connection.streamLines != nil
        switch request {
        case .record: preconditionFailure("records are taken by stretches")
        case .refused(let refusal, let id, let isQuery):
            json.clear()
            ReplyJSON.write(
                refusal, id: id, isQuery: isQuery && !isStream, line: connection.streamLines,
                to: &json)
            reject(connection, bytes, counts: !isQuery || isStream)
        case .query(_, let id) where isStream, .follow(_, let id) where isStream:
            reject(connection, .notInStream, id: id, bytes)
        case .stream(_, let id) where isStream:
            reject(connection, .streamTwice, id: id, bytes)
        case .query(let query, let id):
            connection.isHeld = query.isLong
            put(Slot(kind: .query(query, id: id), bytes: bytes), connection)
        case .follow(let follow, let id):
            connection.isHeld = true
            put(Slot(kind: .follow(follow, id: id), bytes: bytes), connection)
        case .stream(let ackEvery, let id):
            connection.streamLines = 0
            put(Slot(kind: .stream(ackEvery: ackEvery, id: id), bytes: bytes), connection)
        }
    }

    /// Adds a slot, and answers it if it is its turn.
    private func put(_ slot: Slot, _ connection: Connection) {
        connection.append(slot)
        advance(connection)
    }

    /// Puts the rejection that `json` holds in its place.
    private func reject(_ connection: Connection, _ bytes: Int, counts: Bool = true) {
        if counts { rejectedLines += 1 }
        put(Slot(kind: .rejected(json.finish()), bytes: bytes), connection)
    }

    private func reject(
        _ connection: Connection, _ refusal: EdgeReply.Refusal, id: String?, _ bytes: Int
    ) {
        json.clear()
        if let id {
            id.withBytes { bytes in
                EdgeReply.write(refusal, id: bytes, line: connection.streamLines, to: &json)
            }
        } else {
            EdgeReply.write(refusal, id: nil, line: connection.streamLines, to: &json)
        }
        reject(connection, bytes)
    }

    private func refuseLongLine(_ connection: Connection) {
        connection.streamLines? += 1
        reject(connection, .lineTooLong(limits.lineBytes), id: nil, 0)
        end(connection, isFinal: false)
    }

    /// The client sends no more, or the server takes no more from it.
    private func endInput(_ connection: Connection) {
        guard !connection.inputEnded else { return }
        // The rest is no whole line, or it came after the stop and too much of it.
        if !connection.leftover.isEmpty {
            connection.leftover = []
            connection.streamLines? += 1
            reject(connection, connection.hasEnded ? .incompleteLine : .draining, id: nil, 0)
        }
        end(connection, isFinal: connection.hasEnded)
    }

    /// Puts the end behind everything that still has to be answered.
    func end(_ connection: Connection, isFinal: Bool) {
        guard !connection.inputEnded else { return }
        connection.inputEnded = true
        put(Slot(kind: .end(isFinal: isFinal), lines: 0), connection)
    }

    // MARK: The batch

    private func currentBatch() -> PreparedBatch {
        if let openBatch { return openBatch }
        let batch = batches.take(for: mailbox)
        openBatch = batch
        return batch
    }

    /// Hands the requests of this turn over.
    func submitBatch() {
        if rejectedLines > 0 {
            engine.countRejected(rejectedLines)
            rejectedLines = 0
        }
        guard let batch = openBatch, !batch.records.isEmpty else { return }
        openBatch = nil
        if engine.submit(batch) { return }
        if engine.failure != nil {
            hasFailed = true
            return
        }
        let refusal: EdgeReply.Refusal = engine.isClosing ? .draining : .overloaded
        engine.countRejected(UInt64(batch.records.count))
        inFlight.changeFromLast { run in
            guard run.batch === batch else { return false }
            run.refusal = refusal
            return true
        }
        settleRefused()
    }
}

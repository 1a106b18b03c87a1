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
        var start = 0
        var searched = connection.searched
        connection.hasUndecodedLines = true
        while mayDecode(connection) {
            guard let end = input.bytes.firstIndex(of: UInt8(ascii: "\n"), from: searched) else {
                connection.hasUndecodedLines = false
                if input.count - start > limits.lineBytes {
                    refuseLongLine(connection)
                    start = input.count
                }
                break
            }
            if end - start > limits.lineBytes {
                refuseLongLine(connection)
                start = input.count
                break
            }
            decodeLine(connection, start..<end, batch)
            start = end + 1
            searched = start
        }
        flushRecords(connection)
        if batch.records.count > firstRecord {
            inFlight.append(
                Run(
                    connection: connection.token, batch: batch, next: firstRecord,
                    end: batch.records.count))
        }
        connection.searched = connection.hasUndecodedLines ? 0 : input.count - start
        if start < input.count {
            connection.leftover = input.copyBytes(in: start..<input.count)
        }
        if batch.arena.count >= limits.batchBytes { submitBatch() }
    }

    private func mayDecode(_ connection: Connection) -> Bool {
        !connection.inputEnded && !connection.isHeld && !connection.isClosing
            && connection.pendingLines + decodedRecords < limits.unansweredLines
            && connection.pendingBytes + decodedBytes < limits.unansweredBytes
            && connection.unwrittenBytes < limits.unreadReplyBytes
    }

    private func decodeLine(_ connection: Connection, _ line: Range<Int>, _ batch: PreparedBatch) {
        connection.streamLines? += 1
        guard !isBlank(line) else {
            if connection.streamLines != nil { put(Slot(kind: .blank), connection) }
            return
        }
        let isStream = connection.streamLines != nil
        let request = decoder.decode(
            input.bytes(in: line), paddingAvailable: input.capacity - line.upperBound,
            into: &batch.arena)
        switch request {
        case .record(let record):
            batch.records.append(record)
            batch.tokens.append(nextToken)
            nextToken += 1
            decodedRecords += 1
            decodedBytes += line.count
        case .refused(let refusal, let id, let isQuery):
            json.clear()
            ReplyJSON.write(
                refusal, id: id, isQuery: isQuery && !isStream, line: connection.streamLines,
                to: &json)
            reject(connection, line.count, counts: !isQuery || isStream)
        case .query(_, let id) where isStream, .follow(_, let id) where isStream:
            reject(connection, .notInStream, id: id, line.count)
        case .stream(_, let id) where isStream:
            reject(connection, .streamTwice, id: id, line.count)
        case .query(let query, let id):
            connection.isHeld = query.isLong
            put(Slot(kind: .query(query, id: id), bytes: line.count), connection)
        case .follow(let follow, let id):
            connection.isHeld = true
            put(Slot(kind: .follow(follow, id: id), bytes: line.count), connection)
        case .stream(let ackEvery, let id):
            connection.streamLines = 0
            put(Slot(kind: .stream(ackEvery: ackEvery, id: id), bytes: line.count), connection)
        }
    }

    /// Nothing but spaces; `\r` belongs to the line end.
    private func isBlank(_ line: Range<Int>) -> Bool {
        for offset in line {
            switch input.bytes.byte(at: offset) {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): continue
            default: return false
            }
        }
        return true
    }

    // MARK: What is not a record

    /// Adds a slot behind the records that were decoded before it, and answers it if it can be.
    private func put(_ slot: Slot, _ connection: Connection) {
        flushRecords(connection)
        connection.append(slot)
        advance(connection)
    }

    private func flushRecords(_ connection: Connection) {
        guard decodedRecords > 0 else { return }
        connection.appendRecords(decodedRecords, decodedBytes)
        decodedRecords = 0
        decodedBytes = 0
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
            EdgeReply.write(refusal, id: id.utf8.raw, line: connection.streamLines, to: &json)
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

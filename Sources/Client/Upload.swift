import Billing
import Bytes
import Platform

/// # Many lines to the server, as fast as it takes them
///
/// Stream mode of `docs/PROTOCOL.md`: blocks of whole and broken lines go out as they are, the
/// server numbers the lines and acknowledges prefixes. One thread reads and writes the socket as
/// it becomes ready, because the server reads on only while its replies are read; where the blocks
/// come from is another thread's affair (`BlockQueue`).
///
/// Nothing is remembered of what was sent: after a broken connection the same lines are sent
/// again, and what had been recorded answers as duplicate.
package final class Upload {
    /// Lines between two acknowledgements, at least.
    package static let linesPerAcknowledgement = 1_000

    private static let socketToken: UInt64 = 0
    private static let wakeToken: UInt64 = 1
    /// Milliseconds between two calls of `progress`.
    private static let progressInterval: Int32 = 100

    private let connection: Connection
    private let queue: BlockQueue
    private let poller: Poller
    private let exception: (Reply) -> Void
    private let progress: (Tally) -> Void

    private var tally = Tally()
    private var lines = LineBuffer()
    private let replies = ReplyReader()
    private var pending: [UInt8] = []
    private var pendingStart = 0
    private var queueIsFinished = false
    private var sourceFailure: String?
    private var canWrite = true
    private var hasShutDown = false
    private var lastRefusal: Refusal?
    private var progressDue: Int64 = 0

    private static let firstLine = Array(
        (#"{"request":"stream","id":"stream","ack_every":\#(linesPerAcknowledgement)}"# + "\n").utf8
    )

    /// How an upload ended.
    package enum End: Sendable {
        /// All lines have their final outcome.
        case complete
        /// The server closed the connection; with its reason, if it gave one.
        case broken(Refusal?)
        /// Reading the source failed; all lines before that have their final outcome.
        case sourceFailed(String)
    }

    /// Sends what comes through `queue` to the server at `path`.
    /// - Parameters:
    ///   - exception: called for each line that was rejected or denied, in their order.
    ///   - progress: called about ten times a second.
    /// - Returns: the counts so far and how it ended.
    package static func run(
        to path: String, from queue: BlockQueue, exception: @escaping (Reply) -> Void,
        progress: @escaping (Tally) -> Void
    ) throws(ClientFailure) -> (Tally, End) {
        defer { queue.abandon() }
        let connection = try Connection.open(path)
        defer { connection.close() }
        let upload = try Upload(connection, queue, exception, progress)
        defer { upload.poller.close() }
        let end = try upload.run()
        return (upload.tally, end)
    }

    private init(
        _ connection: Connection, _ queue: BlockQueue,
        _ exception: @escaping (Reply) -> Void, _ progress: @escaping (Tally) -> Void
    ) throws(ClientFailure) {
        self.connection = connection
        self.queue = queue
        self.exception = exception
        self.progress = progress
        do { poller = try Poller() } catch { throw .system(error.message) }
    }

    private func run() throws(ClientFailure) -> End {
        pending = Self.firstLine
        do {
            try connection.socket.setBlocking(false)
            try poller.add(connection.socket.descriptor, token: Self.socketToken, .reading)
            // Once for each signal: while the socket is full nobody takes blocks, and a wake-up that
            // stayed readable would keep this thread spinning.
            try poller.add(
                queue.wake.descriptor, token: Self.wakeToken, [.reading, .edgeTriggered])
            return try pump()
        } catch let failure as ClientFailure {
            throw failure
        } catch let failure as SystemFailure {
            throw .system(failure.message)
        } catch {
            throw .system("\(error)")
        }
    }

    private func pump() throws -> End {
        var events: [Poller.Event] = []
        var interest: Readiness = .reading
        while true {
            if canWrite { try write() }
            if try read() { return end() }
            reportProgress()
            let wanted: Readiness = canWrite ? .reading : [.reading, .writing]
            if wanted != interest {
                try poller.change(
                    connection.socket.descriptor, token: Self.socketToken, wanted)
                interest = wanted
            }
            _ = try poller.wait(into: &events, timeout: Self.progressInterval)
            for event in events
            where event.token == Self.socketToken && event.readiness.contains(.writing) {
                canWrite = true
            }
        }
    }

    /// Sends until the socket is full, or nothing more may be sent now.
    private func write() throws {
        while true {
            if pendingStart == pending.count {
                guard takeBlock() else { return }
            }
            let block = pending
            switch try connection.socket.write(block.raw.extracting(pendingStart..<block.count)) {
            case .bytes(let count):
                tally.sentBytes += count
                pendingStart += count
            case .wouldBlock:
                canWrite = false
                return
            case .ended:
                // The replies that are still to be read say how far it came.
                discardUnsent()
                return
            }
        }
    }

    /// Gets the next block; half-closes when there is none left. - Returns: whether there is one.
    private func takeBlock() -> Bool {
        guard !queueIsFinished, !hasShutDown else { return false }
        switch queue.next() {
        case .block(let block):
            pending = block
            pendingStart = 0
            return true
        case .nothingYet: return false
        case .finished(let failure):
            queueIsFinished = true
            sourceFailure = failure
            connection.socket.shutdown(reading: false, writing: true)
            hasShutDown = true
            return false
        }
    }

    private func discardUnsent() {
        pending = []
        pendingStart = 0
        queueIsFinished = true
        queue.abandon()
    }

    /// Reads what is there. - Returns: whether the conversation is over.
    private func read() throws -> Bool {
        while true {
            while let line = lines.next() { take(try replies.read(line)) }
            if tally.isFinal { return true }
            switch try lines.fill(from: connection.socket) {
            case .bytes: continue
            case .wouldBlock: return false
            case .ended: return true
            }
        }
    }

    private func take(_ reply: Reply) {
        if reply["acked_lines"] != nil {
            tally.take(reply)
        } else if reply["line"] != nil {
            if let refusal = reply.refusal {
                tally.count(refusal)
                lastRefusal = refusal
            } else if reply["allowed"]?.flag == false {
                tally.denied += 1
            }
            exception(reply)
        } else if let refusal = reply.refusal {
            lastRefusal = refusal
        }
    }

    private func end() -> End {
        guard tally.isFinal else { return .broken(lastRefusal) }
        if let sourceFailure { return .sourceFailed(sourceFailure) }
        return .complete
    }

    private func reportProgress() {
        let now = MonotonicClock.nanoseconds()
        guard now >= progressDue else { return }
        progressDue = now + Int64(Self.progressInterval) * 1_000_000
        progress(tally)
    }
}

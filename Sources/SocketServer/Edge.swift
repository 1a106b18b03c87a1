import Bytes
import Codec
import Engine
import Platform

/// One thread and the connections that it serves.
///
/// A turn: wait for events; take what the mailbox has and answer it; read and decode what clients
/// sent; hand it over as one batch; write what there is to write. Everything that a connection
/// needs later than in the turn at hand is a slot in its queue, a run in `inFlight`, or a place in
/// `ready`.
///
/// The aspects: `Edge+Reading` (bytes to requests), `Edge+Records` (replies of the log),
/// `Edge+Slots` (what is answered in its turn), `Edge+Follow`, `Edge+Writing`, `Edge+Ending`.
///
/// Events are level-triggered: a client that waits for each reply costs one `epoll_wait`, one read
/// and one write a round trip, while edge-triggered reading would need a second read to see that
/// nothing is left.
///
/// `@unchecked Sendable`: one thread runs it from `run()` on; others only know the mailbox.
final class Edge: @unchecked Sendable {
    let mailbox: EdgeMailbox
    let engine: Engine
    let limits: ServerLimits
    let connections: ConnectionCounter
    let answers: QueryAnswers
    let queries: QueryThreads
    let poller: Poller

    var table = ConnectionTable()
    /// Requests that the engine has, in the order in which it got them.
    var inFlight = Queue<Run>(keeping: 4_096)
    /// Requests of this turn.
    var openBatch: PreparedBatch?
    var batches = BatchPool()
    var nextToken: UInt64 = 0
    /// Lines of this turn that were rejected here.
    var rejectedLines: UInt64 = 0

    /// Connections to finish in this turn.
    var touched: [Connection] = []
    /// Connections to go on with in the next turn, without an event.
    var ready: [Connection] = []
    /// Connections that follow the head.
    var followers: [ConnectionToken] = []

    /// What is being decoded, and some bytes behind it that the JSON parser may look at.
    var input: ByteBuffer
    /// What is being written.
    var json = JSONWriter(capacity: 4 << 10)
    let decoder: RequestDecoder
    var spareOutputs: [OutputBuffer] = []
    /// Connections that have something to write.
    var outputsInUse = 0

    /// The log failed: everything is answered with that and closed.
    var hasFailed = false
    var isStopping = false
    var stopDeadline: Int64 = 0
    private var lastTick: Int64 = 0

    /// No connection has this token: the generation of a place would have to wrap.
    static let mailboxToken = UInt64.max

    init(
        engine: Engine, limits: ServerLimits, connections: ConnectionCounter,
        answers: QueryAnswers, queries: QueryThreads
    ) throws(SystemFailure) {
        self.engine = engine
        self.limits = limits
        self.connections = connections
        self.answers = answers
        self.queries = queries
        mailbox = try EdgeMailbox()
        poller = try Poller()
        try poller.add(mailbox.descriptor, token: Self.mailboxToken, .reading)
        decoder = RequestDecoder(for: engine)
        input = ByteBuffer(
            capacity: limits.lineBytes + limits.readBytes + 2 * JSONTokenizer.paddingBytes)
    }

    deinit { poller.close() }

    /// Serves until the mailbox says stop and the last connection is closed.
    func run() {
        var events: [Poller.Event] = []
        var post = Post()
        while !isDone {
            do {
                _ = try poller.wait(into: &events, timeout: timeout)
            } catch {
                // Its only reasons are mistakes of ours. Clients see the end of the connection.
                Complaint.write("an edge has ended: \(error.message)")
                break
            }
            if events.contains(where: { $0.token == Self.mailboxToken }) {
                mailbox.collect(&post)
                take(post)
                post.clear()
                // Replies leave before the next lines are decoded.
                finishTouched()
            }
            goOnWithReady()
            for event in events where event.token != Self.mailboxToken { handle(event) }
            submitBatch()
            tick()
            if hasFailed { failEverything() }
            finishTouched()
        }
        for connection in table.all { close(connection) }
    }

    private var isDone: Bool {
        isStopping
            && (table.count == 0 || MonotonicClock.nanoseconds() >= stopDeadline)
    }

    private var timeout: Int32? {
        if !ready.isEmpty { return 0 }
        let mustLook = isStopping || !inFlight.isEmpty || outputsInUse > 0 || !followers.isEmpty
        return mustLook ? limits.tickMilliseconds : nil
    }

    private func take(_ post: borrowing Post) {
        for delivery in post.deliveries { settle(delivery) }
        for answer in post.answers { take(answer) }
        for socket in post.sockets { add(socket) }
        if post.headMoved { feedFollowers() }
        if post.mustStop { beginStop() }
    }

    private func add(_ socket: UnixSocket) {
        let connection = table.insert { Connection(token: $0, socket: socket) }
        do {
            try poller.add(socket.descriptor, token: connection.token.raw, .reading)
        } catch {
            Complaint.write(error.message)
            close(connection)
        }
    }

    private func handle(_ event: Poller.Event) {
        guard let connection = table[ConnectionToken(raw: event.token)] else { return }
        if event.readiness.contains(.hangup) {
            hangUp(connection)
        } else if event.readiness.contains(.reading), takesInput(connection) {
            receive(connection)
        }
        touch(connection)
    }

    private func goOnWithReady() {
        guard !ready.isEmpty else { return }
        let connections = ready
        ready.removeAll(keepingCapacity: true)
        for connection in connections {
            connection.isReady = false
            guard isOpen(connection) else { continue }
            advance(connection)
            feed(connection)
            if isOpen(connection), takesInput(connection) { receive(connection) }
            touch(connection)
        }
    }

    /// Looks at what no event tells.
    private func tick() {
        guard isStopping || !inFlight.isEmpty || outputsInUse > 0 || !followers.isEmpty else {
            return
        }
        let now = MonotonicClock.nanoseconds()
        guard now - lastTick >= Int64(limits.tickMilliseconds) * 1_000_000 else { return }
        lastTick = now
        if !hasFailed, engine.failure != nil { hasFailed = true }
        guard outputsInUse > 0 else { return }
        for connection in table.all
        where connection.isBlocked
            && now - connection.lastProgress > limits.stalledNanoseconds
        {
            close(connection)
        }
    }

    // MARK: Scheduling

    func isOpen(_ connection: Connection) -> Bool { table[connection.token] === connection }

    /// Has the connection looked at before the turn ends.
    func touch(_ connection: Connection) {
        guard !connection.isTouched, isOpen(connection) else { return }
        connection.isTouched = true
        touched.append(connection)
    }

    /// Has the connection go on in the next turn.
    func makeReady(_ connection: Connection) {
        guard !connection.isReady else { return }
        connection.isReady = true
        ready.append(connection)
    }

    private func finishTouched() {
        // Finishing one may touch it again: by index, so that those are seen too.
        var index = 0
        while index < touched.count {
            let connection = touched[index]
            index += 1
            connection.isTouched = false
            guard isOpen(connection) else { continue }
            acknowledge(connection)
            flush(connection)
            if isOpen(connection) { schedule(connection) }
        }
        touched.removeAll(keepingCapacity: true)
    }

    /// Decides whether the connection is read, and what wakes it next.
    private func schedule(_ connection: Connection) {
        updatePause(connection)
        let unwritten = connection.unwrittenBytes
        let takes = takesInput(connection)
        if canAdvance(connection) || canFeed(connection)
            || takes && (connection.hasUndecodedLines || connection.interest == nil || isStopping)
        {
            makeReady(connection)
        }
        guard let interest = connection.interest else { return }
        var wanted: Readiness = []
        if takes, !connection.hasUndecodedLines { wanted.insert(.reading) }
        if unwritten > 0 { wanted.insert(.writing) }
        guard wanted != interest else { return }
        do {
            try poller.change(
                connection.socket.descriptor, token: connection.token.raw, wanted)
            connection.interest = wanted
        } catch {
            Complaint.write(error.message)
            close(connection)
        }
    }

    /// Whether more lines may be taken from it.
    func takesInput(_ connection: Connection) -> Bool {
        !connection.inputEnded && !connection.isHeld && !connection.isPaused
            && !connection.isClosing
    }

    /// Stops reading at a limit, and goes on when half of it is free: not with every line.
    private func updatePause(_ connection: Connection) {
        let divisor = connection.isPaused ? 2 : 1
        connection.isPaused =
            connection.pendingLines >= limits.unansweredLines / divisor
            || connection.pendingBytes >= limits.unansweredBytes / divisor
            || connection.unwrittenBytes >= limits.unreadReplyBytes / divisor
    }
}

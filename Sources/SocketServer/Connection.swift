import Bytes
import Engine
import Platform

/// Which connection of an edge: a place and how often the place was taken before. What arrives for
/// a connection that is gone finds another generation there and is dropped.
struct ConnectionToken: Hashable, Sendable {
    let slot: UInt32
    let generation: UInt32

    /// For the poller.
    var raw: UInt64 { UInt64(generation) << 32 | UInt64(slot) }

    init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    init(raw: UInt64) {
        self.init(
            slot: UInt32(truncatingIfNeeded: raw), generation: UInt32(truncatingIfNeeded: raw >> 32)
        )
    }
}

/// Something that is answered in its turn. A run of events and commands is one slot, however many
/// there are: their replies arrive in their order.
struct Slot {
    enum Kind {
        /// Lines that are on their way through the log.
        case records
        /// Blank lines of a stream.
        case blank
        /// A line that was rejected here, with its reply.
        case rejected([UInt8])
        case query(Query, id: String?)
        /// The content of a catalog or an override that may have history metered again.
        case publication([UInt8])
        /// A query or a publication that another thread works on.
        case longQuery
        case follow(FollowRequest, id: String?)
        /// A follow that is being served.
        case following
        case stream(ackEvery: Int, id: String?)
        /// Nothing comes after this; `isFinal` if the client said so.
        case end(isFinal: Bool)
    }

    var kind: Kind
    var lines = 1
    var bytes = 0
}

/// One client. Confined to its edge.
///
///     bytes ─► lines ─► requests ─► slots, answered in order ─► output
///              └ leftover           └ pendingLines, pendingBytes
///
/// Between bursts an idle connection has no buffers: it reads into its edge's, and takes an output
/// buffer from the edge's pool only while there is something to write.
final class Connection {
    let token: ConnectionToken
    let socket: UnixSocket

    // MARK: Reading

    /// Bytes received and not decoded: a part of a line, or whole lines while reading is paused.
    var leftover: [UInt8] = []
    /// Bytes of `leftover` that are known to hold no line end.
    var searched = 0
    /// `leftover` may hold a whole line.
    var hasUndecodedLines = false
    /// The client sends no more.
    var hasEnded = false
    /// Nothing more is read or decoded.
    var inputEnded = false
    /// A long query, a publication or a follow is in the slots: later lines wait for its end.
    var isHeld = false
    /// Lines of the stream that were decoded; nil in line mode.
    var streamLines: UInt64?
    /// Bytes read since the server began to stop.
    var drainedBytes = 0
    /// Reading stopped at a limit and goes on when half of it is free again.
    var isPaused = false

    // MARK: Answering

    var slots = Queue<Slot>(keeping: 4)
    var pendingLines = 0
    var pendingBytes = 0
    /// What the acknowledgements of the stream say; nil in line mode.
    var stream: StreamProgress?
    var follower: Follower?

    // MARK: Writing

    var output: OutputBuffer?
    /// When the client last took something, or when it first did not.
    var lastProgress: Int64 = 0
    /// Its requests are not waited for any more: only what is written already is sent.
    var isCut = false
    /// Closes as soon as the output is written.
    var isClosing = false
    /// The client is gone: what is written for it is dropped.
    var isDeaf = false

    // MARK: Scheduling

    /// What the poller is asked for; nil when it is not watched any more.
    var interest: Readiness? = .reading
    /// It is in the edge's list of connections to finish this turn.
    var isTouched = false
    /// It is in the edge's list of connections that go on without an event.
    var isReady = false

    init(token: ConnectionToken, socket: UnixSocket) {
        self.token = token
        self.socket = socket
    }

    var unwrittenBytes: Int { output?.unwrittenBytes ?? 0 }

    /// The socket did not take everything, and it is waited for.
    var isBlocked: Bool { interest?.contains(.writing) == true }

    /// Adds a slot behind the others.
    func append(_ slot: Slot) {
        pendingLines += slot.lines
        pendingBytes += slot.bytes
        slots.append(slot)
    }

    /// Adds lines that were handed to the log.
    func appendRecords(_ lines: Int, _ bytes: Int) {
        var extended = false
        slots.changeFromLast { last in
            if case .records = last.kind {
                last.lines += lines
                last.bytes += bytes
                extended = true
            }
            return false
        }
        if extended {
            pendingLines += lines
            pendingBytes += bytes
        } else {
            append(Slot(kind: .records, lines: lines, bytes: bytes))
        }
    }

    /// Lines in the first slot, if they are on their way through the log.
    var leadingRecords: Int {
        guard let first = slots.first, case .records = first.kind else { return 0 }
        return first.lines
    }

    /// Takes `lines` off the first slot, which holds so many.
    func settleRecords(_ lines: Int) {
        guard var first = slots.first else { preconditionFailure("a reply without a request") }
        precondition(lines > 0 && first.lines >= lines, "more replies than requests")
        let bytes = lines == first.lines ? first.bytes : first.bytes * lines / first.lines
        first.lines -= lines
        first.bytes -= bytes
        pendingLines -= lines
        pendingBytes -= bytes
        slots.first = first.lines > 0 ? first : nil
    }

    /// Takes the first slot away, which is not one of records.
    func popSlot() {
        guard let slot = slots.popFirst() else { return }
        pendingLines -= slot.lines
        pendingBytes -= slot.bytes
    }
}

/// Replies on their way to one client.
final class OutputBuffer {
    var bytes = ByteBuffer(capacity: 4 << 10)
    var written = 0

    var unwrittenBytes: Int { bytes.count - written }

    /// Writes what the socket takes.
    func write(to socket: UnixSocket) throws(SystemFailure) -> Transfer {
        let transfer = try bytes.withBytes(in: written..<bytes.count) {
            rest throws(SystemFailure) in try socket.write(rest)
        }
        if case .bytes(let count) = transfer { written += count }
        return transfer
    }

    /// Drops what was written, so that a client that is always a little behind does not make it
    /// grow for ever.
    func compact() {
        let rest = unwrittenBytes
        guard written >= 64 << 10, written >= rest else { return }
        bytes.move(from: written, to: 0, count: rest)
        bytes.truncate(to: rest)
        written = 0
    }

    func clear() {
        bytes.clear()
        written = 0
    }
}

/// A follow that is being served.
final class Follower {
    var feed: EntryFeed
    let id: String?
    let isLive: Bool
    /// Everything durable was looked at; it waits for more.
    var isAtHead = false

    init(feed: consuming EntryFeed, id: String?, isLive: Bool) {
        self.feed = feed
        self.id = id
        self.isLive = isLive
    }
}

import Platform

/// Every bound of the server, in one place; docs/PROTOCOL.md tells clients of them. A bound that is
/// reached gets an explicit answer or makes the server read on later, never a dropped line.
package struct ServerLimits: Sendable {
    /// Threads that serve connections; one more accepts them.
    package var edges = max(1, min(4, Process.processorCount))
    /// Connections at once; further ones are told `too_many_connections`. Less if the process may
    /// not have so many descriptors.
    package var connections = 1_024
    /// Descriptors that are left to the store.
    package var descriptorsKept = 16
    /// Bytes of a line without its line end.
    package var lineBytes = 262_144
    /// Bytes that one read asks for.
    package var readBytes = 256 << 10
    /// Canonical bytes after which the requests of several connections are handed over.
    package var batchBytes = 1 << 20
    /// Bytes of replies that a client has not read, from which on nothing is read from it.
    package var unreadReplyBytes = 1 << 20
    /// Nanoseconds after which a client that reads none of its waiting replies is cut off.
    package var stalledNanoseconds: Int64 = 60_000_000_000
    /// Lines of one connection without a reply, from which on nothing is read from it.
    package var unansweredLines = 65_536
    /// Bytes of those lines, likewise.
    package var unansweredBytes = 4 << 20
    /// Bytes of entries that are kept ready for one follower.
    package var followBytes = 256 << 10
    /// Entries that are looked at for one follower before others have their turn.
    package var followEntries = 4_096
    /// Nanoseconds that a stop waits for clients that do not read their last replies.
    package var drainNanoseconds: Int64 = 10_000_000_000
    /// Bytes that are still read from one connection after a stop began. No socket buffer holds
    /// more, so it covers what had arrived by then.
    package var drainBytes = 8 << 20
    /// Milliseconds between two attempts to accept while the process has no descriptor left.
    package var acceptPause: Int32 = 100

    /// The documented limits.
    package init() {}

    /// Milliseconds between two looks at what no event tells: stalled clients, a failed engine.
    var tickMilliseconds: Int32 {
        Int32(clamping: max(10, min(1_000, stalledNanoseconds / 4_000_000)))
    }

    /// Connections that the process can have, its other descriptors left aside: standard streams,
    /// the listener, a poller and a wake-up for each thread.
    var connectionsPossible: Int {
        let own = 3 + 1 + 2 * (edges + 1)
        return min(connections, max(1, Process.descriptorLimit - descriptorsKept - own))
    }
}

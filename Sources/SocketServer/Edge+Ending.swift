import Codec
import Platform

/// How connections end.
extension Edge {
    /// The client is gone. What it sent before is still taken; what it would get is dropped.
    func hangUp(_ connection: Connection) {
        if connection.follower != nil { return close(connection) }
        connection.isDeaf = true
        releaseOutput(connection)
        do {
            // The poller would report it again and again.
            try poller.remove(connection.socket.descriptor)
            connection.interest = nil
        } catch {
            Complaint.write(error.message)
            close(connection)
        }
    }

    /// Closes the connection as soon as what is written has been taken; nothing more is answered.
    func cut(_ connection: Connection) {
        connection.isCut = true
        connection.slots = Queue(keeping: 0)
        connection.pendingLines = 0
        connection.pendingBytes = 0
        connection.leftover = []
        connection.inputEnded = true
        connection.isClosing = true
        forgetFollower(connection)
        touch(connection)
    }

    /// Forgets the connection. Replies that still come for it find it gone.
    func close(_ connection: Connection) {
        guard isOpen(connection) else { return }
        forgetFollower(connection)
        releaseOutput(connection)
        table.remove(connection.token)
        connection.socket.close()
        connections.remove()
    }

    /// The log failed: whoever waits is told so, and all connections are closed. Of what is in
    /// flight nobody knows whether it is on the disk.
    func failEverything() {
        inFlight.changeFromLast { run in
            run.refusal = .storageFailed
            return true
        }
        settleRefused()
        for connection in table.all where !connection.isClosing {
            json.clear()
            EdgeReply.write(.storageFailed, id: connection.follower?.id, to: &json)
            emit(connection)
            cut(connection)
        }
    }

    /// The server stops: what was received is answered, then all connections are closed.
    func beginStop() {
        guard !isStopping else { return }
        isStopping = true
        stopDeadline = MonotonicClock.nanoseconds() + limits.drainNanoseconds
        for connection in table.all {
            stopFollow(connection)
            advance(connection)
            makeReady(connection)
            touch(connection)
        }
    }
}

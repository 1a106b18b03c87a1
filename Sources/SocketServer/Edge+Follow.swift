import Codec
import Engine

/// Entries for those who follow the log.
///
/// A follower is served as far as it reads: its output is filled up to `followBytes` and filled
/// again when the client has taken it. Looking for entries is done in small steps, because a filter
/// may pass over millions of them.
extension Edge {
    func startFollow(
        _ request: FollowRequest, id: String?, _ connection: Connection, _ slot: Slot
    ) {
        // Nobody is there to whom its end could matter, or it would have none.
        if isStopping || connection.isDeaf {
            json.clear()
            EdgeReply.write(.draining, id: id, to: &json)
            return endFollow(connection)
        }
        mailbox.countFollowers(1)
        do {
            let entries = try EntryFeed(engine, request)
            connection.follower = Follower(feed: entries, id: id, isLive: request.follow)
            var following = slot
            following.kind = .following
            connection.slots.first = following
            if request.follow { followers.append(connection.token) }
            feed(connection)
        } catch {
            mailbox.countFollowers(-1)
            json.clear()
            ReplyJSON.write(error, id: id, isQuery: true, to: &json)
            endFollow(connection)
        }
    }

    /// Whether there may be entries to write now.
    func canFeed(_ connection: Connection) -> Bool {
        guard let follower = connection.follower else { return false }
        return !follower.isAtHead && connection.unwrittenBytes < limits.followBytes
    }

    /// Writes entries, as many as there is room for.
    func feed(_ connection: Connection) {
        guard let follower = connection.follower, canFeed(connection) else { return }
        let output = output(of: connection)
        do {
            let pause = try follower.feed.fill(
                &output.bytes, byteLimit: output.written + limits.followBytes,
                entriesMax: limits.followEntries)
            switch pause {
            case .full: break
            case .atHead:
                follower.isAtHead = true
                if !follower.isLive { stopFollow(connection) }
            case .done: stopFollow(connection)
            }
        } catch {
            json.clear()
            ReplyJSON.write(error, id: follower.id, isQuery: true, to: &json)
            forgetFollower(connection)
            endFollow(connection)
            // What the log cannot show it cannot be trusted to have.
            cut(connection)
        }
        touch(connection)
    }

    /// The durable head moved.
    func feedFollowers() {
        followers.removeAll { table[$0]?.follower == nil }
        for token in followers {
            guard let connection = table[token], let follower = connection.follower,
                follower.isAtHead
            else { continue }
            follower.isAtHead = false
            feed(connection)
            advance(connection)
        }
    }

    /// Ends a follow with the position to go on from.
    func stopFollow(_ connection: Connection) {
        guard let follower = connection.follower else { return }
        json.clear()
        EdgeReply.writeFollowEnd(
            id: follower.id, entries: follower.feed.entries, next: follower.feed.next, to: &json)
        forgetFollower(connection)
        endFollow(connection)
    }

    func forgetFollower(_ connection: Connection) {
        guard connection.follower != nil else { return }
        connection.follower = nil
        mailbox.countFollowers(-1)
    }

    /// Writes the end that `json` holds; the connection takes requests again.
    private func endFollow(_ connection: Connection) {
        emit(connection)
        connection.popSlot()
        connection.isHeld = false
        touch(connection)
    }
}

package import Engine
package import Platform

/// # The socket server
///
/// Serves one engine on one Unix socket, by the protocol of docs/PROTOCOL.md.
///
///     accept thread ──socket──► edge 0 … edge n, round robin
///
///     edge: epoll ─► read ─► lines ─► requests ─► one batch a turn ─► engine.submit
///             ▲                                                           │
///             └── mailbox ◄── replies, when durable ◄── sync thread ◄─────┘
///
/// An edge is one thread with its own connections; nothing of a connection is ever touched by
/// another. What other threads have for it they leave in its mailbox. Queries are answered by the
/// edge from the durable books; those that take long go to other threads, so that they hold up
/// their own connection only.
///
/// Recipe:
///
///     let server = try SocketServer.start(engine: engine, path: "/run/daybook.sock")
///     …
///     server.stop()          // answers what was received, closes, removes the socket file
///     engine.close()
package final class SocketServer: Sendable {
    /// The socket file.
    package let path: String

    private let engine: Engine
    private let acceptor: Acceptor
    private let queries: QueryThreads
    private let edges: [Edge]
    private let connections: ConnectionCounter
    private let threads: Monitor<Threads>

    private struct Threads: Sendable {
        var accept: Thread?
        var edges: [Thread] = []
        var queries: [Thread] = []
    }

    /// Binds the socket and serves. The engine must be open: nobody connects before recovery.
    /// - Parameters:
    ///   - path: of the socket file, at most `UnixListener.pathBytesMax` bytes. A file that no
    ///     server listens on is replaced.
    ///   - limits: the server's bounds.
    /// - Throws: EADDRINUSE if a server listens there already; EEXIST if something that is not a
    ///   socket has the name; any other failure of the system.
    package static func start(
        engine: Engine, path: String, limits: ServerLimits = ServerLimits()
    ) throws(SystemFailure) -> SocketServer {
        let listener = try UnixListener.listen(at: path)
        do {
            return try SocketServer(engine, listener, limits)
        } catch {
            listener.close()
            throw error
        }
    }

    private init(
        _ engine: Engine, _ listener: UnixListener, _ limits: ServerLimits
    ) throws(SystemFailure) {
        precondition(limits.edges >= 1, "somebody must serve")
        path = listener.path
        self.engine = engine
        connections = ConnectionCounter(limit: limits.connectionsPossible)
        let answers = QueryAnswers(engine: engine, connections: connections)
        queries = QueryThreads(answers)
        var edges: [Edge] = []
        for _ in 0..<limits.edges {
            edges.append(
                try Edge(
                    engine: engine, limits: limits, connections: connections, answers: answers,
                    queries: queries))
        }
        self.edges = edges
        acceptor = try Acceptor(
            listener: listener, edges: edges.map(\.mailbox), connections: connections,
            pause: limits.acceptPause)
        for edge in edges { engine.observe(edge.mailbox) }
        var threads = Threads()
        for (index, edge) in edges.enumerated() {
            threads.edges.append(Thread.spawn(name: "edge \(index)") { edge.run() })
        }
        threads.queries = queries.start()
        threads.accept = Thread.spawn(name: "accept") { [acceptor] in acceptor.run() }
        self.threads = Monitor(threads)
    }

    /// Whether a peer of this user may be a client of a server that runs as `owner`.
    package static func serves(_ user: UInt32, owner: UInt32) -> Bool {
        user == owner || user == 0
    }

    /// Clients that are connected now.
    package var connectionCount: Int { connections.count }

    /// Accepts no more, answers every line that was received in full, closes and removes the
    /// socket file. Returns when that is done; clients that do not read their replies are waited
    /// for at most `ServerLimits.drainNanoseconds`, a long query that is being worked on until it
    /// is done. Rebuilds, and publications that are being prepared, end with a refusal. The engine must still be
    /// running. A second call does nothing.
    package func stop() {
        let running = threads.withLock { threads in
            defer { threads = Threads() }
            return threads
        }
        acceptor.stop()
        running.accept?.join()
        engine.stopLongWork()
        for edge in edges { edge.mailbox.stop() }
        for thread in running.edges { thread.join() }
        queries.stop()
        for thread in running.queries { thread.join() }
    }
}

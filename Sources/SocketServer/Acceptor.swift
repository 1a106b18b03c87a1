import Bytes
import Codec
import Platform
import Synchronization

/// Accepts connections, on its own thread: a client that connects is never kept waiting by one
/// that sends, and edges never look at the listener.
final class Acceptor: Sendable {
    private let listener: UnixListener
    private let edges: [EdgeMailbox]
    private let connections: ConnectionCounter
    private let pause: Int32
    private let poller: Poller
    private let wakeUp: WakeUp
    private let mustStop = Atomic<Bool>(false)

    private static let listenerToken: UInt64 = 0
    private static let wakeUpToken: UInt64 = 1

    init(
        listener: UnixListener, edges: [EdgeMailbox], connections: ConnectionCounter, pause: Int32
    ) throws(SystemFailure) {
        self.listener = listener
        self.edges = edges
        self.connections = connections
        self.pause = pause
        poller = try Poller()
        wakeUp = try WakeUp()
        try poller.add(listener.descriptor, token: Self.listenerToken, .reading)
        try poller.add(wakeUp.descriptor, token: Self.wakeUpToken, .reading)
    }

    deinit {
        poller.close()
        wakeUp.close()
    }

    func stop() {
        mustStop.store(true, ordering: .releasing)
        wakeUp.signal()
    }

    func run() {
        var events: [Poller.Event] = []
        var turn = 0
        while !mustStop.load(ordering: .acquiring) {
            let isOut = !acceptAll(&turn)
            do {
                // Without a descriptor to accept with, the listener would be ready all the time:
                // it is not looked at for a while. Its clients wait in the kernel's queue.
                if isOut { try poller.change(listener.descriptor, token: Self.listenerToken, []) }
                _ = try poller.wait(into: &events, timeout: isOut ? pause : nil)
                if isOut {
                    try poller.change(listener.descriptor, token: Self.listenerToken, .reading)
                }
            } catch {
                Complaint.write("accepting connections has ended: \(error.message)")
                break
            }
        }
        // Who connected before the stop is served: it may have sent lines already.
        _ = acceptAll(&turn)
        listener.close()
    }

    /// Accepts whoever waits. - Returns: false if that is not possible now.
    private func acceptAll(_ turn: inout Int) -> Bool {
        while true {
            do {
                guard let socket = try listener.accept() else { return true }
                admit(socket, &turn)
            } catch {
                if !error.isOutOfDescriptors { Complaint.write(error.message) }
                return false
            }
        }
    }

    private func admit(_ socket: UnixSocket, _ turn: inout Int) {
        guard let peer = try? socket.peer(),
            SocketServer.serves(peer.userID, owner: Process.userID)
        else {
            return turnAway(socket, .notPermitted)
        }
        guard connections.add() else {
            return turnAway(socket, .tooManyConnections(connections.limit))
        }
        edges[turn % edges.count].accepted(socket)
        turn += 1
    }

    private func turnAway(_ socket: UnixSocket, _ refusal: EdgeReply.Refusal) {
        var json = JSONWriter()
        EdgeReply.write(refusal, id: nil, to: &json)
        // A fresh socket takes this much; if it does not, the close says enough.
        _ = try? socket.write((json.finish() + [UInt8(ascii: "\n")]).raw)
        socket.close()
    }
}

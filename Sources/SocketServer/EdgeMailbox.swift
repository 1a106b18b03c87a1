import Codec
import Engine
import Platform
import SegmentedLog
import Synchronization

/// Replies as they came from the sync thread, in the order of their requests.
struct Delivery: Sendable {
    let replies: [Reply]
    let details: [ReplyDetail]
    let receipt: CommitReceipt?
}

/// The answer to a query that another thread worked on.
struct LongAnswer: Sendable {
    let connection: ConnectionToken
    let json: [UInt8]
}

/// What other threads have for an edge.
struct Post: Sendable {
    var deliveries: [Delivery] = []
    var sockets: [UnixSocket] = []
    var answers: [LongAnswer] = []
    /// The durable head moved, and somebody follows it.
    var headMoved = false
    var mustStop = false

    mutating func clear() {
        deliveries.removeAll(keepingCapacity: true)
        sockets.removeAll(keepingCapacity: true)
        answers.removeAll(keepingCapacity: true)
        headMoved = false
        mustStop = false
    }
}

/// Where other threads leave things for an edge. They only append and, if the edge does not know
/// yet that something is there, wake it: one system call a burst, not one a reply.
///
/// The engine keeps an observer for ever. So the descriptor lives as long as this object, and a
/// late signal never hits a descriptor that is somebody else's by then.
final class EdgeMailbox: ReplySink, DurableObserver {
    private struct State: Sendable {
        var post = Post()
        var isSignalled = false
    }

    private let state = Monitor(State())
    private let wakeUp: WakeUp
    private let followers = Atomic<Int>(0)

    init() throws(SystemFailure) { wakeUp = try WakeUp() }

    deinit { wakeUp.close() }

    /// For the edge's poller.
    var descriptor: Int32 { wakeUp.descriptor }

    // MARK: From other threads

    func deliver(_ replies: borrowing ReplyBatch) {
        let delivery = Delivery(
            replies: replies.replies, details: replies.details, receipt: replies.receipt)
        put { $0.deliveries.append(delivery) }
    }

    func durableAdvanced(to position: Position) {
        if followers.load(ordering: .relaxed) > 0 { put { $0.headMoved = true } }
    }

    func accepted(_ socket: UnixSocket) { put { $0.sockets.append(socket) } }

    func answered(_ answer: LongAnswer) { put { $0.answers.append(answer) } }

    func stop() { put { $0.mustStop = true } }

    private func put(_ change: (inout Post) -> Void) {
        let isNews = state.withLock(waking: []) { state in
            change(&state.post)
            defer { state.isSignalled = true }
            return !state.isSignalled
        }
        if isNews { wakeUp.signal() }
    }

    // MARK: From the edge

    /// Exchanges everything that is there for `post`, which is empty.
    func collect(_ post: inout Post) {
        // First: a signal that comes after this is for something that the exchange may miss.
        wakeUp.clear()
        state.withLock(waking: []) { state in
            swap(&state.post, &post)
            state.isSignalled = false
        }
    }

    /// Counts connections that want to hear when the head moves. Before a follower looks at the
    /// head for the first time: then it cannot miss a move.
    func countFollowers(_ change: Int) { followers.add(change, ordering: .sequentiallyConsistent) }
}

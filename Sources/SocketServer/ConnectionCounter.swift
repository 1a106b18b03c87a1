import Synchronization

/// How many connections there are, over all edges, and how many there may be.
final class ConnectionCounter: Sendable {
    let limit: Int
    private let current = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    var count: Int { current.load(ordering: .relaxed) }

    /// Counts one more. - Returns: false if there are as many as there may be.
    func add() -> Bool {
        // Only the accept thread adds, so what is free now stays free.
        guard count < limit else { return false }
        current.add(1, ordering: .relaxed)
        return true
    }

    func remove() { current.subtract(1, ordering: .relaxed) }
}

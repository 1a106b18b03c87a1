import CDaybook

/// State behind one lock, and a way to wait until it is as one wants it.
///
/// `withLock` wakes all waiters when it releases the lock, so nobody can forget to. `read` does not:
/// it cannot change anything. A monitor without waiters costs one uncontended lock.
///
/// `@unchecked Sendable`: the state is only touched while the lock is held.
@safe package final class Monitor<State: ~Copyable>: @unchecked Sendable {
    private var state: State
    private var waiters = 0
    private let lock: OpaquePointer

    /// A monitor over `state`.
    package init(_ state: consuming State) {
        self.state = state
        unsafe lock = daybook_monitor_create()
    }

    deinit {
        unsafe daybook_monitor_destroy(lock)
    }

    /// Changes the state, then wakes everybody who waits. Not re-entrant.
    package func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe daybook_monitor_lock(lock)
        defer { release() }
        return try body(&state)
    }

    /// Reads the state and wakes nobody. Not re-entrant.
    package func read<Result: ~Copyable, Failure: Error>(
        _ body: (borrowing State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe daybook_monitor_lock(lock)
        defer { unsafe daybook_monitor_unlock(lock) }
        return try body(state)
    }

    /// Waits until `body` answers something. It is called under the lock, first at once and then
    /// after each change, and may change the state when it answers.
    /// - Parameter timeout: nanoseconds; nil waits for ever.
    /// - Returns: nil when the time was up.
    package func wait<Result, Failure: Error>(
        timeout: Int64? = nil, _ body: (inout State) throws(Failure) -> Result?
    ) throws(Failure) -> Result? {
        let deadline = timeout.map { daybook_monotonic_clock() &+ max(0, $0) } ?? -1
        unsafe daybook_monitor_lock(lock)
        defer { release() }
        while true {
            if let result = try body(&state) { return result }
            waiters += 1
            let answer = unsafe daybook_monitor_wait(lock, deadline)
            waiters -= 1
            if answer != 0 { return try body(&state) }
        }
    }

    /// Unlocks first: who is woken under the lock would only wait for it again.
    private func release() {
        let someoneWaits = waiters > 0
        unsafe daybook_monitor_unlock(lock)
        if someoneWaits { unsafe daybook_monitor_wake_all(lock) }
    }
}

import CDaybook

/// Where threads stand that wait for a monitor. A change names the channels it concerns, so that
/// it does not wake threads which would only look and sleep again.
package struct WaitChannel: OptionSet, Sendable {
    /// The set of channels, one bit each.
    package let rawValue: UInt8

    /// The set of channels, one bit each.
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The first of four; the default one.
    package static let first = WaitChannel(rawValue: 1)
    /// The second.
    package static let second = WaitChannel(rawValue: 2)
    /// The third.
    package static let third = WaitChannel(rawValue: 4)
    /// The fourth.
    package static let fourth = WaitChannel(rawValue: 8)
    /// Everybody.
    package static let all: WaitChannel = [.first, .second, .third, .fourth]

    fileprivate var index: Int { rawValue.trailingZeroBitCount }
}

/// State behind one lock, and a way to wait until it is as one wants it.
///
/// `withLock` wakes waiters when it releases the lock, all of them unless the caller knows whom the
/// change concerns. `read` wakes nobody: it cannot change anything. A monitor without waiters
/// costs one uncontended lock.
///
/// `@unchecked Sendable`: the state is only touched while the lock is held.
@safe package final class Monitor<State: ~Copyable>: @unchecked Sendable {
    private var state: State
    private var waiters: InlineArray<4, Int> = .init(repeating: 0)
    private let lock: OpaquePointer

    /// A monitor over `state`.
    package init(_ state: consuming State) {
        self.state = state
        unsafe lock = daybook_monitor_create()
    }

    deinit {
        unsafe daybook_monitor_destroy(lock)
    }

    /// Changes the state, then wakes whom the change concerns. Not re-entrant.
    package func withLock<Result: ~Copyable, Failure: Error>(
        waking channels: WaitChannel = .all, _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe daybook_monitor_lock(lock)
        defer { release(channels) }
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
    /// after each change that wakes `channel`, and may change the state when it answers.
    /// - Parameters:
    ///   - channel: where this thread stands; one channel.
    ///   - woken: whom the answer's change concerns.
    ///   - timeout: nanoseconds; nil waits for ever.
    /// - Returns: nil when the time was up.
    package func wait<Result, Failure: Error>(
        on channel: WaitChannel = .first, waking woken: WaitChannel = .all,
        timeout: Int64? = nil, _ body: (inout State) throws(Failure) -> Result?
    ) throws(Failure) -> Result? {
        let deadline = timeout.map { daybook_monotonic_clock() &+ max(0, $0) } ?? -1
        let index = channel.index
        unsafe daybook_monitor_lock(lock)
        defer { release(woken) }
        while true {
            if let result = try body(&state) { return result }
            waiters[index] += 1
            let answer = unsafe daybook_monitor_wait(lock, Int32(index), deadline)
            waiters[index] -= 1
            if answer != 0 { return try body(&state) }
        }
    }

    /// Unlocks first: who is woken under the lock would only wait for it again.
    private func release(_ channels: WaitChannel) {
        var concerned: WaitChannel = []
        for index in 0..<4 where waiters[index] > 0 {
            concerned.insert(WaitChannel(rawValue: 1 << UInt8(index)))
        }
        concerned.formIntersection(channels)
        unsafe daybook_monitor_unlock(lock)
        for index in 0..<4 where concerned.contains(WaitChannel(rawValue: 1 << UInt8(index))) {
            unsafe daybook_monitor_wake(lock, Int32(index))
        }
    }
}

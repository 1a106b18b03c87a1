import CDaybook
import Glibc

/// What a descriptor is ready for, or what one wants to hear of.
package struct Readiness: OptionSet, Sendable {
    /// The set of conditions, one bit each.
    package let rawValue: UInt32

    /// A set from its bits.
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Bytes, a connection, or the end can be read.
    package static let reading = Readiness(rawValue: UInt32(daybook_ready_read))
    /// Bytes can be written.
    package static let writing = Readiness(rawValue: UInt32(daybook_ready_write))
    /// Both ends are shut or the descriptor failed. Always reported, never asked for.
    package static let hangup = Readiness(rawValue: UInt32(daybook_ready_hangup))
    /// Report a change once, not as long as it lasts.
    package static let edgeTriggered = Readiness(
        rawValue: UInt32(daybook_edge_triggered))
}

/// Waits for many descriptors at once (epoll). One thread waits; any thread may add and change.
package struct Poller: Sendable {
    /// One descriptor is ready.
    package struct Event: Sendable {
        /// The number that was given with the descriptor.
        package let token: UInt64
        /// What it is ready for.
        package let readiness: Readiness
    }

    private let descriptor: Int32

    /// Makes a poller.
    package init() throws(SystemFailure) {
        descriptor = try checked(.epoll, "epoll", daybook_epoll_create())
    }

    /// Watches a descriptor; events carry `token`.
    package func add(
        _ watched: Int32, token: UInt64, _ interest: Readiness
    ) throws(SystemFailure) {
        _ = try checked(
            .epoll, "epoll",
            daybook_epoll_set(descriptor, watched, token, interest.rawValue, 1))
    }

    /// Changes what is watched for.
    package func change(
        _ watched: Int32, token: UInt64, _ interest: Readiness
    ) throws(SystemFailure) {
        _ = try checked(
            .epoll, "epoll",
            daybook_epoll_set(descriptor, watched, token, interest.rawValue, 0))
    }

    /// Watches no more. Closing the descriptor does the same.
    package func remove(_ watched: Int32) throws(SystemFailure) {
        _ = try checked(.epoll, "epoll", daybook_epoll_remove(descriptor, watched))
    }

    /// Waits for events, at most 256, and puts them into `events`.
    /// - Parameter timeout: milliseconds; nil waits for ever, 0 only looks.
    /// - Returns: how many; 0 when the time is up or a signal came.
    package func wait(
        into events: inout [Event], timeout: Int32? = nil
    ) throws(SystemFailure) -> Int {
        events.removeAll(keepingCapacity: true)
        let answer = unsafe withUnsafeTemporaryAllocation(of: daybook_event.self, capacity: 256) {
            buffer -> Int32 in
            let count = unsafe daybook_epoll_wait(
                descriptor, buffer.baseAddress, Int32(buffer.count), timeout ?? -1)
            for index in 0..<Int(max(0, count)) {
                let ready = unsafe buffer[index]
                events.append(
                    Event(token: ready.token, readiness: Readiness(rawValue: ready.bits)))
            }
            return count
        }
        if answer == -EINTR { return 0 }
        return Int(try checked(.epoll, "epoll", answer))
    }

    /// Closes the poller.
    package func close() { _ = daybook_close(descriptor) }
}

/// Wakes a thread that waits in a `Poller` (eventfd).
package struct WakeUp: Sendable {
    /// The descriptor, to be watched for reading.
    package let descriptor: Int32

    /// Makes one, unsignalled.
    package init() throws(SystemFailure) {
        descriptor = try checked(.eventfd, "eventfd", daybook_eventfd_create())
    }

    /// Makes the descriptor readable. From any thread.
    package func signal() {
        let answer = daybook_eventfd_signal(descriptor)
        precondition(answer == 0, "an eventfd could not be signalled: errno \(-answer)")
    }

    /// Makes it unreadable until the next signal.
    package func clear() { _ = daybook_eventfd_clear(descriptor) }

    /// Closes the descriptor.
    package func close() { _ = daybook_close(descriptor) }
}

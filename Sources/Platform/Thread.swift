import CDaybook

/// A thread of the operating system. Work that waits for a disk runs on one of these, never on
/// Swift's cooperative pool: that has one thread a core, and one slow flush would stop the process.
package struct Thread: Sendable {
    private let identifier: UInt64

    /// Starts a thread.
    /// - Parameter name: shown by `top -H`; 15 bytes at most are kept.
    package static func spawn(name: String, _ body: @escaping @Sendable () -> Void) -> Thread {
        let box = unsafe Unmanaged.passRetained(Body(body))
        var identifier: UInt64 = 0
        let answer = unsafe daybook_thread_spawn(
            name,
            { context in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
            }, box.toOpaque(), &identifier)
        precondition(answer == 0, "a thread could not be started: errno \(-answer)")
        return Thread(identifier: identifier)
    }

    /// Lets all other threads of the process go first, for work that nobody waits for. Where it is not
    /// allowed, the thread goes on as before.
    package static func yieldPriority() { _ = daybook_thread_yield_priority() }

    /// Waits until the thread has ended. Call once.
    package func join() {
        let answer = daybook_thread_join(identifier)
        precondition(answer == 0, "a thread was joined twice: errno \(-answer)")
    }

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}

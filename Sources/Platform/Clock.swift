import CDaybook

/// Where wall-clock time enters. A seam: tests set it, folds never see it.
package protocol Clock: Sendable {
    /// Nanoseconds since 1970 UTC. May go back between two calls.
    func wallNanoseconds() -> Int64
}

/// The machine's clock.
package struct SystemClock: Clock {
    /// The one there is.
    package init() {}

    /// Nanoseconds since 1970 UTC, as the kernel has them.
    package func wallNanoseconds() -> Int64 { daybook_wall_clock() }
}

/// Time that only goes forward, for waiting and measuring.
package enum MonotonicClock {
    /// Nanoseconds since some moment before the process started.
    package static func nanoseconds() -> Int64 { daybook_monotonic_clock() }
}

/// Where randomness enters.
package protocol RandomSource: Sendable {
    /// `count` random bytes that nobody can predict.
    func bytes(_ count: Int) throws(SystemFailure) -> [UInt8]
}

extension RandomSource {
    /// 64 random bits.
    package func integer() throws(SystemFailure) -> UInt64 {
        try bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// The kernel's random bytes.
package struct SystemRandom: RandomSource {
    /// The one there is.
    package init() {}

    /// From `getrandom`.
    package func bytes(_ count: Int) throws(SystemFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let answer = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe daybook_random(buffer.baseAddress, buffer.count)
        }
        _ = try checked(.random, "random bytes", answer)
        return bytes
    }
}

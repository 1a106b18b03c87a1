package import Platform

/// What a system call does instead of succeeding.
package enum Fault: Sendable, Equatable {
    /// Fails with this errno and does nothing.
    case failure(Int32)
    /// Transfers only this many bytes of a read or write, at least one.
    case short(Int)
    /// Transfers all but this many bytes of a read or write.
    case allBut(Int)
    /// Of a flush: succeeds, and the device has another byte at this offset than it was given.
    case rot(Int)
}

/// Which calls fail: the `nth` of those that match, counted from 0, or that one and all after it.
package struct FaultRule: Sendable {
    /// The call; nil matches all.
    package var call: SystemCall?
    /// A part of the path; empty matches all.
    package var pathPart: String
    /// Matching calls that succeed first.
    package var nth: Int
    /// Whether later matching calls fail as well.
    package var isSticky: Bool
    /// What happens.
    package var fault: Fault

    /// A rule.
    package init(
        _ fault: Fault, call: SystemCall? = nil, pathPart: String = "", nth: Int = 0,
        isSticky: Bool = false
    ) {
        self.fault = fault
        self.call = call
        self.pathPart = pathPart
        self.nth = nth
        self.isSticky = isSticky
    }
}

/// What a file system does with pages that it could not write.
package enum FailedFlush: Sendable, CaseIterable {
    /// Keeps the new bytes in memory and calls them clean, as ext4 does: reading sees them, the
    /// disk never will.
    case keepsNewBytesAsClean
    /// Forgets the new bytes, as Btrfs does.
    case revertsToOldBytes
    /// Writes all of it and reports the failure all the same.
    case hadWrittenAll
}

/// Numbers that a seed determines: SplitMix64.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// A generator that repeats itself for the same seed.
    package init(_ seed: UInt64) { state = seed }

    /// The next number.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Random bytes for a store that a seed determines.
package final class SeededSource: RandomSource {
    private let generator: Monitor<SeededRandom>

    /// A source that repeats itself for the same seed.
    package init(_ seed: UInt64) { generator = Monitor(SeededRandom(seed)) }

    package func bytes(_ count: Int) throws(SystemFailure) -> [UInt8] {
        generator.withLock { random in (0..<count).map { _ in UInt8(random.next() >> 56) } }
    }
}

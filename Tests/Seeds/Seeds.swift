import Foundation

/// A generator that gives the same numbers for the same seed (SplitMix64 of Steele, Lea and Flood).
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    /// A generator at its first number.
    package init(_ seed: UInt64) { state = seed }

    /// 64 bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

/// Seeds of property tests: some fixed and a fresh one. A failing test names its seed, which is its
/// argument; `DAYBOOK_TEST_SEED=…` runs that one alone.
package enum Seeds {
    /// The seeds of this run.
    package static let all: [UInt64] = {
        let given = ProcessInfo.processInfo.environment["DAYBOOK_TEST_SEED"].flatMap { UInt64($0) }
        return given.map { [$0] } ?? [1, 2, 3, UInt64.random(in: 4...UInt64.max)]
    }()
}

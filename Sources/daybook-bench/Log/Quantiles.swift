import Platform

/// Times of the same work again and again.
struct Times {
    private var sorted: [Int64]

    /// - Parameter nanoseconds: at least one.
    init(_ nanoseconds: [Int64]) {
        precondition(!nanoseconds.isEmpty, "something was measured")
        sorted = nanoseconds.sorted()
    }

    /// Runs a piece of work some times.
    static func of(_ runs: Int, _ body: (_ run: Int) throws -> Void) rethrows -> Times {
        Times(
            try (0..<runs).map { run in
                let begun = MonotonicClock.nanoseconds()
                try body(run)
                return MonotonicClock.nanoseconds() - begun
            })
    }

    /// Nanoseconds that a share of the runs, of a thousand, stayed at or below.
    func at(_ thousandths: Int) -> Int64 {
        sorted[min(sorted.count - 1, sorted.count * thousandths / 1_000)]
    }

    /// Nanoseconds of the median run.
    var median: Int64 { at(500) }

    /// Median and high quantiles in microseconds with two decimals.
    var text: String {
        "p50 \(Self.micros(at(500))) µs, p99 \(Self.micros(at(990))) µs, "
            + "p99.9 \(Self.micros(at(999))) µs, longest \(Self.micros(at(1_000))) µs"
    }

    static func micros(_ nanoseconds: Int64) -> String { Stopwatch.two(Double(nanoseconds) / 1e3) }
    static func millis(_ nanoseconds: Int64) -> String { Stopwatch.two(Double(nanoseconds) / 1e6) }
}

/// CPU of the whole process and memory between two moments.
struct Effort {
    private let before = Platform.Process.usage()

    /// Seconds of CPU since it was made.
    var cpuSeconds: Double {
        let now = Platform.Process.usage()
        let used =
            now.userNanoseconds + now.systemNanoseconds - before.userNanoseconds
            - before.systemNanoseconds
        return Double(used) / 1e9
    }

    /// Bytes that more of the process are in memory than when it was made.
    var residentBytes: Int64 { Platform.Process.usage().residentBytes - before.residentBytes }
}

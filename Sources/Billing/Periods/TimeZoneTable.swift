/// The offsets of a time zone from UTC, as they stand in a catalog.
///
/// A bill must come out the same on every machine and in every year, so the rules that held when a
/// catalog was published are kept in it. The machine's own time zones are never asked afterwards.
package struct TimeZoneTable: Hashable, Sendable {
    /// IANA name.
    package let name: String
    /// Ascending; the first holds for all time before the second.
    package let transitions: [Transition]

    /// From when an offset holds.
    package struct Transition: Hashable, Sendable {
        /// Seconds since 1970-01-01T00:00:00Z.
        package let from: Int64
        /// Local time minus UTC, in seconds; less than a day either way.
        package let offset: Int32

        /// A transition.
        package init(from: Int64, offset: Int32) {
            self.from = from
            self.offset = offset
        }
    }

    /// A table; of no transitions it is UTC.
    package init(name: String, transitions: [Transition]) {
        self.name = name
        self.transitions = transitions
    }

    /// UTC.
    package static let utc = TimeZoneTable(name: "UTC", transitions: [])

    /// Local time minus UTC at an instant, in seconds.
    package func offset(at time: Timestamp) -> Int64 {
        run(at: Timestamp.split(time.nanoseconds, 1_000_000_000).0).offset
    }

    /// A run of time in which one offset holds: [from, end), in seconds; nil: without a bound.
    struct Run {
        let index: Int
        let from: Int64?
        let end: Int64?
        let offset: Int64
    }

    /// The run in which a second lies.
    func run(at second: Int64) -> Run {
        var lower = 0
        var upper = transitions.count
        while lower < upper {
            let middle = (lower + upper) / 2
            if transitions[middle].from <= second { lower = middle + 1 } else { upper = middle }
        }
        return run(max(0, lower - 1))
    }

    /// The run that the transition with this index begins. The first began before all time.
    func run(_ index: Int) -> Run {
        guard index < transitions.count else {
            return Run(index: 0, from: nil, end: nil, offset: 0)
        }
        let next = index + 1 < transitions.count ? transitions[index + 1].from : nil
        return Run(
            index: index, from: index == 0 ? nil : transitions[index].from, end: next,
            offset: Int64(transitions[index].offset))
    }
}

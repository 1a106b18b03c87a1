/// The offsets of a time zone from UTC, as they stand in a catalog: no fold asks the machine.
package struct TimeZoneTable: Hashable, Sendable {
    /// IANA name.
    package let name: String
    /// Ascending; the first holds for all time before the second.
    package let transitions: [Transition]

    /// From when an offset holds.
    package struct Transition: Hashable, Sendable {
        /// Seconds since 1970-01-01T00:00:00Z.
        package let from: Int64
        /// Local time minus UTC, in seconds.
        package let offset: Int32

        /// A transition.
        package init(from: Int64, offset: Int32) {
            self.from = from
            self.offset = offset
        }
    }

    /// A table; without transitions it is UTC.
    package init(name: String, transitions: [Transition]) {
        self.name = name
        self.transitions = transitions
    }

    /// UTC.
    package static let utc = TimeZoneTable(name: "UTC", transitions: [])

    /// Local time minus UTC at an instant, in seconds.
    package func offset(at time: Timestamp) -> Int64 {
        guard let first = transitions.first else { return 0 }
        let seconds = Timestamp.split(time.nanoseconds, 1_000_000_000).0
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].from <= seconds { low = middle + 1 } else { high = middle }
        }
        return Int64(low == 0 ? first.offset : transitions[low - 1].offset)
    }

    /// What the clocks show at an instant.
    package func local(_ time: Timestamp) -> LocalTime {
        let (seconds, nanoseconds) = Timestamp.split(time.nanoseconds, 1_000_000_000)
        let (days, second) = Timestamp.split(seconds + offset(at: time), 86_400)
        return LocalTime(
            date: CivilDate(daysSinceEpoch: Int(days)),
            nanoseconds: second * 1_000_000_000 + nanoseconds)
    }

    /// The instant at which the clocks show a time: of two the first; of a time that the clocks leap
    /// over, the instant of the leap. Beyond the range of timestamps, its nearest end.
    package func instant(of local: LocalTime) -> Timestamp {
        let (second, nanoseconds) = Timestamp.split(local.nanoseconds, 1_000_000_000)
        let wall = Int64(local.date.daysSinceEpoch) * 86_400 + second
        guard let first = transitions.first else { return Self.timestamp(wall, nanoseconds) }
        // The offsets that hold around it: that of each transition near enough to matter.
        var offset = Int64(first.offset)
        var previous: Int64?
        for transition in transitions {
            // As long as the clocks show less than `wall` just before this transition, it has passed.
            let isFirst = previous == nil
            if !isFirst, transition.from + offset > wall {
                break
            }
            if !isFirst, transition.from + Int64(transition.offset) > wall {
                // The clocks leap over it.
                return Self.timestamp(transition.from, 0)
            }
            offset = Int64(transition.offset)
            previous = transition.from
        }
        return Self.timestamp(wall - offset, nanoseconds)
    }

    /// The first instant of the local day in which an instant lies.
    package func startOfDay(containing time: Timestamp) -> Timestamp {
        instant(of: LocalTime(date: local(time).date, nanoseconds: 0))
    }

    private static func timestamp(_ seconds: Int64, _ nanoseconds: Int64) -> Timestamp {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, over) = product.addingReportingOverflow(nanoseconds)
        guard !overflow, !over else { return seconds < 0 ? .min : .max }
        return Timestamp(nanoseconds: sum)
    }
}

/// What the clocks of a place show.
package struct LocalTime: Hashable, Sendable {
    /// The date.
    package let date: CivilDate
    /// Since midnight, as the clocks count: 0…86,399,999,999,999.
    package let nanoseconds: Int64

    /// A local time.
    package init(date: CivilDate, nanoseconds: Int64) {
        self.date = date
        self.nanoseconds = nanoseconds
    }
}

extension Timestamp {
    /// The beginning of time.
    package static let min = Timestamp(nanoseconds: .min)
    /// The end of time.
    package static let max = Timestamp(nanoseconds: .max)
}

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
        /// Local time minus UTC, in seconds; less than a day either way.
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
    package func offset(at time: Timestamp) -> Int64 { run(at: time).offset }

    /// A stretch of time in which one offset holds.
    struct Run {
        /// Of its transition.
        let index: Int
        /// Its first second; nil: it began before all time.
        let from: Int64?
        /// The first second after it; nil: it never ends.
        let end: Int64?
        /// Local time minus UTC, in seconds.
        let offset: Int64
    }

    /// The stretch in which an instant lies.
    func run(at time: Timestamp) -> Run {
        let second = Timestamp.split(time.nanoseconds, 1_000_000_000).0
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].from <= second { low = middle + 1 } else { high = middle }
        }
        return run(max(0, low - 1))
    }

    /// The stretch that a transition begins.
    func run(_ index: Int) -> Run {
        guard index < transitions.count else {
            return Run(index: 0, from: nil, end: nil, offset: 0)
        }
        let next = index + 1
        return Run(
            index: index, from: index == 0 ? nil : transitions[index].from,
            end: next < transitions.count ? transitions[next].from : nil,
            offset: Int64(transitions[index].offset))
    }
}

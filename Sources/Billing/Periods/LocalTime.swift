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

    /// The instant, or the nearest that can be represented.
    init(clamping nanoseconds: Int128) {
        self.init(nanoseconds: Int64(clamping: nanoseconds))
    }
}

extension TimeZoneTable {
    private static let second: Int64 = 1_000_000_000
    private static let day: Int128 = 86_400_000_000_000

    /// What the clocks show at an instant.
    package func local(_ time: Timestamp) -> LocalTime {
        let (seconds, nanoseconds) = Timestamp.split(time.nanoseconds, Self.second)
        let (days, second) = Timestamp.split(seconds + offset(at: time), 86_400)
        return LocalTime(
            date: CivilDate(daysSinceEpoch: Int(days)),
            nanoseconds: second * Self.second + nanoseconds)
    }

    /// The first instant at which the clocks show a time or a later one: of a time that comes twice
    /// the first, of one that the clocks leap over the instant of the leap. So a later local time
    /// never gives an earlier instant. Beyond the range of timestamps, its nearest end.
    package func instant(of local: LocalTime) -> Timestamp {
        let wall = Int128(local.date.daysSinceEpoch) * Self.day + Int128(local.nanoseconds)
        // No offset is a day or more, so no clock shows the time before this.
        var run = run(at: Timestamp(clamping: wall - Self.day))
        while let end = run.end, Self.nanoseconds(end) + Self.nanoseconds(run.offset) <= wall {
            run = self.run(run.index + 1)
        }
        let instant = wall - Self.nanoseconds(run.offset)
        guard let from = run.from else { return Timestamp(clamping: instant) }
        return Timestamp(clamping: max(instant, Self.nanoseconds(from)))
    }

    /// The local day in which an instant lies, in days since 1970: the last that has begun.
    ///
    /// It is the local date but for one case. Where the clocks go back over a midnight that they have
    /// shown already (St. John's until 2011, at 00:01), the date before comes back for an hour. The
    /// new day goes on then: no day is in two pieces, and a later instant is never of an earlier day.
    package func day(containing time: Timestamp) -> Int {
        let date = local(time).date.daysSinceEpoch
        return start(ofDay: date + 1) <= time && time < .max ? date + 1 : date
    }

    /// The first instant of the local day in which an instant lies.
    package func startOfDay(containing time: Timestamp) -> Timestamp {
        start(ofDay: day(containing: time))
    }

    /// Midnight, or the first instant after it where the clocks leap over it.
    private func start(ofDay day: Int) -> Timestamp {
        instant(of: LocalTime(date: CivilDate(daysSinceEpoch: day), nanoseconds: 0))
    }

    private static func nanoseconds(_ seconds: Int64) -> Int128 {
        Int128(seconds) * Int128(second)
    }
}

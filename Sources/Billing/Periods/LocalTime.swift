/// What a clock on the wall shows: a date and the time since its midnight.
package struct LocalTime: Hashable, Sendable {
    /// The date.
    package let date: CivilDate
    /// Nanoseconds on the clock, 0 up to a day.
    package let nanosecondOfDay: Int64

    /// A local time.
    package init(date: CivilDate, nanosecondOfDay: Int64 = 0) {
        self.date = date
        self.nanosecondOfDay = nanosecondOfDay
    }

    /// Nanoseconds since 1970-01-01T00:00 on the same clock.
    var nanoseconds: Int128 {
        Int128(date.daysSinceEpoch) * Self.day + Int128(nanosecondOfDay)
    }

    /// A day of 24 hours in nanoseconds.
    static let day: Int128 = 86_400_000_000_000
}

extension Timestamp {
    /// The instant, or the nearest that can be represented.
    init(clamping nanoseconds: Int128) {
        self.init(nanoseconds: Int64(clamping: nanoseconds))
    }
}

extension TimeZoneTable {
    /// What the clocks of the zone show at an instant.
    package func local(_ time: Timestamp) -> LocalTime {
        let clock = self.clock(at: time)
        let day = Int64(clock >= 0 ? clock / LocalTime.day : (clock + 1) / LocalTime.day - 1)
        return LocalTime(
            date: CivilDate(daysSinceEpoch: Int(day)),
            nanosecondOfDay: Int64(clock - Int128(day) * LocalTime.day))
    }

    /// The first instant at which the clocks of the zone show this time or a later one. So a time
    /// that occurs twice is its first occurrence, and one that is skipped is the first instant after
    /// the gap. A later local time never gives an earlier instant. Beyond the range of timestamps:
    /// its nearest end.
    package func instant(of local: LocalTime) -> Timestamp {
        let wanted = local.nanoseconds
        // Offsets are less than a day, so no clock shows the time before this.
        let earliest = Timestamp(clamping: wanted - LocalTime.day)
        var run = self.run(at: Timestamp.split(earliest.nanoseconds, Self.second).0)
        while let end = run.end, Self.nanoseconds(end + run.offset) <= wanted {
            run = self.run(run.index + 1)
        }
        let instant = wanted - Self.nanoseconds(run.offset)
        guard let from = run.from else { return Timestamp(clamping: instant) }
        return Timestamp(clamping: max(instant, Self.nanoseconds(from)))
    }

    /// The first instant of a local day: midnight, or what comes after it where it is skipped.
    /// - Parameter day: days since 1970-01-01.
    package func start(ofDay day: Int) -> Timestamp {
        instant(of: LocalTime(date: CivilDate(daysSinceEpoch: day)))
    }

    /// The local day in which an instant lies, in days since 1970-01-01: the last that has begun.
    ///
    /// This is the local date but for one case: where clocks go back over a midnight that they have
    /// shown already, the old date comes back for some minutes. The new day goes on then: a day is
    /// never in two pieces.
    package func day(containing time: Timestamp) -> Int {
        let date = local(time).date.daysSinceEpoch
        return start(ofDay: date + 1) <= time && time.nanoseconds != .max ? date + 1 : date
    }

    /// The first instant of the local day in which an instant lies.
    package func startOfDay(containing time: Timestamp) -> Timestamp {
        start(ofDay: day(containing: time))
    }

    /// The first instant of the local day after that in which an instant lies. A date that the
    /// zone skipped as a whole is passed over.
    package func nextDay(after time: Timestamp) -> Timestamp {
        var day = self.day(containing: time) + 1
        var next = start(ofDay: day)
        while next <= time, next.nanoseconds != .max {
            day += 1
            next = start(ofDay: day)
        }
        return next
    }

    /// What the clocks show, in nanoseconds since 1970-01-01T00:00 on them.
    func clock(at time: Timestamp) -> Int128 {
        Int128(time.nanoseconds) + Self.nanoseconds(offset(at: time))
    }

    private static let second: Int64 = 1_000_000_000

    private static func nanoseconds(_ seconds: Int64) -> Int128 {
        Int128(seconds) * Int128(second)
    }
}

/// The windows in which a meter may be aggregated by itself.
///
/// A window begins whenever the zone's clocks show a full hour or a new day. So the hour that occurs
/// twice when daylight saving ends is two windows, and a day has 23, 24 or 25 of them. Where clocks
/// are set by half an hour (Lord Howe), the window of the change has an hour and a half.
extension MeterTerms.Window {
    /// The first instant of the window in which an instant lies.
    package func start(containing time: Timestamp, zone: TimeZoneTable) -> Timestamp {
        switch self {
        case .day: zone.startOfDay(containing: time)
        case .hour: zone.fullHour(before: time)
        }
    }

    /// The first instant of the window after that in which an instant lies.
    package func next(after time: Timestamp, zone: TimeZoneTable) -> Timestamp {
        switch self {
        case .day: zone.nextDay(after: time)
        case .hour: zone.fullHour(after: time)
        }
    }

    /// Hands over, in order, the windows that a span meets, each cut to the span.
    package func forEach<Failure: Error>(
        in span: Period, zone: TimeZoneTable, _ body: (Period) throws(Failure) -> Void
    ) throws(Failure) {
        var start = span.start
        while start < span.end {
            let end = min(next(after: start, zone: zone), span.end)
            try body(Period(start: start, end: end))
            start = end
        }
    }
}

extension TimeZoneTable {
    private static let hour: Int64 = 3600
    private static let second: Int128 = 1_000_000_000

    /// The last instant up to this one at which the clocks show a full hour.
    fileprivate func fullHour(before time: Timestamp) -> Timestamp {
        var second = Timestamp.split(time.nanoseconds, 1_000_000_000).0
        var run = self.run(at: second)
        while true {
            let (_, passed) = Timestamp.split(second + run.offset, Self.hour)
            let start = second - passed
            guard let from = run.from, start < from else {
                return Timestamp(clamping: Int128(start) * Self.second)
            }
            second = from - 1
            run = self.run(run.index - 1)
        }
    }

    /// The first instant after this one at which the clocks show a full hour.
    fileprivate func fullHour(after time: Timestamp) -> Timestamp {
        var second = Timestamp.split(time.nanoseconds, 1_000_000_000).0
        var run = self.run(at: second)
        while true {
            let (_, passed) = Timestamp.split(second + run.offset, Self.hour)
            let next = second + Self.hour - passed
            guard let end = run.end, next >= end else {
                return Timestamp(clamping: Int128(next) * Self.second)
            }
            run = self.run(run.index + 1)
            second = end
            // The clocks may show a full hour at the very change.
            if Timestamp.split(end + run.offset, Self.hour).1 == 0 {
                return Timestamp(clamping: Int128(end) * Self.second)
            }
        }
    }
}

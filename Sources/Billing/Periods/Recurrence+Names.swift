/// What periods are called on invoices and on the command line.
extension Recurrence {
    /// The name of a period: `2026-03` for a calendar month, else the local date of its start,
    /// `2026-03-15`. A calendar month that began late, because a plan with other periods ended
    /// within it, has the date of its start too: otherwise both would have one name.
    package func periodName(_ period: Period) -> String {
        let date = Self.named(zone.local(period.start).date)
        let isMonth = isCalendar && unit == .month && count == 1
        guard isMonth, self.period(containing: period.start).start == period.start else {
            return date
        }
        return String(date.dropLast(3))
    }

    /// The period with a name.
    /// - Parameter text: `2026-03-15`: the period that starts on that local date; `2026-03`: the
    ///   one that starts in that local month. Years 1678 to 2261.
    /// - Returns: nil when it is neither, no period starts then, or several do in the month.
    package func period(named text: String) -> Period? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3,
            parts[0].utf8.count == 4, parts.dropFirst().allSatisfy({ $0.utf8.count == 2 }),
            parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } })
        else { return nil }
        let numbers = parts.compactMap { Int($0) }
        guard (1678...2261).contains(numbers[0]), (1...12).contains(numbers[1]) else { return nil }
        let month = CivilDate(year: numbers[0], month: numbers[1], day: 1)
        guard numbers.count == 3 else {
            let first = month.daysSinceEpoch
            return onlyPeriod(startingFrom: first, before: first + month.daysInMonth)
        }
        guard (1...month.daysInMonth).contains(numbers[2]) else { return nil }
        let day = month.daysSinceEpoch + numbers[2] - 1
        return onlyPeriod(startingFrom: day, before: day + 1)
    }

    /// The one period that starts in a run of local days.
    private func onlyPeriod(startingFrom first: Int, before last: Int) -> Period? {
        let lower = zone.start(ofDay: first)
        let upper = zone.start(ofDay: last)
        var found = period(containing: lower)
        if found.start < lower { found = period(containing: found.end) }
        return found.start < upper && found.end >= upper ? found : nil
    }

    private static func named(_ date: CivilDate) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(date.year)-\(two(date.month))-\(two(date.day))"
    }
}

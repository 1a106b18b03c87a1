import Money
import Testing

/// The sheets of `Fixtures/pricing`: rows that a billing person can check.
@Suite struct PriceSheetTests {
    @Test func totalsHold() throws {
        let rows = try PriceSheet.rows("totals.csv")
        #expect(rows.count > 90)
        for row in rows {
            let total = try total(row)
            let expected = try #require(Quantity(row.expected))
            #expect(total == Fraction(expected), "\(row.name): \(total)")
        }
    }

    @Test func linesAreRoundedOnce() throws {
        let rows = try PriceSheet.rows("rounding.csv")
        #expect(rows.count > 10)
        for row in rows {
            let words = row.expected.split(separator: " ").map(String.init)
            let currency = try #require(Currency(code: words[1]))
            let line = try total(row).rounded(to: currency)
            #expect(line?.description == words[0], "\(row.name)")
        }
    }

    /// A percentage is folded over the events; what each adds is its price.
    @Test func percentagesOfEventsHold() throws {
        let rows = try PriceSheet.rows("events.csv")
        #expect(rows.count > 20)
        for row in rows {
            guard case .percentage(let percentage) = row.price.model else {
                throw PriceSheet.Fault.line(row.name)
            }
            var run = PercentageRun(percentage, allowsNegative: row.price.creditsCorrections)
            var last = Fraction.zero
            for value in row.usage.split(separator: " ") {
                last = run.add(try #require(Quantity(String(value))))
                #expect(last == run.total)
            }
            #expect(last == Fraction(try #require(Quantity(row.expected))), "\(row.name): \(last)")
        }
    }

    @Test func levelsOverTimeHold() throws {
        let rows = try PriceSheet.rows("levels.csv")
        #expect(rows.count > 18)
        for row in rows {
            let levels = try row.usage.split(separator: ";").map { try level(String($0)) }
            let all = levels.map(\.level)
            #expect(row.price.model.isProratable)
            let total = row.price.model.prorated(
                levels, end: all.last ?? .zero, peak: all.max() ?? .zero)
            let cents = total.rounded(to: .usDollar)?.description
            #expect(cents == row.expected, "\(row.name): \(total)")
        }
    }

    private func total(_ row: PriceSheet.Row) throws -> Fraction {
        row.price.model.total(
            Fraction(try #require(Quantity(row.usage))),
            allowsNegative: row.price.creditsCorrections)
    }

    /// `L for N/D`.
    private func level(_ text: String) throws -> (level: Fraction, weight: Fraction) {
        let words = text.split(separator: " ").map(String.init)
        let share = try #require(words.last).split(separator: "/").compactMap { Int128($0) }
        guard words.count == 3, words[1] == "for", share.count == 2 else {
            throw PriceSheet.Fault.line(text)
        }
        return (
            Fraction(try #require(Quantity(words[0]))), Fraction(share[0], over: share[1])
        )
    }
}

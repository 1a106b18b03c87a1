import Money
import Testing

/// ISO 4217 codes and their minor units.
@Suite struct CurrencyTests {
    @Test(arguments: [
        ("USD", 2), ("EUR", 2), ("CHF", 2), ("XCG", 2), ("ZWG", 2), ("JPY", 0), ("KRW", 0),
        ("ISK", 0), ("VND", 0), ("KWD", 3), ("TND", 3), ("LYD", 3), ("CLF", 4), ("UYW", 4),
        ("MRU", 2), ("MGA", 2), ("AED", 2), ("UZS", 2), ("BIF", 0), ("XPF", 0),
    ])
    func hasAnExponent(code: String, exponent: Int) {
        #expect(Currency(code: code)?.exponent == exponent)
        #expect(Currency(code: code)?.code == code)
    }

    @Test(arguments: [
        "", "US", "USDX", "usd", "Usd", "XAU", "XX" + "X", "XTS", "DEM", "U D", "D E", " US", "SD ",
        "EUR ", "\u{212A}", "€", "USD AED", "AAA",
    ])
    func isNone(code: String) {
        #expect(Currency(code: code) == nil)
    }

    @Test(
        arguments: [
            ("USD", 0, "0.00"), ("USD", 5, "0.05"), ("USD", -5, "-0.05"),
            ("USD", 123_456, "1234.56"),
            ("JPY", 1001, "1001"), ("JPY", -1, "-1"), ("KWD", 1, "0.001"),
            ("CLF", -12_345, "-1.2345"),
        ] as [(String, Int, String)])
    func amountsPrint(code: String, minorUnits: Int, text: String) throws {
        let currency = try #require(Currency(code: code))
        let amount = Amount(minorUnits: Int128(minorUnits), currency: currency)
        #expect(amount.description == text)
        #expect(amount.exact.rounded(to: currency) == amount)
    }

    @Test(arguments: ["JPY", "USD", "KWD", "CLF"])
    func theEndsOfTheRangeAreExact(code: String) throws {
        let currency = try #require(Currency(code: code))
        for units in [Int128.min, .max] {
            let amount = Amount(minorUnits: units, currency: currency)
            #expect(amount.exact.rounded(to: currency) == amount)
        }
        let most = Amount(minorUnits: .max, currency: currency)
        #expect(most.adding(Amount(minorUnits: 1, currency: currency)) == nil)
    }
}

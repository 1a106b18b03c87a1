/// A currency of ISO 4217 with the exponent of its minor unit.
package struct Currency: Hashable, Sendable {
    /// Three capital letters.
    package let code: String
    /// Decimals of the minor unit: 2 for USD, 0 for JPY, 3 for KWD.
    package let exponent: Int

    /// The currency with this code; nil if ISO 4217 has none such with a minor unit.
    package init?(code: String) {
        let words = " " + code + " "
        guard code.utf8.count == 3 else { return nil }
        for (exponent, list) in Self.lists where (" " + list + " ").contains(words) {
            self.code = code
            self.exponent = exponent
            return
        }
        return nil
    }

    /// Active codes by exponent, ISO 4217 list one.
    private static let lists: [(Int, String)] = [
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
        (
            2,
            "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP "
                + "BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN "
                + "ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR "
                + "JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP "
                + "MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR "
                + "PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP "
                + "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER "
                + "ZAR ZMW ZWG"
        ),
    ]
}

/// Money rounded to a currency's minor unit: what stands on an invoice.
package struct Amount: Hashable, Sendable, CustomStringConvertible {
    /// Cents, yen, fils …
    package let minorUnits: Int128
    /// Of which currency.
    package let currency: Currency

    /// An amount.
    package init(minorUnits: Int128, currency: Currency) {
        self.minorUnits = minorUnits
        self.currency = currency
    }

    /// The sum of two amounts of one currency; nil out of range.
    package func adding(_ other: Amount) -> Amount? {
        precondition(currency == other.currency, "amounts of two currencies have no sum")
        let (sum, overflow) = minorUnits.addingReportingOverflow(other.minorUnits)
        return overflow ? nil : Amount(minorUnits: sum, currency: currency)
    }

    /// The same amount, exact.
    package var exact: ExactAmount {
        let factor = Digits.power(24 - currency.exponent) ?? 1
        return ExactAmount(
            product: Quantity(units: minorUnits), Quantity(units: factor))
    }

    /// With the currency's decimals: `55.90`, `1001`.
    package var description: String {
        Digits.text(minorUnits.magnitude, currency.exponent, minorUnits < 0)
    }
}

extension Currency {
    /// The US dollar.
    package static let usDollar = Currency(listed: "USD", exponent: 2)

    private init(listed code: String, exponent: Int) {
        self.code = code
        self.exponent = exponent
    }
}

extension Amount {
    /// Reads what `description` writes: digits with at most the currency's decimals.
    package init?(_ text: String, currency: Currency) {
        guard let number = DecimalNumber(text), number.scale <= currency.exponent,
            let factor = Digits.power(currency.exponent - number.scale)
        else { return nil }
        let (units, overflow) = number.mantissa.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        self.init(minorUnits: units, currency: currency)
    }
}

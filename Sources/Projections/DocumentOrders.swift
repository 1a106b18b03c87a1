package import Billing
package import Codec
import Money
package import SegmentedLog

/// What a finalised invoice says that later invoices depend on, read from its document.
package struct FinaliseOrder {
    /// The period's name.
    package let name: String
    /// The period.
    package let period: Period
    /// Entries before this position are on it.
    package let through: Position
    /// Among all documents, from 1.
    package let number: UInt64
    /// What goes on to the next invoice; nil: nothing.
    package let carried: Invoices.Balance?
    /// ISO 4217: balances in another one are not on it, and stay.
    package let currency: String
    /// The sum of its lines, in minor units.
    package let total: Int128
    /// What the account's wallet pays of it, in minor units, zero or more.
    package let drawn: Int128

    /// Reads a document.
    package static func read(_ record: borrowing RecordView) -> Result<FinaliseOrder, Refusal> {
        guard let name = record.string(["name"]),
            let start = record.string(["period", "start"]).flatMap({ Timestamp(rfc3339: $0) }),
            let end = record.string(["period", "end"]).flatMap({ Timestamp(rfc3339: $0) }),
            start <= end, let through = record.ordinal(["through"]),
            let number = record.ordinal(["number"])
        else { return .failure(.bad("period", "the document names no period or position")) }
        var carried: Invoices.Balance?
        if let text = record.string(["carried"]) {
            guard let balance = Invoices.Balance(text, record.string(["currency"])) else {
                return .failure(.bad("carried", "is no amount"))
            }
            carried = balance.minorUnits == 0 ? nil : balance
        }
        let currency = record.string(["currency"])
        func amount(_ path: [String]) -> Int128? {
            guard let text = record.string(path) else { return 0 }
            return Invoices.Balance(text, currency)?.minorUnits
        }
        guard let drawn = amount(["wallet", "drawn"]), drawn >= 0 else {
            return .failure(.bad("wallet", "what is drawn is no amount"))
        }
        return .success(
            FinaliseOrder(
                name: name, period: Period(start: start, end: end), through: through,
                number: number, carried: carried, currency: currency ?? "",
                total: amount(["total"]) ?? 0, drawn: drawn))
    }
}

/// What a credit note says that later invoices depend on, read from its document.
package struct CreditNoteOrder {
    /// Among all documents, from 1.
    package let number: UInt64
    /// The name of the period whose invoice it takes off.
    package let invoice: String
    /// The line.
    package let line: String
    /// What it takes off the line before tax, in minor units, above zero.
    package let net: Int128
    /// What the line charged, in minor units.
    package let lineAmount: Int128
    /// What it gives back with tax, as an amount below zero.
    package let total: Invoices.Balance
    /// Whether the next invoice takes it over.
    package let settles: Bool

    /// Reads a document.
    package static func read(_ record: borrowing RecordView) -> Result<CreditNoteOrder, Refusal> {
        guard let invoice = record.string(["name"]), let line = record.string(["line"]),
            let number = record.ordinal(["number"]),
            let net = record.string(["subtotal"])
                .flatMap({ Invoices.Balance($0, record.string(["currency"])) }),
            let charged = record.string(["line_amount"])
                .flatMap({ Invoices.Balance($0, record.string(["currency"])) }),
            let total = record.string(["total"])
                .flatMap({ Invoices.Balance($0, record.string(["currency"])) }),
            net.minorUnits < 0, total.minorUnits <= 0
        else { return .failure(.bad("line", "the document names no invoice, line or amount")) }
        return .success(
            CreditNoteOrder(
                number: number, invoice: invoice, line: line, net: -net.minorUnits,
                lineAmount: charged.minorUnits, total: total,
                settles: record.string(["settle"]) != "outside"))
    }
}

extension Invoices.Balance {
    fileprivate init?(_ text: String, _ code: String?) {
        guard let currency = code.flatMap({ Currency(code: $0) }),
            let amount = Amount(text, currency: currency)
        else { return nil }
        self.init(minorUnits: amount.minorUnits, currency: currency.code)
    }
}

extension RecordView {
    /// A whole number from zero on.
    fileprivate func ordinal(_ path: [String]) -> UInt64? {
        guard let node = property(PropertyPath(path)),
            case .number(let number)? = try? ValueCoder.value(node), number.scale == 0
        else { return nil }
        return UInt64(exactly: number.mantissa)
    }
}

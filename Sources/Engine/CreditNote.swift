import Billing
import Codec
import Money
import Projections

/// A credit note against one line of a finalised invoice.
struct CreditNote {
    let wish: CreditNoteWish
    let invoice: Invoices.Finalised
    /// The invoice's document.
    let document: Value

    /// The members of its document.
    /// - Throws: `Refusal` where the line is not there. Whether so much of it is left is for the
    ///   committer to see, who knows a retry from a new order.
    func members(number: UInt64) throws(Refusal) -> [(String, Value)] {
        let line = try line()
        guard let code = document["currency"]?.text, let currency = Currency(code: code),
            let charged = line["amount"]?.text.flatMap({ Amount($0, currency: currency) })
        else { throw Self.unreadable }
        let net = try net(charged, currency)
        guard net.minorUnits > 0 else {
            throw .bad("part", "that part of the line is nothing")
        }
        let rate = line["tax_rate"]?.text.flatMap { Quantity($0) } ?? .zero
        let exactTax = Fraction(net) * Fraction(rate) * Fraction(1, over: 100)
        guard let tax = exactTax.rounded(to: currency), let total = net.adding(tax) else {
            throw Self.unreadable
        }
        return [
            ("account", .string(wish.account)), ("name", .string(wish.period)),
            ("number", BilledInvoice.number(number)),
            ("invoice_number", BilledInvoice.number(invoice.number)),
            ("line", .string(wish.line)), ("line_amount", .string(charged.description)),
            ("description", line["description"] ?? .string(wish.line)),
            ("reason", .string(wish.reason)), ("currency", .string(currency.code)),
            ("subtotal", .string(negated(net).description)),
            ("tax", .string(negated(tax).description)),
            ("total", .string(negated(total).description)),
            ("settle", .string(wish.settles ? "next_invoice" : "outside")),
        ]
    }

    private func line() throws(Refusal) -> Value {
        guard case .array(let lines)? = document["lines"] else { throw Self.unreadable }
        if let line = lines.first(where: { $0["id"]?.text == wish.line }) {
            guard line["kind"]?.text != InvoiceLine.Kind.tax.rawValue else {
                throw .bad("line", "tax follows the line that is credited; name that")
            }
            return line
        }
        let known = lines.compactMap { $0["id"]?.text }.joined(separator: ", ")
        throw Refusal(
            code: "unknown_line", field: "line",
            message: "line: the invoice has no line \"\(wish.line)\"; it has: \(known)")
    }

    private func net(_ charged: Amount, _ currency: Currency) throws(Refusal) -> Amount {
        switch wish.size {
        case .amount(let number):
            guard let amount = Amount(number.description, currency: currency) else {
                throw .bad(
                    "amount",
                    "\(number) has more than the \(currency.exponent) decimals of "
                        + currency.code)
            }
            return amount
        case .part(let part):
            guard let amount = (Fraction(charged) * part).rounded(to: currency) else {
                throw Self.unreadable
            }
            return amount
        }
    }

    private func negated(_ amount: Amount) -> Amount {
        Amount(minorUnits: -amount.minorUnits, currency: amount.currency)
    }

    private static let unreadable = Refusal(
        code: "storage_failed", message: "the finalised invoice cannot be read")
}

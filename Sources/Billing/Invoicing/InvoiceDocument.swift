import Money

extension Invoice {
    /// The invoice as a tree: what is answered, and what a finalised invoice's entry holds.
    /// - Parameter account: whose it is.
    package func members(account: String) -> [(String, Value)] {
        [
            ("invoice", .string("\(account)/\(period.name)")), ("account", .string(account)),
            ("name", .string(period.name)), ("period", period.period.value),
            ("currency", currency.map { .string($0.code) } ?? .null),
            ("lines", .array(lines.map(\.value))),
            ("subtotal", .string(subtotal?.description ?? "0")),
            ("tax", .string(tax?.description ?? "0")),
            ("total", .string(total?.description ?? "0")),
        ] + walletMembers + [
            ("due", .string(due?.description ?? "0")),
            ("carried", carried.map { .string($0.description) } ?? .null),
            ("notes", .array(notes.map { .string($0) })),
        ]
    }
}

extension Invoice {
    /// `wallet`, where there is prepaid money.
    private var walletMembers: [(String, Value)] {
        guard let wallet else { return [] }
        let members: [(String, Value)] = [
            ("drawn", .string(wallet.drawn.description)),
            ("left", .string(wallet.left.description)),
        ]
        return [("wallet", .object(of: members))]
    }
}

extension Period {
    /// `{"start": …, "end": …}`.
    package var value: Value {
        .object(of: [
            ("start", .string(start.description)), ("end", .string(end.description)),
        ])
    }
}

extension InvoiceLine {
    /// The line as a tree.
    package var value: Value {
        var members: [(String, Value)] = [
            ("id", .string(id)), ("kind", .string(kind.rawValue)),
            ("description", .string(description)), ("period", period.value),
            ("unrounded", .string(unrounded.unrounded)), ("amount", .string(amount.description)),
        ]
        if let quantity { members.append(("quantity", .string(quantity.description))) }
        if let basis { members.append(("basis", .string(basis))) }
        if let price { members.append(("price", .string(price.key))) }
        if let taxRate { members.append(("tax_rate", .string(taxRate.description))) }
        if let span { members.append(("span", Self.ordinal(span))) }
        return .object(of: members)
    }

    private static func ordinal(_ number: Int) -> Value {
        .number(DecimalNumber(mantissa: Int128(number), scale: 0))
    }
}

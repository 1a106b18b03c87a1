import Money

extension Price {
    var value: Value {
        var members: [(String, Value)] = [("description", .string(description))]
        if let meter { members.append(("meter", .string(meter))) }
        switch model {
        case .perUnit(let rate):
            members.append(("amount", amount(rate, per)))
            if per != .one { members.append(("per", text(per))) }
        case .package(let size, let price):
            members.append(
                ("package", .object(of: [("size", text(size)), ("amount", text(price))])))
        case .graduated(let tiers, let flatAtZero):
            members += tiered("graduated", tiers.map { $0.value("amount") }, flatAtZero)
        case .volume(let tiers, let flatAtZero):
            members += tiered("volume", tiers.map { $0.value("amount") }, flatAtZero)
        case .graduatedPercentage(let tiers, let flatAtZero):
            members += tiered("graduated_percentage", tiers.map { $0.value("rate") }, flatAtZero)
        case .stairstep(let steps, let flatAtZero):
            let values = steps.map { step -> Value in
                .object(
                    of: [("amount", text(step.amount))]
                        + (step.upTo.map { [("up_to", text($0))] } ?? []))
            }
            members += tiered("stairstep", values, flatAtZero)
        case .percentage(let percentage): members.append(("percentage", percentage.value))
        case .dynamic(let multiplier):
            members.append(("dynamic", .object(of: [("multiplier", text(multiplier))])))
        case .matrix: members.append(("matrix", matrix?.value ?? .null))
        case .fee(let amount): members.append(("fee", text(amount)))
        }
        return .object(of: members + terms.members(isFee: model.isFee))
    }

    private func tiered(
        _ name: String, _ tiers: [Value], _ flatAtZero: Bool
    ) -> [(String, Value)] {
        [(name, .array(tiers))] + (flatAtZero ? [] : [("flat_at_zero", .bool(false))])
    }
}

/// The amount for so many units at a price for one.
private func amount(_ rate: Quantity, _ per: Quantity) -> Value {
    text((Fraction(rate) * Fraction(per)).quantity ?? rate)
}

extension PriceModel.Tier {
    func value(_ rateName: String) -> Value {
        var members: [(String, Value)] = [(rateName, text(rate))]
        if let upTo { members.append(("up_to", text(upTo))) }
        if flat != .zero { members.append(("flat", text(flat))) }
        return .object(of: members)
    }
}

extension PriceModel.Percentage {
    var value: Value {
        var members: [(String, Value)] = [("rate", text(rate))]
        if fixed != .zero { members.append(("fixed", text(fixed))) }
        if let freeEvents { members.append(("free_events", whole(freeEvents))) }
        if let freeUnits { members.append(("free_units", text(freeUnits))) }
        if let minimum { members.append(("minimum", text(minimum))) }
        if let maximum { members.append(("maximum", text(maximum))) }
        return .object(of: members)
    }
}

extension Matrix {
    var value: Value {
        let rows = rows.map { row -> (String, Value) in
            var members: [(String, Value)] = [("amount", amount(row.rate, row.per))]
            if row.per != .one { members.append(("per", text(row.per))) }
            for (path, value) in zip(by, row.values) {
                if let value { members.append((dotted(path), value)) }
            }
            return (row.key, .object(of: members))
        }
        var members: [(String, Value)] = [
            ("by", .array(by.map { .string(dotted($0)) })), ("rows", .object(of: rows)),
        ]
        if let other { members.append(("other", text(other))) }
        return .object(of: members)
    }
}

extension PriceTerms {
    func members(isFee: Bool) -> [(String, Value)] {
        var members: [(String, Value)] = []
        if free != .zero { members.append(("free", text(free))) }
        if proration != (isFee ? .second : .none) {
            members.append(("prorate", .string(proration.rawValue)))
        }
        if let minimum { members.append(("minimum", text(minimum))) }
        if let maximum { members.append(("maximum", text(maximum))) }
        if let commitment { members.append(("commitment", commitment.value)) }
        if !discounts.isEmpty { members.append(("discounts", .array(discounts.map(\.value)))) }
        if allowsNegative { members.append(("negative", .bool(true))) }
        if isTaxExempt { members.append(("tax_exempt", .bool(true))) }
        if isInAdvance { members.append(("charged", .string("advance"))) }
        return members
    }
}

extension Commitment {
    var value: Value {
        var members: [(String, Value)] = []
        switch size {
        case .amount(let amount): members.append(("amount", text(amount)))
        case .quantity(let quantity): members.append(("quantity", text(quantity)))
        }
        if overage != .one { members.append(("overage", text(overage))) }
        if !trueUp { members.append(("true_up", .bool(false))) }
        return .object(of: members)
    }
}

extension Discount {
    var value: Value {
        var members: [(String, Value)] = []
        switch amount {
        case .percent(let percent): members.append(("percent", text(percent)))
        case .amount(let amount): members.append(("amount", text(amount)))
        }
        if let name { members.append(("name", .string(name))) }
        return .object(of: members)
    }
}

extension PlanTerms {
    var members: [(String, Value)] {
        var members: [(String, Value)] = []
        if cycle != .monthly { members.append(("billing", cycle.value)) }
        if let minimum { members.append(("minimum", text(minimum))) }
        if let maximum { members.append(("maximum", text(maximum))) }
        if !discounts.isEmpty { members.append(("discounts", .array(discounts.map(\.value)))) }
        if let tax {
            members.append(
                ("tax", .object(of: [("rate", text(tax.rate)), ("name", .string(tax.name))])))
        }
        if order != InvoiceStep.allCases {
            members.append(("order", .array(order.map { .string($0.rawValue) })))
        }
        return members
    }
}

extension BillingCycle {
    /// `month`, `3 months`.
    var every: String { count == 1 ? unit.rawValue : "\(count) \(unit.rawValue)s" }

    var value: Value {
        .object(of: [
            ("every", .string(every)), ("anchor", .string(anchor.rawValue)),
            ("timezone", .string(timezone)),
        ])
    }
}

extension TimeZoneTable {
    /// The transitions as pairs of seconds.
    package var value: Value {
        .array(
            transitions.map { transition in
                .array([whole(Int(transition.from)), whole(Int(transition.offset))])
            })
    }
}

extension EventRules {
    var value: Value {
        var members: [(String, Value)] = []
        if let maxAge { members.append(("max_age", .string(Self.text(maxAge)))) }
        if let maxAhead { members.append(("max_ahead", .string(Self.text(maxAhead)))) }
        if late != .nextInvoice { members.append(("late", .string(late.rawValue))) }
        return .object(of: members)
    }

    /// In the largest unit that divides it.
    private static func text(_ nanoseconds: Int64) -> String {
        let seconds = nanoseconds / 1_000_000_000
        for unit in TermsReader.units where seconds % unit.seconds == 0 && seconds > 0 {
            let count = seconds / unit.seconds
            return "\(count) \(unit.name)\(count == 1 ? "" : "s")"
        }
        return "\(seconds) seconds"
    }
}

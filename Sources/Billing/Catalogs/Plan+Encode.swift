import Money

extension Plan {
    /// What an add-on says.
    var addonValue: Value { .object(of: offerMembers) }

    private var offerMembers: [(String, Value)] {
        var members: [(String, Value)] = [
            ("name", .string(name)), ("currency", .string(currency.code)),
            ("entitlements", .object(of: entitlements.map { ($0.feature, $0.value) })),
            ("prices", .object(of: prices.map { ($0.key, $0.value) })),
        ]
        if !grants.isEmpty {
            members.append(("grants", .object(of: grants.map { ($0.key, $0.value) })))
        }
        return members
    }

    var value: Value {
        var members = offerMembers
        if terms.cycle != .monthly { members.append(("billing", terms.cycle.value)) }
        if let minimum = terms.minimum { members.append(("minimum", minimum.value)) }
        if let maximum = terms.maximum { members.append(("maximum", maximum.value)) }
        if let cap = terms.spendCap { members.append(("spend_cap", cap.value)) }
        if !terms.discounts.isEmpty {
            members.append(("discounts", .array(terms.discounts.map(\.value))))
        }
        if let tax = terms.tax {
            members.append(
                ("tax", .object(of: [("rate", tax.rate.value), ("name", .string(tax.name))])))
        }
        if terms.order != InvoiceStep.allCases {
            members.append(("order", .array(terms.order.map { .string($0.rawValue) })))
        }
        return .object(of: members)
    }
}

extension BillingCycle {
    var value: Value {
        .object(of: [
            ("every", .string(lengthText)), ("anchor", .string(anchor.rawValue)),
            ("timezone", .string(timezone)),
        ])
    }
}

extension Discount {
    var value: Value {
        var members: [(String, Value)] =
            switch amount {
            case .percent(let percent): [("percent", percent.value)]
            case .amount(let amount): [("amount", amount.value)]
            }
        if let name { members.append(("name", .string(name))) }
        return .object(of: members)
    }
}

extension Price {
    var value: Value {
        var members: [(String, Value)] = [("description", .string(description))]
        if let meter { members.append(("meter", .string(meter))) }
        return .object(of: members + modelMembers + termMembers)
    }

    private var modelMembers: [(String, Value)] {
        switch model {
        case .perUnit(let rate): unitPrice(rate, per)
        case .package(let size, let price):
            [("package", .object(of: [("size", size.value), ("amount", price.value)]))]
        case .graduated(let tiers, let flatAtZero):
            tiered("graduated", tiers.map { $0.value(rate: "amount") }, flatAtZero)
        case .volume(let tiers, let flatAtZero):
            tiered("volume", tiers.map { $0.value(rate: "amount") }, flatAtZero)
        case .graduatedPercentage(let tiers, let flatAtZero):
            tiered("graduated_percentage", tiers.map { $0.value(rate: "rate") }, flatAtZero)
        case .stairstep(let steps, let flatAtZero):
            tiered("stairstep", steps.map(\.value), flatAtZero)
        case .percentage(let percentage): [("percentage", percentage.value)]
        case .dynamic(let multiplier):
            [("dynamic", .object(of: [("multiplier", multiplier.value)]))]
        case .matrix: matrix.map { [("matrix", $0.value)] } ?? []
        case .fee(let amount): [("fee", amount.value)]
        }
    }

    private func tiered(
        _ name: String, _ tiers: [Value], _ flatAtZero: Bool
    ) -> [(String, Value)] {
        [(name, .array(tiers))] + (flatAtZero ? [] : [("flat_at_zero", .bool(false))])
    }

    private var termMembers: [(String, Value)] {
        let usual = meter == nil ? Proration.second : .none
        var members: [(String, Value)] = []
        if terms.free != .zero { members.append(("free", terms.free.value)) }
        if terms.proration != usual {
            members.append(("prorate", .string(terms.proration.rawValue)))
        }
        if let minimum = terms.minimum { members.append(("minimum", minimum.value)) }
        if let maximum = terms.maximum { members.append(("maximum", maximum.value)) }
        if let commitment = terms.commitment { members.append(("commitment", commitment.value)) }
        if !terms.discounts.isEmpty {
            members.append(("discounts", .array(terms.discounts.map(\.value))))
        }
        if terms.allowsNegative { members.append(("negative", .bool(true))) }
        if terms.isTaxExempt { members.append(("tax_exempt", .bool(true))) }
        if terms.isInAdvance { members.append(("charged", .string(Charged.advance.rawValue))) }
        return members
    }
}

/// A unit's price as `amount` and `per`, as it was written.
private func unitPrice(_ rate: Quantity, _ per: Quantity) -> [(String, Value)] {
    let amount = ExactAmount(product: rate, per).roundedUnits ?? rate.units
    let written: [(String, Value)] = [("amount", Quantity(units: amount).value)]
    return per == .one ? written : written + [("per", per.value)]
}

extension Commitment {
    var value: Value {
        var members: [(String, Value)] =
            switch size {
            case .amount(let amount): [("amount", amount.value)]
            case .quantity(let quantity): [("quantity", quantity.value)]
            }
        if overage != .one { members.append(("overage", overage.value)) }
        if !trueUp { members.append(("true_up", .bool(false))) }
        return .object(of: members)
    }
}

extension Matrix {
    var value: Value {
        let names = by.map(dotted)
        let rows = rows.map { row -> (String, Value) in
            let values = zip(names, row.values).compactMap { name, value in
                value.map { (name, $0) }
            }
            return (row.key, .object(of: values + unitPrice(row.rate, row.per)))
        }
        var members: [(String, Value)] = [
            ("by", .array(names.map { .string($0) })), ("rows", .object(of: rows)),
        ]
        if let other { members.append(("other", other.value)) }
        return .object(of: members)
    }
}

extension PriceModel.Tier {
    /// A tier whose rate stands under this key.
    func value(rate name: String) -> Value {
        var members: [(String, Value)] = [(name, rate.value)]
        if let upTo { members.append(("up_to", upTo.value)) }
        if flat != .zero { members.append(("flat", flat.value)) }
        return .object(of: members)
    }
}

extension PriceModel.Step {
    var value: Value {
        var members: [(String, Value)] = [("amount", amount.value)]
        if let upTo { members.append(("up_to", upTo.value)) }
        return .object(of: members)
    }
}

extension PriceModel.Percentage {
    var value: Value {
        var members: [(String, Value)] = [("rate", rate.value)]
        if fixed != .zero { members.append(("fixed", fixed.value)) }
        if let freeEvents {
            members.append(
                ("free_events", .number(DecimalNumber(mantissa: Int128(freeEvents), scale: 0))))
        }
        if let freeUnits { members.append(("free_units", freeUnits.value)) }
        if let minimum { members.append(("minimum", minimum.value)) }
        if let maximum { members.append(("maximum", maximum.value)) }
        return .object(of: members)
    }
}

import Money

extension Catalog {
    /// The catalog as a tree, in its canonical form: what is published into the log.
    package var value: Value {
        var members: [(String, Value)] = [
            ("catalog", .number(DecimalNumber(mantissa: 1, scale: 0))),
            ("currency", .string(currency.code)),
            ("default_plan", defaultPlan.map { .string($0) } ?? .null),
            ("meters", .object(of: meters.map { ($0.key, $0.value) })),
            ("features", .object(of: features.map { ($0.key, $0.value) })),
            ("credit", credit?.value ?? .null),
            ("plans", .object(of: plans.map { ($0.key, $0.value) })),
        ]
        // Left out where nothing is personal: such a catalog has the form that it always had.
        if !personal.isEmpty {
            members.append(("personal", .array(personal.map { .string(dotted($0)) })))
        }
        return .object(of: members)
    }
}

/// A quantity as the text that stands in a canonical catalog.
private func text(_ quantity: Quantity) -> Value { .string(quantity.description) }

func dotted(_ path: [String]) -> String { path.joined(separator: ".") }

extension Meter {
    var value: Value {
        var members: [(String, Value)] = [
            ("event", .string(eventType)), ("aggregate", .string(aggregation.rawValue)),
        ]
        if let valueProperty { members.append(("value", .string(dotted(valueProperty)))) }
        if !filter.isEmpty {
            members.append(
                ("filter", .object(of: filter.map { (dotted($0.path), .array($0.values)) })))
        }
        if !groupBy.isEmpty {
            members.append(("group_by", .array(groupBy.map { .string(dotted($0)) })))
        }
        return .object(of: members)
    }
}

extension Feature {
    var value: Value { .object(of: meterKey.map { [("meter", .string($0))] } ?? []) }
}

extension Credit {
    var value: Value {
        .object(of: [
            ("unit", .string(unit)),
            ("burn", .object(of: burn.map { ($0.meter, text($0.rate)) })),
        ])
    }
}

extension Plan {
    var value: Value {
        .object(of: [
            ("name", .string(name)), ("currency", .string(currency.code)),
            ("entitlements", .object(of: entitlements.map { ($0.feature, $0.value) })),
            ("prices", .object(of: prices.map { ($0.key, $0.value) })),
        ])
    }
}

extension PlanEntitlement {
    var value: Value {
        switch allowance {
        case .off: .bool(false)
        case .on: .bool(true)
        case .limit(let limit, let isHard):
            .object(of: [
                ("limit", text(limit)), ("enforce", .string(isHard ? "hard" : "soft")),
                ("reset", .string("month")),
            ])
        }
    }
}

extension Price {
    var value: Value {
        var members: [(String, Value)] = [
            ("description", .string(description)),
        ]
        if let meter { members.append(("meter", .string(meter))) }
        switch model {
        case .perUnit(let rate):
            let amount = ExactAmount(product: rate, per).roundedUnits ?? rate.units
            members.append(("amount", text(Quantity(units: amount))))
            if per != .one { members.append(("per", text(per))) }
        case .package(let size, let price):
            members.append(
                ("package", .object(of: [("size", text(size)), ("amount", text(price))])))
        case .graduated(let tiers, _):
            members.append(("graduated", .array(tiers.map(\.value))))
        default: break
        }
        return .object(of: members)
    }
}

extension PriceModel.Tier {
    var value: Value {
        var members: [(String, Value)] = [("amount", text(rate))]
        if let upTo { members.append(("up_to", text(upTo))) }
        if flat != .zero { members.append(("flat", text(flat))) }
        return .object(of: members)
    }
}

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
        if !timezones.isEmpty {
            members.append(("timezones", .object(of: timezones.map { ($0.name, $0.value) })))
        }
        if events != EventRules() { members.append(("events", events.value)) }
        return .object(of: members)
    }
}

/// A quantity as the text that stands in a canonical catalog.
func text(_ quantity: Quantity) -> Value { .string(quantity.description) }

/// A small whole number.
func whole(_ number: Int) -> Value {
    .number(DecimalNumber(mantissa: Int128(number), scale: 0))
}

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
        return .object(of: members + terms.members)
    }
}

extension MeterTerms {
    var members: [(String, Value)] {
        var members: [(String, Value)] = []
        if let operationProperty {
            members.append(("operation", .string(dotted(operationProperty))))
        }
        if let window { members.append(("window", .string(window.rawValue))) }
        if across != .sum { members.append(("across", .string(across.rawValue))) }
        if carries { members.append(("carry", .bool(true))) }
        if let conversion { members.append(("convert", conversion.value)) }
        return members
    }
}

extension MeterTerms.Conversion {
    var value: Value {
        var members: [(String, Value)] = []
        if multiply != .one { members.append(("multiply", text(multiply))) }
        if divide != .one { members.append(("divide", text(divide))) }
        if rounding != .none {
            members.append(("round", .string(rounding.rawValue)))
            if decimals > 0 { members.append(("decimals", whole(decimals))) }
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
        .object(
            of: [
                ("name", .string(name)), ("currency", .string(currency.code)),
                ("entitlements", .object(of: entitlements.map { ($0.feature, $0.value) })),
                ("prices", .object(of: prices.map { ($0.key, $0.value) })),
            ] + terms.members)
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

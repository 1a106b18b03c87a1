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
            ("credit", credits.count == 1 ? credits[0].value : .null),
            ("plans", .object(of: plans.map { ($0.key, $0.value) })),
        ]
        if credits.count > 1 {
            members.append(("credits", .object(of: credits.map { ($0.unit, $0.value) })))
        }
        // What says nothing is left out: a catalog has one form, and an old one the form that it had.
        if !timezones.isEmpty {
            members.append(("timezones", .object(of: timezones.map { ($0.name, $0.value) })))
        }
        if !addons.isEmpty {
            members.append(("addons", .object(of: addons.map { ($0.key, $0.addonValue) })))
        }
        if statuses != StatusRules() { members.append(("subscriptions", statuses.value)) }
        if events != EventRules() { members.append(("events", events.value)) }
        if !personal.isEmpty {
            members.append(("personal", .array(personal.map { .string(dotted($0)) })))
        }
        return .object(of: members)
    }
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
        if let operation = terms.operationProperty {
            members.append(("operation", .string(dotted(operation))))
        }
        if let window = terms.window { members.append(("window", .string(window.rawValue))) }
        if terms.across != .sum { members.append(("across", .string(terms.across.rawValue))) }
        if terms.carries { members.append(("carry", .bool(true))) }
        if let conversion = terms.conversion { members.append(("convert", conversion.value)) }
        return .object(of: members)
    }
}

extension Feature {
    var value: Value {
        var members: [(String, Value)] = []
        if let meterKey { members.append(("meter", .string(meterKey))) }
        if let valueKind { members.append(("value", .string(valueKind.rawValue))) }
        if isOnByDefault { members.append(("default", .bool(true))) }
        return .object(of: members)
    }
}

extension MeterTerms.Conversion {
    var value: Value {
        var members: [(String, Value)] = []
        if multiply != .one { members.append(("multiply", multiply.value)) }
        if divide != .one { members.append(("divide", divide.value)) }
        if rounding != .none { members.append(("round", .string(rounding.rawValue))) }
        if decimals != 0 {
            members.append(
                ("decimals", .number(DecimalNumber(mantissa: Int128(decimals), scale: 0))))
        }
        return .object(of: members)
    }
}

extension EventRules {
    var value: Value {
        var members: [(String, Value)] = []
        if let maxAge { members.append(("max_age", .string(Self.text(maxAge)))) }
        if let maxAhead { members.append(("max_ahead", .string(Self.text(maxAhead)))) }
        if let keep { members.append(("keep", .string(Self.text(keep)))) }
        if late != .nextInvoice { members.append(("late", .string(late.rawValue))) }
        return .object(of: members)
    }
}

extension TimeZoneTable {
    /// The transitions, as they stand in a published catalog under the zone's name.
    package var value: Value {
        .array(
            transitions.map { transition in
                .array(
                    [Int128(transition.from), Int128(transition.offset)].map {
                        .number(DecimalNumber(mantissa: $0, scale: 0))
                    })
            })
    }
}

extension Quantity {
    /// The text that stands in a canonical catalog.
    var value: Value { .string(description) }
}

import Money

extension Credit {
    var value: Value {
        var members: [(String, Value)] = [
            ("unit", .string(unit)),
            ("burn", .object(of: burn.map { ($0.meter, $0.matrix?.value ?? $0.rate.value) })),
        ]
        if order != .standard {
            members.append(("order", .array(order.keys.map { .string($0.rawValue) })))
        }
        if repays { members.append(("overage", .string(CreditReader.Overage.repay.rawValue))) }
        if overdraft != .zero { members.append(("overdraft", overdraft.value)) }
        if settlesBeyond {
            members.append(("settle_over", .string(CreditReader.SettleOver.allow.rawValue)))
        }
        if let topUp { members.append(("top_up", topUp.value)) }
        if let adjustmentLifetime {
            members.append(("adjustments_expire", .string(EventRules.text(adjustmentLifetime))))
        }
        return .object(of: members)
    }
}

extension TopUp {
    var value: Value {
        var members: [(String, Value)] = [
            ("below", below.value), ("amount", amount.value),
            ("per_month", .number(DecimalNumber(mantissa: Int128(perMonth), scale: 0))),
        ]
        if cooldown != 0 { members.append(("cooldown", .string(EventRules.text(cooldown)))) }
        if let price { members.append(("price", price.value)) }
        if paid != .invoice { members.append(("paid", .string(paid.rawValue))) }
        if let lifetime { members.append(("expires", .string(EventRules.text(lifetime)))) }
        return .object(of: members)
    }
}

extension PlanGrant {
    var value: Value {
        var members: [(String, Value)] = [
            ("unit", .string(terms.unit)), ("amount", amount.value),
        ]
        if terms.kind != .plan { members.append(("kind", .string(terms.kind.name))) }
        if terms.priority != 0 {
            members.append(
                ("priority", .number(DecimalNumber(mantissa: Int128(terms.priority), scale: 0))))
        }
        if !terms.features.isEmpty {
            members.append(("features", .array(terms.features.map { .string($0) })))
        }
        if let every {
            let cycle = BillingCycle(
                count: every.count, unit: every.unit, anchor: every.anchor, timezone: "UTC")
            members.append(("every", .string(cycle.lengthText)))
            if every.anchor != .subscription {
                members.append(("anchor", .string(every.anchor.rawValue)))
            }
        }
        if isForEach { members.append(("per", .string("quantity"))) }
        if let rollover {
            var parts: [(String, Value)] = []
            if let most = rollover.max { parts.append(("max", most.value)) }
            if rollover.min != .zero { parts.append(("min", rollover.min.value)) }
            members.append(("rollover", .object(of: parts)))
        }
        return .object(of: members)
    }
}

import Money

/// Reads `credit`, or `credits` where there are several units.
enum CreditReader {
    private static let keys = [
        "burn", "order", "overage", "overdraft", "settle_over", "top_up", "adjustments_expire",
    ]

    static func read(
        _ meters: [Meter], _ features: [Feature], _ parent: inout CatalogReader
    ) -> [Credit] {
        var credits: [Credit] = []
        let single = parent.group("credit", known: ["unit"] + keys) { reader in
            credit(reader.requiredText("unit"), meters, &reader)
        }
        if let single { credits.append(single) }
        if parent["credit"] != nil, parent["credits"] != nil {
            parent.add("credits", "give credit, for one unit, or credits, for several; not both")
        }
        for member in parent.entries("credits") {
            var reader = CatalogReader(
                member.value, path: "credits.\(member.name)", known: keys + ["unit"])
            if let unit = reader.text("unit"), unit != member.name {
                reader.add("unit", "the unit's name is its key, \"\(member.name)\"")
            }
            credits.append(credit(member.name, meters, &reader))
            parent.add(contentsOf: reader.problems)
        }
        checkMeters(credits, &parent)
        return credits.sorted { $0.unit < $1.unit }
    }

    private static func checkMeters(_ credits: [Credit], _ parent: inout CatalogReader) {
        var owners: [String: String] = [:]
        for credit in credits {
            for burn in credit.burn {
                if let owner = owners.updateValue(credit.unit, forKey: burn.meter) {
                    parent.add(
                        "credits.\(credit.unit).burn.\(burn.meter)",
                        "the meter burns \(owner) already; a meter burns one unit")
                }
            }
        }
    }

    private static func credit(
        _ unit: String, _ meters: [Meter], _ reader: inout CatalogReader
    ) -> Credit {
        var credit = Credit(unit: unit, burn: burn(meters, &reader))
        credit.order = order(&reader)
        credit.repays = reader.word("overage", Overage.self) == .repay
        credit.overdraft = reader.credits("overdraft") ?? .zero
        credit.settlesBeyond = reader.word("settle_over", SettleOver.self) == .allow
        credit.adjustmentLifetime = EventRules.duration("adjustments_expire", &reader)
        credit.topUp = reader.group(
            "top_up",
            known: ["below", "amount", "per_month", "cooldown", "price", "paid", "expires"]
        ) { group in
            if group["below"] == nil { group.add("below", "is missing") }
            let below = group.quantity("below")
            let amount = group.givenCredits()
            let perMonth = group.integer("per_month", in: 1...10_000)
            if group["per_month"] == nil {
                group.add("per_month", "is missing: how many top-ups there may be in a month")
            }
            return TopUp(
                below: below ?? .zero, amount: amount ?? .one, perMonth: perMonth ?? 1,
                cooldown: EventRules.duration("cooldown", &group) ?? 0,
                price: group.quantity("price"), lifetime: EventRules.duration("expires", &group),
                paid: group.word("paid", PaidWhere.self) ?? .invoice)
        }
        return credit
    }

    /// What becomes of usage that no grant covers.
    enum Overage: String, CaseIterable {
        /// The next credits pay for it.
        case repay
        /// It stays.
        case keep
    }

    /// What becomes of a hold that is settled for more than there is.
    enum SettleOver: String, CaseIterable {
        case deny, allow
    }

    private static func burn(_ meters: [Meter], _ reader: inout CatalogReader) -> [Credit.Burn] {
        guard let rates = reader["burn"] else { return [] }
        var burn: [Credit.Burn] = []
        var rateReader = CatalogReader(
            rates, path: CatalogReader.join(reader.path, "burn"), known: [])
        for member in rateReader.all {
            guard let meter = meters.first(where: { $0.key == member.name }) else {
                rateReader.add(member.name, "there is no such meter under meters")
                continue
            }
            if meter.aggregation != .count && meter.aggregation != .sum {
                rateReader.add(
                    member.name, "credits burn event by event, which only count and sum meters can")
            } else if meter.terms != MeterTerms() {
                rateReader.add(
                    member.name,
                    "credits burn event by event, which a meter with window, carry or convert "
                        + "cannot")
            }
            if case .object = member.value {
                let rates = rateReader.group(
                    member.name, known: ["by", "rows", "other"], MatrixReader.read)
                guard let rates else { continue }
                guard let other = rates.other else {
                    rateReader.add(
                        "\(member.name).other",
                        "is missing: what does a unit cost that no row matches? 0 if nothing")
                    continue
                }
                var entry = Credit.Burn(meter: member.name, rate: other)
                entry.matrix = rates
                burn.append(entry)
            } else if let rate = rateReader.quantity(member.name) {
                burn.append(Credit.Burn(meter: member.name, rate: rate))
            }
        }
        reader.add(contentsOf: rateReader.problems)
        return burn
    }

    private static func order(_ reader: inout CatalogReader) -> BurnOrder {
        guard let value = reader["order"] else { return .standard }
        let words = BurnOrder.Key.allCases.map(\.rawValue)
        guard case .array(let list) = value else {
            reader.add("order", "a list is needed, of: \(words.joined(separator: ", "))")
            return .standard
        }
        var keys: [BurnOrder.Key] = []
        for item in list {
            let text = item.text ?? ""
            guard let key = BurnOrder.Key(rawValue: text) else {
                reader.add("order", CatalogReader.noneOf(text, words))
                continue
            }
            if keys.contains(key) {
                reader.add("order", "\"\(text)\" stands twice")
            } else {
                keys.append(key)
            }
        }
        return BurnOrder(keys)
    }
}

extension PlanGrant {
    /// Reads the `grants` of a plan.
    static func list(
        _ credits: [Credit], _ features: [Feature], _ meters: [Meter],
        _ parent: inout CatalogReader
    ) -> [PlanGrant] {
        parent.entries("grants").map { member in
            var reader = CatalogReader(
                member.value, path: CatalogReader.join(parent.path, "grants.\(member.name)"),
                known: [
                    "unit", "amount", "kind", "priority", "features", "every", "anchor", "rollover",
                    "per",
                ])
            defer { parent.add(contentsOf: reader.problems) }
            var terms = GrantTerms(unit: unit(credits, &reader))
            terms.kind = kind(&reader)
            terms.priority = reader.integer("priority", in: -1_000_000...1_000_000) ?? 0
            terms.features = uses(features, meters, &reader)
            let amount = reader.givenCredits()
            let every = every(&reader)
            let rollover = reader.group("rollover", known: ["max", "min"]) { group in
                Rollover(max: group.quantity("max"), min: group.credits("min") ?? .zero)
            }
            if let rollover, let most = rollover.max, most < rollover.min {
                reader.add("rollover", "min is above max")
            }
            var grant = PlanGrant(
                key: member.name, terms: terms, amount: amount ?? .one, every: every,
                rollover: rollover)
            switch reader.text("per") {
            case nil, "subscription": break
            case "quantity": grant.isForEach = true
            case .some(let word):
                reader.add("per", "\"\(word)\" is neither subscription nor quantity")
            }
            return grant
        }
    }

    private static func unit(_ credits: [Credit], _ reader: inout CatalogReader) -> String {
        guard let unit = reader.text("unit") else {
            if credits.count != 1 { reader.add("unit", "is missing: which credits are given?") }
            return credits.first?.unit ?? ""
        }
        if !credits.contains(where: { $0.unit == unit }) {
            reader.add("unit", CatalogReader.noneOf(unit, credits.map(\.unit)))
        }
        return unit
    }

    private static func kind(_ reader: inout CatalogReader) -> GrantKind {
        guard let text = reader.text("kind") else { return .plan }
        if let kind = GrantKind(name: text) { return kind }
        reader.add("kind", CatalogReader.noneOf(text, GrantKind.allCases.map(\.name)))
        return .plan
    }

    private static func uses(
        _ features: [Feature], _ meters: [Meter], _ reader: inout CatalogReader
    ) -> [String] {
        guard let value = reader["features"] else { return [] }
        let known = features.map(\.key) + meters.map(\.key)
        guard case .array(let list) = value, !list.isEmpty else {
            reader.add("features", "a list of features or meters is needed")
            return []
        }
        for item in list where !known.contains(item.text ?? "") {
            reader.add("features", "there is no feature or meter \"\(item.text ?? "")\"")
        }
        return Set(list.compactMap(\.text)).sorted()
    }

    private static func every(_ reader: inout CatalogReader) -> Every? {
        let anchor = reader.word("anchor", BillingCycle.Anchor.self)
        guard let text = reader.text("every") else {
            if anchor != nil { reader.add("anchor", "belongs to every") }
            return nil
        }
        guard let length = BillingCycle.length(text, of: BillingCycle.Unit.allCases) else {
            reader.add(
                "every",
                "\"\(text)\" is no length of a period; give hour, day, week, month, year, or a number "
                    + "of them from 1 to 1000, such as \"2 weeks\"")
            return nil
        }
        return Every(count: length.count, unit: length.unit, anchor: anchor ?? .subscription)
    }
}

extension CatalogReader {
    /// The most credits that one grant gives: balances of any number of grants stay far inside Int128.
    private static let creditsMax = CreditGrant.amountMax

    /// Credits, zero or more.
    fileprivate mutating func credits(_ name: String) -> Quantity? {
        guard let number = quantity(name) else { return nil }
        if number > Self.creditsMax { add(name, "at most 10^15 credits are possible") }
        return number
    }

    /// The `amount` that is given each time, above zero.
    fileprivate mutating func givenCredits() -> Quantity? {
        if self["amount"] == nil { return requiredQuantity("amount") }
        guard let amount = positive("amount") else { return nil }
        if amount > Self.creditsMax { add("amount", "at most 10^15 credits are possible") }
        return amount
    }
}

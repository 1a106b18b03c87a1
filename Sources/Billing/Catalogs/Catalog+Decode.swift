import Money

extension Catalog {
    /// Reads a catalog from a tree: all problems at once, or a catalog in which every name leads
    /// somewhere.
    package static func decode(_ value: Value) -> Result<Catalog, CatalogProblems> {
        var reader = CatalogReader(
            value, path: "",
            known: [
                "catalog", "currency", "default_plan", "timezones", "events", "meters", "features",
                "credit", "credits", "plans", "addons", "subscriptions", "personal",
            ])
        if reader["catalog"] != .number(DecimalNumber(mantissa: 1, scale: 0)) {
            reader.add("catalog", "must be 1: the version of this format")
        }
        let currency = reader.currency("currency")
        if currency == nil, reader["currency"] == nil {
            reader.add("currency", "is missing; name the currency of the prices, such as USD")
        }
        let timezones = TimeZonesReader.read(&reader)
        let events = EventRules.read(&reader)
        let meters = reader.entries("meters").map { MeterReader.read($0, &reader) }
        let features = reader.entries("features").map { feature($0, meters, &reader) }
        let credits = CreditReader.read(meters, features, &reader)
        let zones = reader["timezones"] == nil ? [] : TimeZonesReader.names(reader["timezones"])
        func offers(_ group: String, isAddon: Bool) -> [Plan] {
            reader.entries(group).map { member in
                PlanReader(
                    key: member.name, isAddon: isAddon, currency: currency, meters: meters,
                    features: features, credits: credits, timezones: zones
                ).read(member.value, &reader)
            }
        }
        let plans = offers("plans", isAddon: false)
        let addons = offers("addons", isAddon: true)
        let statuses = StatusRules.read(&reader)
        let defaultPlan = reader.text("default_plan")
        if let defaultPlan, !plans.contains(where: { $0.key == defaultPlan }) {
            reader.add("default_plan", "there is no plan \"\(defaultPlan)\" under plans")
        }
        reader.add(contentsOf: lineNameProblems(plans, addons))
        reader.add(contentsOf: carryProblems(meters, plans + addons))
        let personal = personal(meters, plans + addons, credits, &reader)
        guard reader.problems.isEmpty, let currency else {
            return .failure(CatalogProblems(list: reader.problems))
        }
        var catalog = Catalog(
            currency: currency, defaultPlan: defaultPlan, meters: meters, features: features,
            credits: credits, plans: plans, personal: personal, timezones: timezones,
            events: events)
        catalog.addons = addons
        catalog.statuses = statuses
        return .success(catalog)
    }

    private static func feature(
        _ member: Value.Member, _ meters: [Meter], _ parent: inout CatalogReader
    ) -> Feature {
        var reader = CatalogReader(
            member.value, path: "features.\(member.name)", known: ["meter", "value", "default"])
        let key = reader.text("meter")
        let valueKind = reader.word("value", Feature.ValueKind.self)
        if valueKind != nil, key != nil {
            reader.add("value", "a feature is metered or has a value, not both")
        }
        let isOn = reader.flag("default") ?? false
        if isOn, valueKind != nil {
            reader.add("default", "a feature with a value gets it from a plan")
        }
        if let key {
            if let meter = meters.first(where: { $0.key == key }) {
                if !meter.isCounted {
                    reader.add(
                        "meter",
                        "limits need a meter whose usage is known at once: one without operation, "
                            + "window and carry, and neither latest nor time_weighted")
                }
            } else {
                reader.add("meter", "there is no meter \"\(key)\" under meters")
            }
        }
        parent.add(contentsOf: reader.problems)
        var feature = Feature(key: member.name, meterKey: key)
        feature.valueKind = valueKind
        feature.isOnByDefault = isOn
        return feature
    }

    /// A price's name is the id of its line, so it must not be that of another line of the plan.
    private static func lineNameProblems(
        _ plans: [Plan], _ addons: [Plan]
    ) -> [CatalogProblem] {
        // All plans' tax lines stand together at the end of an invoice.
        let hasTax = plans.contains { $0.terms.tax != nil }
        return plans.flatMap { plan -> [CatalogProblem] in
            let owners = lineOwners(plan)
            return plan.prices.compactMap { price in
                let isTax = hasTax && (price.key == "tax" || price.key.hasPrefix("tax."))
                // Lines of an add-on have its key before theirs.
                let addon = addons.first { price.key.hasPrefix($0.key + ".") }
                guard
                    let owner = owners[price.key] ?? (isTax ? "a tax" : nil)
                        ?? addon.map({ "the add-on \"\($0.key)\"" })
                else { return nil }
                return CatalogProblem(
                    path: "plans.\(plan.key).prices.\(price.key)",
                    message: "the invoice line of \(owner) has this name; choose another one")
            }
        }
    }

    /// The names of a plan's lines that are not those of its prices, and what they are of.
    private static func lineOwners(_ plan: Plan) -> [String: String] {
        var owners: [String: String] = [:]
        if plan.terms.minimum != nil { owners["minimum"] = "the plan's minimum" }
        if plan.terms.maximum != nil { owners["maximum"] = "the plan's maximum" }
        for index in plan.terms.discounts.indices {
            owners["discount.\(index + 1)"] = "a discount of the plan"
        }
        for price in plan.prices {
            guard let matrix = price.matrix else { continue }
            let rows = matrix.rows.map(\.key) + (matrix.other == nil ? [] : ["other"])
            for row in rows { owners["\(price.key).\(row)"] = "a row of \"\(price.key)\"" }
        }
        return owners
    }

    /// A sum or a count that goes on in the next period is a level, and only a prorated price has a
    /// use for one.
    private static func carryProblems(_ meters: [Meter], _ plans: [Plan]) -> [CatalogProblem] {
        let carried = meters.filter {
            $0.terms.carries && $0.terms.window == nil
                && ($0.aggregation == .sum || $0.aggregation == .count)
        }
        let priced = plans.flatMap { plan in plan.prices.map { (plan, $0) } }
        return carried.flatMap { meter -> [CatalogProblem] in
            let prices = priced.filter { $0.1.meter == meter.key }
            if prices.isEmpty {
                return [
                    CatalogProblem(
                        path: "meters.\(meter.key).carry",
                        message: "a \(meter.aggregation.rawValue) goes on in the next period only "
                            + "for a price with prorate: day or second, and no price has this meter"
                    )
                ]
            }
            return prices.filter { $0.1.terms.proration == .none }.map { plan, price in
                CatalogProblem(
                    path: "plans.\(plan.key).prices.\(price.key).prorate",
                    message: "must be day or second: the meter \"\(meter.key)\" carries its level "
                        + "into the next period")
            }
        }
    }
}

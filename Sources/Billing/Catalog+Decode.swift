import Money

extension Catalog {
    /// Reads a catalog from a tree: all problems at once, or a catalog in which every name leads
    /// somewhere.
    package static func decode(_ value: Value) -> Result<Catalog, CatalogProblems> {
        var reader = CatalogReader(
            value, path: "",
            known: [
                "catalog", "currency", "default_plan", "meters", "features", "credit", "plans",
                "personal",
            ])
        if reader["catalog"] != .number(DecimalNumber(mantissa: 1, scale: 0)) {
            reader.add("catalog", "must be 1: the version of this format")
        }
        let currency = reader.currency("currency")
        if currency == nil, reader["currency"] == nil {
            reader.add("currency", "is missing; name the currency of the prices, such as USD")
        }
        let meters = reader.entries("meters").map { meter($0, &reader) }
        let features = reader.entries("features").map { feature($0, meters, &reader) }
        let credit = credit(meters, &reader)
        let plans = reader.entries("plans").map { member in
            PlanReader(key: member.name, currency: currency, meters: meters, features: features)
                .read(member.value, &reader)
        }
        let defaultPlan = reader.text("default_plan")
        if let defaultPlan, !plans.contains(where: { $0.key == defaultPlan }) {
            reader.add("default_plan", "there is no plan \"\(defaultPlan)\" under plans")
        }
        let personal = personal(meters, &reader)
        guard reader.problems.isEmpty, let currency else {
            return .failure(CatalogProblems(list: reader.problems))
        }
        return .success(
            Catalog(
                currency: currency, defaultPlan: defaultPlan, meters: meters, features: features,
                credit: credit, plans: plans, personal: personal))
    }

    private static func meter(_ member: Value.Member, _ parent: inout CatalogReader) -> Meter {
        var reader = CatalogReader(
            member.value, path: "meters.\(member.name)",
            known: ["event", "aggregate", "value", "filter", "group_by"])
        defer { parent.add(contentsOf: reader.problems) }
        let type = reader.requiredText("event")
        let word = reader.requiredText("aggregate")
        let aggregation = Aggregation(rawValue: word)
        if aggregation == nil, !word.isEmpty {
            let known = Aggregation.allCases.map(\.rawValue).joined(separator: ", ")
            reader.add("aggregate", "\"\(word)\" is none of: \(known)")
        }
        let property = reader.property("value")
        switch aggregation {
        case .count? where property != nil:
            reader.add("value", "a count has no value; use sum, or leave it out")
        case .some(.sum), .some(.max), .some(.min), .some(.average), .some(.unique), .some(.latest),
            .some(.timeWeighted):
            if property == nil {
                reader.add("value", "is missing: which property of data is measured?")
            }
        default: break
        }
        return Meter(
            key: member.name, eventType: type, aggregation: aggregation ?? .count,
            valueProperty: property, filter: filter(&reader), groupBy: groupBy(&reader))
    }

    private static func filter(_ reader: inout CatalogReader) -> [Meter.Condition] {
        guard let value = reader["filter"] else { return [] }
        guard case .object(let members) = value else {
            reader.add("filter", "property: value, or property: [values], is needed")
            return []
        }
        return members.compactMap { member in
            let values: [Value]
            if case .array(let list) = member.value {
                values = list
            } else {
                values = [member.value]
            }
            for value in values {
                switch value {
                case .string, .number, .bool: continue
                default:
                    reader.add(
                        "filter.\(member.name)", "a text, a number, true or false is needed")
                }
            }
            if values.isEmpty { reader.add("filter.\(member.name)", "names no value") }
            return reader.path(member.name, at: "filter.\(member.name)").map {
                Meter.Condition(path: $0, values: values)
            }
        }
    }

    private static func groupBy(_ reader: inout CatalogReader) -> [[String]] {
        guard let value = reader["group_by"] else { return [] }
        guard case .array(let list) = value, list.count <= 8 else {
            reader.add("group_by", "a list of at most 8 properties is needed, such as [model]")
            return []
        }
        var paths: [[String]] = []
        for item in list {
            guard let text = item.text, !text.isEmpty else {
                reader.add("group_by", "each entry names a property of data")
                continue
            }
            guard let path = reader.path(text, at: "group_by") else { continue }
            if paths.contains(where: { isSame($0, path) }) {
                reader.add("group_by", "\"\(text)\" stands twice")
            }
            paths.append(path)
        }
        return paths
    }

    /// By bytes: two spellings of "é" are two properties.
    static func isSame(_ left: [String], _ right: [String]) -> Bool {
        left.elementsEqual(right) { $0.utf8.elementsEqual($1.utf8) }
    }

    private static func feature(
        _ member: Value.Member, _ meters: [Meter], _ parent: inout CatalogReader
    ) -> Feature {
        var reader = CatalogReader(
            member.value, path: "features.\(member.name)", known: ["meter"])
        let meter = reader.text("meter")
        if let meter, !meters.contains(where: { $0.key == meter }) {
            reader.add("meter", "there is no meter \"\(meter)\" under meters")
        }
        parent.add(contentsOf: reader.problems)
        return Feature(key: member.name, meterKey: meter)
    }

    private static func credit(_ meters: [Meter], _ parent: inout CatalogReader) -> Credit? {
        guard let value = parent["credit"] else { return nil }
        var reader = CatalogReader(value, path: "credit", known: ["unit", "burn"])
        let unit = reader.requiredText("unit")
        var burn: [Credit.Burn] = []
        if let rates = reader["burn"] {
            var rateReader = CatalogReader(rates, path: "credit.burn", known: [])
            for member in rateReader.all {
                guard let meter = meters.first(where: { $0.key == member.name }) else {
                    rateReader.add(member.name, "there is no such meter under meters")
                    continue
                }
                if meter.aggregation != .count && meter.aggregation != .sum {
                    rateReader.add(
                        member.name,
                        "credits burn event by event, which only count and sum meters can")
                }
                if let rate = rateReader.quantity(member.name) {
                    burn.append(Credit.Burn(meter: member.name, rate: rate))
                }
            }
            reader.add(contentsOf: rateReader.problems)
        }
        parent.add(contentsOf: reader.problems)
        return Credit(unit: unit, burn: burn)
    }
}

/// Reads one plan.
struct PlanReader {
    let key: String
    let currency: Currency?
    let meters: [Meter]
    let features: [Feature]

    func read(_ value: Value, _ parent: inout CatalogReader) -> Plan {
        var reader = CatalogReader(
            value, path: "plans.\(key)", known: ["name", "currency", "entitlements", "prices"])
        defer { parent.add(contentsOf: reader.problems) }
        let name = reader.text("name") ?? key
        // A missing currency is reported at the root; any stands in for it here.
        let own = reader.currency("currency") ?? currency ?? Currency.usDollar
        let entitlements = reader.entries("entitlements").compactMap { entitlement($0, &reader) }
        let prices = reader.entries("prices").compactMap { price($0, &reader) }
        return Plan(
            key: key, name: name, currency: own,
            entitlements: entitlements, prices: prices)
    }

    private func entitlement(
        _ member: Value.Member, _ parent: inout CatalogReader
    ) -> PlanEntitlement? {
        let path = "plans.\(key).entitlements.\(member.name)"
        guard let feature = features.first(where: { $0.key == member.name }) else {
            parent.add(
                "entitlements.\(member.name)", "there is no such feature under features")
            return nil
        }
        if case .bool(let flag) = member.value {
            return PlanEntitlement(feature: member.name, allowance: flag ? .on : .off)
        }
        guard case .object = member.value else {
            parent.add(
                "entitlements.\(member.name)",
                "true, false, or a group with limit or unlimited is needed")
            return nil
        }
        var reader = CatalogReader(
            member.value, path: path, known: ["limit", "enforce", "reset", "unlimited"])
        defer { parent.add(contentsOf: reader.problems) }
        if feature.meterKey == nil {
            reader.add("", "a switch is true or false; only metered features have limits")
        }
        let limit = reader.quantity("limit")
        let unlimited = reader.flag("unlimited") ?? false
        if unlimited == (reader["limit"] != nil) {
            reader.add("limit", "give either limit: N or unlimited: true")
        }
        let enforce = reader.text("enforce") ?? "hard"
        if enforce != "hard", enforce != "soft" {
            reader.add("enforce", "\"\(enforce)\" is neither hard nor soft")
        }
        let reset = reader.text("reset") ?? "month"
        if reset != "month" { reader.add("reset", "\"\(reset)\" is not month") }
        guard let limit else { return PlanEntitlement(feature: member.name, allowance: .on) }
        return PlanEntitlement(
            feature: member.name, allowance: .limit(limit, isHard: enforce == "hard"))
    }

    private func price(_ member: Value.Member, _ parent: inout CatalogReader) -> Price? {
        var reader = CatalogReader(
            member.value, path: "plans.\(key).prices.\(member.name)",
            known: ["meter", "description", "amount", "per", "package", "graduated"])
        defer { parent.add(contentsOf: reader.problems) }
        let meter = reader.requiredText("meter")
        if !meter.isEmpty, !meters.contains(where: { $0.key == meter }) {
            reader.add("meter", "there is no meter \"\(meter)\" under meters")
        }
        let kinds = ["amount", "package", "graduated"].filter { reader[$0] != nil }
        guard kinds.count == 1 else {
            reader.add("", "give exactly one of: amount, package, graduated")
            return nil
        }
        var per = Quantity.one
        let model: PriceModel?
        switch kinds[0] {
        case "package": model = package(&reader)
        case "graduated": model = graduated(&reader)
        default:
            if let given = reader.quantity("per") {
                if given > .zero { per = given } else { reader.add("per", "must be above zero") }
            }
            model = perUnit(&reader, per)
        }
        if kinds[0] != "amount", reader["per"] != nil {
            reader.add("per", "belongs to a price with an amount for each unit")
        }
        let description = reader.text("description") ?? member.name
        return model.map {
            Price(key: member.name, meter: meter, description: description, model: $0, per: per)
        }
    }

    private func perUnit(_ reader: inout CatalogReader, _ per: Quantity) -> PriceModel? {
        guard let amount = reader.quantity("amount") else { return nil }
        if per == .one { return .perUnit(rate: amount) }
        let (scaled, overflow) = amount.units.multipliedReportingOverflow(by: Quantity.one.units)
        guard !overflow else {
            reader.add("amount", "is too large for a price of so many units at once")
            return nil
        }
        guard scaled % per.units == 0 else {
            reader.add(
                "amount", "divided by per has more than 12 decimals; choose a per of 1, 10, 100 …")
            return nil
        }
        return .perUnit(rate: Quantity(units: scaled / per.units))
    }

    private func package(_ parent: inout CatalogReader) -> PriceModel? {
        var reader = CatalogReader(
            parent["package"], path: "\(parent.path).package", known: ["size", "amount"])
        defer { parent.add(contentsOf: reader.problems) }
        let size = reader.quantity("size")
        let amount = reader.quantity("amount")
        if reader["size"] == nil || size == .zero { reader.add("size", "must be above zero") }
        if reader["amount"] == nil { reader.add("amount", "is missing") }
        guard let size, size > .zero, let amount else { return nil }
        return .package(size: size, price: amount)
    }

    private func graduated(_ parent: inout CatalogReader) -> PriceModel? {
        guard case .array(let list)? = parent["graduated"], !list.isEmpty else {
            parent.add("graduated", "a list of tiers is needed")
            return nil
        }
        var tiers: [PriceModel.Tier] = []
        var last = Quantity.zero
        for (index, item) in list.enumerated() {
            var reader = CatalogReader(
                item, path: "\(parent.path).graduated[\(index)]",
                known: ["up_to", "amount", "flat"])
            let bound = reader.quantity("up_to")
            let isLast = index == list.count - 1
            if isLast, reader["up_to"] != nil {
                reader.add("up_to", "the last tier has no end; leave it out")
            }
            if !isLast {
                if let bound, bound > last {
                    last = bound
                } else {
                    reader.add("up_to", "each tier but the last ends above the one before it")
                }
            }
            if reader["amount"] == nil, reader["flat"] == nil {
                reader.add("amount", "give amount (for a unit), flat, or both")
            }
            tiers.append(
                PriceModel.Tier(
                    upTo: isLast ? nil : bound, rate: reader.quantity("amount") ?? .zero,
                    flat: reader.quantity("flat") ?? .zero))
            parent.add(contentsOf: reader.problems)
        }
        return .graduated(tiers)
    }
}

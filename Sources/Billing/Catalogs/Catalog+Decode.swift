import Money

extension Catalog {
    /// Reads a catalog from a tree: all problems at once, or a catalog in which every name leads
    /// somewhere.
    package static func decode(_ value: Value) -> Result<Catalog, CatalogProblems> {
        var reader = CatalogReader(
            value, path: "",
            known: [
                "catalog", "currency", "default_plan", "meters", "features", "credit", "plans",
                "personal", "timezones", "events",
            ])
        if reader["catalog"] != .number(DecimalNumber(mantissa: 1, scale: 0)) {
            reader.add("catalog", "must be 1: the version of this format")
        }
        let currency = reader.currency("currency")
        if currency == nil, reader["currency"] == nil {
            reader.add("currency", "is missing; name the currency of the prices, such as USD")
        }
        let meters = reader.entries("meters").map { MeterReader.read($0, &reader) }
        let features = reader.entries("features").map { feature($0, meters, &reader) }
        let credit = credit(meters, &reader)
        let timezones = TermsReader.timezones(&reader)
        let plans = reader.entries("plans").map { member in
            PlanReader(
                key: member.name, currency: currency, meters: meters, features: features,
                timezones: timezones.map(\.name)
            ).read(member.value, &reader)
        }
        let defaultPlan = reader.text("default_plan")
        if let defaultPlan, !plans.contains(where: { $0.key == defaultPlan }) {
            reader.add("default_plan", "there is no plan \"\(defaultPlan)\" under plans")
        }
        let personal = personal(meters, plans, &reader)
        let events = TermsReader.events(&reader)
        guard reader.problems.isEmpty, let currency else {
            return .failure(CatalogProblems(list: reader.problems))
        }
        return .success(
            Catalog(
                currency: currency, defaultPlan: defaultPlan, meters: meters, features: features,
                credit: credit, plans: plans, personal: personal, timezones: timezones,
                events: events))
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
        if let meter {
            let found = meters.first { $0.key == meter }
            if found == nil {
                reader.add("meter", "there is no meter \"\(meter)\" under meters")
            } else if found?.isCounted == false {
                reader.add(
                    "meter",
                    "what is allowed is decided at once, and \"\(meter)\" is not known at once: "
                        + "use a meter of count, sum, max, min, average or unique, without window, "
                        + "operation and carry")
            }
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
                if !meter.isCounted || (meter.aggregation != .count && meter.aggregation != .sum) {
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

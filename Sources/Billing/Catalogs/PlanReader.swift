import Money

/// Reads one plan.
struct PlanReader {
    let key: String
    let currency: Currency?
    let meters: [Meter]
    let features: [Feature]
    let timezones: [String]

    func read(_ value: Value, _ parent: inout CatalogReader) -> Plan {
        var reader = CatalogReader(
            value, path: "plans.\(key)",
            known: [
                "name", "currency", "entitlements", "prices", "billing", "minimum", "maximum",
                "discounts", "tax", "order",
            ])
        defer { parent.add(contentsOf: reader.problems) }
        let name = reader.text("name") ?? key
        // A missing currency is reported at the root; any stands in for it here.
        let own = reader.currency("currency") ?? currency ?? Currency.usDollar
        let entitlements = reader.entries("entitlements").compactMap { entitlement($0, &reader) }
        let prices = reader.entries("prices").compactMap {
            PriceReader(plan: key, meters: meters).read($0, &reader)
        }
        var plan = Plan(
            key: key, name: name, currency: own,
            entitlements: entitlements, prices: prices)
        plan.terms = terms(&reader)
        return plan
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

    private func terms(_ reader: inout CatalogReader) -> PlanTerms {
        var terms = PlanTerms()
        terms.cycle = cycle(&reader)
        terms.minimum = reader.quantity("minimum")
        terms.maximum = reader.quantity("maximum")
        TermsReader.checkBounds(terms.minimum, terms.maximum, &reader)
        terms.discounts = TermsReader.discounts(&reader)
        terms.tax = tax(&reader)
        terms.order = order(&reader)
        return terms
    }

    private func tax(_ parent: inout CatalogReader) -> Tax? {
        guard parent["tax"] != nil else { return nil }
        var reader = CatalogReader(
            parent["tax"], path: "\(parent.path).tax", known: ["rate", "name"])
        defer { parent.add(contentsOf: reader.problems) }
        if reader["rate"] == nil { reader.add("rate", "is missing: how many percent?") }
        return Tax(rate: reader.quantity("rate") ?? .zero, name: reader.text("name") ?? "Tax")
    }

    /// All steps: those that are named, and behind them the others.
    private func order(_ reader: inout CatalogReader) -> [InvoiceStep] {
        var order: [InvoiceStep] = []
        for word in reader.texts("order") ?? [] {
            guard let step = InvoiceStep(rawValue: word) else {
                let known = InvoiceStep.allCases.map(\.rawValue).joined(separator: ", ")
                reader.add("order", "\"\(word)\" is none of: \(known)")
                continue
            }
            if order.contains(step) { reader.add("order", "\"\(word)\" stands twice") }
            order.append(step)
        }
        return order + InvoiceStep.allCases.filter { !order.contains($0) }
    }

    private func cycle(_ parent: inout CatalogReader) -> BillingCycle {
        guard parent["billing"] != nil else { return .monthly }
        var reader = CatalogReader(
            parent["billing"], path: "\(parent.path).billing",
            known: ["every", "anchor", "timezone"])
        defer { parent.add(contentsOf: reader.problems) }
        var every = (count: 1, unit: BillingCycle.Unit.month)
        if let text = reader.text("every") {
            if let read = Self.every(text) {
                every = read
            } else {
                reader.add(
                    "every",
                    "\"\(text)\" is no period such as month, \"3 months\", week, \"30 days\" or year")
            }
        }
        let anchor: BillingCycle.Anchor? = reader.word("anchor")
        let zone = reader.text("timezone") ?? "UTC"
        if zone != "UTC", !timezones.contains(zone) {
            reader.add("timezone", "\"\(zone)\" is not listed under timezones")
        }
        return BillingCycle(
            count: every.count, unit: every.unit, anchor: anchor ?? .calendar, timezone: zone)
    }

    private static func every(_ text: String) -> (count: Int, unit: BillingCycle.Unit)? {
        let words = text.split(separator: " ")
        guard let last = words.last, words.count <= 2 else { return nil }
        let count = words.count == 2 ? Int(words[0]) : 1
        let isPlural = last.hasSuffix("s")
        guard let count, (1...1000).contains(count),
            let unit = BillingCycle.Unit(rawValue: String(isPlural ? last.dropLast() : last)),
            words.count == 2 || !isPlural
        else { return nil }
        return (count, unit)
    }
}

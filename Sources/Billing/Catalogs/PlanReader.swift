import Money

/// Reads one plan, or one add-on, which has no periods and no terms of its own.
struct PlanReader {
    let key: String
    var isAddon = false
    let currency: Currency?
    let meters: [Meter]
    let features: [Feature]
    let credits: [Credit]
    /// Names of the zones that there are beside UTC.
    let timezones: [String]

    private var group: String { isAddon ? "addons" : "plans" }

    func read(_ value: Value, _ parent: inout CatalogReader) -> Plan {
        var known = ["name", "currency", "entitlements", "prices", "grants"]
        if !isAddon {
            known += ["billing", "minimum", "maximum", "discounts", "tax", "order", "spend_cap"]
        }
        var reader = CatalogReader(value, path: "\(group).\(key)", known: known)
        defer { parent.add(contentsOf: reader.problems) }
        let name = reader.text("name") ?? key
        // A missing currency is reported at the root; any stands in for it here.
        let own = reader.currency("currency") ?? currency ?? Currency.usDollar
        let entitlementReader = EntitlementReader(features: features, mayAdd: isAddon)
        let entitlements = reader.entries("entitlements").compactMap {
            entitlementReader.read($0.value, of: $0.name, at: "entitlements.\($0.name)", &reader)
        }
        let prices = reader.entries("prices").compactMap { member in
            PriceReader(path: "\(group).\(key).prices.\(member.name)", meters: meters)
                .read(member, &reader)
        }
        let grants = PlanGrant.list(credits, features, meters, &reader)
        let terms = isAddon ? PlanTerms() : terms(&reader)
        if terms.spendCap != nil { checkSpendCap(terms, prices, &reader) }
        return Plan(
            key: key, name: name, currency: own, entitlements: entitlements, prices: prices,
            grants: grants, terms: terms)
    }

    /// What a request adds to the bill must follow from the counters of the month.
    private func checkSpendCap(
        _ terms: PlanTerms, _ prices: [Price], _ reader: inout CatalogReader
    ) {
        if terms.cycle != .monthly {
            reader.add("spend_cap", "fits a plan that is billed by calendar months in UTC")
        }
        for price in prices {
            guard let meter = meters.first(where: { $0.key == price.meter }),
                PriceCharge.needsUses(price, meter) || !meter.isCounted
            else { continue }
            reader.add(
                "spend_cap",
                "what \"\(price.key)\" costs depends on single events, so it is not known at once; "
                    + "leave the cap or that price out")
        }
    }

    private func terms(_ reader: inout CatalogReader) -> PlanTerms {
        var terms = PlanTerms()
        if let cycle = reader.group("billing", known: ["every", "anchor", "timezone"], cycle) {
            terms.cycle = cycle
        }
        terms.minimum = reader.quantity("minimum")
        terms.maximum = reader.quantity("maximum")
        reader.checkBounds(terms.minimum, terms.maximum)
        terms.discounts = Discount.list(&reader)
        terms.spendCap = reader.positive("spend_cap")
        terms.tax = reader.group("tax", known: ["rate", "name"]) { group in
            let name = group.text("name") ?? "Tax"
            return group.requiredQuantity("rate").map { Tax(rate: $0, name: name) }
        }
        terms.order = order(&reader)
        return terms
    }

    private func cycle(_ reader: inout CatalogReader) -> BillingCycle? {
        let monthly = BillingCycle.monthly
        var length = (count: monthly.count, unit: monthly.unit)
        if let text = reader.text("every") {
            if let given = BillingCycle.length(text) {
                length = given
            } else {
                reader.add(
                    "every",
                    "\"\(text)\" is no length of a period; give day, week, month, year, or a number "
                        + "of them from 1 to 1000, such as \"3 months\"")
            }
        }
        let anchor = reader.word("anchor", BillingCycle.Anchor.self) ?? monthly.anchor
        let zone = reader.text("timezone") ?? monthly.timezone
        if zone != TimeZoneTable.utc.name, !timezones.contains(zone) {
            reader.add(
                "timezone",
                "there is no time zone \"\(zone)\" under timezones; publish through daybook, which "
                    + "adds the zones that plans name")
        }
        return BillingCycle(
            count: length.count, unit: length.unit, anchor: anchor, timezone: zone)
    }

    private func order(_ reader: inout CatalogReader) -> [InvoiceStep] {
        guard let value = reader["order"] else { return InvoiceStep.allCases }
        guard case .array(let list) = value else {
            reader.add("order", "a list of steps is needed, such as [minimum, discounts, tax]")
            return InvoiceStep.allCases
        }
        var steps: [InvoiceStep] = []
        for item in list {
            let text = item.text ?? ""
            guard let step = InvoiceStep(rawValue: text) else {
                reader.add(
                    "order", CatalogReader.noneOf(text, InvoiceStep.allCases.map(\.rawValue)))
                continue
            }
            if steps.contains(step) {
                reader.add("order", "\"\(text)\" stands twice")
            } else {
                steps.append(step)
            }
        }
        return steps + InvoiceStep.allCases.filter { !steps.contains($0) }
    }
}

extension BillingCycle {
    /// Reads `month`, `3 months`, `1 week` …
    package static func length(
        _ text: String, of units: [Unit] = Unit.ofBilling
    ) -> (count: Int, unit: Unit)? {
        if let unit = units.first(where: { $0.rawValue == text }) { return (1, unit) }
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = CatalogReader.number(parts[0]),
            (1...1000).contains(count),
            let unit = units.first(where: { CatalogReader.isWord(parts[1], $0.rawValue) })
        else { return nil }
        return (count, unit)
    }

    /// As `length` reads it.
    var lengthText: String { count == 1 ? unit.rawValue : "\(count) \(unit.rawValue)s" }
}

extension Discount {
    /// Reads `discounts`.
    static func list(_ reader: inout CatalogReader) -> [Discount] {
        reader.groups(
            "discounts", known: ["percent", "amount", "name"], of: "discounts", mayBeEmpty: true
        ) { group, _ in
            let percent = group.quantity("percent")
            let amount = group.quantity("amount")
            let name = group.text("name")
            guard (group["percent"] == nil) != (group["amount"] == nil) else {
                group.add("", "give exactly one of: percent, amount")
                return nil
            }
            if let percent {
                if percent.units > 100 * Quantity.one.units {
                    group.add("percent", "must be from 0 to 100")
                }
                return Discount(.percent(percent), name: name)
            }
            return amount.map { Discount(.amount($0), name: name) }
        }
    }
}

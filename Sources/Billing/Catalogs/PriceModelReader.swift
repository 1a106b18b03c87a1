import Money

/// Reads how quantity becomes money.
struct PriceModelReader {
    /// For how many units the amount is.
    private(set) var per = Quantity.one
    /// Prices by dimension.
    private(set) var matrix: Matrix?

    /// Reads the model that stands under a key of the price.
    mutating func read(_ kind: String, _ reader: inout CatalogReader) -> PriceModel? {
        let flatAtZero = reader.flag("flat_at_zero") ?? true
        switch kind {
        case "package": return package(&reader)
        case "graduated":
            return .graduated(Self.tiers(kind, rate: "amount", &reader), flatAtZero: flatAtZero)
        case "volume":
            return .volume(Self.tiers(kind, rate: "amount", &reader), flatAtZero: flatAtZero)
        case "graduated_percentage":
            return .graduatedPercentage(
                Self.tiers(kind, rate: "rate", &reader), flatAtZero: flatAtZero)
        case "stairstep":
            return .stairstep(Self.steps(kind, &reader), flatAtZero: flatAtZero)
        case "percentage":
            return reader.group(
                kind,
                known: ["rate", "fixed", "free_events", "free_units", "minimum", "maximum"],
                Self.percentage
            ).map { .percentage($0) }
        case "dynamic":
            return reader.group(kind, known: ["multiplier"]) { group in
                .dynamic(multiplier: group.quantity("multiplier") ?? .one)
            }
        case "matrix":
            matrix = reader.group(kind, known: ["by", "rows", "other"], MatrixReader.read)
            return matrix == nil ? nil : .matrix
        case "fee": return reader.quantity(kind).map { .fee($0) }
        default:
            guard let unit = Self.unitPrice(&reader) else { return nil }
            per = unit.per
            return .perUnit(rate: unit.rate)
        }
    }

    /// The price of one unit, from `amount` and `per`.
    static func unitPrice(_ reader: inout CatalogReader) -> (rate: Quantity, per: Quantity)? {
        let per = reader.positive("per") ?? .one
        guard let amount = reader.quantity("amount") else { return nil }
        if per == .one { return (amount, per) }
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
        return (Quantity(units: scaled / per.units), per)
    }

    private func package(_ reader: inout CatalogReader) -> PriceModel? {
        reader.group("package", known: ["size", "amount"]) { group in
            let size = group.quantity("size")
            if group["size"] == nil || size == .zero { group.add("size", "must be above zero") }
            let amount = group.requiredQuantity("amount")
            guard let size, size > .zero, let amount else { return nil }
            return .package(size: size, price: amount)
        }
    }

    private static func tiers(
        _ name: String, rate: String, _ reader: inout CatalogReader
    ) -> [PriceModel.Tier] {
        var last = Quantity.zero
        let unit = rate == "rate" ? "rate (in percent)" : "amount (for a unit)"
        return reader.groups(name, known: ["up_to", rate, "flat"], of: "tiers") { group, isLast in
            let bound = bound(&group, isLast: isLast, above: &last, "tier")
            if group[rate] == nil, group["flat"] == nil {
                group.add(rate, "give \(unit), flat, or both")
            }
            return PriceModel.Tier(
                upTo: bound, rate: group.quantity(rate) ?? .zero,
                flat: group.quantity("flat") ?? .zero)
        }
    }

    private static func steps(
        _ name: String, _ reader: inout CatalogReader
    ) -> [PriceModel.Step] {
        var last = Quantity.zero
        return reader.groups(name, known: ["up_to", "amount"], of: "steps") { group, isLast in
            let bound = bound(&group, isLast: isLast, above: &last, "step")
            return PriceModel.Step(upTo: bound, amount: group.requiredQuantity("amount") ?? .zero)
        }
    }

    /// The last quantity of a tier; nil for the last tier.
    private static func bound(
        _ reader: inout CatalogReader, isLast: Bool, above last: inout Quantity, _ what: String
    ) -> Quantity? {
        let bound = reader.quantity("up_to")
        guard !isLast else {
            if reader["up_to"] != nil {
                reader.add("up_to", "the last \(what) has no end; leave it out")
            }
            return nil
        }
        if let bound, bound > last {
            last = bound
        } else {
            reader.add("up_to", "each \(what) but the last ends above the one before it")
        }
        return bound
    }

    private static func percentage(_ reader: inout CatalogReader) -> PriceModel.Percentage? {
        let rate = reader.requiredQuantity("rate")
        let minimum = reader.quantity("minimum")
        let maximum = reader.quantity("maximum")
        reader.checkBounds(minimum, maximum)
        let percentage = PriceModel.Percentage(
            rate: rate ?? .zero, fixed: reader.quantity("fixed") ?? .zero,
            freeEvents: reader.integer("free_events", in: 0...1_000_000_000),
            freeUnits: reader.quantity("free_units"), minimum: minimum, maximum: maximum)
        return rate == nil ? nil : percentage
    }
}

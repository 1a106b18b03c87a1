import Money

/// Reads a price's model.
struct ModelReader {
    /// For how many units the amount is.
    private(set) var per = Quantity.one
    private(set) var matrix: Matrix?

    mutating func read(_ kind: String, _ reader: inout CatalogReader) -> PriceModel? {
        let flatAtZero = reader.flag("flat_at_zero") ?? true
        switch kind {
        case "package": return package(&reader)
        case "graduated":
            return Self.tiers("graduated", "amount", &reader)
                .map { .graduated($0, flatAtZero: flatAtZero) }
        case "volume":
            return Self.tiers("volume", "amount", &reader)
                .map { .volume($0, flatAtZero: flatAtZero) }
        case "graduated_percentage":
            return Self.tiers("graduated_percentage", "rate", &reader)
                .map { .graduatedPercentage($0, flatAtZero: flatAtZero) }
        case "stairstep":
            return Self.tiers("stairstep", nil, &reader).map { tiers in
                .stairstep(
                    tiers.map { PriceModel.Step(upTo: $0.upTo, amount: $0.rate) },
                    flatAtZero: flatAtZero)
            }
        case "percentage": return percentage(&reader)
        case "dynamic": return dynamic(&reader)
        case "matrix":
            matrix = MatrixReader.read(&reader)
            return matrix == nil ? nil : .matrix
        case "fee": return reader.quantity("fee").map { .fee($0) }
        default:
            if let given = reader.quantity("per") {
                if given > .zero { per = given } else { reader.add("per", "must be above zero") }
            }
            return Self.rate("amount", per, &reader).map { .perUnit(rate: $0) }
        }
    }

    /// The price of one unit, where the amount is for several.
    static func rate(
        _ name: String, _ per: Quantity, _ reader: inout CatalogReader
    ) -> Quantity? {
        guard let amount = reader.quantity(name) else { return nil }
        if per == .one { return amount }
        let (scaled, overflow) = amount.units.multipliedReportingOverflow(by: Quantity.one.units)
        guard !overflow else {
            reader.add(name, "is too large for a price of so many units at once")
            return nil
        }
        guard scaled % per.units == 0 else {
            reader.add(
                name, "divided by per has more than 12 decimals; choose a per of 1, 10, 100 …")
            return nil
        }
        return Quantity(units: scaled / per.units)
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

    private func percentage(_ parent: inout CatalogReader) -> PriceModel? {
        var reader = CatalogReader(
            parent["percentage"], path: "\(parent.path).percentage",
            known: ["rate", "fixed", "free_events", "free_units", "minimum", "maximum"])
        defer { parent.add(contentsOf: reader.problems) }
        if reader["rate"] == nil { reader.add("rate", "is missing: how many percent?") }
        let rate = reader.quantity("rate")
        let minimum = reader.quantity("minimum")
        let maximum = reader.quantity("maximum")
        TermsReader.checkBounds(minimum, maximum, &reader)
        return .percentage(
            PriceModel.Percentage(
                rate: rate ?? .zero, fixed: reader.quantity("fixed") ?? .zero,
                freeEvents: reader.whole("free_events", in: 0...1_000_000_000),
                freeUnits: reader.quantity("free_units"), minimum: minimum, maximum: maximum))
    }

    private func dynamic(_ parent: inout CatalogReader) -> PriceModel? {
        var reader = CatalogReader(
            parent["dynamic"], path: "\(parent.path).dynamic", known: ["multiplier"])
        defer { parent.add(contentsOf: reader.problems) }
        return .dynamic(multiplier: reader.quantity("multiplier") ?? .one)
    }

    /// Tiers with a rate and a flat amount; of steps (`rate` nil) the amount stands for the rate.
    private static func tiers(
        _ name: String, _ rate: String?, _ parent: inout CatalogReader
    ) -> [PriceModel.Tier]? {
        guard case .array(let list)? = parent[name], !list.isEmpty else {
            parent.add(name, "a list of tiers is needed")
            return nil
        }
        var tiers: [PriceModel.Tier] = []
        var last = Quantity.zero
        for (index, item) in list.enumerated() {
            var reader = CatalogReader(
                item, path: "\(parent.path).\(name)[\(index)]",
                known: rate.map { ["up_to", $0, "flat"] } ?? ["up_to", "amount"])
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
            let amount = rate ?? "amount"
            if reader[amount] == nil, rate == nil || reader["flat"] == nil {
                reader.add(
                    amount,
                    rate == nil ? "is missing" : "give \(amount) (for a unit), flat, or both")
            }
            tiers.append(
                PriceModel.Tier(
                    upTo: isLast ? nil : bound, rate: reader.quantity(amount) ?? .zero,
                    flat: rate == nil ? .zero : reader.quantity("flat") ?? .zero))
            parent.add(contentsOf: reader.problems)
        }
        return tiers
    }
}

/// Reads prices by dimension.
enum MatrixReader {
    static func read(_ parent: inout CatalogReader) -> Matrix? {
        var reader = CatalogReader(
            parent["matrix"], path: "\(parent.path).matrix", known: ["by", "rows", "other"])
        defer { parent.add(contentsOf: reader.problems) }
        var by: [[String]] = []
        for text in reader.texts("by") ?? [] {
            guard let path = reader.path(text, at: "by") else { continue }
            if by.contains(where: { Catalog.isSame($0, path) }) {
                reader.add("by", "\"\(text)\" stands twice")
            }
            if text == "amount" || text == "per" {
                reader.add("by", "\"\(text)\" cannot be a dimension: it says a row's price")
            }
            by.append(path)
        }
        if by.isEmpty || by.count > 8 {
            reader.add("by", "a list of one to eight properties is needed, such as [region]")
        }
        let rows = reader.entries("rows").compactMap { row($0, by, &reader) }
        if reader["rows"] == nil { reader.add("rows", "are missing") }
        for (index, row) in rows.enumerated() {
            for earlier in rows[..<index] where areAmbiguous(earlier, row) {
                reader.add(
                    "rows.\(row.key)",
                    "an event could belong to \"\(earlier.key)\" as well; one of both must name "
                        + "more dimensions, or another value")
            }
        }
        return Matrix(by: by, rows: rows, other: reader.quantity("other"))
    }

    private static func row(
        _ member: Value.Member, _ by: [[String]], _ parent: inout CatalogReader
    ) -> Matrix.Row? {
        let names = by.map(dotted)
        var reader = CatalogReader(
            member.value, path: "\(parent.path).rows.\(member.name)",
            known: names + ["amount", "per"])
        defer { parent.add(contentsOf: reader.problems) }
        if member.name == "other" {
            reader.add("", "\"other\" is what no row matches; give it beside rows")
        }
        let values = names.map { name -> Value? in
            switch reader[name] {
            case nil: return nil
            case .some(let value):
                switch value {
                case .string, .number, .bool: return value
                default:
                    reader.add(name, "a text, a number, true or false is needed")
                    return nil
                }
            }
        }
        var per = Quantity.one
        if let given = reader.quantity("per") {
            if given > .zero { per = given } else { reader.add("per", "must be above zero") }
        }
        if reader["amount"] == nil { reader.add("amount", "is missing") }
        return ModelReader.rate("amount", per, &reader)
            .map { Matrix.Row(key: member.name, values: values, rate: $0, per: per) }
    }

    /// Whether one event can match both, and neither names more dimensions.
    private static func areAmbiguous(_ left: Matrix.Row, _ right: Matrix.Row) -> Bool {
        let sizes = (left.values.compactMap(\.self).count, right.values.compactMap(\.self).count)
        guard sizes.0 == sizes.1 else { return false }
        return zip(left.values, right.values).allSatisfy { left, right in
            guard let left, let right else { return true }
            return left == right
        }
    }
}

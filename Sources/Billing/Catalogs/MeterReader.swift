import Money

/// Reads one meter.
enum MeterReader {
    static func read(_ member: Value.Member, _ parent: inout CatalogReader) -> Meter {
        var reader = CatalogReader(
            member.value, path: "meters.\(member.name)",
            known: [
                "event", "aggregate", "value", "operation", "filter", "group_by", "window",
                "across", "carry", "convert",
            ])
        defer { parent.add(contentsOf: reader.problems) }
        let type = reader.requiredText("event")
        let aggregation = reader.word("aggregate", Aggregation.self)
        if reader["aggregate"] == nil { reader.add("aggregate", "is missing") }
        let property = reader.property("value")
        switch aggregation {
        case nil: break
        case .count?:
            if property != nil {
                reader.add("value", "a count has no value; use sum, or leave it out")
            }
        case .sum?, .max?, .min?, .average?, .unique?, .latest?, .timeWeighted?:
            if property == nil, reader["value"] == nil {
                reader.add("value", "is missing: which property of data is measured?")
            }
        }
        let terms = terms(&reader)
        if let aggregation { check(terms, aggregation, &reader) }
        return Meter(
            key: member.name, eventType: type, aggregation: aggregation ?? .count,
            valueProperty: property, filter: filter(&reader), groupBy: groupBy(&reader),
            terms: terms)
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
            for value in values where !value.isScalar {
                reader.add("filter.\(member.name)", "a text, a number, true or false is needed")
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
        return reader.paths(list, at: "group_by")
    }

    private static func terms(_ reader: inout CatalogReader) -> MeterTerms {
        var terms = MeterTerms()
        terms.operationProperty = reader.property("operation")
        terms.window = reader.word("window", MeterTerms.Window.self)
        if let across = reader.word("across", MeterTerms.Across.self) { terms.across = across }
        terms.carries = reader.flag("carry") ?? false
        terms.conversion = reader.group(
            "convert", known: ["multiply", "divide", "round", "decimals"], conversion)
        return terms
    }

    private static func conversion(_ reader: inout CatalogReader) -> MeterTerms.Conversion? {
        let multiply = reader.positive("multiply") ?? .one
        let divide = reader.positive("divide") ?? .one
        let rounding = reader.word("round", MeterTerms.Conversion.Rounding.self) ?? .none
        let decimals = reader.integer("decimals", in: 0...12) ?? 0
        if rounding == .none, decimals != 0 {
            reader.add(
                "decimals", "belongs to a rounding; give round: half_up, ceiling or floor too")
        }
        if multiply == .one, divide == .one, rounding == .none, reader.problems.isEmpty {
            reader.add("", "changes nothing; give multiply, divide or round, or leave it out")
        }
        return MeterTerms.Conversion(
            multiply: multiply, divide: divide, rounding: rounding, decimals: decimals)
    }

    /// What does not fit together.
    private static func check(
        _ terms: MeterTerms, _ aggregation: Aggregation, _ reader: inout CatalogReader
    ) {
        let hasOperation = reader["operation"] != nil
        if hasOperation, aggregation != .unique {
            reader.add(
                "operation",
                "only the values of a unique meter are added and removed; use aggregate: unique, or "
                    + "leave it out")
        }
        if reader["window"] != nil {
            let unfit: String?
            switch aggregation {
            case .average, .latest, .timeWeighted: unfit = "aggregate: \(aggregation.rawValue)"
            case .unique where hasOperation: unfit = "operation"
            case .count, .sum, .max, .min, .unique: unfit = nil
            }
            if let unfit {
                reader.add("window", "does not fit \(unfit); leave one of the two out")
            } else if terms.carries {
                reader.add("window", "does not fit carry; leave one of the two out")
            }
        } else if reader["across"] != nil {
            reader.add("across", "combines windows; give window: hour or day too, or leave it out")
        }
        guard terms.carries else { return }
        switch aggregation {
        case .latest, .timeWeighted, .sum, .count: break
        case .unique where hasOperation: break
        case .unique, .max, .min, .average:
            reader.add(
                "carry",
                "only a level goes on in the next period: of a latest or time_weighted meter, of a "
                    + "unique one with operation, of a sum or count with a prorated price")
        }
    }
}

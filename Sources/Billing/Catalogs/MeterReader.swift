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
        let word = reader.requiredText("aggregate")
        let aggregation = Aggregation(rawValue: word)
        if aggregation == nil, !word.isEmpty {
            let known = Aggregation.allCases.map(\.rawValue).joined(separator: ", ")
            reader.add("aggregate", "\"\(word)\" is none of: \(known)")
        }
        let property = reader.property("value")
        if aggregation == .count, property != nil {
            reader.add("value", "a count has no value; use sum, or leave it out")
        } else if let aggregation, aggregation != .count, property == nil, reader["value"] == nil {
            reader.add("value", "is missing: which property of data is measured?")
        }
        var meter = Meter(
            key: member.name, eventType: type, aggregation: aggregation ?? .count,
            valueProperty: property, filter: filter(&reader), groupBy: groupBy(&reader))
        meter.terms = terms(of: aggregation, &reader)
        return meter
    }

    private static func terms(
        of aggregation: Aggregation?, _ reader: inout CatalogReader
    ) -> MeterTerms {
        var terms = MeterTerms()
        terms.operationProperty = reader.property("operation")
        if terms.operationProperty != nil, let aggregation, aggregation != .unique {
            reader.add("operation", "only values of a unique meter are added and removed")
        }
        terms.window = reader.word("window")
        if terms.window != nil {
            let fits: [Aggregation] = [.count, .sum, .max, .min, .unique]
            if let aggregation, !fits.contains(aggregation) {
                reader.add("window", "a meter of \(aggregation.rawValue) has no windows")
            } else if terms.operationProperty != nil {
                reader.add("window", "values that are added and removed have no windows")
            }
        }
        if let across: MeterTerms.Across = reader.word("across") {
            terms.across = across
            if terms.window == nil {
                reader.add("across", "says how windows combine; give window too")
            }
        }
        terms.carries = reader.flag("carry") ?? false
        if terms.carries { checkCarry(aggregation, terms, &reader) }
        terms.conversion = conversion(&reader)
        return terms
    }

    private static func checkCarry(
        _ aggregation: Aggregation?, _ terms: MeterTerms, _ reader: inout CatalogReader
    ) {
        if terms.window != nil { reader.add("carry", "windows carry nothing over") }
        switch aggregation {
        case .latest, .timeWeighted, .sum, nil: break
        case .unique:
            if terms.operationProperty == nil {
                reader.add(
                    "carry",
                    "values that are never removed would add up for ever; give operation too")
            }
        case .count, .max, .min, .average:
            reader.add(
                "carry", "a meter of \(aggregation?.rawValue ?? "") has no level that goes on")
        }
    }

    private static func conversion(
        _ parent: inout CatalogReader
    ) -> MeterTerms.Conversion? {
        guard parent["convert"] != nil else { return nil }
        var reader = CatalogReader(
            parent["convert"], path: "\(parent.path).convert",
            known: ["multiply", "divide", "round", "decimals"])
        defer { parent.add(contentsOf: reader.problems) }
        let multiply = reader.quantity("multiply") ?? .one
        let divide = reader.quantity("divide") ?? .one
        if multiply == .zero { reader.add("multiply", "must be above zero") }
        if divide == .zero { reader.add("divide", "must be above zero") }
        let word: MeterTerms.Conversion.Rounding? = reader.word("round")
        let rounding = word ?? MeterTerms.Conversion.Rounding.none
        let decimals = reader.whole("decimals", in: 0...12)
        if decimals != nil, rounding == .none {
            reader.add("decimals", "says to how many decimals is rounded; give round too")
        }
        return MeterTerms.Conversion(
            multiply: multiply, divide: max(divide, Quantity(units: 1)),
            rounding: rounding, decimals: decimals ?? 0)
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
            if paths.contains(where: { Catalog.isSame($0, path) }) {
                reader.add("group_by", "\"\(text)\" stands twice")
            }
            paths.append(path)
        }
        return paths
    }

}

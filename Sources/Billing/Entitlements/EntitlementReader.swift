import Money

/// Reads what a plan, an add-on or an override says of a feature.
struct EntitlementReader {
    let features: [Feature]
    /// Whether amounts may come on top of others: those of add-ons.
    let mayAdd: Bool

    private static let known = [
        "limit", "add", "unlimited", "enforce", "overage", "reset", "anchor", "per", "by", "warn",
        "value", "values",
    ]

    /// - Parameter place: where the entitlement stands, seen from the reader.
    func read(
        _ value: Value, of name: String, at place: String, _ parent: inout CatalogReader
    ) -> PlanEntitlement? {
        guard let feature = features.first(where: { $0.key == name }) else {
            parent.add(place, "there is no such feature under features")
            return nil
        }
        if case .bool(let flag) = value {
            if flag, feature.valueKind != nil {
                parent.add(place, "is a configuration value: give value or values, or false")
            }
            return PlanEntitlement(feature: name, allowance: flag ? .on : .off)
        }
        guard case .object = value else {
            parent.add(
                place, "true, false, or a group with limit, unlimited or value is needed")
            return nil
        }
        var reader = CatalogReader(
            value, path: CatalogReader.join(parent.path, place), known: Self.known)
        defer { parent.add(contentsOf: reader.problems) }
        if let kind = feature.valueKind {
            return self.value(kind, &reader).map {
                PlanEntitlement(feature: name, allowance: .value($0))
            }
        }
        for key in ["value", "values"] where reader[key] != nil {
            reader.add(key, "belongs to a feature with `value` under features")
        }
        if feature.meterKey == nil {
            reader.add("", "a switch is true or false; only metered features have limits")
        }
        guard let limit = limit(&reader) else {
            return PlanEntitlement(feature: name, allowance: .on)
        }
        return PlanEntitlement(feature: name, allowance: .limit(limit))
    }

    private func value(
        _ kind: Feature.ValueKind, _ reader: inout CatalogReader
    ) -> FeatureValue? {
        for key in Self.known.dropLast(2) where reader[key] != nil {
            reader.add(key, "belongs to a metered feature; this one has a value")
        }
        switch kind {
        case .number:
            if reader["values"] != nil { reader.add("values", "is for texts; give one value") }
            return reader.requiredQuantity("value").map { .number($0) }
        case .text:
            if let word = reader.text("value") { return .words([word]) }
            guard case .array(let list)? = reader["values"], !list.isEmpty,
                list.allSatisfy({ $0.text?.isEmpty == false })
            else {
                reader.add("value", "a text, or values: [a list of them], is needed")
                return nil
            }
            return .words(FeatureValue.sorted(list.compactMap(\.text)))
        }
    }

    private func limit(_ reader: inout CatalogReader) -> Limit? {
        let amount = reader.quantity("limit")
        let addition = reader.quantity("add")
        let unlimited = reader.flag("unlimited") ?? false
        let given = [reader["limit"] != nil, reader["add"] != nil, unlimited].count { $0 }
        if given != 1 { reader.add("limit", "give either limit: N or unlimited: true") }
        if reader["add"] != nil, !mayAdd {
            reader.add("add", "is for add-ons, which add to what a plan allows; give limit")
        }
        let enforce = reader.text("enforce") ?? "hard"
        if enforce != "hard", enforce != "soft" {
            reader.add("enforce", "\"\(enforce)\" is neither hard nor soft")
        }
        guard let amount = amount ?? addition else {
            for key in Self.known[3..<10] where unlimited && reader[key] != nil {
                reader.add(key, "belongs to a limit, and there is none")
            }
            return nil
        }
        var limit = Limit(amount)
        limit.isAddition = reader["add"] != nil
        limit.isHard = enforce != "soft"
        limit.overage = reader.quantity("overage")
        if limit.isHard, limit.overage != nil {
            reader.add("overage", "is how far usage may go beyond a soft limit: enforce: soft")
        }
        limit.window = window(&reader)
        switch reader.text("per") {
        case nil: break
        case "quantity": limit.isForEach = true
        case "subscription": break
        case .some(let word):
            reader.add("per", "\"\(word)\" is neither subscription nor quantity")
        }
        limit.by = reader.property("by")
        limit.warnings = warnings(&reader)
        return limit
    }

    private func window(_ reader: inout CatalogReader) -> LimitWindow {
        let anchor = reader.word("anchor", BillingCycle.Anchor.self) ?? .calendar
        guard let text = reader.text("reset") else {
            return LimitWindow(every: .init(1, .month), anchor: anchor)
        }
        if text == "never" {
            if reader["anchor"] != nil { reader.add("anchor", "belongs to a limit that resets") }
            return LimitWindow(every: nil)
        }
        guard let length = BillingCycle.length(text, of: BillingCycle.Unit.allCases) else {
            reader.add(
                "reset",
                "\"\(text)\" is no length of time; give hour, day, week, month, year, a number of them "
                    + "from 1 to 1000, such as \"2 weeks\", or never")
            return .monthly
        }
        return LimitWindow(every: .init(length.count, length.unit), anchor: anchor)
    }

    private func warnings(_ reader: inout CatalogReader) -> [UInt32] {
        guard let value = reader["warn"] else { return [] }
        let list: [Value] = if case .array(let list) = value { list } else { [] }
        let numbers = list.compactMap { $0.integer.flatMap { UInt32(exactly: $0) } }
        guard !list.isEmpty, numbers.count == list.count, numbers.count <= 16,
            numbers.allSatisfy({ (1...1000).contains($0) })
        else {
            reader.add(
                "warn", "up to 16 percentages of the limit from 1 to 1000 are needed: [80, 100]")
            return []
        }
        return Set(numbers).sorted()
    }
}

extension PlanEntitlement {
    /// Reads an entitlement that stands outside of a catalog.
    /// - Parameter place: the member's name, for messages.
    package static func read(
        _ value: Value, of name: String, features: [Feature], at place: String
    ) -> Result<PlanEntitlement, CatalogProblems> {
        var reader = CatalogReader(.object(of: []), path: "", known: [])
        let found = EntitlementReader(features: features, mayAdd: false)
            .read(value, of: name, at: place, &reader)
        guard let found, reader.problems.isEmpty else {
            return .failure(CatalogProblems(list: reader.problems))
        }
        return .success(found)
    }

    /// Reads the canonical form, whatever has become of the feature since.
    package init?(canonical value: Value, of name: String) {
        var feature = Feature(key: name, meterKey: "any")
        if value["value"] != nil || value["values"] != nil {
            feature = Feature(key: name, meterKey: nil)
            feature.valueKind = value["values"] == nil ? .number : .text
        }
        guard
            case .success(let read) = Self.read(value, of: name, features: [feature], at: name)
        else { return nil }
        self = read
    }

    /// The canonical form.
    package var value: Value {
        switch allowance {
        case .off: .bool(false)
        case .on: .bool(true)
        case .limit(let limit): limit.value
        case .value(.number(let number)): .object(of: [("value", number.value)])
        case .value(.words(let words)):
            .object(of: [("values", .array(words.map { .string($0) }))])
        }
    }
}

extension Limit {
    var value: Value {
        var members: [(String, Value)] = [
            (isAddition ? "add" : "limit", amount.value),
            ("enforce", .string(isHard ? "hard" : "soft")),
            ("reset", .string(window.text)),
        ]
        if let overage { members.append(("overage", overage.value)) }
        if window.anchor != .calendar { members.append(("anchor", .string("subscription"))) }
        if isForEach { members.append(("per", .string("quantity"))) }
        if let by { members.append(("by", .string(dotted(by)))) }
        if !warnings.isEmpty {
            members.append(
                (
                    "warn",
                    .array(
                        warnings.map {
                            .number(DecimalNumber(mantissa: Int128($0), scale: 0))
                        })
                ))
        }
        return .object(of: members)
    }
}

extension LimitWindow {
    /// As a catalog says it.
    package var text: String {
        guard let every else { return "never" }
        return BillingCycle(
            count: every.count, unit: every.unit, anchor: anchor, timezone: "UTC"
        ).lengthText
    }
}

extension LimitWindow {
    /// Reads what `text` says.
    package init?(text: String, anchor: BillingCycle.Anchor) {
        if text == "never" {
            self.init(every: nil)
            return
        }
        guard let length = BillingCycle.length(text, of: BillingCycle.Unit.allCases) else {
            return nil
        }
        self.init(every: .init(length.count, length.unit), anchor: anchor)
    }
}

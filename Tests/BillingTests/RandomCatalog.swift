import Billing
import Money
import Seeds

/// Random catalogs in their canonical form: each option is left out, or says something.
struct RandomCatalog {
    private var generator: SeededGenerator

    init(_ seed: UInt64) { generator = SeededGenerator(seed) }

    private typealias Members = [(String, Value)]
    private static let zones = ["America/New_York", "Asia/Kolkata", "Etc/GMT+3", "Europe/Berlin"]
    /// Meters by what prices need of them.
    private static let sums = ["a-sum", "b-sum"]
    private static let levels = ["c-count", "d-unique", "e-level"]

    /// A catalog.
    mutating func catalog() -> Value {
        let zones = Self.zones.filter { _ in flip() }
        var members: Members = [
            ("catalog", whole(1)), ("currency", .string(pick(["USD", "JPY"]))),
            ("default_plan", .null), ("meters", .object(of: meters())),
            ("features", .object(of: [("f", .object(of: [("meter", .string("a-sum"))]))])),
            ("credit", credit()),
            (
                "plans",
                .object(of: ["p", "q"].map { ($0, plan(zones + ["UTC"])) })
            ),
        ]
        if !zones.isEmpty {
            members.append(("timezones", .object(of: zones.map { ($0, table()) })))
        }
        if flip() { members.append(("events", events())) }
        if flip() { members.append(("personal", .array([.string("who.email")]))) }
        return .object(of: members)
    }

    private mutating func meters() -> Members {
        var meters: Members = []
        for key in Self.sums { meters.append((key, meter("sum", []))) }
        meters.append(("c-count", meter("count", [])))
        meters.append(("d-unique", meter("unique", operation())))
        let carry: Members = flip() ? [("carry", .bool(true))] : []
        meters.append(("e-level", meter("time_weighted", carry)))
        for word in ["max", "min", "average", "latest"] {
            var more: Members = []
            if word == "latest", flip() { more.append(("carry", .bool(true))) }
            if word == "max" || word == "min", flip() {
                more.append(("window", .string(pick(["hour", "day"]))))
                if flip() { more.append(("across", .string("max"))) }
            }
            if flip() { more.append(("convert", conversion())) }
            meters.append(("z-\(word)", meter(word, more)))
        }
        return meters
    }

    private mutating func operation() -> Members {
        guard flip() else { return [] }
        return [("operation", .string("op.kind"))] + (flip() ? [("carry", .bool(true))] : [])
    }

    private mutating func meter(_ aggregate: String, _ more: Members) -> Value {
        var members: Members = [("event", .string("e")), ("aggregate", .string(aggregate))] + more
        if aggregate != "count" { members.append(("value", .string("v.n"))) }
        if flip() { members.append(("group_by", .array([.string("model")]))) }
        if flip() {
            let values = Value.array([.string("5"), whole(5), .bool(true)])
            members.append(("filter", .object(of: [("limit", values)])))
        }
        return .object(of: members)
    }

    private mutating func conversion() -> Value {
        var members: Members = [("divide", number())]
        if flip() { members.append(("multiply", number())) }
        if flip() {
            members.append(("round", .string(pick(["ceiling", "floor", "half_up"]))))
            if flip() {
                members.append(("decimals", whole(.random(in: 1...12, using: &generator))))
            }
        }
        return .object(of: members)
    }

    private mutating func table() -> Value {
        var from = -9_223_372_036
        var list: [Value] = []
        for _ in 0..<Int.random(in: 0...5, using: &generator) {
            list.append(
                .array([whole(from), whole(.random(in: -86_399...86_399, using: &generator))]))
            from += Int.random(in: 1...9_000_000_000, using: &generator)
        }
        return .array(list)
    }

    /// In the canonical form: what is the default is left out.
    private mutating func credit() -> Value {
        if flip() { return .null }
        var members: Members = [("unit", .string("u")), ("burn", burn())]
        if flip() { members.append(("order", .array([.string("cost"), .string("priority")]))) }
        if flip() { members.append(("overage", .string("repay"))) }
        if flip() { members.append(("overdraft", .string("0.5"))) }
        if flip() { members.append(("settle_over", .string("allow"))) }
        if flip() { members.append(("adjustments_expire", .string("90 days"))) }
        if flip() {
            let number = Value.number(DecimalNumber(mantissa: 7, scale: 0))
            members.append(
                (
                    "top_up",
                    .object(of: [
                        ("below", .string("7")), ("amount", .string("7")), ("per_month", number),
                        ("cooldown", .string("1 hour")), ("price", .string("7.25")),
                        ("paid", .string("outside")), ("expires", .string("365 days")),
                    ])
                ))
        }
        return .object(of: members)
    }

    private mutating func events() -> Value {
        var members: Members = [("late", .string("ignore"))]
        let durations = ["0 seconds", "1 second", "90 minutes", "1 hour", "35 days", "100 seconds"]
        if flip() { members.append(("max_age", .string(pick(durations)))) }
        if flip() { members.append(("max_ahead", .string(pick(durations)))) }
        return .object(of: members)
    }

    private mutating func plan(_ zones: [String]) -> Value {
        var members: Members = [
            ("name", .string("A plan")), ("currency", .string(pick(["USD", "KWD"]))),
            ("entitlements", .object(of: [("f", .bool(true))])),
            ("prices", .object(of: (0..<6).map { ("price-\($0)", price()) })),
        ]
        if flip() {
            members.append(
                (
                    "billing",
                    .object(of: [
                        ("every", .string(pick(["2 weeks", "day", "year", "1000 days"]))),
                        ("anchor", .string(pick(["calendar", "subscription"]))),
                        ("timezone", .string(pick(zones))),
                    ])
                ))
        }
        if flip() { members.append(("minimum", small())) }
        if flip() { members.append(("maximum", large())) }
        if flip() { members.append(("discounts", discounts())) }
        if flip() {
            members.append(
                (
                    "tax",
                    .object(of: [("rate", number()), ("name", .string(pick(["VAT", "19 %"])))])
                ))
        }
        if flip() {
            let order = ["tax", "minimum", "discounts", "maximum"]
            members.append(("order", .array(order.map { .string($0) })))
        }
        return .object(of: members)
    }

    private mutating func discounts() -> Value {
        let count = Int.random(in: 1...3, using: &generator)
        return .array(
            (0..<count).map { _ in
                let size: (String, Value) =
                    flip()
                    ? ("percent", .string(pick(["0", "12.5", "100"]))) : ("amount", number())
                return .object(of: [size] + (flip() ? [("name", .string("Friends"))] : []))
            })
    }

    private mutating func price() -> Value {
        var members: Members = [("description", .string("A price"))]
        if flip() { members.append(("discounts", discounts())) }
        if flip() { members.append(("tax_exempt", .bool(true))) }
        if Int.random(in: 0..<8, using: &generator) == 0 {
            members.append(("fee", number()))
            if flip() { members.append(("charged", .string("advance"))) }
            if flip() { members.append(("prorate", .string(pick(["none", "day"])))) }
            return .object(of: members)
        }
        let kind = pick([
            "amount", "package", "graduated", "volume", "stairstep", "percentage",
            "graduated_percentage", "dynamic", "matrix",
        ])
        members += model(kind)
        let needsEvents = kind == "percentage" || kind == "matrix"
        let meter = pick(needsEvents ? Self.sums : Self.sums + Self.levels)
        members.append(("meter", .string(meter)))
        if !needsEvents, flip() { members.append(("free", number())) }
        if ["amount", "graduated", "volume"].contains(kind), flip() {
            members.append(("prorate", .string(pick(["day", "second"]))))
        }
        if flip() { members.append(("negative", .bool(true))) }
        if flip() {
            members.append(("commitment", commitment(byQuantity: !needsEvents && flip())))
        } else {
            if flip() { members.append(("minimum", small())) }
            if flip() { members.append(("maximum", large())) }
        }
        return .object(of: members)
    }

    private mutating func commitment(byQuantity: Bool) -> Value {
        var members: Members = [(byQuantity ? "quantity" : "amount", number())]
        if flip() { members.append(("overage", .string("1.5"))) }
        if flip() { members.append(("true_up", .bool(false))) }
        return .object(of: members)
    }

    private mutating func model(_ kind: String) -> Members {
        switch kind {
        case "package": return [(kind, .object(of: [("size", number()), ("amount", number())]))]
        case "graduated", "volume": return tiers(kind, "amount", hasFlat: true)
        case "graduated_percentage": return tiers(kind, "rate", hasFlat: true)
        case "stairstep": return tiers(kind, "amount", hasFlat: false)
        case "dynamic": return [(kind, .object(of: [("multiplier", number())]))]
        case "matrix": return [(kind, matrix())]
        case "percentage":
            var members: Members = [("rate", number())]
            if flip() { members.append(("fixed", number())) }
            if flip() {
                members.append(("free_events", whole(.random(in: 0...9, using: &generator))))
            }
            if flip() { members.append(("free_units", number())) }
            if flip() { members.append(("minimum", small())) }
            if flip() { members.append(("maximum", large())) }
            return [(kind, .object(of: members))]
        default: return unit()
        }
    }

    private mutating func unit() -> Members {
        [("amount", number())] + (flip() ? [("per", .string(pick(["10", "1000", "0.1"])))] : [])
    }

    private mutating func tiers(_ kind: String, _ rate: String, hasFlat: Bool) -> Members {
        var bound = 0
        let count = Int.random(in: 1...4, using: &generator)
        let tiers = (1...count).map { index -> Value in
            var members: Members = [(rate, number())]
            bound += Int.random(in: 1...1000, using: &generator)
            if index < count { members.append(("up_to", .string("\(bound).5"))) }
            if hasFlat, flip() { members.append(("flat", number())) }
            return .object(of: members)
        }
        return [(kind, .array(tiers))] + (flip() ? [("flat_at_zero", .bool(false))] : [])
    }

    /// Rates need the one of all other usage; prices need not.
    private mutating func burn() -> Value {
        .object(of: flip() ? [("a-sum", matrix(needsOther: true)), ("b-sum", number())] : [])
    }

    private mutating func matrix(needsOther: Bool = false) -> Value {
        let values: [Value] = [.string("5"), whole(5), .bool(true), .string("eu")]
        var rows: Members = []
        for (index, value) in values.enumerated() where index == 0 || flip() {
            rows.append(("one-\(index)", .object(of: [("limit", value)] + unit())))
            if flip() {
                let both = [("limit", value), ("a.b", Value.string("x"))]
                rows.append(("two-\(index)", .object(of: both + unit())))
            }
        }
        var members: Members = [
            ("by", .array([.string("limit"), .string("a.b")])), ("rows", .object(of: rows)),
        ]
        if needsOther || flip() { members.append(("other", number())) }
        return .object(of: members)
    }

    private mutating func flip() -> Bool { Bool.random(using: &generator) }

    private mutating func pick<Item>(_ items: [Item]) -> Item {
        items[Int.random(in: 0..<items.count, using: &generator)]
    }

    private func whole(_ number: Int) -> Value {
        .number(DecimalNumber(mantissa: Int128(number), scale: 0))
    }

    /// Above zero, not one, with few decimals.
    private mutating func number() -> Value {
        let number = DecimalNumber(
            mantissa: Int128.random(in: 1...999_999, using: &generator) * 10 + 7, scale: 3)
        return .string(number.description)
    }

    private mutating func small() -> Value { .string(pick(["0", "0.5", "7"])) }
    private mutating func large() -> Value { .string(pick(["7", "8.25", "1000000"])) }
}

import Billing
import Codec
import Engine
import Money

/// # Cases of rating, as a person writes them down
///
/// A YAML file with a list `cases`. A case says a history and what it must give:
///
///     - case: G-05                       # its name
///       says: a tier's bound is inclusive
///       price: {graduated: […]}          # one price `line` of the meter `units`, a sum; or `prices:`
///       meter: {aggregate: max}          # what differs of that meter; or `catalog:` for all of it
///       plan: {tax: {rate: 19}}          # what else the plan `p` says
///       totals: {0: 100, 5: 100}         # quantity: the invoice's total, each by itself
///
/// or instead of `totals` a history, `events` (values, `[time, value]`, or whole events), `changes` (other
/// entries), and `expect` with `total`, `subtotal`, `tax`, `due`, `lines`, `quantities`, `unrounded` and `notes` for
/// the invoice of `period`; or `invoices`, which has an `expect` for each of several periods.
struct RateCases {
    let list: [RateCase]

    init(file: String) throws {
        let document: YAMLDocument
        do { document = try YAMLDocument(file: file) } catch let problems as YAMLDocument.Problems {
            throw problems.failure
        }
        guard case .array(let cases)? = document.value["cases"] else {
            throw CommandFailure(.rejected, "\(file): a list `cases` is needed")
        }
        list = cases.flatMap { RateCase.all(in: $0) }
    }
}

/// One history and what it must give.
struct RateCase {
    let name: String
    /// In the form that `RatedCase` reads.
    let value: Value
    /// What each invoice must give, parallel to the periods.
    let expected: [Value]

    /// What differs from what is expected, for people; nothing if nothing does.
    func differences() -> [String] {
        if let wanted = expected.first?["error"]?.text {
            do throws(RatedCase.Fault) {
                _ = try RatedCase.invoices(of: value)
                return ["no error, wanted one that says \"\(wanted)\""]
            } catch {
                return error.message.contains(wanted) ? [] : ["another error: \(error.message)"]
            }
        }
        do throws(RatedCase.Fault) {
            return zip(expected, try RatedCase.invoices(of: value)).flatMap { differences($0, $1) }
        } catch {
            return ["error: \(error.message)"]
        }
    }

    private func differences(_ expected: Value, _ invoice: Value) -> [String] {
        let label = invoice["name"]?.text ?? ""
        var found: [String] = []
        for name in ["total", "subtotal", "tax", "due", "carried"] {
            guard let wanted = expected[name] else { continue }
            if let text = Self.mismatch(wanted, invoice[name]) {
                found.append("\(label) \(name) \(text)")
            }
        }
        var lines: [Value] = []
        if case .array(let list)? = invoice["lines"] { lines = list }
        for (group, member) in [
            ("lines", "amount"), ("quantities", "quantity"), ("unrounded", "unrounded"),
        ] {
            guard case .object(let wanted)? = expected[group] else { continue }
            for one in wanted {
                let line = lines.first { $0["id"]?.text == one.name }
                if let text = Self.mismatch(one.value, line?[member]) {
                    found.append("\(label) line \(one.name): \(member) \(text)")
                }
            }
            // `lines` names all lines that are not nothing.
            guard group == "lines" else { continue }
            for line in lines {
                let id = line["id"]?.text ?? ""
                guard !wanted.contains(where: { $0.name == id }),
                    line["amount"]?.text?.contains(where: { "123456789".contains($0) }) == true
                else { continue }
                found.append("\(label) line \(id): \(line["amount"]?.text ?? "") is not expected")
            }
        }
        if let count = expected["notes"], case .array(let notes)? = invoice["notes"],
            count != .number(DecimalNumber(mantissa: Int128(notes.count), scale: 0))
        {
            found.append("\(label) notes: \(notes.compactMap(\.text))")
        }
        return found
    }

    /// What is wrong, comparing at as many decimals as are wanted.
    private static func mismatch(_ wanted: Value, _ got: Value?) -> String? {
        let text: String
        switch wanted {
        case .number(let number): text = number.description
        case .string(let string): text = string
        case .null: return got == nil || got == .null ? nil : "is there"
        default: return "cannot be compared"
        }
        guard let got = got?.text, let number = DecimalNumber(got), let wish = DecimalNumber(text)
        else { return "is missing, wanted \(text)" }
        let decimals =
            text.split(separator: ".").count == 2
            ? text.split(separator: ".")[1].count : 0
        // Money is exact; a quantity that goes on is compared as far as it is written down.
        guard let exact = Quantity(number), let sought = Quantity(wish) else {
            return number == wish ? nil : "is \(got), wanted \(text)"
        }
        if exact == sought { return nil }
        let isRounded =
            decimals >= 4
            && Fraction(exact).rounded(decimals: decimals)
                == Fraction(sought).rounded(decimals: decimals)
        return isRounded ? nil : "is \(got), wanted \(text)"
    }

    // MARK: Reading

    /// The cases that one entry of the file stands for: one, or one for each of its totals.
    static func all(in value: Value) -> [RateCase] {
        let name = value["case"]?.text ?? "a case without a name"
        if case .object(let totals)? = value["totals"] {
            return totals.map { total in
                let events = total.name == "0" ? [] : [Value.string(total.name)]
                return RateCase(
                    name: "\(name) at \(total.name)",
                    value: history(value, events: events),
                    expected: [.object(of: [("total", total.value)])])
            }
        }
        var events: [Value] = []
        if case .array(let list)? = value["events"] { events = list }
        var expected = [value["expect"] ?? .null]
        if case .object(let invoices)? = value["invoices"] { expected = invoices.map(\.value) }
        return [RateCase(name: name, value: history(value, events: events), expected: expected)]
    }

    private static func history(_ value: Value, events: [Value]) -> Value {
        let start = value["from"]?.text ?? "2026-03-01T00:00:00Z"
        var entries: [Value] = [
            .object(of: [
                ("kind", .string("publish")), ("recorded_at", .string("2019-01-01T00:00:00Z")),
                ("catalog", catalog(value)),
            ])
        ]
        if value["subscribed"] != .bool(false) {
            entries.append(
                .object(of: [
                    ("kind", .string("subscribe")), ("plan", value["on"] ?? .string("p")),
                    ("recorded_at", .string("2019-01-02T00:00:00Z")),
                    ("effective", value["subscribed"] ?? .string("2019-01-02T00:00:00Z")),
                    ("timezone", value["timezone"] ?? .null), ("anchor", value["anchor"] ?? .null),
                ]))
        }
        for (index, event) in events.enumerated() {
            entries.append(self.event(event, index, start))
        }
        if case .array(let changes)? = value["changes"] {
            // What was recorded when it took effect says so once.
            entries += changes.map { change in
                guard case .object(let members) = change, change["recorded_at"] == nil else {
                    return change
                }
                let time = change["effective"] ?? change["time"] ?? .string(start)
                return .object(of: members.map { ($0.name, $0.value) } + [("recorded_at", time)])
            }
        }
        var periods = [value["period"] ?? .string(String(start.prefix(7)))]
        if case .object(let invoices)? = value["invoices"] {
            periods = invoices.map { .string($0.name) }
        }
        return .object(of: [
            ("entries", .array(entries)), ("invoices", .array(periods)),
            ("at", value["at"] ?? .string("2100-01-01T00:00:00Z")),
        ])
    }

    private static func event(_ value: Value, _ index: Int, _ start: String) -> Value {
        var members: [(String, Value)] = [
            ("kind", .string("event")), ("source", .string("case")),
            ("id", .string("event \(10_000 + index)")), ("type", .string("use")),
        ]
        let from = Timestamp(rfc3339: start) ?? Timestamp(nanoseconds: 0)
        var time = Value.string(
            Timestamp(nanoseconds: from.nanoseconds + Int64(index) * 60_000_000_000).description)
        switch value {
        case .array(let pair) where pair.count >= 2:
            time = pair[0]
            members.append(("data", data(pair[1])))
        case .object(let more): members += more.map { ($0.name, $0.value) }
        default: members.append(("data", data(value)))
        }
        let given = value["time"] ?? time
        members += [("time", given), ("recorded_at", value["recorded_at"] ?? given)]
        return .object(of: members)
    }

    private static func data(_ value: Value) -> Value {
        if case .object = value { return value }
        if case .string(let text) = value, let number = DecimalNumber(text) {
            return .object(of: [("n", .number(number))])
        }
        return .object(of: [("n", value)])
    }

    private static func catalog(_ value: Value) -> Value {
        if let catalog = value["catalog"] {
            let zones = CatalogZones(catalog, TimeZoneFile.table(named:))
            guard case .object(let members) = zones.value else { return catalog }
            return .object(
                of: [
                    ("catalog", .number(DecimalNumber(mantissa: 1, scale: 0))),
                    ("currency", .string("USD")),
                ] + members.map { ($0.name, $0.value) })
        }
        var meter: [(String, Value)] = [
            ("event", .string("use")), ("aggregate", .string("sum")), ("value", .string("n")),
        ]
        if case .object(let members)? = value["meter"] {
            meter += members.map { ($0.name, $0.value) }
        }
        var prices: [(String, Value)] = []
        if let price = value["price"] { prices = [("line", price)] }
        if case .object(let members)? = value["prices"] {
            prices = members.map { ($0.name, $0.value) }
        }
        let metered = prices.map { name, price -> (String, Value) in
            guard case .object(let members) = price, price["fee"] == nil else {
                return (name, price)
            }
            return (
                name,
                .object(of: [("meter", .string("units"))] + members.map { ($0.name, $0.value) })
            )
        }
        var plan: [(String, Value)] = [("prices", .object(of: metered))]
        if case .object(let members)? = value["plan"] {
            plan += members.map { ($0.name, $0.value) }
        }
        let tree = Value.object(of: [
            ("catalog", .number(DecimalNumber(mantissa: 1, scale: 0))),
            ("currency", value["currency"] ?? .string("USD")),
            ("meters", .object(of: [("units", .object(of: meter))])),
            ("plans", .object(of: [("p", .object(of: plan))])),
        ])
        return CatalogZones(tree, TimeZoneFile.table(named:)).value
    }
}

package import Billing
import Bytes
package import Codec
package import Money

/// What a grant gives, read from its data.
package struct GrantOrder {
    /// Unit, kind, priority, features, cost.
    package let terms: GrantTerms
    /// Whether the data names the unit; otherwise it is the catalog's only one.
    package let namesUnit: Bool
    /// Credits given, more than zero.
    package let amount: Quantity
    /// First instant at which it can pay no more, or at which it is renewed no more; nil: never.
    package let expires: Timestamp?
    /// How often it is made anew; nil: once.
    package let every: (count: Int, unit: BillingCycle.Unit)?
    /// The instant from which renewals are counted; nil: its effective time.
    package let anchor: Timestamp?
    /// What goes over at a renewal, or is left by a reset.
    package let rollover: Rollover?
    /// What it costs together, in major units; nil: nothing.
    package let price: Quantity?
    /// Where the price is paid.
    package let paid: PaidWhere

    /// The largest grant: balances of any number of grants stay far inside Int128.
    package static let amountMax = CreditGrant.amountMax

    /// Reads a grant's data.
    package static func read(_ record: borrowing RecordView) -> Result<GrantOrder, Refusal> {
        do throws(Refusal) {
            var terms = GrantTerms(unit: record.string(["unit"]) ?? "")
            if let text = record.string(["kind"]) {
                guard let kind = GrantKind(name: text) else {
                    let known = GrantKind.allCases.map(\.name).joined(separator: ", ")
                    throw .bad("kind", "\"\(text)\" is none of: \(known)")
                }
                terms.kind = kind
            }
            terms.priority = try priority(record)
            terms.features = try record.texts("features").sorted()
            terms.cost = try record.optionalQuantity("cost")
            let every = try every(record)
            let amount = try amount(record)
            let (price, paid) = try price(record)
            if price != nil {
                guard terms.kind == .purchased else {
                    throw .bad("price", "only purchased credits have a price")
                }
                guard every == nil else {
                    throw .bad("price", "credits that come anew are paid by a fee of a plan")
                }
            }
            // For the order of burning; what does not go into 12 decimals is cut off.
            if terms.cost == nil, let price {
                terms.cost = Quantity(units: price.units * Quantity.one.units / amount.units)
            }
            let rollover = try rollover(record)
            let anchor = try record.optionalTime("anchor")
            if anchor != nil, every == nil { throw .bad("anchor", "belongs to every") }
            return .success(
                GrantOrder(
                    terms: terms, namesUnit: record.string(["unit"]) != nil,
                    amount: amount, expires: try record.optionalTime("expires"),
                    every: every, anchor: anchor, rollover: rollover, price: price, paid: paid))
        } catch { return .failure(error) }
    }

    private static func amount(_ record: borrowing RecordView) throws(Refusal) -> Quantity {
        guard case .value(let amount) = record.quantity(["amount"]), amount > .zero,
            amount <= amountMax
        else {
            throw .bad(
                "amount", "credits as a number of at most 12 decimals, above zero and at most 10^15"
            )
        }
        return amount
    }

    /// The highest price of a grant, in major units, 10^12: times 10^12 it stays inside Int128.
    private static let priceMax = Quantity(units: 1_000_000_000_000_000_000_000_000)

    private static func price(
        _ record: borrowing RecordView
    ) throws(Refusal) -> (Quantity?, PaidWhere) {
        let price = try record.optionalQuantity("price")
        if let price, price == .zero || price > priceMax {
            throw .bad("price", "what the credits cost together, above zero and at most 10^12")
        }
        guard record.property(PropertyPath(["paid"])) != nil else { return (price, .invoice) }
        guard let paid = record.string(["paid"]).flatMap({ PaidWhere(rawValue: $0) }) else {
            throw .bad("paid", "invoice or outside is needed")
        }
        guard price != nil else { throw .bad("paid", "belongs to price") }
        return (price, paid)
    }

    private static func priority(_ record: borrowing RecordView) throws(Refusal) -> Int {
        switch record.quantity(["priority"]) {
        case .absent: return 0
        case .value(let value)
        where value.units % 1_000_000_000_000 == 0
            && (-1_000_000...1_000_000).contains(value.units / 1_000_000_000_000):
            return Int(value.units / 1_000_000_000_000)
        case .value, .invalid:
            throw .bad("priority", "a whole number from -1,000,000 to 1,000,000")
        }
    }

    private static func every(
        _ record: borrowing RecordView
    ) throws(Refusal) -> (count: Int, unit: BillingCycle.Unit)? {
        guard let text = record.string(["every"]) else { return nil }
        guard let length = BillingCycle.length(text, of: BillingCycle.Unit.allCases) else {
            throw .bad(
                "every",
                "\"\(text)\" is no length of a period; give hour, day, week, month, year, or a number of "
                    + "them from 1 to 1000, such as \"2 weeks\"")
        }
        return length
    }

    private static func rollover(_ record: borrowing RecordView) throws(Refusal) -> Rollover? {
        guard record.property(PropertyPath(["rollover"])) != nil else { return nil }
        let most = try record.optionalQuantity("rollover", "max")
        let least = try record.optionalQuantity("rollover", "min") ?? .zero
        if let most, most < least { throw .bad("rollover", "min is above max") }
        if least > amountMax { throw .bad("rollover.min", "at most 10^15 credits are possible") }
        return Rollover(max: most, min: least)
    }
}

/// A hold by its name, `<feature>/<position of the entry that placed it>`.
package struct HoldName: Hashable, Sendable {
    /// The feature.
    package let feature: String
    /// The entry that placed it.
    package let position: UInt64

    /// A name.
    package init(feature: String, position: UInt64) {
        self.feature = feature
        self.position = position
    }

    /// Reads a name.
    package init?(_ text: String) {
        guard let slash = text.lastIndex(of: "/"),
            let position = UInt64(text[text.index(after: slash)...])
        else { return nil }
        self.init(feature: String(text[..<slash]), position: position)
        guard name == text, !feature.isEmpty else { return nil }
    }

    /// As requests and replies have it.
    package var name: String { "\(feature)/\(position)" }

    /// The hold that an order's data names.
    static func read(_ record: borrowing RecordView) throws(Refusal) -> HoldName {
        guard let name = record.string(["hold"]).flatMap({ HoldName($0) }) else {
            throw .bad("hold", "the hold's name is needed, as the reply to it said: \"feature/17\"")
        }
        return name
    }
}

/// When a hold ends, read from an order's data: `seconds` or `expires`.
enum HoldEnd {
    /// Seconds that a hold lives if nobody says otherwise.
    static let secondsDefault: Int64 = 900
    /// The longest life of a hold from now on.
    static let secondsMax: Int64 = 31 * 86_400

    static func read(
        _ record: borrowing RecordView, at time: Timestamp
    ) throws(Refusal) -> Timestamp {
        let latest = Timestamp(
            nanoseconds: time.nanoseconds.addingReportingOverflow(secondsMax * 1_000_000_000)
                .partialValue)
        if let expires = try record.optionalTime("expires") {
            guard expires > time, expires <= latest else {
                throw .bad("expires", "must be later than now, and within 31 days")
            }
            return expires
        }
        guard let seconds = try record.optionalQuantity("seconds") else {
            return time.adding(seconds: secondsDefault)
        }
        let whole = seconds.units / 1_000_000_000_000
        guard seconds.units % 1_000_000_000_000 == 0, (1...Int128(secondsMax)).contains(whole)
        else { throw .bad("seconds", "a whole number from 1 to \(secondsMax) is needed") }
        return time.adding(seconds: Int64(whole))
    }
}

extension Timestamp {
    /// The instant so many seconds later.
    func adding(seconds: Int64) -> Timestamp {
        Timestamp(nanoseconds: nanoseconds + seconds * 1_000_000_000)
    }
}

extension RecordView {
    /// A number that may be left out.
    func optionalQuantity(_ path: String...) throws(Refusal) -> Quantity? {
        switch quantity(path) {
        case .absent: return nil
        case .value(let value) where value.units >= 0: return value
        case .value, .invalid:
            throw .bad(
                path.joined(separator: "."),
                "a number of at most 12 decimals, zero or more, is needed")
        }
    }

    /// A time that may be left out.
    func optionalTime(_ name: String) throws(Refusal) -> Timestamp? {
        guard let text = string([name]) else { return nil }
        guard let time = Timestamp(rfc3339: text) else { throw .notATime(name, text) }
        return time
    }

    /// A list of texts that may be left out.
    func texts(_ name: String) throws(Refusal) -> [String] {
        guard let node = property(PropertyPath([name])) else { return [] }
        guard case .array(let list)? = try? ValueCoder.value(node), list.count <= 64 else {
            throw .bad(name, "a list of at most 64 texts is needed")
        }
        var texts: Set<String> = []
        for item in list {
            guard case .string(let text) = item, !text.isEmpty else {
                throw .bad(name, "a list of texts is needed")
            }
            texts.insert(text)
        }
        return Array(texts)
    }
}

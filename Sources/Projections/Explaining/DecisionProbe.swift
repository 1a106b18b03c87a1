import Billing
import Bytes
import Codec
import Money

/// A request that was decided, which can be decided again under other circumstances.
///
/// Every answer is a decision of the books' own rules, on a copy of the books into which the changes
/// went as entries: nothing here knows the rules.
struct DecisionProbe: ~Copyable {
    private var books: Books
    let account: String
    let feature: String
    let kind: RecordKind
    let recordedAt: Int64
    private let source: String
    private let id: String
    private let data: Value

    /// How much is asked for.
    let quantity: Quantity
    /// The value that is asked for.
    let value: FeatureValue?

    /// - Parameter books: as they stood right before the entry.
    /// - Throws: `Refusal` for an entry that was not decided.
    init(
        _ books: consuming Books, _ record: borrowing RecordView, recordedAt: Int64
    ) throws(Refusal) {
        guard let subject = record.subject?.makeString(), let source = record.source.makeString(),
            let id = record.id.makeString(), let data = record.data,
            let tree = try? ValueCoder.value(data)
        else { throw Self.undecided(record.kind) }
        switch record.kind {
        case .consume, .hold:
            let order = try ConsumeOrder.read(record).get()
            (feature, quantity, value) = (order.feature, order.quantity, order.value)
        case .settle:
            let order = try SettleOrder.read(record)
            (feature, quantity, value) = (order.hold.feature, order.quantity, nil)
        default: throw Self.undecided(record.kind)
        }
        self.books = books
        self.source = source
        self.id = id
        self.data = tree
        account = subject
        kind = record.kind
        self.recordedAt = recordedAt
    }

    private static func undecided(_ kind: RecordKind) -> Refusal {
        .bad(
            "entry",
            "the entry is of kind \(kind.name), and only a consume, a hold or a settle is decided; "
                + "`explain --position` says what any entry did")
    }

    var time: Timestamp { Timestamp(nanoseconds: recordedAt) }

    func withBooks<R>(_ body: (borrowing Books) -> R) -> R { body(books) }

    /// The decision with some changes, which are entries right before it.
    /// - Returns: nil if a change cannot be made, or history would be metered again for it.
    mutating func decide(
        _ changes: [DecisionChange] = []
    ) -> (decision: OutcomeDecision, evidence: Evidence, outcome: Outcome)? {
        var copy = books.copy()
        var data = data
        var at = recordedAt
        for (index, change) in changes.enumerated() {
            switch change {
            case .quantity(let quantity):
                data = data.replacing("quantity", with: quantity.value)
            case .value(let value): data = data.replacing("value", with: value.asked)
            case .later(let time): at = time.nanoseconds
            case .limit, .grant, .override, .withoutOverride, .plan, .active, .restored:
                guard let order = order(change, copy), apply(order, index, to: &copy) else {
                    return nil
                }
            }
        }
        guard case .entry(let outcome, let evidence)? = decide(kind, id, data, nil, at, copy),
            let decision = outcome.decision
        else { return nil }
        return (decision, evidence, outcome)
    }

    // MARK: Changes as entries

    private struct Order {
        let kind: RecordKind
        let data: [(String, Value)]
        var isTimed = false
    }

    private func order(_ change: DecisionChange, _ books: borrowing Books) -> Order? {
        switch change {
        case .limit(let amount, _):
            guard var limit = limit(books) else { return nil }
            limit.amount = amount
            return override(.limit(limit))
        case .override(let allowance): return override(allowance)
        case .withoutOverride:
            return Order(
                kind: .override, data: [("feature", .string(feature)), ("remove", .bool(true))])
        case .grant(let amount, let unit):
            return Order(
                kind: .grant, data: [("amount", amount.value), ("unit", .string(unit))])
        case .plan(let plan):
            let quantity = standing(books).holding?.terms.quantity ?? 1
            return Order(
                kind: .subscribe,
                data: [
                    ("plan", .string(plan)), ("quantity", Quantity(whole: quantity).value),
                ])
        case .restored: return Order(kind: .account, data: [("action", .string("restore"))])
        case .active: return activation(books)
        case .quantity, .value, .later: return nil
        }
    }

    private func override(_ allowance: PlanEntitlement.Allowance) -> Order {
        Order(
            kind: .override,
            data: [
                ("feature", .string(feature)),
                ("entitlement", PlanEntitlement(feature: feature, allowance: allowance).value),
            ])
    }

    /// What makes the subscription active: an end of the pause, or what the outside system would send.
    private func activation(_ books: borrowing Books) -> Order? {
        guard let holding = standing(books).holding else { return nil }
        guard let name = holding.name else {
            return holding.status == .paused ? Order(kind: .resume, data: []) : nil
        }
        var data: [(String, Value)] = [
            ("subscription", .string(name)), ("started", .string(holding.started.description)),
            ("status", .string(SubscriptionStatus.active.name)),
            ("plan", .string(holding.terms.plan)),
            ("quantity", Quantity(whole: holding.terms.quantity).value),
            ("rank", Quantity(whole: 1_000_000).value),
            (
                "addons",
                .object(
                    of: holding.terms.addons.map { ($0.key, Quantity(whole: $0.quantity).value) })
            ),
        ]
        if let anchor = holding.anchor { data.append(("anchor", .string(anchor.description))) }
        return Order(kind: .subscription, data: data, isTimed: true)
    }

    private func apply(_ order: Order, _ index: Int, to books: inout Books) -> Bool {
        let time = order.isTimed ? self.time.description : nil
        let name = "daybook.explain/\(index)"
        guard
            case .entry(let outcome, _)? = decide(
                order.kind, name, .object(of: order.data), time, recordedAt, books)
        else { return false }
        var arena = ByteBuffer(capacity: 256)
        guard encode(order.kind, name, .object(of: order.data), time, into: &arena),
            let record = try? RecordView(content: arena.bytes),
            let stale = try? books.apply(record, outcome: outcome, recordedAt: recordedAt)
        else { return false }
        return stale.isEmpty
    }

    private func decide(
        _ kind: RecordKind, _ id: String, _ data: Value, _ time: String?, _ at: Int64,
        _ books: borrowing Books
    ) -> Verdict? {
        var arena = ByteBuffer(capacity: 256)
        guard encode(kind, id, data, time, into: &arena),
            let record = try? RecordView(content: arena.bytes)
        else { return nil }
        return books.decide(record, recordedAt: at)
    }

    private func encode(
        _ kind: RecordKind, _ id: String, _ data: Value, _ time: String?,
        into arena: inout ByteBuffer
    ) -> Bool {
        // The key scatters tables that nobody asks here.
        let encoder = CommandEncoder(key: SipKey(k0: 0, k1: 0))
        let made = encoder.encode(
            kind, source: source, id: id, subject: account, time: time.flatMap { EventTime($0) },
            timeText: time ?? "", data: data, into: &arena)
        if case .success = made { return true }
        return false
    }

    // MARK: What held

    func standing(_ books: borrowing Books) -> Books.Standing {
        books.standing(of: books.account(account), at: time)
    }

    /// The limit that counted, as an override could say it.
    func limit(_ books: borrowing Books) -> Limit? {
        guard
            var limit = books.limit(
                of: feature, account: books.account(account), standing(books), at: time)
        else { return nil }
        limit.isForEach = false
        limit.isAddition = false
        return limit
    }
}

extension Quantity {
    init(whole: Int) { self.init(units: Int128(whole) * Quantity.one.units) }

    /// As a tree.
    var value: Value { .number(DecimalNumber(mantissa: units, scale: Quantity.scale)) }

    /// Whether it has no decimals.
    var isWhole: Bool { units % Quantity.one.units == 0 }
}

extension FeatureValue {
    /// As a request asks for it.
    var asked: Value {
        switch self {
        case .number(let number): number.value
        case .words(let words):
            words.count == 1 ? .string(words[0]) : .array(words.map { .string($0) })
        }
    }
}

extension Value {
    /// An object with one member replaced or added.
    func replacing(_ name: String, with value: Value) -> Value {
        guard case .object(let members) = self else { return .object(of: [(name, value)]) }
        return .object(of: members.map { ($0.name, $0.value) } + [(name, value)])
    }
}

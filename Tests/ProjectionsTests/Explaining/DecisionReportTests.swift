import Billing
import Bytes
import Codec
import Money
import Projections
import Seeds
import Testing

/// What the explanation of a decision says would have allowed it, tried by other hands.
@Suite struct DecisionReportTests {
    /// A decided entry of a ledger, and the books before it.
    private struct Case {
        let ledger: Ledger
        let place: Int

        var entry: Ledger.Entry { ledger.entries[place] }

        func before() throws -> Ledger {
            try Ledger(replaying: Array(ledger.entries.prefix(place)))
        }

        func report() throws -> DecisionReport {
            let books = try before().books.copy()
            return try DecisionReport(
                books, RecordView(content: entry.content.raw), entry.outcome,
                recordedAt: entry.recordedAt)
        }

        /// The decision once some entries were there right before, and with other data.
        func decision(
            _ changes: [DecisionChange]
        ) throws -> OutcomeDecision? {
            let ledger = try before()
            let view = try RecordView(content: entry.content.raw)
            guard let bytes = view.data else { return nil }
            var data = try ValueCoder.value(bytes)
            var at = entry.recordedAt
            for change in changes {
                switch change {
                case .quantity(let quantity):
                    data = data.with("quantity", .string(quantity.description))
                case .value(.number(let number)):
                    data = data.with(
                        "value", .number(try #require(DecimalNumber(number.description))))
                case .value(.words(let words)):
                    data = data.with("value", .array(words.map { .string($0) }))
                case .later(let time): at = time.nanoseconds
                default: try ledger.record(Self.order(change, view, ledger, at), at: at)
                }
            }
            let json = JSONText.of(data)
            let content = try Sample.command(
                view.kind, view.id.makeString() ?? "", "acme", json)
            let verdict = ledger.books.decide(
                try RecordView(content: content.raw), recordedAt: at)
            guard case .entry(let outcome, _) = verdict else { return nil }
            return outcome.decision
        }

        /// An entry as somebody would send it.
        private static func order(
            _ change: DecisionChange, _ view: borrowing RecordView, _ ledger: Ledger, _ at: Int64
        ) throws -> [UInt8] {
            let feature =
                view.string(["feature"])
                ?? String(view.string(["hold"])?.split(separator: "/")[0] ?? "")
            switch change {
            case .limit(let limit, _):
                let own = try Self.ownLimit(feature, ledger, at)
                return try Sample.command(
                    .override, "change", "acme",
                    #"{"feature":"\#(feature)","entitlement":{"limit":\#(limit)\#(own)}}"#)
            case .grant(let credits, let unit):
                return try Sample.command(
                    .grant, "change-grant", "acme", #"{"amount":"\#(credits)","unit":"\#(unit)"}"#)
            case .override(.value(.number(let number))):
                return try Sample.command(
                    .override, "change", "acme",
                    #"{"feature":"\#(feature)","entitlement":{"value":\#(number)}}"#)
            case .override(.value(.words(let words))):
                return try Sample.command(
                    .override, "change", "acme",
                    #"{"feature":"\#(feature)","entitlement":{"values":\#(words)}}"#)
            case .override:
                return try Sample.command(
                    .override, "change", "acme", #"{"feature":"\#(feature)","entitlement":true}"#)
            case .withoutOverride:
                return try Sample.command(
                    .override, "change", "acme", #"{"feature":"\#(feature)","remove":true}"#)
            case .plan(let plan):
                return try Sample.command(.subscribe, "change", "acme", #"{"plan":"\#(plan)"}"#)
            case .restored:
                return try Sample.command(.account, "change", "acme", #"{"action":"restore"}"#)
            case .active:
                let outside = ledger.books.standing(
                    of: ledger.books.account("acme"), at: Timestamp(nanoseconds: at)
                ).holding?.name
                guard let outside else {
                    return try Sample.command(.resume, "change", "acme", "{}")
                }
                return try Sample.command(
                    .subscription, "change", "acme",
                    #"{"subscription":"\#(outside)","started":"2026-02-01T00:00:00Z","plan":"soft","status":"active","rank":9}"#,
                    effective: Timestamp(nanoseconds: at).description)
            case .quantity, .value, .later: throw Ledger.Failure(text: "no entry")
            }
        }

        /// How the limit that holds is counted, besides its amount.
        private static func ownLimit(
            _ feature: String, _ ledger: Ledger, _ at: Int64
        ) throws -> String {
            let time = Timestamp(nanoseconds: at)
            guard let account = ledger.books.account("acme") else { return "" }
            if ledger.books.entitlements.account(account).override(of: feature, at: time) != nil {
                return #","reset":"day""#
            }
            let plan = ledger.books.standing(of: account, at: time).plan?.key
            switch (plan, feature) {
            case ("small", "calls"): return #","reset":"day""#
            case ("soft", "calls"): return #","enforce":"soft","overage":3,"reset":"week""#
            case ("apart", "calls"): return #","by":"team","reset":"day""#
            default: return ""
            }
        }
    }

    private static func cases(_ seed: UInt64, _ rounds: Int) throws -> [Case] {
        var cases: [Case] = []
        var history = RandomHistory(seed)
        for _ in 0..<rounds {
            let ledger = try history.ledger(45)
            for (place, entry) in ledger.entries.enumerated() where entry.outcome.decision != nil {
                cases.append(Case(ledger: ledger, place: place))
            }
        }
        return cases
    }

    /// Each change allows the request, and with one step less of any of its numbers it is denied.
    @Test(arguments: Seeds.all) func everyChangeIsTheSmallestThatAllowsIt(seed: UInt64) throws {
        var kinds: Set<String> = []
        for found in try Self.cases(seed, 2) where found.entry.outcome.decision?.allowed == false {
            let report = try found.report()
            #expect(report.again == report.decided)
            #expect(report.room == nil)
            for remedy in report.remedies {
                let told =
                    "\(report.feature) \(report.quantity) \(report.decided.reason): \(remedy)"
                let then = try found.decision(remedy.changes)
                #expect(then?.allowed == true, "\(told)")
                #expect(then?.reason == remedy.reason, "\(told)")
                for (index, change) in remedy.changes.enumerated() {
                    kinds.insert(change.name)
                    guard let less = Self.less(change, remedy.step) else { continue }
                    var changes = remedy.changes
                    changes[index] = less
                    if case .limit(_, let by) = less, by == .zero { changes.remove(at: index) }
                    if case .grant(let by, _) = less, by == .zero { changes.remove(at: index) }
                    #expect(try found.decision(changes)?.allowed != true, "\(told), \(less)")
                }
            }
        }
        #expect(
            kinds.isSuperset(of: ["quantity", "limit", "grant", "plan", "override"]), "\(kinds)")
    }

    /// A change that goes one step less far.
    private static func less(_ change: DecisionChange, _ step: Quantity?) -> DecisionChange? {
        switch change {
        case .quantity(let quantity):
            return step.flatMap { quantity.adding($0) }.map { .quantity($0) }
        case .value(.number(let number)):
            return step.flatMap { number.adding($0) }.map { .value(.number($0)) }
        case .limit(let limit, let by):
            guard let step, let limit = limit.subtracting(step), let by = by.subtracting(step)
            else { return nil }
            return .limit(to: limit, by: by)
        case .grant(let credits, let unit):
            return step.flatMap { credits.subtracting($0) }.map { .grant($0, unit: unit) }
        case .later(let time): return .later(Timestamp(nanoseconds: time.nanoseconds - 1))
        default: return nil
        }
    }

    /// What is left is exactly what is left.
    @Test(arguments: Seeds.all) func theRoomEndsWhereItSays(seed: UInt64) throws {
        var rooms = 0
        for found in try Self.cases(seed, 2) where found.entry.outcome.decision?.allowed == true {
            let report = try found.report()
            #expect(report.again == report.decided)
            #expect(report.remedies.isEmpty)
            guard let room = report.room else {
                let much = Quantity(units: 1_000_000 * 1_000_000_000_000)
                #expect(try found.decision([.quantity(much)])?.allowed == true)
                continue
            }
            rooms += 1
            #expect(report.quantity.adding(room.more) == room.quantity)
            #expect(try found.decision([.quantity(room.quantity)])?.allowed == true)
            let beyond = try #require(room.quantity.adding(room.step))
            let then = try found.decision([.quantity(beyond)])
            #expect(then?.allowed == false && then?.reason == room.then)
        }
        #expect(rooms > 2)
    }

    /// A few answers that are known without trying.
    @Test func knownAnswers() throws {
        let ledger = Ledger()
        try ledger.record(
            Sample.command(.publish, "v", nil, #"{"catalog":\#(RandomHistory.catalog)}"#))
        try ledger.record(Sample.command(.subscribe, "s", "acme", #"{"plan":"small"}"#))
        try ledger.record(
            Sample.command(.consume, "a", "acme", #"{"feature":"calls","quantity":3}"#))
        try ledger.record(
            Sample.command(.consume, "b", "acme", #"{"feature":"calls","quantity":4}"#))
        let limit = try Case(ledger: ledger, place: 3).report()
        #expect(limit.decided.reason == .limitReached && limit.rule == "limit")
        #expect(limit.circumstances.used == Quantity(units: 3 * Quantity.one.units))
        let changes = limit.remedies.map(\.changes)
        #expect(changes.contains([.quantity(Quantity(units: 2 * Quantity.one.units))]))
        #expect(
            changes.contains([
                .limit(
                    to: Quantity(units: 7 * Quantity.one.units),
                    by: Quantity(units: 2 * Quantity.one.units))
            ]))
        #expect(changes.contains([.plan("soft")]))
        let tomorrow = try #require(Timestamp(rfc3339: "2026-03-02T00:00:00Z"))
        #expect(changes.contains([.later(tomorrow)]))

        try ledger.record(Sample.command(.grant, "g", "acme", #"{"amount":"4"}"#))
        try ledger.record(
            Sample.command(.consume, "c", "acme", #"{"feature":"images","quantity":2}"#))
        let credits = try Case(ledger: ledger, place: 5).report()
        #expect(credits.decided.reason == .creditInsufficient)
        #expect(credits.circumstances.balance.description == "4")
        #expect(credits.remedies.map(\.changes).contains([.grant(.one, unit: "credits")]))
        #expect(credits.circumstances.grants.map(\.ordinal) == [0])
        // A limit and credits that are both missing are both named.
        try ledger.record(
            Sample.command(.consume, "d", "acme", #"{"feature":"images","quantity":6}"#))
        let both = try Case(ledger: ledger, place: 6).report()
        #expect(
            both.remedies.map(\.changes).contains([
                .limit(
                    to: Quantity(units: 6 * Quantity.one.units),
                    by: Quantity(units: 2 * Quantity.one.units)),
                .grant(Quantity(units: 11 * Quantity.one.units), unit: "credits"),
            ]))
    }

    @Test func whatWasNotDecidedIsRefused() throws {
        let ledger = Ledger()
        try ledger.publish()
        #expect(throws: Refusal.self) { try Case(ledger: ledger, place: 0).report() }
    }
}

/// Trees as JSON text.
private enum JSONText {
    static func of(_ value: Value) -> String {
        var json = JSONWriter()
        json.value(value)
        return String(decoding: json.finish(), as: UTF8.self)
    }
}

extension Value {
    fileprivate func with(_ name: String, _ value: Value) -> Value {
        guard case .object(let members) = self else { return self }
        return .object(of: members.map { ($0.name, $0.value) } + [(name, value)])
    }
}

import Billing
import Bytes
import Codec
import Money
import Projections
import Seeds
import Testing

/// What the explanations of all entries say they counted is what the counters have.
@Suite struct EntryEffectsTests {
    /// A cell of the month counters.
    private struct Cell: Hashable {
        let meter: String
        let month: Int32
        /// The group's values; nil: the total over all groups.
        let group: [Value]?
    }

    private struct Sum {
        var events: UInt64 = 0
        var units: Int128?
        var keys: Set<UInt128> = []

        mutating func add(_ counted: EntryEffects.Counted) {
            events += 1
            guard counted.isCounted else { return }
            switch counted.aggregation {
            case .count, .sum, .average: units = (units ?? 0) + counted.units
            case .max: units = max(units ?? counted.units, counted.units)
            case .min: units = min(units ?? counted.units, counted.units)
            case .unique:
                keys.insert(counted.uniqueKey)
                units = Int128(keys.count) * Sample.one
            case .latest, .timeWeighted: break
            }
        }
    }

    private static func effects(_ ledger: Ledger) throws -> [EntryEffects] {
        try ledger.entries.enumerated().map { place, entry in
            ledger.books.effects(
                of: try RecordView(content: entry.content.raw), at: UInt64(place), entry.outcome,
                recordedAt: entry.recordedAt)
        }
    }

    @Test(arguments: Seeds.all) func theCellsOfAllEntriesAreTheCounters(seed: UInt64) throws {
        var history = RandomHistory(seed)
        for _ in 0..<6 {
            let ledger = try history.ledger(80)
            var sums: [Cell: Sum] = [:]
            for counted in try Self.effects(ledger).flatMap(\.counted) {
                let month = counted.month.index
                sums[Cell(meter: counted.meter, month: month, group: nil), default: Sum()]
                    .add(counted)
                guard !counted.group.isEmpty else { continue }
                let cell = Cell(
                    meter: counted.meter, month: month, group: counted.group.map(\.value))
                sums[cell, default: Sum()].add(counted)
            }
            guard let account = ledger.books.account("acme") else { continue }
            var cells = 0
            ledger.books.counters.forEachCell(of: account) { cell in
                cells += 1
                let meter = ledger.books.registry.meters[Int(cell.meter)]
                var group: [Value]?
                if cell.group > 0 {
                    group = ledger.books.counters.withGroup(cell.group) { bytes in
                        var reader = ByteReader(bytes)
                        _ = try? reader.readVarint()
                        return meter.groupBy.map { _ in
                            (try? ValueCoder.value(from: &reader)) ?? .null
                        }
                    }
                }
                let sum = sums[Cell(meter: meter.key, month: cell.month.index, group: group)]
                #expect(sum?.events == cell.events, "\(meter.key) \(String(describing: group))")
                if meter.isCounted {
                    #expect(sum?.units == cell.units, "\(meter.key) \(String(describing: group))")
                }
            }
            #expect(cells == sums.count)
        }
    }

    /// The same of the windows of limits.
    @Test(arguments: Seeds.all) func theWindowsOfAllEntriesAreWhatLimitsSee(seed: UInt64) throws {
        var history = RandomHistory(seed)
        for _ in 0..<6 {
            let ledger = try history.ledger(80)
            let now = Timestamp(nanoseconds: history.now)
            var used: Int128 = 0
            for counted in try Self.effects(ledger).flatMap(\.counted)
            where counted.meter == "calls" {
                let days = counted.windows.filter {
                    $0.reset == "day" && $0.by == nil && $0.period.contains(now)
                }
                #expect(days.count <= 1)
                if !days.isEmpty { used += counted.units }
            }
            // A plan with that window, so that it is asked for.
            try ledger.record(
                Sample.command(.subscribe, "last", "acme", #"{"plan":"small"}"#), at: history.now)
            try ledger.record(
                Sample.command(
                    .override, "last", "acme",
                    #"{"feature":"calls","entitlement":{"limit":5,"reset":"day"}}"#),
                at: history.now)
            let (decision, evidence) = ledger.books.check(
                AccessQuestion(account: "acme", feature: "calls", quantity: .zero), at: now)
            guard decision.allowed, let account = ledger.books.account("acme") else { continue }
            let held = ledger.books.creditAccount(of: account, at: now)
                .heldQuantity(of: ["calls"], in: nil)
            #expect(evidence.used?.units == used + held.units)
        }
    }

    @Test func reasonsWhyNothingWasCounted() throws {
        let ledger = Ledger()
        try ledger.record(
            Sample.command(.publish, "v", nil, #"{"catalog":\#(RandomHistory.catalog)}"#))
        func effects(_ content: [UInt8]) throws -> EntryEffects {
            let outcome = try ledger.record(content)
            return ledger.books.effects(
                of: try RecordView(content: content.raw), at: 9, outcome, recordedAt: Sample.now)
        }
        #expect(try effects(Sample.event("a", "other", "acme")).unmatched == "no_meter")
        let nobody = try Sample.event(
            #"{"specversion":"1.0","id":"n","source":"test","type":"call","data":{"n":1}}"#)
        #expect(try effects(nobody).unmatched == "no_account")
        let bad = try effects(Sample.event("b", "call", "acme", #"{"n":"many","team":"y"}"#))
        #expect(
            bad.passed.map { "\($0.meter) \($0.reason)" } == [
                "calls unreadable_value", "level unreadable_value", "mean unreadable_value",
                "peak filter",
            ])
        #expect(bad.counted.isEmpty && bad.unmatched == nil)
        let denied = try Sample.command(.consume, "c", "acme", #"{"feature":"sso"}"#)
        #expect(try effects(denied).unmatched == "denied")
    }
}

import Billing
import Codec
import Money
import Projections
import SegmentedLog

/// The events behind one line of an invoice, rated once, in billing order: what pages are cut from.
///
/// Columns, and the ids in one array of bytes: about a hundred bytes an event, so that a line of a million
/// events can be kept while somebody pages through it.
final class ExplainedLine: Sendable {
    /// What it explains.
    struct Name: Hashable, Sendable {
        let account: String
        /// The billing period's name.
        let period: String
        let line: String
        /// Entries before this position are looked at.
        let position: Position
        /// What happened after it is left out; nil: nothing is.
        let cut: Timestamp?
    }

    /// One event.
    struct Row {
        let position: Position
        let time: Timestamp
        let id: String
        /// In 10⁻¹².
        let quantity: Int128
        /// The tier before and after it; nil: the price has no tiers.
        let tiers: (before: Int, after: Int)?
        /// What the line grows by, in 10⁻¹² major units.
        let amount: Int128
        /// What its entry drew, in 10⁻¹² credits.
        let credits: Int128
        let runningTotal: Int128
    }

    let name: Name
    /// The line as the invoice has it.
    let line: InvoiceLine
    /// What a finalised invoice says; nil: the invoice is a draft.
    let invoiced: String?
    /// The unit of the credits; nil: none were drawn.
    let creditUnit: String?
    private let opening: PriceCourse.Opening
    private let columns: Columns

    private struct Columns: Sendable {
        var positions: [Position] = []
        var times: [Int64] = []
        var quantities: [Int128] = []
        var totals: [Int128] = []
        /// A tier + 1; 0: none.
        var tiers: [UInt16] = []
        var ids: [UInt8] = []
        var idEnds: [Int] = []
        /// Empty: no event drew credits.
        var credits: [Int128] = []
    }

    /// - Parameters:
    ///   - draws: what entries drew of the line's credit unit, by position.
    init(
        _ name: Name, _ line: InvoiceLine, _ course: PriceCourse, _ uses: SpanUses,
        invoiced: String?, creditUnit: String?, draws: [Position: Int128]
    ) throws(Refusal) {
        self.name = name
        self.line = line
        self.invoiced = invoiced
        var opening = PriceCourse.Opening(total: 0, tier: nil)
        var columns = Columns()
        try course.walk(uses) {
            opening = $0
        } _: { step in
            columns.positions.append(step.use.use.position)
            columns.times.append(step.use.use.time.nanoseconds)
            columns.quantities.append(step.quantity)
            columns.totals.append(step.total)
            columns.tiers.append(step.tier.map { UInt16(clamping: $0 + 1) } ?? 0)
            columns.ids.append(contentsOf: step.use.id.utf8)
            columns.idEnds.append(columns.ids.count)
        }
        if columns.positions.contains(where: { draws[$0] != nil }) {
            columns.credits = columns.positions.map { draws[$0] ?? 0 }
        }
        self.opening = opening
        self.columns = columns
        self.creditUnit = columns.credits.isEmpty ? nil : creditUnit
    }

    /// Events.
    var count: Int { columns.positions.count }

    /// Bytes that it takes, about.
    var byteCount: Int { count * 70 + columns.ids.count + columns.credits.count * 16 }

    /// What the line is without any event, in 10⁻¹².
    var openingUnits: Int128 { opening.total }

    /// What the line is with all events, in 10⁻¹².
    var totalUnits: Int128 { columns.totals.last ?? opening.total }

    /// What the one rounding added, in 10⁻¹².
    var residueUnits: Int128 {
        (Fraction(line.amount).rounded(decimals: Quantity.scale) ?? 0) - totalUnits
    }

    /// The event with this number.
    subscript(index: Int) -> Row {
        let before = index > 0 ? columns.totals[index - 1] : opening.total
        let start = index > 0 ? columns.idEnds[index - 1] : 0
        return Row(
            position: columns.positions[index], time: Timestamp(nanoseconds: columns.times[index]),
            id: String(decoding: columns.ids[start..<columns.idEnds[index]], as: UTF8.self),
            quantity: columns.quantities[index], tiers: tiers(index),
            amount: columns.totals[index] - before,
            credits: columns.credits.isEmpty ? 0 : columns.credits[index],
            runningTotal: columns.totals[index])
    }

    private func tiers(_ index: Int) -> (before: Int, after: Int)? {
        guard columns.tiers[index] > 0 else { return nil }
        let after = Int(columns.tiers[index]) - 1
        guard index > 0 else { return (opening.tier ?? after, after) }
        return (max(Int(columns.tiers[index - 1]) - 1, 0), after)
    }

    /// The numbers of the rows of an entry.
    func rows(of position: Position) -> [Int] {
        columns.positions.indices.filter { columns.positions[$0] == position }
    }
}

/// Explanations that somebody pages through, kept for a short while.
///
/// Making one reads and rates all events of the line; a page is cut from it in no time. The newest one is kept
/// whatever its size; with the others, up to a bound of bytes.
struct ExplanationShelf {
    private struct Kept {
        let line: ExplainedLine
        var used: Int64
    }

    /// The one that was used last comes last.
    private var kept: [Kept] = []

    /// A kept explanation; nil: it was not, or is no more.
    mutating func line(_ name: ExplainedLine.Name, at now: Int64) -> ExplainedLine? {
        dropOld(at: now)
        guard let index = kept.firstIndex(where: { $0.line.name == name }) else { return nil }
        var found = kept.remove(at: index)
        found.used = now
        kept.append(found)
        return found.line
    }

    mutating func keep(_ line: ExplainedLine, at now: Int64) {
        dropOld(at: now)
        kept.removeAll { $0.line.name == line.name }
        kept.append(Kept(line: line, used: now))
        while kept.count > 1,
            kept.count > EngineLimits.explanationsKept
                || kept.reduce(0, { $0 + $1.line.byteCount }) > EngineLimits.explanationBytesKept
        { kept.removeFirst() }
    }

    mutating func drop(_ name: ExplainedLine.Name) { kept.removeAll { $0.line.name == name } }

    /// Lets go of what nobody has asked for lately.
    mutating func dropOld(at now: Int64) {
        kept.removeAll { now - $0.used > EngineLimits.explanationLife || now < $0.used }
    }
}

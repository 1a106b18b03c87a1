import Billing
import Bytes
import Codec
import Money
import Platform
import Projections
import SegmentedLog

/// What bills are to be made again.
package struct ReplayWish: Sendable {
    /// The billing period's name; nil: all that were finalised.
    package var period: String?
    /// Only these accounts; nil: all.
    package var accounts: [String]?
    /// Invoices in the answer at most, those with differences first.
    package var limit: Int

    init(_ arguments: Arguments) throws(Refusal) {
        try arguments.allow(["period", "accounts", "limit"])
        period = try arguments.optionalText("period")
        accounts = try Scenario.texts("accounts", arguments["accounts"], max: Scenario.accountsMax)
        limit = try arguments.count("limit", or: 1_000, min: 0, max: 1_000_000)
    }
}

/// # Bills again, from entries alone
///
///     entries ─► usage by account, month and meter ─► bills ─► compared with the invoices that stand
///
/// No counter of the live books is believed. Threads divide the log, each adds up its own stretch, and the sums are added
/// up. Periods that are no months, prices that look at single events, and accounts whose entries do not count as they were
/// written are billed from the account's own entries. Each bill is made twice: of the entries that the invoice looked at,
/// which must be what stands, and of all, which says what came late.
struct BillReplay {
    let engine: Engine
    let wish: ReplayWish
    let now: Timestamp

    func run() throws(Refusal) -> ReplayReport {
        let end = engine.reader.durablePosition
        var books = try engine.books(asOf: end)
        let accounts = try self.accounts(books)
        let work = books.invoicesToReplay(accounts, period: wish.period, at: now)
        let started = MonotonicClock.nanoseconds()
        let cells = try usage(&books, work, before: end)
        let read = MonotonicClock.nanoseconds()
        let rows = try bills(&books, work, cells)
        return ReplayReport(
            rows: rows, position: end, limit: wish.limit, scanned: cells != nil,
            readNanoseconds: read - started,
            billNanoseconds: MonotonicClock.nanoseconds() - read)
    }

    private func accounts(_ books: borrowing Books) throws(Refusal) -> [UInt32] {
        guard let named = wish.accounts else {
            return Array(0..<UInt32(books.registry.accounts.count))
        }
        var numbers: [UInt32] = []
        for name in named {
            guard let number = books.account(name) else {
                throw Refusal(
                    code: "unknown_account", field: "accounts",
                    message: "accounts: the log has no entry of \"\(name)\"")
            }
            numbers.append(number)
        }
        return numbers
    }

    // MARK: Usage

    /// The usage of all months that are billed by counts; nil if none is, or if the entries of each account are to be
    /// read.
    private func usage(
        _ books: inout Books, _ work: [ReplayedInvoice], before end: Position
    ) throws(Refusal) -> UsageCells? {
        let months = work.filter(\.isCounted).map { Month(containing: $0.period.start.nanoseconds) }
        guard let first = months.min(), let last = months.max() else { return nil }
        let shape = UsageCells.Shape(
            accounts: books.registry.accounts.count, months: first...last,
            meters: books.registry.meters.count)
        guard shape.count <= EngineLimits.replayCellsMax else { return nil }
        var cuts = [Position](repeating: .max, count: shape.accounts * shape.monthCount)
        for invoice in work where invoice.isCounted {
            guard let through = invoice.through else { continue }
            let month = Int(Month(containing: invoice.period.start.nanoseconds).index - first.index)
            cuts[Int(invoice.account) * shape.monthCount + month] = through
        }
        let meters = books.registry.meters.indices.map { books.registry.eventMeter(UInt32($0)) }
        var paths: [PropertyPath] = []
        for meter in meters where meter.isCounted && meter.aggregation != .unique {
            let wanted =
                (meter.aggregation == .count ? [] : [meter.valuePath]) + meter.filters.map(\.path)
            for path in wanted where !paths.contains(path) { paths.append(path) }
        }
        let bounds = (first.index...(last.index + 1)).map {
            Period(monthIndex: Int($0)).start.nanoseconds
        }
        let plan = UsageScan.Plan(
            shape: shape, meters: meters, bounds: bounds, cuts: cuts, paths: paths)
        let box = Monitor(PastBooks.Box(books.copy()))
        let count = Workers.count
        let parts = try Workers.run(count, name: "replay") { index throws(Refusal) in
            let books = box.withLock(waking: []) { $0.books.copy() }
            return try part(index, of: count, plan, books, before: end)
        }
        var sum = parts[0]
        let aggregations = meters.map(\.aggregation)
        for part in parts.dropFirst() { sum.add(part, aggregations) }
        return sum
    }

    private func part(
        _ index: Int, of count: Int, _ plan: UsageScan.Plan, _ books: consuming Books,
        before end: Position
    ) throws(Refusal) -> UsageCells {
        let block = LogReader.blockEntries
        let blocks = (end + block - 1) / block
        let start = blocks * Position(index) / Position(count) * block
        let stop = min(end, blocks * Position(index + 1) / Position(count) * block)
        let progress = engine.progress
        var reached = start
        var scan = UsageScan(plan, books) { position in
            progress.add("replay", position - reached, of: end)
            reached = position
            return !engine.stopsLongWork
        }
        do {
            try engine.reader.walkBlocks(from: start, before: stop, &scan)
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "the log cannot be read: \(error); run `daybook verify`")
        }
        guard !engine.stopsLongWork else { throw engine.refusalNow }
        return scan.cells
    }

    // MARK: Bills

    private func bills(
        _ books: inout Books, _ work: [ReplayedInvoice], _ cells: UsageCells?
    ) throws(Refusal) -> [ReplayRow] {
        let box = Monitor(PastBooks.Box(books.copy()))
        let count = max(1, min(Workers.count, work.count))
        let parts = try Workers.run(count, name: "replay") { index throws(Refusal) in
            let books = box.withLock(waking: []) { $0.books.copy() }
            var rows: [ReplayRow] = []
            for place in work.indices where place % count == index {
                guard !engine.stopsLongWork else { throw engine.refusalNow }
                rows.append(try bill(work[place], books, cells))
            }
            return rows
        }
        engine.progress.end("replay")
        return parts.flatMap { $0 }
    }

    private func bill(
        _ invoice: ReplayedInvoice, _ books: borrowing Books, _ cells: UsageCells?
    ) throws(Refusal) -> ReplayRow {
        let name = books.registry.accounts.text(invoice.account)
        let source = LoggedEntries(engine: engine, account: name)
        let facts = books.billingFacts(of: name)
        let billing = AccountBilling(facts: facts, source: source, at: now)
        let period = BillReplay.period(invoice, facts)
        let now = try billing.bill(
            period, counted: books.countedUsage(facts, in: period, cells, withLate: true))
        guard let through = invoice.through, let position = invoice.position else {
            return ReplayRow(account: name, invoice, now: now)
        }
        let known = books.billingFacts(of: name, before: through)
        let then = AccountBilling(facts: known, source: source, at: self.now)
        let old = BillReplay.period(invoice, known)
        let again = try then.bill(
            old, counted: books.countedUsage(known, in: old, cells, withLate: false),
            before: through)
        let document = try engine.document(at: position) { record in
            guard let data = record.data else { return Value.null }
            return try ValueCoder.value(data)
        }
        var row = ReplayRow(account: name, invoice, now: now, again: again, document: document)
        var catalogs: [Position] = []
        if !row.isSame {
            // Meters are read by their newest definitions; the invoice was made by those of its time.
            let past = try engine.books(asOf: through).billingFacts(of: name)
            let exact = try AccountBilling(facts: past, source: source, at: self.now)
                .bill(BillReplay.period(invoice, past), counted: nil)
            row = ReplayRow(account: name, invoice, now: now, again: exact, document: document)
            catalogs = books.registry.versions.map(\.position).filter { $0 >= through }
        }
        if !row.isSame || row.isLate {
            row.causes = try LateEntries.find(
                source, facts, from: through, in: period.period)
            row.causes.add(catalogs)
        }
        return row
    }

    private static func period(
        _ invoice: ReplayedInvoice, _ facts: BillingFacts
    ) -> BillingPeriod {
        facts.contract.billingPeriod(invoice.period, named: invoice.name)
    }
}

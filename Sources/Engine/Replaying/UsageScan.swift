import Billing
import Bytes
import Codec
import Columns
import Money
import Projections
import SegmentedLog

/// Adds up the usage of a stretch of the log: of sealed blocks from the few columns that meters look at, of all else from
/// the records. Owned by one thread.
struct UsageScan: ~Copyable, BlockVisitor {
    /// What is the same for all threads.
    struct Plan: Sendable {
        let shape: UsageCells.Shape
        /// The newest definitions, by number.
        let meters: [CompiledMeter]
        /// First instants of the months, and the end of the last.
        let bounds: [Int64]
        /// Entries from here on are late, by account and month; `Position.max`: nothing stands there.
        let cuts: [Position]
        /// The properties that meters look at.
        let paths: [PropertyPath]
    }

    /// A meter as the columns of a segment give it.
    private struct ColumnMeter {
        let number: Int
        let aggregation: Aggregation
        /// The property that is its value; nil: it counts.
        let value: Int?
        let filters: [(path: Int, values: [[UInt8]])]
    }

    private(set) var cells: UsageCells
    private let plan: Plan
    private let books: Books
    private var scan: EventScan?
    /// The account in the books of each of the segment's; -1: none.
    private var accounts: [Int] = []
    /// The meters that listen to each type of the segment.
    private var listening: [[ColumnMeter]] = []
    private var typeTexts = 0
    private var month = 0
    /// Of one record; kept for its memory.
    private var uses: [Books.CountedUse]? = []
    /// Events that were read by their columns.
    private(set) var byColumns: UInt64 = 0
    private let report: (Position) -> Bool

    init(
        _ plan: Plan, _ books: consuming Books, report: @escaping (Position) -> Bool
    ) {
        self.plan = plan
        self.books = books
        self.report = report
        cells = UsageCells(plan.shape)
    }

    mutating func begin(_ reader: any BlockReader) {
        let types = Set(plan.meters.map(\.eventType))
        scan = EventScan(reader, paths: plan.paths) { record in
            Self.isPlain(record, types)
        }
        listening = []
        typeTexts = 0
        accounts = []
        guard let scan else { return }
        for number in 0..<UInt32(scan.accountCount) {
            let account = scan.withAccount(number) { books.registry.accounts.number(of: $0) }
            accounts.append(account.map { Int($0) } ?? -1)
        }
    }

    mutating func reached(_ position: Position) -> Bool { report(position) }

    /// Whether all records of the shape of this one can be read by their columns: they are events, or nothing that
    /// meters look at.
    private static func isPlain(_ record: borrowing RecordView, _ types: Set<[UInt8]>) -> Bool {
        switch record.kind {
        case .event: !RecordRetirement.isRetired(record)
        case .consume, .settle: false
        default: true
        }
    }

    // MARK: Columns

    mutating func read(
        _ columns: borrowing BlockColumns, count: Int, firstPosition: Position,
        commits: [FrameInfo]
    ) throws -> Bool {
        guard let scan, try scan.read(columns, count: count) else { return false }
        learnTypes(scan)
        guard !listening.contains(where: { $0.contains { $0.number < 0 } }) else { return false }
        byColumns += UInt64(count)
        var commit = 0
        for row in 0..<count where scan.isEvent[row] {
            let number = scan.accounts[row]
            guard number != BlockSummary.noAccount else { continue }
            let account = accounts[Int(number)]
            guard account >= 0 else { continue }
            let meters = listening[Int(scan.types[row])]
            guard !meters.isEmpty else { continue }
            let position = firstPosition + Position(row)
            var time = scan.times[row]
            if !scan.hasTime[row] {
                while commits[commit].nextPosition <= position { commit += 1 }
                time = commits[commit].commitTime
            }
            guard let month = month(of: time) else { continue }
            let side = position < plan.cuts[account * plan.shape.monthCount + month] ? 0 : 1
            for meter in meters { add(meter, scan, row, account, month, side) }
        }
        return true
    }

    private mutating func add(
        _ meter: ColumnMeter, _ scan: EventScan, _ row: Int, _ account: Int, _ month: Int,
        _ side: Int
    ) {
        for filter in meter.filters
        where !Self.matches(scan, filter.path, row, filter.values) { return }
        // An event counts as one; a consume, which is no column, as what it asked for.
        var units: Int128 = 1_000_000_000_000
        if let value = meter.value {
            guard scan.columns[value].forms[row] == .number else { return }
            let mantissa = Int128(IntegerColumn.unzigzag(scan.columns[value].bits[row]))
            let scale = Int(scan.columns[value].scales[row])
            if scale <= 12 {
                units = mantissa &* Self.powers[12 - scale]
            } else {
                // Rare: what has more decimals is a quantity only if they are zeros.
                guard
                    let quantity = Quantity(DecimalNumber(mantissa: mantissa, scale: scale))
                else { return }
                units = quantity.units
            }
        }
        let place = plan.shape.place(account: account, month: month, meter: meter.number)
        cells.add(units, 0, meter.aggregation, at: place + side)
    }

    private static let powers: [Int128] = (0...12).map { exponent in
        (0..<exponent).reduce(Int128(1)) { power, _ in power * 10 }
    }

    private static func matches(
        _ scan: EventScan, _ path: Int, _ row: Int, _ values: [[UInt8]]
    ) -> Bool {
        let column = scan.columns[path]
        guard column.forms[row] == .text else { return false }
        return values.contains(scan.text(path, column.bits[row]))
    }

    /// The meters of each type, once the segment's types are known.
    private mutating func learnTypes(_ scan: EventScan) {
        guard typeTexts == 0 else { return }
        let types = scan.texts(ofProperty: nil)
        typeTexts = types.count
        listening = types.map { type in
            plan.meters.filter { $0.eventType == type && $0.isCounted }.map { columnMeter($0) }
        }
    }

    /// A meter whose number is below zero has to be read from records.
    private func columnMeter(_ meter: CompiledMeter) -> ColumnMeter {
        func index(_ path: PropertyPath) -> Int { plan.paths.firstIndex(of: path) ?? 0 }
        var isReadable = meter.aggregation != .unique
        let filters = meter.filters.map { filter in
            let texts = filter.values.compactMap { EventScan.text(ofNode: $0) }
            if texts.count != filter.values.count { isReadable = false }
            return (path: index(filter.path), values: texts)
        }
        return ColumnMeter(
            number: isReadable ? Int(meter.number) : -1, aggregation: meter.aggregation,
            value: meter.aggregation == .count ? nil : index(meter.valuePath), filters: filters)
    }

    // MARK: Records

    mutating func entry(_ record: RawSpan, at position: Position, recordedAt: Int64) throws {
        let view = try RecordView(record: record)
        guard view.kind == .event || view.kind == .consume || view.kind == .settle,
            let subject = view.subject, let account = books.registry.accounts.number(of: subject)
        else { return }
        let outcome = try view.outcome()
        var uses = uses.take() ?? []
        uses.removeAll(keepingCapacity: true)
        books.forEachUse(of: view, outcome, recordedAt: recordedAt) { uses.append($0) }
        for use in uses {
            guard let month = month(of: use.time) else { continue }
            let cut = plan.cuts[Int(account) * plan.shape.monthCount + month]
            let place = plan.shape.place(
                account: Int(account), month: month, meter: Int(use.meter.number))
            cells.add(
                use.units, use.uniqueKey, use.meter.aggregation,
                at: place + (position < cut ? 0 : 1))
        }
        self.uses = uses
    }

    /// The number of the month in which an instant lies; nil if it is none of those wanted.
    private mutating func month(of time: Int64) -> Int? {
        // Events come in the order of their times, more or less.
        if plan.bounds[month] <= time, time < plan.bounds[month + 1] { return month }
        guard let first = plan.bounds.first, let last = plan.bounds.last, time >= first, time < last
        else { return nil }
        var (lower, upper) = (0, plan.bounds.count - 1)
        while lower + 1 < upper {
            let middle = (lower + upper) / 2
            if plan.bounds[middle] <= time { lower = middle } else { upper = middle }
        }
        month = lower
        return lower
    }
}

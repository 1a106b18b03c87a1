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
        /// The property that is its value; below zero: it counts.
        let value: Int
        /// Its filters among all.
        let filters: Range<Int>
    }

    /// A filter: which texts of a property's dictionary match.
    private struct ColumnFilter {
        let path: Int
        let values: [[UInt8]]
        /// By the number of the text; nil: not looked up yet.
        var matches: [Bool]?
    }

    /// What is wanted of records of a shape.
    private struct Shape: BitwiseCopyable {
        var isEvent = false
        var hasTime = false
    }

    private(set) var cells: UsageCells
    private let plan: Plan
    private let books: Books
    private var scan: EventScan?
    /// The account in the books of each of the segment's; -1: none.
    private var accounts: [Int] = []
    /// The meters that listen to each type of the segment.
    private var meters: [ColumnMeter] = []
    /// Where those of each type are, by the number of the type.
    private var listening: [Range<Int>] = []
    private var filters: [ColumnFilter] = []
    /// Whether a meter can only be read from records.
    private var needsRecords = false
    private var month = 0
    /// Of one record; kept for its memory.
    private var uses: [Books.CountedUse]? = []
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
        (meters, listening, filters, needsRecords) = ([], [], [], false)
        accounts = []
        guard let scan = scan.take() else { return }
        for number in 0..<UInt32(scan.accountCount) {
            let account = scan.withAccount(number) { books.registry.accounts.number(of: $0) }
            accounts.append(account.map { Int($0) } ?? -1)
        }
        self.scan = consume scan
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
        guard var scan = scan.take() else { return false }
        let isRead = try scan.read(columns, count: count) && learn(&scan)
        if isRead { add(scan, count, firstPosition, commits) }
        self.scan = consume scan
        return isRead
    }

    private mutating func add(
        _ scan: borrowing EventScan, _ count: Int, _ firstPosition: Position,
        _ commits: [FrameInfo]
    ) {
        let shapes = (0..<scan.shapeCount).map { shape in
            let has = scan.has(shape)
            return Shape(isEvent: scan.isEvent(shape) && has.account, hasTime: has.time)
        }
        let forms = plan.paths.indices.map { path in
            (0..<scan.shapeCount).map { scan.form(of: path, $0) }
        }
        let numbers = scan.numbers
        let (account, type, time, values) = (scan.account, scan.type, scan.time, scan.values)
        let (accounts, listening, meters) = (accounts, listening, meters)
        var commit = 0
        for row in 0..<count {
            let shape = Int(numbers[row])
            guard shapes[shape].isEvent else { continue }
            let wanted = listening[Int(numbers[type.start &+ row])]
            let number = accounts[Int(numbers[account.start &+ row])]
            guard number >= 0, !wanted.isEmpty else { continue }
            let position = firstPosition &+ Position(row)
            let when: Int64
            if shapes[shape].hasTime {
                when = IntegerColumn.unzigzag(numbers[time.start &+ row])
            } else {
                while commits[commit].nextPosition <= position { commit += 1 }
                when = commits[commit].commitTime
            }
            guard let month = month(of: when) else { continue }
            let slot = number &* plan.shape.monthCount &+ month
            let side = position < plan.cuts[slot] ? 0 : 1
            for index in wanted {
                let meter = meters[index]
                guard meter.filters.isEmpty || matches(meter, shape, forms, values, numbers, row)
                else { continue }
                // An event counts as one; a consume, which is no column, as what it asked for.
                var units: Int128 = 1_000_000_000_000
                if meter.value >= 0 {
                    guard forms[meter.value][shape] == .number,
                        let read = Self.units(values[meter.value], numbers, row)
                    else { continue }
                    units = read
                }
                let place = 2 &* (slot &* plan.shape.meters &+ meter.number) &+ side
                cells.add(units, 0, meter.aggregation, at: place)
            }
        }
    }

    /// A number of a column as a quantity.
    @inline(__always) private static func units(
        _ column: EventScan.Column, _ numbers: Span<UInt64>, _ row: Int
    ) -> Int128? {
        let mantissa = Int128(IntegerColumn.unzigzag(numbers[column.start &+ row]))
        let scale = column.scales < 0 ? column.scale : numbers[column.scales &+ row]
        if scale == 0 { return mantissa &* 1_000_000_000_000 }
        if scale <= 12 { return mantissa &* powers[Int(12 - scale)] }
        // Rare: what has more decimals is a quantity only if they are zeros.
        return Quantity(DecimalNumber(mantissa: mantissa, scale: Int(scale)))?.units
    }

    private static let powers: [Int128] = (0...12).map { exponent in
        (0..<exponent).reduce(Int128(1)) { power, _ in power * 10 }
    }

    private func matches(
        _ meter: ColumnMeter, _ shape: Int, _ forms: [[EventScan.Form]],
        _ values: [EventScan.Column], _ numbers: Span<UInt64>, _ row: Int
    ) -> Bool {
        for index in meter.filters {
            let filter = filters[index]
            guard forms[filter.path][shape] == .text, let known = filter.matches else {
                return false
            }
            guard known[Int(numbers[values[filter.path].start &+ row])] else { return false }
        }
        return true
    }

    /// Finds the meters of each type and what their filters match, as soon as the segment's dictionaries are known.
    /// - Returns: false if some meter has to be read from records.
    private mutating func learn(_ scan: inout EventScan) -> Bool {
        if listening.isEmpty {
            for type in scan.texts(ofProperty: nil) {
                let first = meters.count
                for meter in plan.meters where meter.eventType == type && meter.isCounted {
                    meters.append(columnMeter(meter))
                }
                listening.append(first..<meters.count)
            }
        }
        for index in filters.indices where filters[index].matches == nil {
            let texts = scan.texts(ofProperty: filters[index].path)
            guard !texts.isEmpty else { continue }
            filters[index].matches = texts.map { filters[index].values.contains($0) }
        }
        return !needsRecords && !listening.isEmpty
    }

    private mutating func columnMeter(_ meter: CompiledMeter) -> ColumnMeter {
        func index(_ path: PropertyPath) -> Int { plan.paths.firstIndex(of: path) ?? 0 }
        if meter.aggregation == .unique { needsRecords = true }
        let first = filters.count
        for filter in meter.filters {
            let texts = filter.values.compactMap { EventScan.text(ofNode: $0) }
            if texts.count != filter.values.count { needsRecords = true }
            filters.append(ColumnFilter(path: index(filter.path), values: texts))
        }
        return ColumnMeter(
            number: Int(meter.number), aggregation: meter.aggregation,
            value: meter.aggregation == .count || meter.aggregation == .unique
                ? -1 : index(meter.valuePath), filters: first..<filters.count)
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

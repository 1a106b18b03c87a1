import Billing
package import Bytes
package import Money

/// How much of each meter each account used, by month and by group.
///
/// One cell is kept for an account, a meter and a month (group 0, the total that limits and prices
/// read), and one more for each combination of the meter's group-by properties. Cells are found
/// through a hash table; the cells of an account are chained, so that its usage is listed without
/// a scan. A copy shares all of it, chunk by chunk.
///
/// The newest definition of a meter counts for the whole history. When a catalog changes a meter,
/// its cells are zeroed (`drop`) and history is metered again; a zeroed cell is not part of the
/// state and leaves no trace in digests.
package struct Counters: ~Copyable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 2

    /// The usage of one account, meter, month and group.
    package struct Cell {
        /// The aggregate, in 10⁻¹² of the meter's unit.
        package fileprivate(set) var units: Int128 = 0
        /// Events counted, including those whose value did not change the aggregate.
        package fileprivate(set) var events: UInt64 = 0
        fileprivate var unique: Int32 = -1
        fileprivate var next: UInt32 = 0
        /// Interned account.
        package let account: UInt32
        /// Interned meter.
        package let meter: UInt32
        /// Interned group + 1; 0 is the total over all groups.
        package let group: UInt32
        /// Calendar month of the event's own time.
        package let month: Month

        fileprivate init(account: UInt32, meter: UInt32, group: UInt32, month: Month) {
            self.account = account
            self.meter = meter
            self.group = group
            self.month = month
        }
    }

    private var cells = Chunked<7, Cell>()
    private var slots = SlotDirectory()
    /// First cell + 1 of each account's chain.
    private var heads = Chunked<8, UInt32>()
    private var uniques = Chunked<6, UniqueKeys>()
    private var groups: Interner
    private var pages = PageDigests()

    /// No usage yet.
    package init(key: SipKey) { groups = Interner(key: key) }

    /// The same usage, sharing its memory until one of both counts more.
    package mutating func copy() -> Counters { Counters(sharing: &self) }

    private init(sharing other: inout Counters) {
        cells = other.cells
        slots = other.slots
        heads = other.heads
        uniques = other.uniques
        groups = other.groups.copy()
        pages = other.pages.copy()
    }

    /// Takes over the page digests of an unchanged copy; see `PageDigests.accept`.
    package mutating func accept(digestsOf copy: borrowing Counters) { pages.accept(copy.pages) }

    /// Cells, all and those whose chunk is not shared with `copy`; for tests.
    package func chunksApart(from copy: borrowing Counters) -> (all: Int, apart: Int) {
        cells.chunksApart(from: copy.cells)
    }

    /// Adds an event to the total cell and, where the meter groups, to its group's cell.
    /// - Parameter group: the group-by values' canonical bytes; nil if the meter does not group.
    /// - Returns: false if a sum would leave Int128; nothing was added then.
    package mutating func add(
        _ addition: Addition, account: UInt32, meter: UInt32, month: Month, group: RawSpan?
    ) -> Bool {
        let total = cell(account: account, meter: meter, group: 0, month: month)
        guard fits(addition, total) else { return false }
        apply(addition, total)
        if let group {
            let number = groups.intern(group) + 1
            apply(addition, cell(account: account, meter: meter, group: number, month: month))
        }
        pages.touch(account: account)
        return true
    }

    /// The total of a meter in a month: events and aggregate; zero if nothing was counted.
    package func total(account: UInt32, meter: UInt32, month: Month) -> (
        events: UInt64, units: Int128
    ) {
        let hash = Self.hash(account, meter, 0, month)
        guard
            let index = find(account: account, meter: meter, group: 0, month: month, hash: hash)
        else { return (0, 0) }
        return (cells[index].events, cells[index].units)
    }

    /// Whether a unique meter has counted a value in a month.
    package func contains(
        _ uniqueKey: UInt128, account: UInt32, meter: UInt32, month: Month
    ) -> Bool {
        let hash = Self.hash(account, meter, 0, month)
        guard
            let index = find(account: account, meter: meter, group: 0, month: month, hash: hash),
            cells[index].unique >= 0
        else { return false }
        return uniques[Int(cells[index].unique)].contains(uniqueKey)
    }

    /// The quantity of a meter in a month, before conversion: of an average its sum over its number.
    package func quantity(
        account: UInt32, meter: UInt32, month: Month, isAverage: Bool
    ) -> Fraction {
        let total = total(account: account, meter: meter, month: month)
        let units = Fraction(Quantity(units: total.units))
        guard isAverage, total.events > 0 else { return units }
        return units * Fraction(1, over: Int128(total.events))
    }

    /// Calls `body` with each cell of an account, in no particular order.
    package func forEachCell(of account: UInt32, _ body: (Cell) -> Void) {
        guard Int(account) < heads.count else { return }
        var next = heads[Int(account)]
        while next != 0 {
            let cell = cells[Int(next) - 1]
            if cell.events > 0 { body(cell) }
            next = cell.next
        }
    }

    /// The canonical bytes of a group's values.
    package func withGroup<R>(_ group: UInt32, _ body: (RawSpan) -> R) -> R {
        precondition(group > 0, "group 0 is the total")
        return groups.withName(group - 1, body)
    }

    /// Forgets all usage of some meters, before history is metered again.
    package mutating func drop(meters: Set<UInt32>) {
        for index in 0..<cells.count where meters.contains(cells[index].meter) {
            forget(index)
            pages.touch(account: cells[index].account)
        }
    }

    /// Forgets all usage of an account, before its history is metered again.
    package mutating func drop(account: UInt32) {
        guard Int(account) < heads.count else { return }
        var next = heads[Int(account)]
        while next != 0 {
            let index = Int(next) - 1
            forget(index)
            next = cells[index].next
        }
        pages.touch(account: account)
    }

    private mutating func forget(_ index: Int) {
        cells[index].events = 0
        cells[index].units = 0
        if cells[index].unique >= 0 { uniques[Int(cells[index].unique)] = UniqueKeys() }
    }

    /// Takes over all usage of other counters, of meters that have none here. Groups become known in the
    /// order in which the others met them.
    mutating func takeOver(_ other: borrowing Counters) {
        let numbers = (0..<UInt32(other.groups.count)).map { number in
            other.groups.withName(number) { groups.intern($0) + 1 }
        }
        for index in 0..<other.cells.count where other.cells[index].events > 0 {
            let cell = other.cells[index]
            let group = cell.group == 0 ? 0 : numbers[Int(cell.group) - 1]
            let mine = self.cell(
                account: cell.account, meter: cell.meter, group: group, month: cell.month)
            cells[mine].units = cell.units
            cells[mine].events = cell.events
            if cell.unique >= 0 {
                if cells[mine].unique < 0 {
                    cells[mine].unique = Int32(uniques.count)
                    uniques.append(UniqueKeys())
                }
                uniques[Int(cells[mine].unique)] = other.uniques[Int(cell.unique)]
            }
            pages.touch(account: cell.account)
        }
    }

    /// The digest of all usage.
    package mutating func digest() -> Digest {
        var pages = pages
        let digest = pages.digest { page, bytes in serialise(page: page, into: &bytes) }
        self.pages = pages
        var bytes = ByteBuffer(capacity: 64)
        digest.append(to: &bytes)
        serialiseGroups(into: &bytes)
        return SHA256.hash(bytes.bytes)
    }

    // MARK: Cells

    private func fits(_ addition: Addition, _ index: Int) -> Bool {
        switch addition.aggregation {
        // A consume of a counting meter adds any quantity, so a count can overflow as a sum can.
        case .sum, .count, .average:
            !cells[index].units.addingReportingOverflow(addition.units).overflow
        case .max, .min, .unique, .latest, .timeWeighted: true
        }
    }

    private mutating func apply(_ addition: Addition, _ index: Int) {
        if addition.isCounted { aggregate(addition, index) }
        cells[index].events += 1
    }

    private mutating func aggregate(_ addition: Addition, _ index: Int) {
        switch addition.aggregation {
        // A group's sum may leave Int128 only where the total does not: opposite signs. Wrapping
        // keeps the fold total; the sum over groups stays right modulo 2^128.
        case .sum, .count, .average: cells[index].units &+= addition.units
        case .max:
            if cells[index].events == 0 || addition.units > cells[index].units {
                cells[index].units = addition.units
            }
        case .min:
            if cells[index].events == 0 || addition.units < cells[index].units {
                cells[index].units = addition.units
            }
        // What depends on order is never counted.
        case .latest, .timeWeighted: break
        case .unique:
            if cells[index].unique < 0 {
                cells[index].unique = Int32(uniques.count)
                uniques.append(UniqueKeys())
            }
            uniques[Int(cells[index].unique)].insert(addition.uniqueKey)
            cells[index].units =
                Int128(uniques[Int(cells[index].unique)].count) * 1_000_000_000_000
        }
    }

    /// The totals of sixteen meters and eight groups of an account's month stand side by side in
    /// the directory, since one event mostly asks for several of them: one cache miss instead of
    /// many. A group has one meter. The numbers are ours, dense and small, so a multiplicative mix
    /// spreads them enough.
    @inline(__always)
    private static func hash(_ account: UInt32, _ meter: UInt32, _ group: UInt32, _ month: Month)
        -> UInt64
    {
        let block = group == 0 ? meter >> 4 : 0
        let place = group == 0 ? meter & 15 : group & 7 | 8
        var hash = UInt64(account) << 32 | UInt64(group >> 3)
        hash = (hash ^ (hash >> 29)) &* 0x9E37_79B9_7F4A_7C15
        hash ^= UInt64(block) << 32 | UInt64(UInt32(bitPattern: month.index))
        hash = (hash ^ (hash >> 32)) &* 0xD6E8_FEB8_6659_FD93
        return (hash & ~(15 << 32)) | UInt64(place) << 32
    }

    private func find(
        account: UInt32, meter: UInt32, group: UInt32, month: Month, hash: UInt64
    ) -> Int? {
        slots.find(hash) { index in
            let cell = cells[index]
            return cell.account == account && cell.meter == meter && cell.group == group
                && cell.month == month
        }
    }

    private mutating func cell(account: UInt32, meter: UInt32, group: UInt32, month: Month) -> Int {
        let hash = Self.hash(account, meter, group, month)
        if let index = find(
            account: account, meter: meter, group: group, month: month, hash: hash)
        {
            return index
        }
        return add(Cell(account: account, meter: meter, group: group, month: month), hash: hash)
    }

    private mutating func add(_ cell: Cell, hash: UInt64) -> Int {
        heads.grow(to: Int(cell.account) + 1, with: 0)
        var cell = cell
        cell.next = heads[Int(cell.account)]
        cells.append(cell)
        heads[Int(cell.account)] = UInt32(cells.count)
        slots.insert(cells.count - 1, hash: hash)
        return cells.count - 1
    }

    // MARK: Snapshot

    /// Writes the whole state; pages in order, each in its canonical form.
    /// - Parameter spill: called between pages, may take what was written so far.
    package func serialise<Failure: Error>(
        into bytes: inout ByteBuffer, _ spill: (inout ByteBuffer) throws(Failure) -> Void
    ) throws(Failure) {
        serialiseGroups(into: &bytes)
        bytes.appendVarint(UInt64(pages.count))
        for page in 0..<pages.count {
            serialise(page: page, into: &bytes)
            try spill(&bytes)
        }
    }

    private func serialiseGroups(into bytes: inout ByteBuffer) {
        bytes.appendVarint(UInt64(groups.count))
        for number in 0..<UInt32(groups.count) {
            groups.withName(number) { bytes.appendPrefixed($0) }
        }
    }

    private func serialise(page: Int, into bytes: inout ByteBuffer) {
        let first = page * PageDigests.accountsPerPage
        var mine: [Cell] = []
        for account in first..<(first + PageDigests.accountsPerPage) {
            mine.removeAll(keepingCapacity: true)
            forEachCell(of: UInt32(account)) { mine.append($0) }
            mine.sort { $0.precedes($1) }
            bytes.appendVarint(UInt64(mine.count))
            for cell in mine {
                bytes.appendVarint(UInt64(cell.meter))
                bytes.appendZigzag(Int64(cell.month.index))
                bytes.appendVarint(UInt64(cell.group))
                bytes.appendVarint(cell.events)
                bytes.appendZigzag128(cell.units)
                let keys = cell.unique < 0 ? [] : uniques[Int(cell.unique)].sorted()
                bytes.appendVarint(UInt64(keys.count))
                for key in keys { bytes.appendVarint128(key) }
            }
        }
    }

    /// Reads what `serialise` wrote.
    /// - Throws: `DecodeFailure` where the bytes are not such a state.
    package init(key: SipKey, restoring reader: inout ByteReader) throws(DecodeFailure) {
        self.init(key: key)
        for _ in 0..<(try reader.readVarint()) { _ = groups.intern(try reader.readPrefixed()) }
        for page in 0..<(try PageDigests.readCount(&reader)) {
            pages.touch(page: page)
            let first = page * PageDigests.accountsPerPage
            for account in first..<(first + PageDigests.accountsPerPage) {
                var last: Cell?
                for _ in 0..<(try reader.readVarint()) {
                    let cell = try restoredCell(of: UInt32(account), after: last, &reader)
                    last = cell
                    _ = add(
                        cell, hash: Self.hash(cell.account, cell.meter, cell.group, cell.month))
                }
            }
        }
    }

    /// A cell, whose place behind `last` shows that no cell is there twice.
    private mutating func restoredCell(
        of account: UInt32, after last: Cell?, _ reader: inout ByteReader
    ) throws(DecodeFailure) -> Cell {
        let offset = reader.offset
        guard let meter = UInt32(exactly: try reader.readVarint()),
            let month = Int32(exactly: try reader.readZigzag()).map({ Month(index: $0) }),
            let group = UInt32(exactly: try reader.readVarint()), group <= groups.count
        else { throw .outOfRange(offset) }
        var cell = Cell(account: account, meter: meter, group: group, month: month)
        if let last, !last.precedes(cell) { throw .invalid("order of the counters", offset) }
        cell.events = try reader.readVarint()
        cell.units = try reader.readZigzag128()
        let keyCount = try reader.readVarint()
        guard keyCount > 0 else { return cell }
        var keys = UniqueKeys()
        for _ in 0..<keyCount { keys.insert(try reader.readVarint128()) }
        cell.unique = Int32(uniques.count)
        uniques.append(keys)
        return cell
    }
}

extension Counters.Cell {
    /// The order of an account's cells in the canonical form.
    fileprivate func precedes(_ other: Self) -> Bool {
        (meter, month.index, group) < (other.meter, other.month.index, other.group)
    }
}

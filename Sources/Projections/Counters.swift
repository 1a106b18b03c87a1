package import Billing
package import Bytes

/// How much of each meter each account used, by month and by group.
///
/// One cell is kept for an account, a meter and a month (group 0, the total that limits and prices
/// read), and one more for each combination of the meter's group-by properties. Cells live in one
/// array and are found through an open-addressing table; the cells of an account are chained, so
/// that its usage is listed without a scan.
///
/// The newest definition of a meter counts for the whole history. When a catalog changes a meter,
/// its cells are zeroed (`drop`) and history is metered again; a zeroed cell is not part of the
/// state and leaves no trace in digests.
package struct Counters: ~Copyable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 1

    /// The usage of one account, meter, month and group.
    package struct Cell {
        /// Interned account.
        package let account: UInt32
        /// Interned meter.
        package let meter: UInt32
        /// Interned group + 1; 0 is the total over all groups.
        package let group: UInt32
        /// Calendar month of the event's own time.
        package let month: Month
        /// Events counted, including those whose value did not change the aggregate.
        package fileprivate(set) var events: UInt64 = 0
        /// The aggregate, in 10⁻¹² of the meter's unit.
        package fileprivate(set) var units: Int128 = 0
        fileprivate var unique: Int32 = -1
        fileprivate var next: UInt32 = 0
    }

    /// What one event adds to one meter.
    package struct Addition {
        /// How values combine.
        package let aggregation: Aggregation
        /// The event's value in 10⁻¹²; ignored by count and unique.
        package let units: Int128
        /// The 128-bit key of the value that a unique meter counts.
        package let uniqueKey: UInt128

        /// An addition; see the properties.
        package init(aggregation: Aggregation, units: Int128, uniqueKey: UInt128 = 0) {
            self.aggregation = aggregation
            self.units = units
            self.uniqueKey = uniqueKey
        }
    }

    private var cells: [Cell] = []
    private var slots: [UInt32] = Array(repeating: 0, count: 1 << 10)
    /// First cell + 1 of each account's chain.
    private var heads: [UInt32] = []
    private var uniques: [Set<UInt128>] = []
    private var groups: Interner
    private var pages = PageDigests()

    /// No usage yet.
    package init(key: SipKey) { groups = Interner(key: key) }

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
        guard let index = find(account: account, meter: meter, group: 0, month: month) else {
            return (0, 0)
        }
        return (cells[index].events, cells[index].units)
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
        for index in cells.indices where meters.contains(cells[index].meter) {
            cells[index].events = 0
            cells[index].units = 0
            if cells[index].unique >= 0 { uniques[Int(cells[index].unique)].removeAll() }
            pages.touch(account: cells[index].account)
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
        case .sum, .count: !cells[index].units.addingReportingOverflow(addition.units).overflow
        case .max, .unique: true
        }
    }

    private mutating func apply(_ addition: Addition, _ index: Int) {
        switch addition.aggregation {
        // A group's sum may leave Int128 only where the total does not: opposite signs. Wrapping
        // keeps the fold total; the sum over groups stays right modulo 2^128.
        case .sum, .count: cells[index].units &+= addition.units
        case .max:
            if cells[index].events == 0 || addition.units > cells[index].units {
                cells[index].units = addition.units
            }
        case .unique:
            if cells[index].unique < 0 {
                cells[index].unique = Int32(uniques.count)
                uniques.append([])
            }
            uniques[Int(cells[index].unique)].insert(addition.uniqueKey)
            cells[index].units =
                Int128(uniques[Int(cells[index].unique)].count) * 1_000_000_000_000
        }
        cells[index].events += 1
    }

    private static func hash(_ account: UInt32, _ meter: UInt32, _ group: UInt32, _ month: Month)
        -> Int
    {
        // The four numbers are ours, dense and small: a multiplicative mix spreads them enough.
        var hash = UInt64(account) << 32 | UInt64(group)
        hash = (hash ^ (hash >> 29)) &* 0x9E37_79B9_7F4A_7C15
        hash ^= UInt64(meter) << 32 | UInt64(UInt32(bitPattern: month.index))
        hash = (hash ^ (hash >> 32)) &* 0xD6E8_FEB8_6659_FD93
        return Int(truncatingIfNeeded: hash ^ (hash >> 32))
    }

    private func find(account: UInt32, meter: UInt32, group: UInt32, month: Month) -> Int? {
        let mask = slots.count - 1
        var slot = Self.hash(account, meter, group, month) & mask
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            let cell = cells[index]
            if cell.account == account, cell.meter == meter, cell.group == group,
                cell.month == month
            {
                return index
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private mutating func cell(account: UInt32, meter: UInt32, group: UInt32, month: Month) -> Int {
        if let index = find(account: account, meter: meter, group: group, month: month) {
            return index
        }
        if (cells.count + 1) * 2 > slots.count {
            slots = Array(repeating: 0, count: slots.count * 2)
            for index in cells.indices { place(index) }
        }
        while heads.count <= Int(account) { heads.append(0) }
        var cell = Cell(account: account, meter: meter, group: group, month: month)
        cell.next = heads[Int(account)]
        cells.append(cell)
        heads[Int(account)] = UInt32(cells.count)
        place(cells.count - 1)
        return cells.count - 1
    }

    private mutating func place(_ index: Int) {
        let cell = cells[index]
        let mask = slots.count - 1
        var slot = Self.hash(cell.account, cell.meter, cell.group, cell.month) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt32(index) + 1
    }

    // MARK: Snapshot

    /// Writes the whole state; pages in order, each in its canonical form.
    package func serialise(into bytes: inout ByteBuffer) {
        serialiseGroups(into: &bytes)
        bytes.appendVarint(UInt64(pages.count))
        for page in 0..<pages.count { serialise(page: page, into: &bytes) }
    }

    private func serialiseGroups(into bytes: inout ByteBuffer) {
        bytes.appendVarint(UInt64(groups.count))
        for number in 0..<UInt32(groups.count) {
            groups.withName(number) { bytes.appendPrefixed($0) }
        }
    }

    private func serialise(page: Int, into bytes: inout ByteBuffer) {
        let first = page * PageDigests.accountsPerPage
        for account in first..<(first + PageDigests.accountsPerPage) {
            var mine: [Cell] = []
            forEachCell(of: UInt32(account)) { mine.append($0) }
            mine.sort {
                ($0.meter, $0.month.index, $0.group) < ($1.meter, $1.month.index, $1.group)
            }
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

    /// Reads what `serialise(into:)` wrote.
    /// - Throws: `DecodeFailure` where the bytes are not such a state.
    package init(key: SipKey, restoring reader: inout ByteReader) throws(DecodeFailure) {
        self.init(key: key)
        for _ in 0..<(try reader.readVarint()) { _ = groups.intern(try reader.readPrefixed()) }
        for page in 0..<(try PageDigests.readCount(&reader)) {
            pages.touch(page: page)
            let first = page * PageDigests.accountsPerPage
            for account in first..<(first + PageDigests.accountsPerPage) {
                for _ in 0..<(try reader.readVarint()) {
                    try restoreCell(of: UInt32(account), &reader)
                }
            }
        }
    }

    private mutating func restoreCell(
        of account: UInt32, _ reader: inout ByteReader
    ) throws(DecodeFailure) {
        let offset = reader.offset
        guard let meter = UInt32(exactly: try reader.readVarint()),
            let month = Int32(exactly: try reader.readZigzag()).map({ Month(index: $0) }),
            let group = UInt32(exactly: try reader.readVarint()), group <= groups.count
        else { throw .outOfRange(offset) }
        let index = cell(account: account, meter: meter, group: group, month: month)
        cells[index].events = try reader.readVarint()
        cells[index].units = try reader.readZigzag128()
        let keyCount = try reader.readVarint()
        guard keyCount > 0 else { return }
        var keys: Set<UInt128> = []
        for _ in 0..<keyCount { keys.insert(try reader.readVarint128()) }
        cells[index].unique = Int32(uniques.count)
        uniques.append(keys)
    }
}

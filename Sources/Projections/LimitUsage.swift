package import Billing
import Bytes
package import SegmentedLog

/// Usage in the windows of limits, where month counters do not hold it: other lengths, other zones than UTC,
/// by a property, or begun anew by hand.
///
/// A window is one of a *definition*: a meter, a length with its anchor, a property. Catalogs and overrides
/// name definitions; from then on each event of the meter counts in the account's window of each of them, so
/// that a change of plan finds the usage there. Windows that are over are forgotten when the account uses
/// something again: only those of now, and of events ahead of the clock, are ever asked for.
package struct LimitUsage: ~Copyable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 2

    /// A meter's usage, counted in windows.
    package struct Definition: Hashable, Sendable {
        /// Interned meter.
        package let meter: UInt32
        /// How long, and from where.
        package let window: LimitWindow
        /// Each value of this property under `data` is counted by itself; nil: all together.
        package let by: [String]?

        /// A definition; see the properties.
        package init(meter: UInt32, window: LimitWindow, by: [String]?) {
            self.meter = meter
            self.window = window
            self.by = by
        }
    }

    /// Which window a use belongs to.
    package struct Key: Hashable, Sendable {
        /// Number of the definition.
        package let definition: UInt32
        /// The property's value, canonical node bytes; empty without one.
        package let scope: [UInt8]
        /// First instant of the window.
        package let start: Timestamp

        /// A key; see the properties.
        package init(definition: UInt32, scope: [UInt8], start: Timestamp) {
            self.definition = definition
            self.scope = scope
            self.start = start
        }

        func precedes(_ other: Key) -> Bool {
            if definition != other.definition { return definition < other.definition }
            if scope != other.scope { return scope.lexicographicallyPrecedes(other.scope) }
            return start < other.start
        }
    }

    /// The usage of one window.
    package struct Cell: Sendable {
        /// Which window.
        package let key: Key
        /// First instant after it.
        package let end: Timestamp
        /// The aggregate, in 10⁻¹² of the meter's unit.
        package internal(set) var units: Int128 = 0
        var isUsed = false
        var unique = UniqueKeys()
    }

    /// That the usage of a feature's meter began anew by hand.
    package struct Reset: Sendable {
        /// Interned meter.
        package let meter: UInt32
        /// When.
        package let time: Timestamp
        /// The entry that did it.
        package let position: Position
        /// From where windows count since then; nil: from where they always did.
        package let anchor: Timestamp?
        /// What the month's counter had then, which counts no more in that month.
        package internal(set) var base: Int128

        /// A reset; see the properties.
        package init(
            meter: UInt32, time: Timestamp, position: Position, anchor: Timestamp?, base: Int128
        ) {
            self.meter = meter
            self.position = position
            self.time = time
            self.anchor = anchor
            self.base = base
        }
    }

    /// Windows of one account at most: what values of properties come beyond them share one window.
    package static let cellsMax = 10_000
    /// Windows of one meter at most: each event counts in all of them.
    package static let definitionsMax = 32
    /// Stands for all values that have no window of their own: no value's bytes begin with it.
    static let otherScope: [UInt8] = [0xFE]

    /// Of one account.
    struct Account {
        var cells: [Cell] = []
        /// The earliest end of a window: before it there is nothing to forget.
        var firstEnd = Timestamp.max
        /// The newest of each meter.
        var resets: [Reset] = []
        /// Thresholds of which was warned: the highest, by feature and window.
        var warned: [Warned] = []
        /// The newest recording that counted in a window, and the most windows that there were at once: what
        /// metering again has done to an account. No part of the state.
        var usedAt = Timestamp.min
        var mostCells = 0
    }

    struct Warned {
        let feature: String
        /// Number of the limit's definition + 1; 0: month counters hold it.
        let definition: UInt32
        let scope: [UInt8]
        let start: Timestamp
        let end: Timestamp
        var threshold: UInt32
    }

    /// A window that a limit of a feature has, or had: the feature's meter may change.
    package struct Named: Hashable, Sendable {
        /// The feature's key.
        package let feature: String
        /// How long, and from where.
        package let window: LimitWindow
        /// Each value of this property is counted by itself.
        package let by: [String]?

        /// A window; see the properties.
        package init(feature: String, window: LimitWindow, by: [String]?) {
            self.feature = feature
            self.window = window
            self.by = by
        }
    }

    /// Windows of all limits that the log ever named, in its order.
    package internal(set) var named: [Named] = []
    /// All definitions, in the order in which the log named them.
    package private(set) var definitions: [Definition] = []
    /// The numbers of those of each meter.
    private var ofMeter: [UInt32: [UInt32]] = [:]
    var accounts = Chunked<6, Account>()
    var pages = PageDigests()

    /// No usage yet.
    package init() {}

    /// The same usage, sharing its memory until one of both counts more.
    package mutating func copy() -> LimitUsage {
        var copy = LimitUsage()
        copy.definitions = definitions
        copy.named = named
        copy.ofMeter = ofMeter
        copy.isEmpty = isEmpty
        copy.accounts = accounts
        copy.pages = pages.copy()
        return copy
    }

    /// Takes over the page digests of an unchanged copy; see `PageDigests.accept`.
    package mutating func accept(digestsOf copy: borrowing LimitUsage) {
        pages.accept(copy.pages)
    }

    /// Whether nothing was ever defined or begun anew: month counters hold all that limits ask for.
    package internal(set) var isEmpty = true

    /// The number of a definition, which becomes known if it was not.
    package mutating func define(_ definition: Definition) -> (number: UInt32, isNew: Bool) {
        if let known = number(of: definition) { return (known, false) }
        isEmpty = false
        definitions.append(definition)
        let number = UInt32(definitions.count - 1)
        ofMeter[definition.meter, default: []].append(number)
        return (number, true)
    }

    /// Notes the window of a limit.
    package mutating func name(_ window: Named) {
        if !named.contains(window) { named.append(window) }
    }

    /// The number of a definition; nil: none that is known.
    package func number(of definition: Definition) -> UInt32? {
        ofMeter[definition.meter]?.first { definitions[Int($0)] == definition }
    }

    /// The numbers of a meter's definitions.
    package func definitions(of meter: UInt32) -> [UInt32] { ofMeter[meter] ?? [] }

    /// Usage in a window, in 10⁻¹².
    package func usage(_ key: Key, of account: UInt32) -> Int128 {
        guard Int(account) < accounts.count else { return 0 }
        let cells = accounts[Int(account)].cells
        let place = Self.place(of: key, in: cells)
        if place < cells.count, cells[place].key == key { return cells[place].units }
        guard !key.scope.isEmpty, key.scope != Self.otherScope else { return 0 }
        return usage(
            Key(definition: key.definition, scope: Self.otherScope, start: key.start), of: account)
    }

    /// Usage of a value in all windows of a definition in which an instant lies: they have several beginnings where
    /// the account's time zone changed.
    package func usage(
        _ definition: UInt32, _ scope: [UInt8], at time: Timestamp, of account: UInt32,
        by aggregation: Aggregation
    ) -> Int128 {
        let mine = cells(definition, scope, at: time, of: account)
        if mine.isEmpty, !scope.isEmpty, scope != Self.otherScope {
            return usage(definition, Self.otherScope, at: time, of: account, by: aggregation)
        }
        switch aggregation {
        case .max: return mine.map(\.units).max() ?? 0
        case .min: return mine.map(\.units).min() ?? 0
        case .unique where mine.count > 1:
            let values = mine.reduce(into: Set<UInt128>()) { $0.formUnion($1.unique.sorted()) }
            return Int128(values.count) * 1_000_000_000_000
        default: return mine.reduce(0) { $0.saturated(adding: $1.units) }
        }
    }

    private func cells(
        _ definition: UInt32, _ scope: [UInt8], at time: Timestamp, of account: UInt32
    ) -> ArraySlice<Cell> {
        guard Int(account) < accounts.count else { return [] }
        let cells = accounts[Int(account)].cells
        let first = Self.place(
            of: Key(definition: definition, scope: scope, start: .min), in: cells)
        var end = first
        while end < cells.count, cells[end].key.definition == definition,
            cells[end].key.scope == scope, cells[end].key.start <= time
        { end += 1 }
        return ArraySlice(cells[first..<end].filter { time < $0.end })
    }

    /// Whether a unique meter has counted a value in one of these windows.
    package func contains(
        _ uniqueKey: UInt128, _ definition: UInt32, _ scope: [UInt8], at time: Timestamp,
        of account: UInt32
    ) -> Bool {
        cells(definition, scope, at: time, of: account).contains { $0.unique.contains(uniqueKey) }
    }

    /// Usage in a window of a definition, by value of its property, ascending by their bytes.
    package func usages(
        _ definition: UInt32, from start: Timestamp, of account: UInt32
    ) -> [(scope: [UInt8], units: Int128)] {
        guard Int(account) < accounts.count else { return [] }
        return accounts[Int(account)].cells.compactMap { cell in
            guard cell.key.definition == definition, cell.key.start == start else { return nil }
            return (cell.key.scope, cell.units)
        }
    }

    /// Whether a unique meter has counted a value in a window.
    package func contains(_ uniqueKey: UInt128, in key: Key, of account: UInt32) -> Bool {
        guard Int(account) < accounts.count else { return false }
        let cells = accounts[Int(account)].cells
        let place = Self.place(of: key, in: cells)
        return place < cells.count && cells[place].key == key
            && cells[place].unique.contains(uniqueKey)
    }

    /// Adds a use to a window.
    /// - Parameter now: when it was recorded: windows that are over by then are forgotten.
    package mutating func add(
        _ addition: Counters.Addition, to key: Key, until end: Timestamp, of account: UInt32,
        now: Timestamp
    ) {
        guard end > now else { return }
        accounts.grow(to: Int(account) + 1, with: Account())
        var cells = accounts[Int(account)].cells
        // Out of the state while it changes, so that it is changed in its place.
        accounts[Int(account)].cells = []
        if accounts[Int(account)].firstEnd <= now {
            cells.removeAll { $0.end <= now }
            accounts[Int(account)].firstEnd = cells.map(\.end).min() ?? .max
        }
        var key = key
        var place = Self.place(of: key, in: cells)
        if place == cells.count || cells[place].key != key, !key.scope.isEmpty {
            // Once values share a window, no value begins one of its own beside it.
            let other = Key(definition: key.definition, scope: Self.otherScope, start: key.start)
            let otherPlace = Self.place(of: other, in: cells)
            let isShared = otherPlace < cells.count && cells[otherPlace].key == other
            if isShared || cells.count >= Self.cellsMax { (key, place) = (other, otherPlace) }
        }
        if place == cells.count || cells[place].key != key {
            cells.insert(Cell(key: key, end: end), at: place)
            accounts[Int(account)].firstEnd = min(accounts[Int(account)].firstEnd, end)
        }
        cells[place].add(addition)
        accounts[Int(account)].mostCells = max(accounts[Int(account)].mostCells, cells.count)
        accounts[Int(account)].usedAt = now
        accounts[Int(account)].cells = cells
        pages.touch(account: account)
    }

    /// Begins a meter's windows anew.
    /// - Parameter features: those that the meter counts: they are warned of again.
    package mutating func reset(_ reset: Reset, features: [String], of account: UInt32) {
        accounts.grow(to: Int(account) + 1, with: Account())
        isEmpty = false
        accounts[Int(account)].resets.removeAll { $0.meter == reset.meter }
        accounts[Int(account)].resets.append(reset)
        accounts[Int(account)].resets.sort { $0.meter < $1.meter }
        let definitions = definitions
        accounts[Int(account)].cells.removeAll { cell in
            // Whatever zone or anchor a window is of: what is used in it now is forgotten.
            definitions[Int(cell.key.definition)].meter == reset.meter
                && cell.key.start <= reset.time && reset.time < cell.end
        }
        accounts[Int(account)].warned.removeAll { features.contains($0.feature) }
        pages.touch(account: account)
    }

    /// Counts a use in the month of a reset that was before it, and came after: it is none of what is counted since.
    package mutating func addToBase(
        _ units: Int128, meter: UInt32, account: UInt32, at time: Timestamp
    ) {
        guard Int(account) < accounts.count,
            let index = accounts[Int(account)].resets.firstIndex(where: { $0.meter == meter }),
            Month(containing: accounts[Int(account)].resets[index].time.nanoseconds)
                == Month(containing: time.nanoseconds)
        else { return }
        let base = accounts[Int(account)].resets[index].base
        accounts[Int(account)].resets[index].base = base.saturated(adding: units)
        pages.touch(account: account)
    }

    /// The newest reset of a meter; nil: there was none.
    package func lastReset(of account: UInt32, meter: UInt32) -> Reset? {
        guard Int(account) < accounts.count else { return nil }
        return accounts[Int(account)].resets.first { $0.meter == meter }
    }

    /// Forgets all usage of some meters, before history is metered again.
    package mutating func drop(meters: Set<UInt32>) {
        for account in 0..<accounts.count {
            let count = accounts[account].cells.count
            let definitions = definitions
            // Metering again counts what was before a reset into its base.
            for index in accounts[account].resets.indices
            where meters.contains(accounts[account].resets[index].meter) {
                accounts[account].resets[index].base = 0
                pages.touch(account: UInt32(account))
            }
            guard count > 0 else { continue }
            accounts[account].cells.removeAll {
                meters.contains(definitions[Int($0.key.definition)].meter)
            }
            if accounts[account].cells.count != count { pages.touch(account: UInt32(account)) }
        }
    }

    static func place(of key: Key, in cells: [Cell]) -> Int {
        var (low, high) = (0, cells.count)
        while low < high {
            let middle = (low + high) / 2
            if cells[middle].key.precedes(key) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension LimitUsage.Cell {
    fileprivate mutating func add(_ addition: Counters.Addition) {
        switch addition.aggregation {
        case .sum, .count, .average: units = units.saturated(adding: addition.units)
        case .max: units = isUsed ? max(units, addition.units) : addition.units
        case .min: units = isUsed ? min(units, addition.units) : addition.units
        case .latest, .timeWeighted: break
        case .unique:
            unique.insert(addition.uniqueKey)
            units = Int128(unique.count) * 1_000_000_000_000
        }
        isUsed = true
    }
}

extension Int128 {
    /// The sum, or the number nearest to it: usage that no number holds is beyond every limit.
    func saturated(adding other: Int128) -> Int128 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}

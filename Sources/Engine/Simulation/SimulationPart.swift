import Billing
import Bytes
import Codec
import Money
import Projections
import SegmentedLog

/// The part of a simulation that one thread has.
struct SimulationPart {
    let simulation: Simulation
    let index: Int
    let of: Int
    let end: Position
    let window: BillWindow
    private(set) var result = Result()

    /// What a part found.
    struct Result: Sendable {
        var rows: [SimulatedAccount] = []
        var refusals: [String: Int] = [:]
        var decided: UInt64 = 0
    }

    private var engine: Engine { simulation.engine }
    private var scenario: Scenario { simulation.scenario }

    init(simulation: Simulation, index: Int, of: Int, end: Position, window: BillWindow) {
        self.simulation = simulation
        self.index = index
        self.of = of
        self.end = end
        self.window = window
    }

    mutating func run(
        _ actual: consuming Books, from start: Position, readsEntries: Bool
    ) throws(Refusal) {
        var actual = actual
        if let named = scenario.accounts {
            let mine = named.indices.filter { $0 % of == index }.map { named[$0] }
            for account in mine {
                let books = try simulated(&actual, from: start, readsEntries) { account == $0 }
                try compare([account], actual, books)
            }
            return
        }
        let mine = (0..<UInt32(actual.registry.accounts.count)).map {
            actual.registry.accounts.text($0)
        }.filter { isMine($0) }
        let books = try simulated(&actual, from: start, readsEntries, nil)
        try compare(mine, actual, books)
        try compareAdded(mine, actual, books)
    }

    /// Whether an account is this part's.
    private func isMine(_ account: String) -> Bool {
        account.withBytes { isMine($0) }
    }

    private func isMine(_ account: RawSpan) -> Bool {
        guard of > 1 else { return true }
        var hash: UInt32 = 2_166_136_261
        for offset in 0..<account.byteCount {
            hash = (hash ^ UInt32(account.byte(at: offset))) &* 16_777_619
        }
        return Int(hash >> 8) % of == index
    }

    // MARK: The fold

    /// The books as they would be.
    /// - Parameter only: the one account that is wanted; nil: all of this part.
    private mutating func simulated(
        _ actual: inout Books, from start: Position, _ readsEntries: Bool,
        _ only: ((String) -> Bool)?
    ) throws(Refusal) -> SimulatedBooks {
        let from = scenario.from ?? .min
        let existing = Registry.Existing(from: from, atNextPeriod: false)
        guard readsEntries else {
            var books = actual.copy()
            if let catalog = scenario.catalog {
                _ = books.suppose(catalog, at: from, for: existing)
            }
            return SimulatedBooks(books, scenario, added: [], engine.reader)
        }
        var base = start == 0 ? Books(key: engine.key) : try engine.books(asOf: start)
        var stale = Stale()
        if let catalog = scenario.catalog {
            stale.meters = base.suppose(catalog, at: from, for: existing)
        }
        let added = scenario.added.filter { only?($0.account) ?? isMine($0.account) }
        var simulated = SimulatedBooks(base, scenario, added: added, engine.reader)
        do {
            let reader = MyEntries(part: self, only: scenario.accounts == nil ? nil : only)
            try reader.meterAgain(&simulated, stale, before: start)
            try reader.forEach(from: start, before: end) { position, bytes, recordedAt in
                let stale = try simulated.take(bytes, at: position, recordedAt: recordedAt)
                try reader.meterAgain(&simulated, stale, before: position)
            }
            try simulated.finish(at: end)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "the log cannot be read: \(error); run `daybook verify`")
        }
        return simulated
    }

    /// The entries of this part, or those of one account, and those of no account.
    private struct MyEntries {
        let part: SimulationPart
        let only: ((String) -> Bool)?

        private func isMine(_ account: RawSpan) -> Bool {
            only.map { $0(account.makeString() ?? "") } ?? part.isMine(account)
        }

        func forEach(
            from start: Position, before end: Position,
            _ body: (Position, RawSpan, Int64) throws -> Void
        ) throws {
            guard start < end else { return }
            let codec = RecordCodec()
            var cursor = try part.engine.reader.cursor(from: start)
            while try cursor.next() {
                guard !part.engine.stopsLongWork else { throw part.engine.refusalNow }
                let header = cursor.header
                for index in 0..<Int(header.count) {
                    let position = header.firstPosition + Position(index)
                    if position < start { continue }
                    if position >= end { return }
                    let record = cursor.record(index)
                    if let account = try codec.account(of: record) {
                        let name = record.extracting(account)
                        guard isMine(name) else { continue }
                    }
                    try body(position, record, header.commitTime)
                }
            }
        }

        /// Meters entries as they would stand again, for some meters or of some accounts.
        func meterAgain(
            _ simulated: inout SimulatedBooks, _ stale: Stale, before end: Position
        ) throws {
            guard !stale.isEmpty else { return }
            let changes = simulated.changes
            let log = part.engine.reader
            let again = EntryMetering(
                meters: stale.accounts.isEmpty ? stale.meters : nil, stale
            ) { position, body in
                try log.withRecord(at: position) { bytes, _ in try body(bytes) }
            }
            var buffer = ByteBuffer(capacity: 1024)
            func meter(_ position: Position, _ bytes: RawSpan, _ recordedAt: Int64) throws {
                try changes.withRecord(bytes, at: position, recordedAt: recordedAt, &buffer) {
                    try again.meter(&simulated.books, $0, at: position, recordedAt: $1)
                }
            }
            if stale.accounts.isEmpty {
                try forEach(from: 0, before: end, meter)
            }
            for account in stale.accounts {
                let name = simulated.books.accountName(account)
                guard isMine(name.raw) else { continue }
                try log.forEachEntry(of: name.raw, before: end) {
                    try meter($0, $1, $2.commitTime)
                }
            }
            for added in changes.added where added.position <= end {
                let account = simulated.books.account(added.account)
                guard stale.accounts.isEmpty || stale.accounts.contains(where: { $0 == account })
                else { continue }
                try again.meter(
                    &simulated.books, added.record.raw, at: added.position,
                    recordedAt: added.recordedAt, isSupposed: true)
            }
        }
    }

    // MARK: The bills

    private mutating func compare(
        _ accounts: [String], _ actual: borrowing Books, _ simulated: borrowing SimulatedBooks
    ) throws(Refusal) {
        result.decided += simulated.decided
        for (word, count) in simulated.refusals { result.refusals[word, default: 0] += count }
        for account in accounts {
            let logged = LoggedEntries(engine: engine, account: account)
            let before = try AccountBills(of: account, actual, logged, window)
            let after = try AccountBills(
                of: account, simulated.books,
                SimulatedEntries(logged: logged, changes: simulated.changes), window)
            let tally = simulated.books.account(account).flatMap { simulated.tallies[$0] }
            result.rows.append(
                SimulatedAccount(account, before.invoices, after.invoices, tally))
        }
    }

    /// Accounts that have supposed events and no others.
    private mutating func compareAdded(
        _ known: [String], _ actual: borrowing Books, _ simulated: borrowing SimulatedBooks
    ) throws(Refusal) {
        let names = Set(scenario.added.map(\.account)).subtracting(known).sorted()
        for account in names where isMine(account) {
            let source = SimulatedEntries(
                logged: LoggedEntries(engine: engine, account: account),
                changes: simulated.changes)
            let after = try AccountBills(of: account, simulated.books, source, window)
            let tally = simulated.books.account(account).flatMap { simulated.tallies[$0] }
            result.rows.append(SimulatedAccount(account, [], after.invoices, tally))
        }
    }
}

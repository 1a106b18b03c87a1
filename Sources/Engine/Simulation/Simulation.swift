import Billing
import Bytes
import Codec
import Money
import Platform
import Projections
import SegmentedLog

/// # What would have been
///
///     base books ─► catalog supposed ─► each entry decided again ─► bills ┐
///     books as they are ─────────────────────────────────────────► bills ┴─► differences
///
/// Accounts are divided among threads: what one account does changes nothing for another. Nothing is
/// written, and commits go on. A catalog with other prices alone decides nothing otherwise; then the
/// entries are not read, and the counters that there are give both bills.
struct Simulation {
    let engine: Engine
    let scenario: Scenario
    let now: Timestamp

    /// Runs it.
    func run() throws(Refusal) -> SimulationReport {
        let end =
            try scenario.to.map { to throws(Refusal) in
                try engine.position(recordedUpTo: to)
            } ?? engine.reader.durablePosition
        let known = end > 0 ? try engine.recordedAt(end - 1) : nil
        let window = BillWindow(
            period: scenario.period, from: scenario.from, to: scenario.to ?? known ?? now)
        let start =
            try scenario.from.map { from throws(Refusal) in
                min(end, try engine.position(recordedUpTo: from))
            } ?? 0
        let actual = try engine.books(asOf: end)
        try checkAccounts(actual)
        let readsEntries = !isPriceOnly(actual, from: start)
        // What is merged into an account becomes a part of it: one thread must have both.
        let workers = readsEntries && actual.entitlements.hasArchived ? 1 : Workers.count
        let shared = Monitor(PastBooks.Box(actual))
        let parts = try Workers.run(workers, name: "simulate") { index throws(Refusal) in
            let actual = shared.withLock(waking: []) { $0.books.copy() }
            var part = SimulationPart(
                simulation: self, index: index, of: workers, end: end, window: window)
            try part.run(actual, from: start, readsEntries: readsEntries)
            return part.result
        }
        return SimulationReport(
            scenario, parts, position: end, window: window, readsEntries: readsEntries)
    }

    private func checkAccounts(_ books: borrowing Books) throws(Refusal) {
        for account in scenario.accounts ?? [] where books.account(account) == nil {
            throw Refusal(
                code: "unknown_account", field: "accounts",
                message: "accounts: the log has no entry of \"\(account)\"")
        }
    }

    /// Whether the supposed catalog can change nothing but what is charged.
    private func isPriceOnly(_ books: borrowing Books, from start: Position) -> Bool {
        guard let catalog = scenario.catalog, !scenario.isEdited else { return false }
        let supposed = catalog.decisive
        guard supposed != nil else { return false }
        let versions = books.registry.versions
        // Those in force from the start on: the last one before it, and all behind it.
        let first = versions.lastIndex { $0.position < start } ?? 0
        return !versions.isEmpty
            && versions[first...].allSatisfy { $0.catalog.decisive == supposed }
    }
}

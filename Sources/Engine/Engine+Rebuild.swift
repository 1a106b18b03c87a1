import Billing
import Bytes
import Codec
import Platform
package import Projections
import SegmentedLog

/// # Rebuilding
///
/// The whole log is folded into fresh books, beside the traffic, from its first entry and never from a snapshot.
/// When they are little behind, the committer folds the rest between two commits and puts them in the place of
/// both heads, at one position. Copies of all three show then, part by part, whether anything was different.
///
/// Until the committer has taken them nothing has changed, in memory or on disk. Afterwards a snapshot is asked
/// for.
extension Engine {
    /// Folds the log anew and puts the result in the place of the live books; of a store that is only
    /// read, compares. Takes as long as a replay; holds up nobody. Any thread that may wait.
    /// - Parameter parts: what is replaced; empty: everything.
    /// - Throws: `Refusal` if another one is under way, the engine is closing or the log cannot be read; then
    ///   everything is as it was.
    package func rebuild(_ parts: [Books.Part] = []) throws(Refusal) -> RebuildReport {
        let isMine = rebuilding.withLock { progress in
            guard progress == nil else { return false }
            progress = RebuildProgress(target: durablePosition)
            return true
        }
        guard isMine else {
            throw Refusal(
                code: "busy",
                message: "a rebuild is under way; wait for it: `status` says how far it is"
            )
        }
        defer { rebuilding.withLock { $0 = nil } }
        let begun = MonotonicClock.nanoseconds()
        let swap = RebuildSwap(Books(key: key), Set(parts.isEmpty ? Books.Part.allCases : parts))
        do {
            try options.readOnly ? compare(swap) : replace(with: swap)
        } catch let refusal as Refusal {
            throw refusal
        } catch is Replay.Interruption {
            throw Self.interrupted
        } catch let failure as LogFailure {
            throw refusal(failure)
        } catch {
            throw Refusal(
                code: "storage_failed", message: "the log cannot be folded: \(error)")
        }
        let report = RebuildReport(swap, isSwapped: !options.readOnly, since: begun)
        guard !options.readOnly else { return report }
        exchange.withLock(waking: .snapshots) { exchange in
            exchange.asksForSnapshot = true
            // One at this very position would keep what was wrong.
            if !report.isEqual { exchange.replacesSnapshot = true }
        }
        return report
    }

    /// Whether a rebuild is under way.
    package var isRebuilding: Bool { rebuilding.read { $0 != nil } }

    private static var interrupted: Refusal {
        Refusal(
            code: "draining",
            message: "the engine is stopping; the live books are as they were, rebuild again later")
    }

    /// Folds up to the durable head.
    private func catchUp(_ books: inout Books) throws {
        let target = durablePosition
        rebuilding.withLock { $0?.target = target }
        try Replay.advance(&books, to: target, reader, while: { !stopsLongWork }) { position in
            rebuilding.withLock(waking: []) { $0?.position = position }
        }
    }

    private func compare(_ swap: RebuildSwap) throws {
        try catchUp(&swap.rebuilt)
        var head = copyOfHead()
        swap.durable = head.books.copy()
        swap.after = swap.rebuilt.copy()
    }

    private func replace(with swap: RebuildSwap) throws {
        for round in 1... {
            try catchUp(&swap.rebuilt)
            let isClose = durablePosition - swap.rebuilt.position <= options.preparedLag
            guard isClose || round >= EngineLimits.rebuildRoundsMax else { continue }
            swap.attempts += 1
            swap.end(.waiting)
            let isTaken = exchange.withLock(waking: .committer) { exchange in
                guard !exchange.isClosing, exchange.failure == nil else { return false }
                exchange.swap = swap
                return true
            }
            guard isTaken else { throw Self.interrupted }
            switch waitForCommitter(swap) {
            case .isTaken: return
            case .failed(let message): throw EngineFailure(message)
            case .waiting: throw Self.interrupted
            case .isBehind:
                if round >= 2 * EngineLimits.rebuildRoundsMax {
                    throw Refusal(
                        code: "overloaded",
                        message:
                            "entries come faster than they can be folded beside them; the live books are "
                            + "as they were; rebuild again when less is going on")
                }
            }
        }
    }

    /// - Returns: `.waiting` if the committer has ended without it.
    private func waitForCommitter(_ swap: RebuildSwap) -> RebuildSwap.State {
        while true {
            let end: RebuildSwap.State? = swap.state.wait(timeout: 20_000_000) { state in
                if case .waiting = state { return nil }
                return state
            }
            if let end { return end }
            let isOver = exchange.withLock(waking: []) { exchange in
                guard exchange.committerDone || exchange.failure != nil, exchange.swap != nil
                else { return exchange.committerDone }
                exchange.swap = nil
                return true
            }
            if isOver { return swap.state.read { $0 } }
        }
    }
}

extension Books.Part {
    /// Reads the views of a request.
    static func decode(_ arguments: Arguments) throws(Refusal) -> [Books.Part] {
        try arguments.allow(["views"])
        guard let value = arguments["views"] else { return [] }
        guard case .array(let names) = value else {
            throw .bad("views", "a list of names of views is needed")
        }
        var parts: [Books.Part] = []
        for name in names {
            guard let part = name.text.flatMap({ Books.Part(rawValue: $0) }) else {
                throw .bad(
                    "views",
                    "these are views: " + allCases.map(\.rawValue).joined(separator: ", "))
            }
            if !parts.contains(part) { parts.append(part) }
        }
        return parts
    }
}

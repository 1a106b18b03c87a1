package import Bytes
import Platform
import Synchronization

/// The thread that writes a run, and what became of it.
///
/// The flag is read at each question and so costs no lock; the result is taken when it is up.
final class CutWorker: Sendable {
    enum Result: Sendable {
        case written(Run)
        case failed(RunFault)
    }

    private let result = Monitor<Result?>(nil)
    private let thread = Monitor<Thread?>(nil)
    private let isFinished = Atomic<Bool>(false)

    /// Whether a result waits to be taken.
    var hasFinished: Bool { isFinished.load(ordering: .acquiring) }

    /// Whether a cut is under way or its result not taken.
    var isBusy: Bool { thread.read { $0 != nil } }

    func start(_ work: @escaping @Sendable () -> Result) {
        let started = Thread.spawn(name: "identities") { [self] in
            let made = work()
            result.withLock { $0 = made }
            isFinished.store(true, ordering: .releasing)
        }
        thread.withLock { $0 = started }
    }

    /// Waits for the thread. - Returns: what it made; nil if none was started.
    func take() -> Result? {
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
        isFinished.store(false, ordering: .releasing)
        return result.withLock { result in
            defer { result = nil }
            return result
        }
    }
}

extension IdentityIndex {
    /// Whether enough entries stand in memory for a cut, and none is under way.
    package var wantsCut: Bool {
        if worker.hasFinished { takeOver() }
        return hot.fingerprints.count >= cutFrom && !worker.isBusy
    }

    /// Begins to write the entries before `position` into a run, on a thread of its own.
    ///
    /// After a cut that failed the same entries are tried again, and the others stay in memory.
    /// - Parameters:
    ///   - position: after a durable entry at which a commit ended.
    ///   - chain: the log's chain there.
    package func cut(at position: UInt64, chain: Digest) {
        if worker.hasFinished { takeOver() }
        guard !worker.isBusy else { return }
        if frozen == nil {
            precondition(position <= hot.next, "a cut is of entries that were appended")
            guard position > hot.first else { return }
            freeze(at: position, chain)
        }
        guard var frozen else { return }
        frozen.merged = runsToMerge(UInt64(frozen.end - frozen.table.first))
        self.frozen = frozen
        cutFrom = hot.fingerprints.count + cutEntries
        let merged = Array(runs.suffix(frozen.merged))
        let first = merged.first?.header.positions.lowerBound ?? frozen.table.first
        worker.start { [store, frozen] in
            let newest = frozen.table.sorted(below: frozen.end)
            do throws(RunFault) {
                return .written(
                    try store.write(
                        first..<frozen.end, chain: frozen.chain, merging: merged, newest: newest))
            } catch {
                return .failed(error)
            }
        }
    }

    /// As `cut`, and waits until it is done: bounds memory while old entries are fed again.
    package func cutAndWait(at position: UInt64, chain: Digest) {
        cut(at: position, chain: chain)
        takeOver()
    }

    /// Waits for a cut under way and closes the files. The index is not usable after that.
    package func close() {
        takeOver()
        for run in runs { try? run.file.close() }
        runs = []
    }

    private func freeze(at position: UInt64, _ chain: Digest) {
        let fresh = spare ?? HotTable(first: position, capacity: cutEntries * 5 / 4)
        spare = nil
        fresh.restart(at: position)
        // Entries of frames that are not durable yet: a few thousand.
        for fingerprint in hot.fingerprints[Int(position - hot.first)...] {
            if fingerprint == 0 { fresh.appendWithoutKey() } else { fresh.append(fingerprint) }
        }
        frozen = Frozen(table: hot, end: position, chain: chain)
        hot = fresh
    }

    /// Takes what the worker made in the place of what it was made from.
    func takeOver() {
        guard let result = worker.take(), let frozen else { return }
        switch result {
        case .written(let run):
            for old in runs.suffix(frozen.merged) { try? old.file.close() }
            runs.removeLast(frozen.merged)
            runs.append(run)
            self.frozen = nil
            // Grown for a long merge, it would keep that memory for ever.
            let isLarge = frozen.table.fingerprints.count > 2 * cutEntries
            spare = isLarge ? nil : frozen.table
            cutFrom = cutEntries
            cutFailure = nil
        case .failed(let fault):
            cutFailure = "identity runs cannot be written: \(fault.text)"
            guard case .damaged = fault else { return }
            // Which of them it is does not matter: the next start makes all again from the log.
            for run in runs.suffix(frozen.merged) {
                damage = failure(fault, of: run)
            }
        }
    }

    /// How many of the newest runs a cut of `count` entries takes in.
    ///
    /// Runs have levels by their size, from 0 to 3, each level `ratio` times as large as the one
    /// below; a cut takes in every run whose level it reaches, so that there is one run a level.
    /// An entry is then written about `ratio / 2` times on each of four levels.
    func runsToMerge(_ count: UInt64) -> Int {
        let total = hot.next / UInt64(cutEntries) + 1
        var ratio: UInt64 = 4
        while ratio * ratio * ratio * ratio < total { ratio += 1 }
        func level(_ positions: UInt64) -> Int {
            var (rest, level) = (positions / UInt64(cutEntries), 0)
            while rest >= ratio, level < Self.runsMax - 1 {
                (rest, level) = (rest / ratio, level + 1)
            }
            return level
        }
        var sum = count
        var merged = 0
        for run in runs.reversed() {
            let size = UInt64(run.header.positions.count)
            let isFull = runs.count - merged >= Self.runsMax
            guard isFull || level(size) <= level(sum) else { break }
            sum += size
            merged += 1
        }
        return merged
    }
}

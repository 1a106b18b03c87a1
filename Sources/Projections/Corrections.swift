import Billing
package import Bytes
package import SegmentedLog

/// Which entries count otherwise than as they were written: those that were corrected, and those of batches.
///
///     as written      from the entry's own position on
///     corrected       from the correction's position on, with the correction's text, or not at all
///     of a batch      from the position on at which the batch was closed, until it is reverted
///
/// What was recorded stays in the log. The newest correction of an entry counts. A bill as of an earlier position sees
/// what was known there.
package struct Corrections: ~Copyable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 1
    /// Corrections of the entries of one account at most; 17 bytes each, in three copies.
    package static let correctedMax = 100_000
    /// Batches of a log at most: their names are never used again.
    package static let batchesMax = 10_000
    /// Bytes of a batch's name at most.
    package static let batchNameBytesMax = 128

    /// One correction of one entry.
    package struct Corrected: Hashable, Sendable {
        /// The entry.
        package let entry: Position
        /// The entry that corrects it.
        package let by: Position
        /// Whether the correction says what counts instead; otherwise nothing does.
        package let replaces: Bool

        /// A correction of an entry.
        package init(entry: Position, by: Position, replaces: Bool) {
            self.entry = entry
            self.by = by
            self.replaces = replaces
        }

        func precedes(_ other: Corrected) -> Bool {
            (entry, by) < (other.entry, other.by)
        }
    }

    /// Events that count together, from one position on.
    package struct Batch: Hashable, Sendable {
        /// What events name.
        package let name: String
        /// The entry that opened it.
        package let opened: Position
        /// Whether its events are metered once it is closed.
        package let isBilled: Bool
        /// The entry from which on its events count; nil: it is open, or was reverted before.
        package internal(set) var closed: Position?
        /// The entry from which on its events count no more; nil: none.
        package internal(set) var reverted: Position?
        /// How many events it has.
        package internal(set) var events: UInt64 = 0

        /// A batch that is open and has no events.
        package init(name: String, opened: Position, isBilled: Bool) {
            self.name = name
            self.opened = opened
            self.isBilled = isBilled
        }

        /// Whether it takes more events.
        package var isOpen: Bool { closed == nil && reverted == nil }
        /// open, closed or reverted.
        package var state: String {
            reverted != nil ? "reverted" : closed != nil ? "closed" : "open"
        }

        /// The batch as it was before a position.
        func before(_ end: Position) -> Batch {
            var batch = self
            if let closed, closed >= end { batch.closed = nil }
            if let reverted, reverted >= end { batch.reverted = nil }
            return batch
        }
    }

    /// What one account has in a batch.
    struct Stretch: Hashable, Sendable {
        let batch: UInt32
        var events: UInt64
        var earliest: Timestamp
        var latest: Timestamp
    }

    /// From when to when something counts instead of an entry.
    package struct Version: Hashable, Sendable {
        /// The corrections that say it, ascending: what the last one does not say is as it was before; none: the entry
        /// itself does.
        package let by: [Position]
        /// It counts behind this position, and up to `until`.
        package let from: Position
        /// The entry from which on it counts no more; the largest number: none.
        package internal(set) var until: Position

        /// Whether it counts in a bill of the entries before a position.
        package func counts(before end: Position) -> Bool { from < end && until >= end }
    }

    /// What counts of an entry now.
    package enum Current: Hashable, Sendable {
        /// It counts as it was written.
        case asWritten
        /// What these corrections say counts, ascending.
        case replaced(by: [Position])
        /// It does not count.
        case nothing

        /// The corrections that say what counts, ascending; nil: nothing does.
        package var by: [Position]? {
            switch self {
            case .asWritten: []
            case .replaced(let by): by
            case .nothing: nil
            }
        }

        init(_ versions: [Version]) {
            guard let newest = versions.last, newest.until == .max else {
                self = .nothing
                return
            }
            self = newest.by.isEmpty ? .asWritten : .replaced(by: newest.by)
        }
    }

    /// Of one account.
    struct Account: Sendable {
        /// Ascending by entry, then by correction.
        var corrected: [Corrected] = []
        /// Ascending by batch.
        var stretches: [Stretch] = []
    }

    /// All batches, in the order in which they were opened.
    package private(set) var batches: [Batch] = []
    private var numbers: [String: UInt32] = [:]
    /// Index + 1 into `states`, by account.
    private var index = Chunked<8, UInt32>()
    private var states = Chunked<5, Account>()
    private var pages = PageDigests()

    /// Everything counts as it was written.
    package init() {}

    /// The same corrections, sharing their memory until one of both learns more.
    package mutating func copy() -> Corrections {
        var copy = Corrections()
        copy.batches = batches
        copy.numbers = numbers
        copy.index = index
        copy.states = states
        copy.pages = pages.copy()
        return copy
    }

    /// Takes over the page digests of an unchanged copy; see `PageDigests.accept`.
    package mutating func accept(digestsOf copy: borrowing Corrections) {
        pages.accept(copy.pages)
    }

    /// Whether there is nothing to look for.
    package var isEmpty: Bool { batches.isEmpty && states.count == 0 }

    /// The batch of a name; nil: there was none.
    package func batch(_ name: String) -> (number: UInt32, batch: Batch)? {
        numbers[name].map { ($0, batches[Int($0)]) }
    }

    /// The state of an account; empty if nothing of it was corrected.
    func account(_ account: UInt32) -> Account {
        guard let slot = slot(of: account) else { return Account() }
        return states[slot]
    }

    /// The accounts that have events in a batch, ascending, with the times of the first and the last of them.
    func accounts(in batch: UInt32) -> [(account: UInt32, earliest: Timestamp, latest: Timestamp)] {
        var found: [(account: UInt32, earliest: Timestamp, latest: Timestamp)] = []
        for account in 0..<UInt32(index.count) {
            guard let slot = slot(of: account),
                let stretch = states[slot].stretches.first(where: { $0.batch == batch })
            else { continue }
            found.append((account, stretch.earliest, stretch.latest))
        }
        return found
    }

    /// What counts of an entry, from its own position until now.
    /// - Parameters:
    ///   - corrected: all corrections of the account, ascending.
    ///   - batch: that of the entry.
    static func versions(
        of position: Position, _ corrected: [Corrected], _ batch: Batch?
    ) -> [Version] {
        var whole = Version(by: [], from: position, until: .max)
        if let batch {
            guard batch.isBilled, let closed = batch.closed else { return [] }
            whole = Version(
                by: [], from: max(position, closed), until: batch.reverted ?? .max)
        }
        var versions = [whole]
        var place = Self.place(of: position, in: corrected)
        if batch == nil, place == corrected.count || corrected[place].entry != position {
            return versions
        }
        while place < corrected.count, corrected[place].entry == position {
            let correction = corrected[place]
            let last = versions.count - 1
            versions[last].until = min(versions[last].until, correction.by)
            // What was retracted is corrected no more.
            guard correction.replaces else { break }
            versions.append(
                Version(
                    by: versions[last].by + [correction.by],
                    from: max(whole.from, correction.by), until: whole.until))
            place += 1
        }
        return versions.filter { $0.from < $0.until }
    }

    static func place(of position: Position, in corrected: [Corrected]) -> Int {
        var (low, high) = (0, corrected.count)
        while low < high {
            let middle = (low + high) / 2
            if corrected[middle].entry < position { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: Folds

    /// Opens a batch; its name is not known.
    mutating func open(_ batch: Batch) {
        numbers[batch.name] = UInt32(batches.count)
        batches.append(batch)
    }

    /// The events of a batch count from a position on.
    mutating func close(_ number: UInt32, at position: Position) {
        batches[Int(number)].closed = position
    }

    /// The events of a batch count no more, for ever.
    mutating func revert(_ number: UInt32, at position: Position) {
        batches[Int(number)].reverted = position
    }

    /// Adds an event to a batch.
    /// - Parameter account: nil: it names none.
    mutating func note(_ number: UInt32, account: UInt32?, at time: Timestamp) {
        batches[Int(number)].events += 1
        guard let account else { return }
        let slot = makeSlot(of: account)
        let place = states[slot].stretches.firstIndex { $0.batch >= number }
        if let place, states[slot].stretches[place].batch == number {
            states[slot].stretches[place].events += 1
            let stretch = states[slot].stretches[place]
            states[slot].stretches[place].earliest = min(stretch.earliest, time)
            states[slot].stretches[place].latest = max(stretch.latest, time)
        } else {
            states[slot].stretches.insert(
                Stretch(batch: number, events: 1, earliest: time, latest: time),
                at: place ?? states[slot].stretches.count)
        }
        pages.touch(account: account)
    }

    /// Adds corrections of an account's entries.
    mutating func add(_ more: [Corrected], account: UInt32) {
        let slot = makeSlot(of: account)
        states[slot].corrected = (states[slot].corrected + more).sorted { $0.precedes($1) }
        pages.touch(account: account)
    }

    private func slot(of account: UInt32) -> Int? {
        guard Int(account) < index.count, index[Int(account)] > 0 else { return nil }
        return Int(index[Int(account)]) - 1
    }

    private mutating func makeSlot(of account: UInt32) -> Int {
        if let slot = slot(of: account) { return slot }
        index.grow(to: Int(account) + 1, with: 0)
        states.append(Account())
        index[Int(account)] = UInt32(states.count)
        return states.count - 1
    }

    // MARK: Digest and snapshot

    /// The digest of all of it.
    package mutating func digest() -> Digest {
        var pages = pages
        let digest = pages.digest { page, bytes in serialise(page: page, into: &bytes) }
        self.pages = pages
        var bytes = ByteBuffer(capacity: 64)
        digest.append(to: &bytes)
        serialiseBatches(into: &bytes)
        return SHA256.hash(bytes.bytes)
    }

    /// Writes the whole state: batches, then pages in order.
    /// - Parameter spill: called between pages, may take what was written so far.
    package func serialise<Failure: Error>(
        into bytes: inout ByteBuffer, _ spill: (inout ByteBuffer) throws(Failure) -> Void
    ) throws(Failure) {
        serialiseBatches(into: &bytes)
        bytes.appendVarint(UInt64(pages.count))
        for page in 0..<pages.count {
            serialise(page: page, into: &bytes)
            try spill(&bytes)
        }
    }

    private func serialiseBatches(into bytes: inout ByteBuffer) {
        bytes.appendVarint(UInt64(batches.count))
        for batch in batches { CorrectionState.append(batch, to: &bytes) }
    }

    private func serialise(page: Int, into bytes: inout ByteBuffer) {
        let first = page * PageDigests.accountsPerPage
        for account in first..<(first + PageDigests.accountsPerPage) {
            guard let slot = slot(of: UInt32(account)) else {
                bytes.append(0)
                continue
            }
            bytes.append(1)
            CorrectionState.append(states[slot], to: &bytes)
        }
    }

    /// Reads what `serialise` wrote.
    package init(restoring reader: inout ByteReader) throws(DecodeFailure) {
        self.init()
        for _ in 0..<(try reader.readVarint()) {
            let offset = reader.offset
            let batch = try CorrectionState.batch(&reader)
            guard numbers[batch.name] == nil, batches.last.map({ $0.opened < batch.opened }) ?? true
            else { throw .invalid("order of the batches", offset) }
            open(batch)
        }
        for page in 0..<(try PageDigests.readCount(&reader)) {
            pages.touch(page: page)
            let first = page * PageDigests.accountsPerPage
            for account in first..<(first + PageDigests.accountsPerPage) {
                let offset = reader.offset
                let flag = try reader.readByte()
                guard flag <= 1 else { throw .invalid("flag", offset) }
                guard flag == 1 else { continue }
                let slot = makeSlot(of: UInt32(account))
                states[slot] = try CorrectionState.account(&reader, batches: batches.count)
            }
        }
    }
}

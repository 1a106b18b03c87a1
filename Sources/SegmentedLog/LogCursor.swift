package import Bytes
import Platform

/// Walks over the durable entries in order, a run of one commit's entries at a time, each checked as
/// it is read: checksums, places and positions, and in row segments the hash chain from the cursor's first
/// frame on.
///
/// Owned by one thread. It stays valid while the log grows, is sealed and compacted, and after it is closed.
package struct LogCursor: ~Copyable {
    private let reader: LogReader
    private var rows: RowCursor
    private var sealed = SealedCursor()
    private var isSealed = false
    /// The first entry that was asked for, then the one after the run.
    private var position: Position
    private var current: FrameInfo?
    /// The whole commit of the run.
    private(set) var commit: BlockCommit?

    /// - Parameter isLinking: whether the chain over rows is computed and checked.
    init(_ reader: LogReader, from: Position, isLinking: Bool = true) throws(LogFailure) {
        self.reader = reader
        position = from
        rows = RowCursor(reader, isLinking: isLinking)
        guard try enter() else { throw LogReader.outOfRange(from) }
    }

    /// Moves to the next run: the entries of one commit, or those of them that a block has.
    /// - Returns: false at the durable end; more may come, so it may be called again.
    package mutating func next() throws(LogFailure) -> Bool {
        while true {
            if try step() { return true }
            if position >= reader.durablePosition { return false }
            guard try enter() else { return false }
        }
    }

    /// The run that the cursor stands on: after `next` answered true.
    package var header: FrameInfo {
        guard let current else { preconditionFailure("next() has not found a commit") }
        return current
    }

    /// The chain's head after the run's commit; nil in sealed segments, where checksums and their own proof
    /// vouch for the entries.
    package var chainAfter: Digest? { isSealed ? nil : rows.chainAfter }

    /// The bytes of an entry of that run, from 0; valid until `next`.
    @_lifetime(borrow self)
    package func record(_ index: Int) -> RawSpan {
        isSealed ? sealed.record(index) : rows.record(index)
    }

    /// Moves on within the segment at hand.
    private mutating func step() throws(LogFailure) -> Bool {
        if isSealed {
            guard try sealed.next(), let commit = sealed.commit else { return false }
            // Runs start at the asked entry; commits say where they begin themselves.
            set(sealed.run, commit)
        } else {
            guard try rows.next(), let header = rows.current else { return false }
            let commit = BlockCommit(
                firstPosition: header.firstPosition, count: header.count,
                commitTime: header.commitTime)
            set(commit.firstPosition..<commit.nextPosition, commit)
        }
        return true
    }

    private mutating func set(_ run: Range<Position>, _ commit: BlockCommit) {
        current = FrameInfo(
            BlockCommit(
                firstPosition: run.lowerBound, count: UInt32(run.count),
                commitTime: commit.commitTime))
        self.commit = commit
        position = run.upperBound
    }

    /// Enters the segment that has the next entry.
    private mutating func enter() throws(LogFailure) -> Bool {
        switch try reader.opened(position) {
        case .sealed(let segment):
            isSealed = true
            sealed.enter(segment, at: position)
        case .rows(let place, let segment):
            isSealed = false
            rows.enter(place, segment, at: position)
        case nil: return false
        }
        return true
    }
}

package import Billing
package import Codec
package import SegmentedLog

/// The corrections of one account, taken from the books at one position, and then read without them.
package struct AccountCorrections: Sendable {
    /// A batch that the account has events in.
    package struct Part: Sendable {
        /// The batch.
        package let batch: Corrections.Batch
        /// The time of the account's first event in it.
        package let earliest: Timestamp
    }

    /// Ascending by entry, then by correction.
    package let corrected: [Corrections.Corrected]
    /// In the order in which they were opened.
    package let parts: [Part]

    /// Those of an account that were recorded before a position.
    init(_ corrections: borrowing Corrections, _ account: UInt32, before end: Position) {
        let state = corrections.account(account)
        corrected = state.corrected.filter { $0.by < end }
        var parts: [Part] = []
        for stretch in state.stretches {
            let batch = corrections.batches[Int(stretch.batch)].before(end)
            parts.append(Part(batch: batch, earliest: stretch.earliest))
        }
        self.parts = parts
    }

    /// Nothing was corrected.
    init() {
        corrected = []
        parts = []
    }

    /// The corrections of one entry, ascending.
    package func corrections(of entry: Position) -> ArraySlice<Corrections.Corrected> {
        let first = Corrections.place(of: entry, in: corrected)
        var end = first
        while end < corrected.count, corrected[end].entry == entry { end += 1 }
        return corrected[first..<end]
    }

    /// Whether everything counts as it was written.
    package var isEmpty: Bool { corrected.isEmpty && parts.isEmpty }

    /// The entries from a position on from which on events of before an instant count, or count no more, because their
    /// batch was closed or reverted; ascending.
    package func ends(from start: Position, before instant: Timestamp) -> [Position] {
        parts.filter { $0.batch.isBilled && $0.batch.closed != nil && $0.earliest < instant }
            .flatMap { [$0.batch.closed, $0.batch.reverted] }
            .compactMap { $0 }.filter { $0 >= start }.sorted()
    }

    /// The earliest event whose batch was closed or reverted in a range of positions; nil: none was.
    package func earliest(in range: Range<Position>) -> Timestamp? {
        parts.filter { part in
            part.batch.isBilled && part.batch.closed != nil
                && [part.batch.closed, part.batch.reverted].contains {
                    $0.map { range.contains($0) } ?? false
                }
        }.map(\.earliest).min()
    }
}

extension AccountCorrections {
    /// What counts of an entry in the end.
    package func current(
        of record: borrowing RecordView, at position: Position
    ) -> Corrections.Current {
        isEmpty ? .asWritten : Corrections.Current(versions(of: record, at: position))
    }

    /// What counts of an entry, from its own position on.
    /// - Parameter isSupposed: whether it has no place in the log, so that no correction names it.
    package func versions(
        of record: borrowing RecordView, at position: Position, isSupposed: Bool = false
    ) -> [Corrections.Version] {
        let name = parts.isEmpty ? nil : record.batchName
        let batch = name.flatMap { name in
            parts.first { $0.batch.name == name && $0.batch.opened < position }?.batch
        }
        return Corrections.versions(of: position, isSupposed ? [] : corrected, batch)
    }
}

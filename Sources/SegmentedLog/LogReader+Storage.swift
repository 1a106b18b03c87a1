import Platform

/// What a log takes on the disk, by what it is for.
package struct LogStorage: Sendable, Equatable {
    /// Entries in row segments.
    package var rowEntries: UInt64 = 0
    /// Bytes of row segments up to their durable end; the zeros behind it are not counted.
    package var rowBytes = 0
    /// Entries in sealed segments.
    package var sealedEntries: UInt64 = 0
    /// Sealed segments.
    package var sealedSegments = 0
    /// Bytes of their blocks.
    package var blockBytes = 0
    /// Bytes of their dictionaries.
    package var dictionaryBytes = 0
    /// Bytes of their block indexes, with the roots of the proof tree.
    package var indexBytes = 0
    /// Bytes of their postings: which entries an account has.
    package var postingBytes = 0
    /// Bytes of their accounts: the chain of each account's entries.
    package var accountBytes = 0
    /// Bytes of their headers and trailers.
    package var frameworkBytes = 0

    /// Bytes of the entries themselves: blocks, dictionaries, indexes, headers and trailers.
    package var segmentBytes: Int { blockBytes + dictionaryBytes + indexBytes + frameworkBytes }
}

extension LogReader {
    /// Counts the bytes of all segments that readers see now.
    /// - Throws: `LogFailure` if a sealed segment cannot be opened.
    package func storage() throws(LogFailure) -> LogStorage {
        let view = view.read { $0 }
        var storage = LogStorage()
        storage.rowEntries = view.durablePosition - view.sealedEnd
        storage.rowBytes = view.segments.reduce(0) { $0 + $1.end }
        for record in view.sealed {
            // One that was merged since the view was taken is counted by its successor's next count.
            guard let segment = try segments.segment(record) else { continue }
            let sections = segment.trailer.sections
            storage.sealedEntries += record.nextPosition - record.firstPosition
            storage.sealedSegments += 1
            storage.blockBytes += sections[0].offset - SealedHeader.byteCount
            storage.frameworkBytes += SealedHeader.byteCount + SealedTrailer.byteCount
            storage.dictionaryBytes += sections[.dictionary]
            storage.indexBytes += sections[.index]
            storage.postingBytes += sections[.postings]
            storage.accountBytes += sections[.accounts]
        }
        return storage
    }
}

extension LogReader {
    /// The positions of each sealed segment that may hold an entry recorded before a time, ascending.
    package func sealedSegments(recordedBefore time: Int64) -> [Range<Position>] {
        view.read { $0.sealed }.filter { $0.timeBefore < time }.map(\.positions)
    }
}

extension [SealedTrailer.Section] {
    /// Stored bytes of a part.
    fileprivate subscript(part: SealedTrailer.Part) -> Int { self[part.rawValue].storedBytes }
}

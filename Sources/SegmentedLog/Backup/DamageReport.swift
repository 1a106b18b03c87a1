package import Platform

/// What is damaged in a store, and what can still be read.
package struct DamageReport: Sendable {
    /// The first damage of each file, in the order of the log. Empty: all is sound.
    package internal(set) var damages: [LogFailure] = []
    /// Positions whose entries can be read, ascending, with gaps between them.
    package internal(set) var readable: [Range<Position>] = []
    /// Where the log ends, as far as anything tells.
    package internal(set) var end: Position = 0

    /// The first position that cannot be read; nil if all can.
    package var firstUnreadable: Position? {
        let first = readable.first { $0.lowerBound == 0 }?.upperBound ?? 0
        return first < end ? first : nil
    }

    /// One sentence: which positions can be read.
    package var readableText: String {
        guard let first = firstUnreadable else {
            return "all entries up to position \(end) can still be read"
        }
        let ranges = readable.map { "\($0.lowerBound)..<\($0.upperBound)" }
        return "position \(first) is the first that cannot be read; "
            + (ranges.isEmpty
                ? "nothing can be read of \(end) entries"
                : "of \(end) entries these can: \(ranges.joined(separator: ", "))")
    }

    init() {}

    init(_ damages: [LogFailure], _ ranges: [Range<Position>], end: Position) {
        self.damages = damages
        readable = Self.joined(ranges)
        self.end = max(end, readable.last?.upperBound ?? 0)
    }

    /// Ranges that touch become one.
    private static func joined(_ ranges: [Range<Position>]) -> [Range<Position>] {
        var joined: [Range<Position>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
            if let last = joined.last, range.lowerBound <= last.upperBound {
                joined[joined.count - 1] =
                    last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        return joined
    }
}

extension DamageReport {
    /// Reads a store that may be too damaged to be opened, as far as that goes. Changes nothing and takes no
    /// lock: no server may write meanwhile.
    /// - Throws: `missing` if there is no store at all.
    package static func read(
        directory: String, fileSystem: any FileSystem
    ) throws(LogFailure) -> DamageReport {
        try StoreSurvey.read(StorePaths(directory: directory), fileSystem).report
    }
}

extension LogReader {
    /// Reads everything that the log has now and says what of it is sound: after a `scrub` that failed.
    package func damage() -> DamageReport {
        let view = view.read { $0 }
        var (damages, ranges): ([LogFailure], [Range<Position>]) = ([], [])
        for record in view.sealed {
            let findings = FileFindings.sealed(
                paths.sealed(record.id), id: record.id, expected: record, storeID: storeID,
                fileSystem)
            if let damage = findings.damage { damages.append(damage) }
            ranges += findings.stretches.map(\.positions) + findings.readable
        }
        for row in view.segments {
            let findings = FileFindings.rows(
                row.path, storeID: storeID, upTo: row.end, fileSystem)
            if let damage = findings.damage { damages.append(damage) }
            ranges += findings.stretches.map(\.positions)
        }
        return DamageReport(damages, ranges, end: view.durablePosition)
    }
}

import Bytes

/// What a start makes of what it read.
extension StoreContents {
    /// A point in the log.
    struct End: Sendable {
        var nextPosition: Position
        var chain: Digest
        var commitTime: Int64
    }

    /// A frame that is only known from reading it.
    ///
    /// It is written again, if it has entries, and left out where it stands: after a failed flush the
    /// kernel may show bytes that the device never gets, and call them clean.
    struct Unpromised: Sendable {
        var header: FrameHeader
        var payload: [UInt8]
    }

    /// The decision.
    struct Plan: Sendable {
        /// Old segments that stay, each with its final end.
        var kept: [ScannedSegment]
        /// Old segments without entries and without anything else.
        var dropped: [ScannedSegment]
        var copied: Unpromised?
        /// Where the old segments end.
        var end: End
    }

    /// After the last entry.
    var end: End {
        guard let last = segments.last?.result else {
            preconditionFailure("a store has a segment")
        }
        return End(nextPosition: last.nextPosition, chain: last.chain, commitTime: last.commitTime)
    }

    var plan: Plan {
        var all = segments
        var end = end
        if let unpromised, var last = all.popLast() {
            end = End(
                nextPosition: unpromised.header.firstPosition,
                chain: unpromised.header.chainBefore, commitTime: last.result.timeBeforeLast)
            last.result.end = unpromised.header.offset
            last.result.nextPosition = end.nextPosition
            last.result.chain = end.chain
            last.result.commitTime = end.commitTime
            all.append(last)
        }
        let isUseless = { (segment: ScannedSegment) in
            segment.result.nextPosition == segment.record.firstPosition
                && segment.result.writtenEnd == segment.result.end
        }
        return Plan(
            kept: all.filter { !isUseless($0) }, dropped: all.filter(isUseless),
            copied: unpromised.flatMap { $0.header.count > 0 ? $0 : nil }, end: end)
    }

    /// What the operator should know.
    func report(_ paths: StorePaths) -> RecoveryReport {
        var report = RecoveryReport()
        report.frames = frames
        report.bytes = bytes
        report.repairedCopies = superblock.otherCopies.count
        if !superblock.otherCopies.isEmpty {
            report.notes.append(
                "\(report.repairedCopies) of \(LogLimits.superblockCopies) copies in "
                    + "\(paths.superblock) were not the newest; written again")
        }
        guard let last = segments.last, last.record.close == nil else { return report }
        let path = paths.segment(last.record.id)
        if last.result.isTorn {
            report.foundTornTail = true
            report.notes.append(
                "\(path) ends at offset \(last.result.end) in a write that did not finish; nobody "
                    + "was told that it did. It was left out")
        }
        if let copied = plan.copied {
            report.copiedEntries = Int(copied.header.count)
            report.notes.append(
                "the last commit, \(copied.header.count) entries from position "
                    + "\(copied.header.firstPosition), was written again")
        }
        return report
    }
}

extension ScannedSegment {
    /// Lists the segment in a manifest, closed at its final end.
    func add(to state: inout ManifestState) {
        var open = record
        open.close = nil
        let close =
            record.close
            ?? SegmentRecord.Close(
                end: .recovered, validBytes: result.end, writtenBytes: result.writtenEnd,
                nextPosition: result.nextPosition, chain: result.chain,
                commitTime: result.commitTime)
        do {
            try state.apply(.added(open))
            try state.apply(.closed(id: record.id, close))
        } catch { preconditionFailure("a segment contradicts the manifest: \(error.text)") }
    }
}

import Bytes
import Platform
import Seeds
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// Merging sealed segments: when it is due, that nothing changes by it, and what happens when it fails.
struct CompactionTests {
    /// Neighbouring segments with these numbers of entries.
    private func records(_ counts: [UInt64], bytes: Int = 10_000) -> [SealedRecord] {
        var position: Position = 0
        return counts.enumerated().map { index, count in
            defer { position += count }
            return SealedRecord(
                id: UInt64(index + 1), firstPosition: position, nextPosition: position + count,
                chainBefore: .zero, chain: .zero, timeBefore: 0, commitTime: 0, commits: 1,
                fileBytes: bytes, digest: .zero)
        }
    }

    private func due(_ counts: [UInt64], bytes: Int = 10_000) -> Range<Int>? {
        CompactionPlan.due(records(counts, bytes: bytes))?.indices
    }

    private func all(_ counts: [UInt64], bytes: Int = 10_000) -> Range<Int>? {
        CompactionPlan.all(records(counts, bytes: bytes))?.indices
    }

    private func same(_ count: UInt64, _ times: Int) -> [UInt64] {
        [UInt64](repeating: count, count: times)
    }

    @Test func fourNeighboursOfOneSizeAreMergedTheOldestFirst() {
        #expect(due([]) == nil)
        #expect(due(same(100, 3)) == nil)
        #expect(due(same(100, 4)) == 0..<4)
        #expect(due(same(100, 9)) == 0..<4)
        #expect(due([3000] + same(100, 4)) == 1..<5)
        #expect(due(same(100, 3) + [3000] + same(100, 3)) == nil)
        #expect(due(same(100, 3) + [3000] + same(100, 5)) == 4..<8)
    }

    /// Segments need not be alike, but none may be written again without becoming of the next size: from
    /// 2^(2k-1) entries on.
    @Test func unequalNeighboursAreMergedWhereAllBecomeOfTheNextSize() {
        #expect(due([32, 40, 50, 100]) == 0..<4)
        #expect(due([10, 40, 10, 40]) == nil)
        #expect(due([10, 40, 10, 40, 10, 18]) == 0..<6)
        #expect(due([10, 40, 10, 40, 10, 17]) == nil)
        #expect(due([2000] + same(3, 3)) == nil)
        #expect(due([2000] + same(3, 4)) == 1..<5)
        #expect(due([2040] + same(3, 3)) == 0..<4)
    }

    @Test func mergedSegmentsStayWithinTheirLimits() {
        let limit = LogLimits.sealedEntriesMax
        #expect(due(same(limit / 4, 4)) == 0..<4)
        #expect(due(same(limit / 4 + 1, 4)) == nil)
        let bytes = LogLimits.compactedBytesMax / 4
        #expect(due(same(100, 4), bytes: bytes) == 0..<4)
        #expect(due(same(100, 4), bytes: bytes + 1) == nil)
        #expect(all([100]) == nil)
        #expect(all([100, 5]) == 0..<2)
        #expect(all(same(100, 30)) == 0..<30)
        #expect(all(same(limit / 2, 5)) == 0..<2)
        #expect(all(same(limit / 2 + 1, 5)) == nil)
        #expect(all([limit, 1, 2, limit, 3]) == 1..<3)
        #expect(all([limit, 1, limit, 2, 3, 4]) == 3..<6)
        #expect(all(same(1, 3), bytes: LogLimits.compactedBytesMax / 2) == 0..<2)
        #expect(all(same(1, 3), bytes: LogLimits.compactedBytesMax / 2 + 1) == nil)
    }

    /// However segments come, an entry is written again at most once for each size, and few stay.
    @Test(arguments: Seeds.all) func anEntryIsWrittenAgainOnceASize(_ seed: UInt64) {
        var random = SeededGenerator(seed)
        var sealed: [SealedRecord] = []
        var writes: [Int] = []
        var next: Position = 0
        for id in 1...700 {
            // Of two sizes, or of one.
            let count = UInt64.random(in: 20...(seed == 1 ? 30 : 90), using: &random)
            var record = records([count])[0]
            record.firstPosition = next
            record.nextPosition = next + count
            next += count
            sealed.append(record)
            writes.append(0)
            while let group = CompactionPlan.due(sealed) {
                var merged = group[group.startIndex]
                merged.id = UInt64(id + 1000)
                merged.nextPosition = group[group.endIndex - 1].nextPosition
                let times = (writes[group.indices].max() ?? 0) + 1
                writes.replaceSubrange(group.indices, with: [times])
                sealed.replaceSubrange(group.indices, with: [merged])
            }
        }
        #expect(writes.max() ?? 0 <= 7 && writes.max() ?? 0 >= 2)
        #expect(sealed.count <= 7 * 5)
        #expect(zip(sealed, sealed.dropFirst()).allSatisfy { $0.nextPosition == $1.firstPosition })
    }

    @Test func aMergeChangesNothingButTheFiles() throws {
        let store = try SealedStore()
        for count in [3, 4095, 2, 1, 4100, 7] {
            try store.commit(count)
            if count != 2 { try store.seal() }
        }
        let before = store.sealed
        let report = try store.merge()
        #expect(report.filesReplaced == before.count)
        #expect(report.positions == 0..<Position(store.records.count))
        #expect(report.bytesBefore == before.reduce(0) { $0 + $1.fileBytes })
        let merged = try #require(store.sealed.first)
        #expect(store.sealed.count == 1 && report.bytesAfter == merged.fileBytes)
        #expect(merged.chainBefore == .zero && merged.chain == store.log.chain)
        #expect(merged.timeBefore == 0 && merged.commitTime == store.log.lastCommitTime)
        #expect(merged.commits == 6 && merged.commits == before.reduce(0) { $0 + $1.commits })
        #expect(!before.contains { $0.id >= merged.id })
        #expect(store.sealedFiles == [store.log.paths.sealed(merged.id)])
        try store.demandEntries(store.reader, "merged")
        #expect(try store.reader.scrub(.entries) { _, _ in } == 6)
        // Files that are gone are not kept open: their space is free.
        #expect(Set(store.system.openFiles).isSubset(of: store.system.disk.files))
        #expect(try store.log.sealNow(now: 0, everything: true) == nil)
        // A number that was used is not used again, also after a start.
        try store.reopen(seed: 2)
        try store.commit(1)
        try store.seal()
        #expect(store.sealed[1].id > merged.id)
    }

    /// Rows and segments that are not due wait.
    @Test func nothingIsSealedBeforeItIsDue() throws {
        let store = try SealedStore()
        try store.commit(3)
        #expect(try store.log.sealNow(now: .max, everything: true) == nil)
        store.log.sealing.wantRoll()
        try store.log.maintain()
        let last = store.log.lastCommitTime
        #expect(try store.log.sealNow(now: last, everything: false) == nil)
        let old = last + LogLimits.sealAfter
        #expect(try store.log.sealNow(now: old - 1, everything: false) == nil)
        #expect(try store.log.sealNow(now: old, everything: false) != nil)
        #expect(try store.log.sealNow(now: old, everything: false) == nil)
        for _ in 1..<LogLimits.compactionFanIn {
            #expect(try store.log.sealNow(now: .max, everything: false) == nil)
            try store.commit(3)
            try store.seal()
        }
        let report = try store.log.sealNow(now: 0, everything: false)
        #expect(report?.work == .compaction && report?.filesReplaced == LogLimits.compactionFanIn)
    }

    /// The process is killed, or the power fails, before any call of a sealing and of the merge after it.
    @Test func aMergeMayEndAnywhere() throws {
        let store = try SealedStore()
        for count in [2, 5, 1] {
            try store.commit(count)
            try store.seal()
        }
        try store.commit(3)
        store.log.sealing.wantRoll()
        try store.log.maintain()
        let ids = Set(store.sealed.map(\.id))
        let calls = Monitor<[SimulatedFileSystem.Call]>([])
        store.system.beforeEachCall { call in calls.withLock { $0.append(call) } }
        #expect(try store.log.sealNow(now: 0, everything: true)?.work == .sealing)
        #expect(try store.log.sealNow(now: 0, everything: true)?.work == .compaction)
        store.system.beforeEachCall { _ in }
        let all = calls.read { $0 }
        #expect(all.count > 60)
        var outcomes: Set<Int> = []
        for call in all {
            let survival = Survival.random(UInt64(call.index))
            for disk in [
                call.disk, call.disk.afterPowerCut(.nothing), call.disk.afterPowerCut(survival),
            ] {
                let comment: Comment = "before call \(call.index), \(call.call) \(call.path)"
                let system = SimulatedFileSystem(disk)
                let log = try SealedStore.open(system, seed: 5)
                #expect(log.nextPosition == 11 && log.chain == store.log.chain, comment)
                try store.demandEntries(log.reader, comment)
                let listed = log.reader.view.read { $0.sealed }
                outcomes.insert(listed.count)
                let names = system.disk.files.filter { $0.contains("/seg/") }
                #expect(names == listed.map { log.paths.sealed($0.id) }.sorted(), comment)
                #expect(listed.allSatisfy { ids.contains($0.id) || $0.id > 3 }, comment)
            }
        }
        #expect(outcomes == [3, 4, 1])
    }

    @Test(arguments: PlainCodec.Fault.allCases) func aSegmentWhoseProofFailsIsNotAdopted(
        _ fault: PlainCodec.Fault
    ) throws {
        let faults = PlainCodec.Faults()
        let store = try SealedStore(codec: PlainCodec(faults: faults))
        for count in [30, 40] {
            try store.commit(count)
            try store.seal()
        }
        try store.commit(50)
        store.log.sealing.wantRoll()
        try store.log.maintain()
        for step in ["rows", "merge"] {
            let (sealed, files) = (store.sealed, store.system.disk.files)
            faults.set(fault)
            let failure = #expect(throws: LogFailure.self, "\(step)") {
                _ = try store.log.sealNow(now: 0, everything: true)
            }
            #expect(failure?.kind == .damaged, "\(step): \(String(describing: failure))")
            faults.set(nil)
            #expect(store.sealed == sealed && store.system.disk.files == files, "\(step)")
            #expect(!store.log.hasFailed)
            #expect(store.system.openFiles.filter { $0.contains("/seg/") }.count <= sealed.count)
            try store.commit(1)
            #expect(try store.log.sealNow(now: 0, everything: true) != nil)
        }
        #expect(store.sealed.count == 1)
        #expect(try store.reader.scrub(.entries) { _, _ in } == 5)
        #expect(Set(store.system.openFiles).isSubset(of: store.system.disk.files))
    }

    /// What memory has is not what counts: the proof reads what the device has kept.
    @Test(arguments: [100, 4096 + 70, 4096 + 200, 8300]) func aByteThatTheDeviceLostIsFoundAtOnce(
        _ offset: Int
    ) throws {
        let store = try SealedStore()
        for _ in 0..<2 {
            try store.commit(300)
            try store.seal()
        }
        let (sealed, files) = (store.sealed, store.system.disk.files)
        store.system.plan([FaultRule(.rot(offset), call: .fsync, pathPart: "/seg/")])
        let failure = #expect(throws: LogFailure.self) {
            _ = try store.log.sealNow(now: 0, everything: true)
        }
        #expect(failure?.kind == .damaged && store.system.firedFaults == 1)
        #expect(store.sealed == sealed && store.system.disk.files == files)
        try store.merge()
        try store.demandEntries(store.reader, "merged at the second try")
    }

    /// No room for sealed segments for good: commits go on, nothing is left over, and nothing is lost.
    @Test func aLogWithoutRoomForSealedSegmentsGoesOn() throws {
        let store = try SealedStore()
        let noSpace = Fault.failure(SystemFailure.Code.noSpace)
        for nth in [0, 1, 2, 3] {
            try store.commit(2)
            store.log.sealing.wantRoll()
            try store.log.maintain()
            store.system.plan([
                FaultRule(noSpace, call: .create, pathPart: "/seg/", nth: nth, isSticky: true),
                FaultRule(noSpace, call: .write, pathPart: "/seg/", nth: nth, isSticky: true),
                FaultRule(noSpace, call: .fsync, pathPart: "/seg/", nth: nth, isSticky: true),
            ])
            for _ in 0..<3 {
                let failure = #expect(throws: LogFailure.self) {
                    while try store.log.sealNow(now: 0, everything: true) != nil {}
                }
                if case .system(let system) = failure?.kind {
                    #expect(system.isOutOfSpace)
                } else {
                    Issue.record("\(String(describing: failure))")
                }
                try store.commit(2)
                let listed = store.sealed.map { store.log.paths.sealed($0.id) }
                #expect(store.sealedFiles == listed.sorted())
            }
        }
        #expect(store.system.openFiles.filter { $0.contains("/seg/") }.count <= 1)
        store.system.plan([])
        store.log.sealing.wantRoll()
        try store.log.maintain()
        while try store.log.sealNow(now: 0, everything: true) != nil {}
        #expect(store.sealed.count == 1)
        try store.demandEntries(store.reader, "after there is space again")
        // Without room for its own bytes, the log ends.
        store.system.plan([FaultRule(noSpace, call: .write, isSticky: true)])
        #expect(throws: LogFailure.self) { try store.commit(1) }
        #expect(store.log.hasFailed)
    }
}

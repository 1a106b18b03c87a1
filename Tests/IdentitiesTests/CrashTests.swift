import Bytes
import Identities
import Platform
import Seeds
import SimulatedFileSystem
import Testing

/// Power cuts and failures before every call that changes the disk.
struct CrashTests {
    /// A life with cuts that merge: the disk before each mutating call, and how much was appended then.
    private func life() -> (fingerprints: [UInt64?], moments: [(SimulatedDisk, Int)]) {
        var random = SeededGenerator(41)
        let model = Model(cutEntries: 8)
        var moments: [(SimulatedDisk, Int)] = []
        var count = 0
        model.system.beforeEachCall { if $0.isMutating { moments.append(($0.disk, count)) } }
        for _ in 0..<280 {
            model.append(someFingerprint(&random))
            count += 1
            if model.index.wantsCut { model.cut(behind: 1) }
        }
        return (model.fingerprints, moments)
    }

    @Test(arguments: [
        Survival.nothing, .everything, .namesOnly, .bytesOnly, .random(51), .random(52),
    ])
    func anyMomentReopensWhole(_ survival: Survival) throws {
        let (fingerprints, moments) = life()
        #expect(moments.count > 200)
        for (number, (disk, count)) in moments.enumerated() {
            var survival = survival
            if case .random(let seed) = survival {
                survival = .random(seed &* 1_000_003 &+ UInt64(number))
            }
            let system = SimulatedFileSystem(disk.afterPowerCut(survival))
            let model = Model(
                system, cutEntries: 8, fingerprints: Array(fingerprints.prefix(count)))
            try model.check("\(survival) before call \(number)")
            #expect(!model.files.contains { $0.hasSuffix(".tmp") })
            #expect(model.files.count == model.index.runRanges.count)
            for note in model.index.notes { #expect(!note.contains("stays"), "\(note)") }
        }
    }

    /// What a run said it covers is durable when the cut is over.
    @Test func aFinishedCutOutlivesThePowerCut() throws {
        var random = SeededGenerator(42)
        let model = Model(cutEntries: 8)
        for _ in 0..<200 {
            model.append(someFingerprint(&random))
            guard model.index.wantsCut else { continue }
            model.cut()
            let cut = SimulatedFileSystem(model.system.disk.afterPowerCut(.nothing))
            #expect(Model.open(cut, 8).runEnd == model.index.runEnd)
        }
    }

    @Test func aFullDiskLeavesEverythingInMemoryAndIsTriedAgain() throws {
        var random = SeededGenerator(43)
        let model = Model(cutEntries: 20)
        for _ in 0..<100 {
            model.append(someFingerprint(&random))
            if model.index.wantsCut { model.cut() }
        }
        let end = model.index.runEnd
        model.system.plan([
            FaultRule(
                .failure(SystemFailure.Code.noSpace), call: .write, pathPart: "dedupe",
                isSticky: true)
        ])
        var failures = 0
        for _ in 0..<100 {
            model.append(someFingerprint(&random))
            if model.index.wantsCut {
                model.cut()
                failures += model.index.cutFailure == nil ? 0 : 1
            }
        }
        #expect(failures >= 3 && failures <= 5, "tried again, and not at each entry")
        #expect(model.index.runEnd == end)
        #expect(model.index.cutFailure?.contains("No space") == true)
        #expect(model.files.count == model.index.runRanges.count, "nothing half-written stays")
        #expect(model.system.openFiles.count == model.index.runRanges.count)
        try model.check()
        model.system.plan([])
        for _ in 0..<60 {
            model.append(someFingerprint(&random))
            if model.index.wantsCut { model.cut() }
        }
        #expect(model.index.cutFailure == nil && model.index.runEnd > end + 100)
        try model.check()
        model.reopen()
        try model.check()
    }

    /// Each call of one cut with a merge fails once.
    @Test func anyFailureOfACutCostsNothing() throws {
        for call in 0..<60 {
            var random = SeededGenerator(44)
            let model = Model(cutEntries: 20)
            for _ in 0..<100 {
                model.append(someFingerprint(&random))
                if model.index.wantsCut { model.cut() }
            }
            model.system.plan([
                FaultRule(
                    .failure(SystemFailure.Code.inputOutput), pathPart: "dedupe", nth: call)
            ])
            for _ in 0..<20 { model.append(someFingerprint(&random)) }
            model.cut()
            if model.system.firedFaults == 0 {
                #expect(call > 8)
                return
            }
            try model.check("failure of call \(call)")
            model.reopen()
            try model.check("reopened after a failure of call \(call)")
        }
    }
}

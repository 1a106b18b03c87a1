import Bytes
import Platform
import SegmentedLog
import SimulatedFileSystem
import Testing

/// System calls that fail: nothing is acknowledged afterwards, and the next start is clean.
struct FaultTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var fault: Fault
        var isSticky = false
        var failedFlush = FailedFlush.keepsNewBytesAsClean
        var testDescription: String { "\(fault)\(isSticky ? " for good" : "") \(failedFlush)" }
    }

    static let cases = [
        Case(fault: .failure(SystemFailure.Code.inputOutput)),
        Case(fault: .failure(SystemFailure.Code.noSpace), isSticky: true),
        Case(
            fault: .failure(SystemFailure.Code.inputOutput), isSticky: true,
            failedFlush: .revertsToOldBytes),
        Case(fault: .failure(SystemFailure.Code.inputOutput), failedFlush: .hadWrittenAll),
        Case(fault: .failure(SystemFailure.Code.tooManyFiles)),
    ]

    @Test(arguments: cases) func everyCallMayFail(_ fault: Case) throws {
        let whole = CrashRun(records: false)
        try whole.script()
        let calls = whole.system.calls
        #expect(calls > 400)
        var (stopped, unsealed) = (0, 0)
        // Each case takes another part of the calls, so that together they try every one.
        let first = Self.cases.firstIndex { $0.testDescription == fault.testDescription } ?? 0
        for nth in stride(from: first, to: calls, by: Self.cases.count) {
            let run = CrashRun(records: false)
            run.system.plan(
                [FaultRule(fault.fault, nth: nth, isSticky: fault.isSticky)],
                failedFlush: fault.failedFlush)
            let comment: Comment = "\(fault.testDescription) at call \(nth)"
            var failure: LogFailure?
            do { try run.script() } catch let error as LogFailure { failure = error }
            guard let failure else {
                // Closing what was only read cannot lose anything.
                #expect(run.acknowledged == run.commits.count, comment)
                if run.failedSeals > 0 {
                    unsealed += 1
                    try demandCleanStart(run, nil, comment)
                }
                continue
            }
            stopped += 1
            #expect(!failure.message.isEmpty)
            if case .system = failure.kind {
            } else {
                Issue.record("\(failure.kind) instead of a system failure: \(comment)")
            }
            try demandPoison(run, comment)
            let survivals = [nil, Survival.nothing, .random(UInt64(nth))]
            try demandCleanStart(run, survivals[nth / Self.cases.count % 3], comment)
            try demandCleanStart(run, survivals[(nth / Self.cases.count + 1) % 3], comment)
        }
        #expect(stopped > 80)
        #expect(unsealed > 10 || fault.isSticky)
    }

    /// A log that failed takes nothing more and flushes nothing more.
    private func demandPoison(_ run: CrashRun, _ comment: Comment) throws {
        guard let log = run.log else { return }
        let flushes = run.system.count(of: .fdatasync)
        let writes = run.system.count(of: .write)
        var frame = FrameBuilder()
        frame.append { $0.append([9]) }
        for _ in 0..<2 {
            let error = #expect(throws: LogFailure.self, comment) {
                _ = try log.append(&frame, commitTime: 1)
            }
            #expect(error?.kind == .poisoned, comment)
        }
        #expect(throws: LogFailure.self, comment) { try log.maintain() }
        #expect(throws: LogFailure.self, comment) { try log.close() }
        #expect(run.system.count(of: .fdatasync) == flushes, comment)
        #expect(run.system.count(of: .write) == writes, comment)
    }

    private func demandCleanStart(
        _ run: CrashRun, _ survival: Survival?, _ comment: Comment
    ) throws {
        run.system.kill()
        let left = run.system.disk
        let system = SimulatedFileSystem(survival.map { left.afterPowerCut($0) } ?? left)
        // Where the kernel does not forget what it could not write, it must not be believed.
        system.plan([], ignoresDropCache: true)
        do {
            let log = try CrashRun.open(system, seed: 50)
            let shown = try run.check(
                log.reader, submitted: run.commits.count, acknowledged: run.acknowledged, comment)
            let after = SimulatedFileSystem(system.disk.afterPowerCut(.nothing))
            let again = try CrashRun.open(after, seed: 51)
            try run.check(again.reader, submitted: shown, acknowledged: shown, comment)
        } catch { Issue.record("\(error): \(comment), \(String(describing: survival))") }
    }

    @Test(arguments: [Fault.failure(SystemFailure.Code.interrupted), .short(1), .allBut(1)])
    func interruptedAndShortTransfersAreFinished(_ fault: Fault) throws {
        let whole = CrashRun(records: false)
        try whole.script()
        // Another sixth of the calls for each kind of fault.
        let first = fault == .short(1) ? 2 : fault == .allBut(1) ? 4 : 0
        for call in [SystemCall.read, .write, .open, .create, .lock] {
            let calls = whole.system.count(of: call)
            for nth in stride(from: min(first, calls - 1), to: calls, by: 6) {
                let run = CrashRun(records: false)
                run.system.plan([FaultRule(fault, call: call, nth: nth)])
                try run.script()
                #expect(run.system.firedFaults == 1)
                let reader = try LogReader.openReadOnly(
                    directory: CrashRun.directory, fileSystem: run.system, codec: PlainCodec())
                try run.check(
                    reader.reader, submitted: run.commits.count,
                    acknowledged: run.commits.count, "\(fault) at \(call) \(nth)")
            }
        }
    }

    @Test func anInterruptedFlushIsAFailure() throws {
        let run = CrashRun(records: false)
        try run.open(seed: 1)
        try run.commit()
        run.system.plan([
            FaultRule(.failure(SystemFailure.Code.interrupted), call: .fdatasync)
        ])
        let flushes = run.system.count(of: .fdatasync)
        #expect(throws: LogFailure.self) { try run.commit() }
        #expect(run.system.count(of: .fdatasync) == flushes + 1)
        try demandPoison(run, "interrupted flush")
    }
}

import Platform
import SimulatedFileSystem
import Testing

@testable import Proofs

/// A key that somebody was told of is never lost, and never half there.
@Suite struct ProofFilesTests {
    private func system() -> (SimulatedFileSystem, ProofFiles) {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        return (system, ProofFiles(directory: "/data", fileSystem: system))
    }

    private static let survivals: [Survival] =
        [.nothing, .everything, .namesOnly, .bytesOnly] + (1...20).map { .random($0) }

    @Test func aCrashAtAnyCallLeavesNoKeyOrAWholeOne() throws {
        let text = try SigningKey.make(name: "daybook/x").text
        let disks = Recorder()
        let (system, files) = system()
        system.beforeEachCall { disks.list.append($0.disk) }
        try files.writeKey(text)
        system.beforeEachCall { _ in }
        let after = system.disk
        #expect(disks.list.count > 6)
        for survival in Self.survivals {
            for disk in disks.list {
                let crashed = SimulatedFileSystem(disk.afterPowerCut(survival))
                let left = ProofFiles(directory: "/data", fileSystem: crashed)
                let found = try left.readKey()
                #expect(found == nil || found == text, "\(survival)")
                // What a crash left behind stops no later attempt.
                if found == nil {
                    try left.writeKey(text)
                    #expect(try left.readKey() == text)
                }
            }
            let crashed = SimulatedFileSystem(after.afterPowerCut(survival))
            let left = ProofFiles(directory: "/data", fileSystem: crashed)
            #expect(try left.readKey() == text, "\(survival)")
        }
    }

    @Test func aFailedCallIsReportedAndLeavesNothingThatCounts() throws {
        let text = try SigningKey.make(name: "daybook/x").text
        for nth in 0..<40 {
            let (system, files) = system()
            system.plan([FaultRule(.failure(5), nth: nth)])
            do throws(SystemFailure) {
                try files.writeKey(text)
                #expect(system.firedFaults == 0 || system.openFiles.isEmpty)
                if system.firedFaults == 0 { return }
            } catch {
                #expect(system.openFiles.isEmpty, "call \(nth)")
            }
            system.plan([])
            let found = try files.readKey()
            #expect(found == nil || found == text, "call \(nth)")
        }
        Issue.record("writing a key takes more than 40 calls")
    }

    @Test func whatIsThereIsNotWrittenOver() throws {
        let (_, files) = system()
        try files.writeCheckpoint("one", size: 7)
        #expect(throws: SystemFailure.self) { try files.writeCheckpoint("two", size: 7) }
        #expect(try files.readCheckpoint(7) == "one")
        try files.writeCheckpoint("three", size: 12)
        #expect(try files.sizes() == [7, 12])
        #expect(try files.readCheckpoint(8) == nil)
    }

    private final class Recorder {
        var list: [SimulatedDisk] = []
    }
}

import Bytes
import Platform
import SegmentedLog
import SimulatedFileSystem
import Testing

/// The simulator must lose what a real disk may lose: programs with known bugs have to be caught on
/// it, or none of the other tests mean anything.
struct SimulatorTests {
    /// A way to save a file; only one of them is right.
    struct Program: Sendable, CustomTestStringConvertible {
        var name: String
        var isRight: Bool
        var save: @Sendable (SimulatedFileSystem) throws -> Void
        var testDescription: String { name }
    }

    private static func write(_ text: String, _ path: String, _ system: any FileSystem) throws
        -> File
    {
        let file = try File.create(path, system)
        try file.writeAll(Array(text.utf8).raw, at: 0)
        return file
    }

    private static let text = String(repeating: "daybook ", count: 400)

    static let programs = [
        Program(name: "flush, rename, sync directory", isRight: true) { system in
            try write(text, "/data/new", system).syncAll()
            try system.rename("/data/new", to: "/data/saved")
            try system.syncDirectory("/data")
        },
        Program(name: "rename without directory sync", isRight: false) { system in
            try write(text, "/data/new", system).syncAll()
            try system.rename("/data/new", to: "/data/saved")
        },
        Program(name: "rename before the flush", isRight: false) { system in
            let file = try write(text, "/data/new", system)
            try system.rename("/data/new", to: "/data/saved")
            try system.syncDirectory("/data")
            try file.close()
        },
        Program(name: "no flush at all", isRight: false) { system in
            _ = try write(text, "/data/saved", system)
            try system.syncDirectory("/data")
        },
        Program(name: "a flush that failed and was tried again", isRight: false) { system in
            system.plan([FaultRule(.failure(5), call: .fdatasync)])
            let file = try write(text, "/data/saved", system)
            do { try file.syncData() } catch { try file.syncData() }
            try system.syncDirectory("/data")
        },
        Program(name: "a new directory that nobody synced", isRight: false) { system in
            try system.makeDirectory("/data/deep")
            try write(text, "/data/deep/saved", system).syncAll()
            try system.syncDirectory("/data/deep")
        },
    ]

    @Test(arguments: programs) func everyBugLosesDataAndTheRightWayDoesNot(
        _ program: Program
    ) throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        try program.save(system)
        let survivals: [Survival] =
            [.nothing, .everything, .namesOnly, .bytesOnly] + (1...20).map { .random($0) }
        let lost = survivals.filter { survival in
            let disk = system.disk.afterPowerCut(survival)
            let path = disk.files.first { $0.hasSuffix("/saved") } ?? ""
            return disk.contents(of: path) != Array(Self.text.utf8)
        }
        #expect(lost.isEmpty == program.isRight)
        if !program.isRight, program.name.contains("tried again") { return }
        #expect(!lost.contains(.everything))
    }

    @Test func sectorsOfOneWriteSurviveOneByOne() throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let file = try File.create("/data/file", system)
        try file.writeAll([UInt8](repeating: 1, count: 4096).raw, at: 0)
        try file.syncAll()
        try system.syncDirectory("/data")
        try file.writeAll([UInt8](repeating: 2, count: 4096).raw, at: 0)
        var mixtures: Set<[UInt8]> = []
        for seed in 1...50 {
            let bytes = try #require(
                system.disk.afterPowerCut(.random(UInt64(seed))).contents(of: "/data/file"))
            #expect(bytes.count == 4096)
            let sectors = (0..<8).map { bytes[$0 * 512] }
            for sector in 0..<8 {
                #expect(
                    bytes[(sector * 512)..<(sector * 512 + 512)].allSatisfy {
                        $0 == sectors[sector]
                    })
            }
            mixtures.insert(sectors)
        }
        #expect(mixtures.count > 20)
    }

    @Test func afterAFailedFlushMemoryAndDiskDiffer() throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let file = try File.create("/data/file", system)
        try file.writeAll([1, 1, 1].raw, at: 0)
        try file.syncAll()
        try system.syncDirectory("/data")
        try file.writeAll([2, 2, 2].raw, at: 0)
        system.plan([FaultRule(.failure(5), call: .fdatasync)])
        #expect(throws: SystemFailure.self) { try file.syncData() }
        try file.syncData()
        #expect(system.disk.contents(of: "/data/file") == [2, 2, 2])
        #expect(system.disk.afterPowerCut(.everything).contents(of: "/data/file") == [1, 1, 1])
        file.dropCache(from: 0)
        #expect(system.disk.contents(of: "/data/file") == [1, 1, 1])
    }

    @Test func shortAndInterruptedTransfersAreFinished() throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        system.plan([
            FaultRule(.short(1), call: .write), FaultRule(.failure(4), call: .write, nth: 1),
            FaultRule(.allBut(1), call: .write, nth: 1), FaultRule(.short(3), call: .read),
            FaultRule(.failure(4), call: .read, nth: 1),
        ])
        let file = try File.create("/data/file", system)
        let bytes = (0..<100).map { UInt8($0) }
        try file.writeAll(bytes.raw, at: 7)
        var back = ByteBuffer()
        #expect(try file.append(0..<200, to: &back) == 107)
        let found = back.copyBytes(in: 0..<107)
        #expect(found == [UInt8](repeating: 0, count: 7) + bytes)
        #expect(system.firedFaults == 5)
    }

    @Test func aLockIsHeldUntilItIsClosed() throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let first = try File.create("/data/LOCK", system)
        let second = try File.open("/data/LOCK", .writing, system)
        #expect(try first.lock())
        #expect(try !second.lock())
        try first.close()
        #expect(try second.lock())
    }
}

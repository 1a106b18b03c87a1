import Bytes
import Identities
import Platform
import Seeds
import SimulatedFileSystem
import Testing

/// Runs that are not to be believed are made again from the log, and said.
struct DamageTests {
    private static func written() -> (SimulatedDisk, [UInt64?], String) {
        var random = SeededGenerator(31)
        let model = Model(cutEntries: 2000)
        for _ in 0..<2000 { model.append(someFingerprint(&random)) }
        model.cut()
        model.index.close()
        return (model.system.disk, model.fingerprints, Model.directory + "/" + model.files[0])
    }

    /// Every field of the header, and bytes of each section, several bits.
    @Test func aFlippedBitIsSeenAtTheStartOrWhenItsPageIsRead() throws {
        let (disk, fingerprints, path) = Self.written()
        let size = try #require(disk.size(of: path))
        var offsets = Array(0..<140) + [4000, 4092, 4095]
        offsets += stride(from: 4096, to: size, by: 977)
        offsets += stride(from: size - 600, to: size, by: 29)
        var (atStart, atRead) = (0, 0)
        for offset in offsets {
            var damaged = disk
            damaged.flip(path, at: offset, bit: offset % 8)
            let system = SimulatedFileSystem(damaged)
            let model = Model(system, cutEntries: 2000, fingerprints: fingerprints)
            if !model.index.notes.isEmpty {
                atStart += 1
                try model.check("offset \(offset)")
            } else {
                #expect(throws: IdentityFailure.self, "offset \(offset)") { try model.check() }
                atRead += 1
                // What was damaged is gone: the next start makes it again.
                let next = Model(system, cutEntries: 2000, fingerprints: fingerprints)
                try next.check("after the damage at \(offset)")
            }
            #expect(system.openFiles.count <= 2)
        }
        #expect(atStart > 150 && atRead > 10)
    }

    @Test func aShortOrLongFileIsPassedOver() throws {
        let (disk, fingerprints, path) = Self.written()
        let size = try #require(disk.size(of: path))
        for wrong in [0, 100, 4095, 4096, size / 2, size - 1, size + 1, size + 4096] {
            var damaged = disk
            damaged.resize(path, to: wrong)
            let model = Model(
                SimulatedFileSystem(damaged), cutEntries: 2000, fingerprints: fingerprints)
            #expect(model.index.notes.count == 1)
            try model.check("\(wrong) bytes")
        }
    }

    @Test func aRunOfAnotherStoreIsPassedOver() throws {
        let (disk, _, _) = Self.written()
        let other = [UInt8](repeating: 9, count: 16)
        let index = Model.open(SimulatedFileSystem(disk), 2000, storeID: other)
        #expect(index.runEnd == 0)
        #expect(index.notes.first?.contains("another store") == true)
    }

    @Test func aRunOfAnotherHistoryIsPassedOver() throws {
        let (disk, _, _) = Self.written()
        for chain in [Digest?.none, Model.chain(4)] {
            let index = IdentityIndex.open(
                directory: Model.directory, fileSystem: SimulatedFileSystem(disk),
                storeID: Model.storeID, cutEntries: 2000
            ) { _ in chain }
            #expect(index.runEnd == 0)
            #expect(index.notes.first?.contains("chain") == true)
        }
    }

    @Test func aRunUnderAnotherNameIsPassedOver() throws {
        let (disk, fingerprints, path) = Self.written()
        var renamed = disk
        let bytes = try #require(disk.contents(of: path))
        renamed.remove(path)
        let name = "/R-00000000000000000000-00000000000000001999"
        renamed.put(Model.directory + name, bytes)
        let model = Model(
            SimulatedFileSystem(renamed), cutEntries: 5000, fingerprints: fingerprints)
        #expect(model.index.runEnd == 0)
        try model.check()
        #expect(model.files.isEmpty)
    }

    /// All after a hole are useless, and go.
    @Test func runsAfterADamagedOneAreRemoved() throws {
        var random = SeededGenerator(33)
        let model = Model(cutEntries: 10)
        for _ in 0..<260 {
            model.append(someFingerprint(&random))
            if model.index.wantsCut { model.cut() }
        }
        #expect(model.files.count > 1)
        model.index.close()
        var disk = model.system.disk
        disk.flip(Model.directory + "/" + model.files[0], at: 60, bit: 3)
        let system = SimulatedFileSystem(disk)
        let index = Model.open(system, 10)
        #expect(index.runEnd == 0)
        #expect(try system.list(Model.directory).isEmpty)
        try Model(system, cutEntries: 10, fingerprints: model.fingerprints).check()
    }

    @Test func filesOfOthersStay() throws {
        let (disk, fingerprints, _) = Self.written()
        var foreign = disk
        foreign.put(Model.directory + "/notes.txt", [1])
        foreign.put(Model.directory + "/R-0-5", [2])
        let model = Model(
            SimulatedFileSystem(foreign), cutEntries: 2000, fingerprints: fingerprints)
        #expect(model.files.count == 3)
        try model.check()
    }

    /// A merge reads every page of the runs it takes in.
    @Test func aMergeThatMeetsDamageSaysSoAndLosesNothing() throws {
        let (disk, fingerprints, path) = Self.written()
        var damaged = disk
        damaged.flip(path, at: 4096 + 1000, bit: 1)
        let system = SimulatedFileSystem(damaged)
        let model = Model(system, cutEntries: 2000, fingerprints: fingerprints)
        #expect(model.index.damage == nil)
        for number in 0..<2000 { model.append(fingerprint(UInt64(number) << 20)) }
        model.cut()
        #expect(model.index.damage?.message.contains("start again") == true)
        let next = Model(system, cutEntries: 2000, fingerprints: model.fingerprints)
        #expect(next.index.damage == nil)
        try next.check()
    }
}

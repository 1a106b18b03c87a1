import Bytes
import Identities
import Platform
import Seeds
import SimulatedFileSystem
import Testing

struct IndexTests {
    @Test(arguments: Seeds.all) func everyPositionOfEveryFingerprintIsFound(
        _ seed: UInt64
    ) throws {
        var random = SeededGenerator(seed)
        let model = Model(cutEntries: Int.random(in: 1...100, using: &random))
        for step in 0..<3000 {
            model.append(someFingerprint(&random))
            if model.index.wantsCut { model.cut(behind: UInt64(min(3, step % 5))) }
            if step % 701 == 700 { try model.check("step \(step)") }
            if step % 997 == 996 { model.reopen() }
        }
        try model.check()
        model.reopen()
        try model.check("after reopening")
        #expect(model.index.runEnd > 2500)
    }

    @Test func aNewFingerprintHasNoPosition() throws {
        var random = SeededGenerator(5)
        let model = Model(cutEntries: 500)
        for _ in 0..<3000 {
            model.append(random.next())
            if model.index.wantsCut { model.cut() }
        }
        for _ in 0..<20_000 { #expect(try model.positions(random.next()).isEmpty) }
    }

    @Test func theSearchEndsWhereTheCallerIsContent() throws {
        let model = Model(cutEntries: 10)
        for number in 0..<35 {
            model.append(fingerprint(number % 5 == 0 ? 77 : UInt64(number)))
            if model.index.wantsCut { model.cut() }
        }
        var asked = 0
        let found = try model.index.first(fingerprint(77)) {
            asked += 1
            return $0 == 15
        }
        #expect(found == 15 && asked <= 7)
    }

    /// One lead on more entries than fill a page, between others.
    @Test func equalLeadsMayFillPages() throws {
        let model = Model(cutEntries: 4000)
        for number in 0..<3000 {
            model.append(fingerprint(number % 3 == 0 ? UInt64(number) << 30 : 9 << 30))
        }
        model.cut()
        #expect(model.index.runEnd == 3000)
        let expected = (0..<3000).filter { $0 % 3 != 0 || $0 == 9 }.map { UInt64($0) }
        #expect(try model.positions(fingerprint(9 << 30)) == expected)
        for number in [0, 3, 6, 9, 12, 2997] {
            #expect(try model.positions(fingerprint(UInt64(number) << 30)).contains(UInt64(number)))
        }
    }

    @Test func runsStayFewAndEachIsWrittenOftenEnoughOnly() throws {
        var random = SeededGenerator(8)
        let model = Model(cutEntries: 10)
        var written = 0
        for _ in 0..<6000 {
            model.append(random.next())
            guard model.index.wantsCut else { continue }
            model.cut()
            written += model.index.runRanges.last?.count ?? 0
            #expect(model.index.runRanges.count <= IdentityIndex.runsMax)
            #expect(model.files.count == model.index.runRanges.count)
        }
        // 600 cuts on four levels of ratio 5.
        #expect(written < 16 * 6000, "entries were written \(Double(written) / 6000) times")
    }

    @Test func entriesAfterTheCutStayInMemory() throws {
        let model = Model(cutEntries: 10)
        for number in 0..<25 { model.append(fingerprint(UInt64(number % 7))) }
        model.cut(behind: 4)
        #expect(model.index.runEnd == 21)
        try model.check()
        for number in 0..<25 { model.append(fingerprint(UInt64(number % 7))) }
        try model.check()
    }

    /// The background thread works while the owner goes on.
    @Test func questionsAreAnsweredWhileARunIsWritten() throws {
        var random = SeededGenerator(11)
        let model = Model(cutEntries: 200)
        for step in 0..<20_000 {
            model.append(fingerprint(random.next() >> 40))
            if model.index.wantsCut {
                model.index.cut(at: model.index.next, chain: Model.chain(model.index.next))
            }
            if step % 50 == 0, let some = model.fingerprints.randomElement(using: &random) ?? nil {
                #expect(try !model.positions(some).isEmpty)
            }
        }
        try model.check()
        model.reopen()
        try model.check()
    }

    /// Statistical: the filters of four runs together, each by its own seeds.
    @Test func aForeignFingerprintSeldomCostsARead() throws {
        var random = SeededGenerator(21)
        let model = Model(cutEntries: 2000)
        for _ in 0..<80_000 {
            model.append(random.next())
            if model.index.wantsCut { model.cut() }
        }
        #expect(model.index.runRanges.count >= 2)
        let before = model.system.count(of: .read)
        let questions = 400_000
        for _ in 0..<questions { _ = try model.index.first(random.next()) { _ in false } }
        let reads = model.system.count(of: .read) - before
        // At most 4 runs of 2^-16: 24 are expected at most, and 1 in 10,000 is promised.
        #expect(reads <= questions / 10_000)
        #expect(reads > 0, "a filter that never errs is not asked")
    }

    @Test func aFilterTakesTwentyBitsAKey() throws {
        var random = SeededGenerator(22)
        let model = Model(cutEntries: 200_000)
        for _ in 0..<200_000 { model.append(random.next()) }
        model.cut()
        let size = model.files.first.flatMap {
            model.system.disk.size(of: Model.directory + "/" + $0)
        }
        // 40 bits of a lead inside its page, 18 of a position, 20 of filter.
        let bits = 40 + 18 + 20 + 1
        #expect((size ?? .max) < 200_000 * bits / 8)
    }
}

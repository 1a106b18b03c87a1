import Bytes
import Platform
import SegmentedLog
import SimulatedFileSystem
import Testing

/// The order of the calls that change the disk is what recovery relies on, so it is written down: who
/// changes it changes this test, knowingly.
struct CallOrderTests {
    /// Runs `body` and gives its mutating calls, repeated ones once with their count.
    private func calls(
        of system: SimulatedFileSystem, _ body: () throws -> Void
    ) rethrows -> [String] {
        var lines: [(text: String, count: Int)] = []
        system.beforeEachCall { call in
            guard call.isMutating else { return }
            let isInside = call.path.hasPrefix(CrashRun.directory + "/")
            let name = isInside ? call.path.dropFirst(CrashRun.directory.count) : call.path[...]
            let text = "\(call.call.rawValue) \(name)"
            if lines.last?.text == text {
                lines[lines.count - 1].count += 1
            } else {
                lines.append((text, 1))
            }
        }
        try body()
        system.beforeEachCall { _ in }
        return lines.map { $0.count == 1 ? $0.text : "\($0.text) × \($0.count)" }
    }

    private func demand(
        _ system: SimulatedFileSystem, _ body: () throws -> Void, _ expected: [String],
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let found = try calls(of: system, body)
        #expect(
            found.joined(separator: "\n") == expected.joined(separator: "\n"),
            sourceLocation: location)
    }

    @Test func theLifeOfAStoreCallByCall() throws {
        let run = CrashRun(records: false)
        let system = run.system
        let one = "W-0000000000000001"
        let two = "W-0000000000000002"
        let superblock = [
            "write /SUPER × 2", "fdatasync /SUPER", "write /SUPER × 2", "fdatasync /SUPER",
        ]
        try demand(
            system, { try run.open(seed: 1) },
            [
                "mkdir /data/store", "syncDirectory /data", "mkdir /wal", "mkdir /seg",
                "mkdir /manifest", "mkdir /quarantine",
                "create /LOCK", "syncDirectory /data/store × 2", "syncDirectory /wal",
                "syncDirectory /seg", "syncDirectory /manifest",
                "create /wal/\(one)", "write /wal/\(one)", "fsync /wal/\(one)",
                "syncDirectory /wal", "write /wal/\(one)", "fdatasync /wal/\(one)",
                "create /manifest/M-0000000000000001", "write /manifest/M-0000000000000001",
                "fsync /manifest/M-0000000000000001", "write /manifest/M-0000000000000001",
                "fdatasync /manifest/M-0000000000000001", "write /manifest/M-0000000000000001",
                "fdatasync /manifest/M-0000000000000001", "syncDirectory /manifest",
                "unlink /SUPER.new", "create /SUPER.new", "write /SUPER.new", "fsync /SUPER.new",
                "rename /SUPER.new", "syncDirectory /data/store",
            ])
        let commit = ["write /wal/\(one)", "fdatasync /wal/\(one)"]
        try demand(system, { try run.commit() }, commit)
        // The segment is half full by then, so the next one is made as well.
        try demand(
            system, { try run.log?.maintain() },
            commit + superblock + [
                "create /wal/\(two)", "write /wal/\(two)", "fsync /wal/\(two)",
                "syncDirectory /wal",
            ])
        try demand(system, { try run.log?.maintain() }, [])
        try demand(
            system, { try run.commit() },
            commit + [
                "write /wal/\(two)", "fdatasync /wal/\(two)",
                "write /manifest/M-0000000000000001", "fdatasync /manifest/M-0000000000000001",
            ] + superblock + ["write /wal/\(two)", "fdatasync /wal/\(two)"])
        try demand(
            system, { try run.log?.close() },
            [
                "write /wal/\(two)", "fdatasync /wal/\(two)",
                "write /manifest/M-0000000000000001", "fdatasync /manifest/M-0000000000000001",
            ] + superblock)
    }

    /// A new sealed file is whole and durable, name and all, before the one edit that lists it; the files
    /// whose place it takes go only behind that edit.
    @Test func sealingAndMergingCallByCall() throws {
        let store = try SealedStore()
        func wal(_ id: Int) -> String { "/wal/W-000000000000000\(id)" }
        func seg(_ id: Int) -> String { "/seg/S-000000000000000\(id)" }
        let manifest = "/manifest/M-0000000000000001"
        let edit = ["write \(manifest)", "fdatasync \(manifest)"]
        for id in 1...2 {
            try store.commit(id)
            store.log.sealing.wantRoll()
            try store.log.maintain()
            try demand(
                store.system, { _ = try store.log.sealNow(now: 0, everything: true) },
                // Header, one block, four sections, trailer.
                [
                    "create \(seg(id))", "write \(seg(id)) × 7", "fsync \(seg(id))",
                    "syncDirectory /seg",
                ]
                    + edit + ["unlink \(wal(id))"])
        }
        try demand(
            store.system, { _ = try store.log.sealNow(now: 0, everything: true) },
            ["create \(seg(3))", "write \(seg(3)) × 7", "fsync \(seg(3))", "syncDirectory /seg"]
                + edit + ["unlink \(seg(1))", "unlink \(seg(2))"])
        // Several rows go with one edit.
        for _ in 0..<2 {
            try store.commit(3)
            store.log.sealing.wantRoll()
            try store.log.maintain()
        }
        try demand(
            store.system, { _ = try store.log.sealNow(now: 0, everything: true) },
            ["create \(seg(4))", "write \(seg(4)) × 7", "fsync \(seg(4))", "syncDirectory /seg"]
                + edit + ["unlink \(wal(3))", "unlink \(wal(4))"])
        try demand(store.system, { _ = try store.log.sealNow(now: 0, everything: false) }, [])
    }
}

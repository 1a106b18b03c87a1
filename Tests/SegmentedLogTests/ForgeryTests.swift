import Bytes
import Platform
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// Bytes that would pass if only one of salt, own offset and checksum were missing.
struct ForgeryTests {
    private let segment = CrashRun.directory + "/wal/W-0000000000000001"

    private func open(_ system: SimulatedFileSystem) throws -> SegmentedLog {
        var options = CrashRun.options()
        options.segmentBytesFirst = 64 << 10
        return try SegmentedLog.open(
            directory: CrashRun.directory, fileSystem: system, options: options)
    }

    /// A client that knows the format sends a record that looks like a frame, and the power fails so
    /// that just the block with it survives. Only the salt tells it from a frame.
    @Test func aRecordThatImitatesAFrameIsNotTakenForOne() throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let log = try open(system)
        var frame = FrameBuilder()
        frame.append { $0.append([1, 2, 3]) }
        _ = try log.append(&frame, commitTime: 1)
        let start = log.active.end
        var forged = ByteBuffer()
        forged.appendZeros(FrameHeader.byteCount)
        let header = FrameHeader(
            kind: .entries, salt: 0, offset: start + 4096, firstPosition: log.nextPosition,
            count: 1, payloadBytes: 4, commitTime: log.lastCommitTime, chainBefore: log.chain,
            payloadChecksum: CRC32C.masked(of: [0, 0, 0, 0].raw))
        header.encode(into: &forged)
        let bytes = forged.copyBytes(in: 0..<FrameHeader.byteCount)
        frame.reset()
        frame.append { buffer in
            buffer.appendZeros(4096 - FrameHeader.byteCount)
            buffer.append(bytes)
        }
        _ = try log.append(&frame, commitTime: log.lastCommitTime)
        var disk = system.disk.afterPowerCut(.nothing)
        disk.damage(segment, at: start, [UInt8](repeating: 0, count: 4096))
        let survivor = try #require(disk.contents(of: segment))
        #expect(Array(survivor[(start + 4096)..<(start + 4100)]) == Array("DBK1".utf8))
        let again = try open(SimulatedFileSystem(disk))
        #expect(again.recovery.foundTornTail)
        #expect(again.nextPosition == 1)
    }

    /// A device that writes a block twice, at the right place and behind it: a fence there has the right
    /// position, chain and time, and only its own offset tells.
    @Test func aFrameInTheWrongPlaceIsDamage() throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let log = try open(system)
        var frame = FrameBuilder()
        frame.append { $0.append([1, 2, 3]) }
        _ = try log.append(&frame, commitTime: 1)
        try log.maintain()
        let end = log.active.end
        var disk = system.disk.afterPowerCut(.nothing)
        let whole = try #require(disk.contents(of: segment))
        disk.damage(segment, at: end, Array(whole[(end - 4096)..<end]))
        let failure = #expect(throws: LogFailure.self) {
            _ = try open(SimulatedFileSystem(disk))
        }
        #expect(failure?.kind == .damaged && failure?.offset == end)
    }

    /// Each field of a sound frame changed together with its checksum: what is left to notice it.
    @Test func aFrameThatContradictsTheOnesBeforeIsDamage() throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let log = try open(system)
        var frame = FrameBuilder()
        for number: UInt8 in 1...3 {
            frame.reset()
            frame.append { $0.append([number, 2, 3]) }
            _ = try log.append(&frame, commitTime: 1000)
        }
        let disk = system.disk.afterPowerCut(.nothing)
        let bytes = try #require(disk.contents(of: segment))
        let start = FileHeader.byteCount + LogLimits.blockBytes
        let block = Array(bytes[start..<(start + LogLimits.blockBytes)])
        let sound = try FrameHeader.decode(
            block.raw.extracting(0..<FrameHeader.byteCount), salt: nil)
        let changes: [(String, (inout FrameHeader) -> Void)] = [
            ("position", { $0.firstPosition += 1 }),
            ("earlier position", { $0.firstPosition -= 1 }),
            ("count", { $0.count = 0 }), ("chain", { $0.chainBefore = .zero }),
            ("time", { $0.commitTime = 999 }), ("offset", { $0.offset += 4096 }),
            ("kind", { $0.kind = .edits }), ("fence with entries", { $0.kind = .fence }),
            ("length", { $0.payloadBytes = LogLimits.framePayloadBytesMax + 1 }),
            ("beyond the file", { $0.payloadBytes = 60 << 10 }),
        ]
        for (name, change) in changes {
            var header = sound
            change(&header)
            var changed = ByteBuffer()
            changed.append(block)
            header.encode(into: &changed)
            var bad = disk
            bad.damage(segment, at: start, changed.copyBytes(in: 0..<LogLimits.blockBytes))
            let failure = #expect(throws: LogFailure.self, "\(name)") {
                _ = try open(SimulatedFileSystem(bad))
            }
            #expect(failure?.kind == .damaged && failure?.offset == start, "\(name)")
        }
    }
}

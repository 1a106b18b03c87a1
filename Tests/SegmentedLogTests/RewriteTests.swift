import Bytes
import Foundation
import SegmentedLog
import SimulatedFileSystem
import Testing

/// A sealed segment that is written again without some bytes, and files that become one while they are
/// verified.
@Suite struct RewriteTests {
    private static let secret = Array("Zx9-Quartz.Jock+Vex7@nymph-waltz.example".utf8)

    private static func append(_ log: SegmentedLog, _ records: [[UInt8]]) throws {
        var frame = FrameBuilder()
        for record in records { frame.append { $0.append(record) } }
        _ = try log.append(&frame, commitTime: 1_000)
    }

    /// A log of 30 commits, of which every tenth has a record that can be redacted.
    private static func filled(_ system: SimulatedFileSystem) throws -> SegmentedLog {
        let log = try CrashRun.open(system)
        for number in 0..<30 {
            let marked = [0xEE, 0xEE] + secret + [UInt8(number)]
            try append(log, [[1, UInt8(number)], number % 10 == 3 ? marked : [2, 3], [4]])
        }
        log.sealing.wantRoll()
        try log.maintain()
        return log
    }

    private static func holders(_ system: SimulatedFileSystem) -> [String] {
        let disk = system.disk
        return disk.files.filter { disk.contents(of: $0)?.firstRange(of: secret) != nil }
    }

    @Test func theNewFileHasTheSameProofAndNotTheBytes() throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let log = try Self.filled(system)
        while try log.sealNow(now: 0, everything: true) != nil {}
        let chains = try (0...30).map { try log.reader.chain(at: Position($0 * 3)) }
        #expect(Self.holders(system).count == 1)
        let read = try log.reader.withRecord(at: 10) { bytes, _ in bytes.makeArray() }
        #expect(read.count > 40)
        let only: Sealer.Redaction = { (position, _, record, buffer) throws(DecodeFailure) in
            position == 10 ? try PlainCodec.redact(record, &buffer) : false
        }
        let first = try log.rewriteNow(at: 10, redaction: only)
        #expect(first.positions == 0..<90 && first.filesReplaced == 1 && first.work == .rewriting)
        // What was read before is not given again.
        let left = try log.reader.withRecord(at: 10) { bytes, _ in bytes.makeArray() }
        #expect(left.count < read.count)
        #expect(Self.holders(system).count == 1)
        let all: Sealer.Redaction = { (_, _, record, buffer) throws(DecodeFailure) in
            try PlainCodec.redact(record, &buffer)
        }
        _ = try log.rewriteNow(at: 0, redaction: all)
        #expect(Self.holders(system) == [])
        for (number, chain) in chains.enumerated() {
            #expect(try log.reader.chain(at: Position(number * 3)) == chain)
        }
        #expect(try log.reader.scrub(.entries) { _, _ in } == 30)
        #expect(throws: LogFailure.self) { try log.rewriteNow(at: 90, redaction: all) }
        try log.close()
        let again = try CrashRun.open(SimulatedFileSystem(system.disk), seed: 2)
        #expect(try again.reader.scrub(.entries) { _, _ in } == 30)
        try again.close()
    }

    /// Rows of which some are verified become one sealed file: it is verified, and nothing is called
    /// damage.
    @Test func verifyingGoesBackWhereFilesBecomeOne() throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let log = try Self.filled(system)
        for number in 0..<30 { try Self.append(log, [[9, UInt8(number)]]) }
        log.sealing.wantRoll()
        try log.maintain()
        var calls = 0
        var sealings = 0
        let commits = try log.reader.scrub(.entries) { _, _ in
            calls += 1
            guard calls == 2 else { return }
            do {
                while try log.sealNow(now: 0, everything: true) != nil { sealings += 1 }
            } catch { Issue.record("\(error)") }
        }
        #expect(sealings > 0 && commits == 60)
        try log.close()
    }
}

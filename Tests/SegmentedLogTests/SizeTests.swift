import Bytes
import Platform
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// Sizes at the edges: of records, of frames, of segments.
struct SizeTests {
    private func open(_ system: SimulatedFileSystem, first: Int = 16 << 10) throws -> SegmentedLog {
        var options = CrashRun.options()
        options.segmentBytesFirst = first
        options.segmentBytesMax = first
        return try SegmentedLog.open(
            directory: CrashRun.directory, fileSystem: system, options: options)
    }

    /// Commits one frame, stops in order, and reads it back from the disk.
    private func roundTrip(_ sizes: [Int]) throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let log = try open(system)
        var frame = FrameBuilder()
        for (index, size) in sizes.enumerated() {
            demandRoom(frame, size, true)
            frame.append { buffer in
                buffer.append([UInt8](repeating: UInt8(truncatingIfNeeded: index + 1), count: size))
            }
        }
        let receipt = try log.append(&frame, commitTime: 7)
        #expect(Int(receipt.count) == sizes.count)
        // The builder's own records stay readable after the commit.
        for (index, size) in sizes.enumerated() where index % 1000 == 0 {
            let count = frame.record(index).byteCount
            #expect(count == size)
        }
        try log.close()
        let opened = try LogReader.openReadOnly(
            directory: CrashRun.directory, fileSystem: SimulatedFileSystem(system.disk),
            codec: PlainCodec())
        var cursor = try opened.reader.cursor(from: 0)
        let hasCommit = try cursor.next()
        #expect(hasCommit)
        #expect(Int(cursor.header.count) == sizes.count)
        for (index, size) in sizes.enumerated() where index % 97 == 0 || size > 1000 {
            let record = cursor.record(index).makeArray()
            #expect(
                record == [UInt8](repeating: UInt8(truncatingIfNeeded: index + 1), count: size))
        }
        let hasMore = try cursor.next()
        #expect(!hasMore)
        #expect(cursor.chainAfter == receipt.chain)
    }

    /// Frames whose bytes end around the borders of blocks: 96 of header, 4 of directory a record.
    @Test(arguments: [
        [0], [1], [0, 0, 0], [3995], [3996], [3997], [4096 * 2 - 100], [4096 * 2 - 99],
        [0, 3992], [LogLimits.recordBytesMax], [LogLimits.framePayloadBytesMax - 4],
        [600_000, 448_560], [1, 0, 1],
    ])
    func recordsOfAllSizesComeBack(_ sizes: [Int]) throws { try roundTrip(sizes) }

    @Test func aFrameOfManyEmptyRecordsComesBack() throws {
        try roundTrip([Int](repeating: 0, count: LogLimits.recordsPerFrameMax))
    }

    private func demandRoom(_ frame: borrowing FrameBuilder, _ bytes: Int, _ expected: Bool) {
        let hasRoom = frame.hasRoom(for: bytes)
        #expect(hasRoom == expected, "\(bytes) bytes")
    }

    @Test func aBuilderKnowsWhenItIsFull() {
        var frame = FrameBuilder()
        demandRoom(frame, LogLimits.recordBytesMax, true)
        demandRoom(frame, LogLimits.framePayloadBytesMax - 4, true)
        demandRoom(frame, LogLimits.framePayloadBytesMax - 3, false)
        frame.append { $0.appendZeros(LogLimits.framePayloadBytesMax - 8 - 10) }
        demandRoom(frame, 10, true)
        demandRoom(frame, 11, false)
        frame.append { $0.appendZeros(10) }
        demandRoom(frame, 0, false)
        let (count, bytes) = (frame.count, frame.byteCount)
        #expect(count == 2 && bytes == LogLimits.framePayloadBytesMax - 8)
        frame.reset()
        demandRoom(frame, LogLimits.recordBytesMax, true)
        for _ in 0..<LogLimits.recordsPerFrameMax { frame.append { _ in } }
        demandRoom(frame, 0, false)
    }

    @Test func aRecordBeyondTheRoomIsAProgrammersError() async {
        await #expect(processExitsWith: .failure) {
            var frame = FrameBuilder()
            frame.append { $0.appendZeros(LogLimits.framePayloadBytesMax) }
        }
    }

    /// Bytes that a frame leaves before the reserved seal: none, less than a header, less than a block,
    /// and a whole block. The frame after must come into the next segment, or into the rest.
    @Test(arguments: [0, 1, 96, 4095, 4096, 4097, 8192]) func aSegmentIsFilledExactly(
        _ left: Int
    ) throws {
        let capacity = 64 << 10
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let log = try open(system, first: capacity)
        let room = capacity - FileHeader.byteCount - LogLimits.blockBytes
        var frame = FrameBuilder()
        frame.append { $0.appendZeros(room - left - FrameHeader.byteCount - 4) }
        _ = try log.append(&frame, commitTime: 1)
        let blocksLeft = left / LogLimits.blockBytes
        #expect(log.active.room == (blocksLeft + 1) * LogLimits.blockBytes)
        try log.maintain()
        for number in 0..<3 {
            frame.reset()
            frame.append { $0.append(UInt8(number)) }
            _ = try log.append(&frame, commitTime: 1)
            #expect(log.active.room >= LogLimits.blockBytes)
        }
        let disk = system.disk.afterPowerCut(.nothing)
        let after = try open(SimulatedFileSystem(disk), first: capacity)
        #expect(after.nextPosition == 4)
        #expect(after.chain == log.chain)
        try after.close()
    }

    /// Positions near the end of their range, which no test can reach by writing.
    @Test func positionsThatOverflowAreRefused() throws {
        var header = FrameHeader(
            kind: .entries, salt: 1, offset: 4096, firstPosition: .max - 1, count: 1,
            payloadBytes: 4, commitTime: 0, chainBefore: .zero, payloadChecksum: 0)
        var bytes = ByteBuffer()
        bytes.appendZeros(FrameHeader.byteCount)
        func decode() throws(FrameFault) -> FrameHeader {
            header.encode(into: &bytes)
            return try FrameHeader.decode(bytes.bytes, salt: 1)
        }
        #expect(try decode().nextPosition == .max)
        header.count = 2
        header.payloadBytes = 8
        #expect(throws: FrameFault.self) { try decode() }
        header.count = 1
        header.offset = 1 << 40
        #expect(try decode().offset == 1 << 40)
    }
}

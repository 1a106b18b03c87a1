import Bytes
import Platform
import SegmentedLog
import Testing

/// The log on the real file system: what goes in comes out, now and after a start.
struct LogTests {
    @Test func entriesComeBackInOrderAfterAStart() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let system = SystemFileSystem()
        var receipts: [CommitReceipt] = []
        var options = LogOptions()
        options.segmentBytesFirst = 64 << 10
        options.segmentBytesMax = 256 << 10
        for round in 0..<3 {
            let log = try SegmentedLog.open(
                directory: folder.path, fileSystem: system, options: options)
            #expect(log.recovery.isNew == (round == 0))
            #expect(log.nextPosition == Position(round * 300))
            if let last = receipts.last { #expect(log.chain == last.chain) }
            var frame = FrameBuilder()
            for commit in 0..<100 {
                frame.reset()
                for index in 0..<3 {
                    let position = round * 300 + commit * 3 + index
                    frame.append { $0.append(Sample.bytes(of: Position(position))) }
                }
                receipts.append(try log.append(&frame, commitTime: Int64(round * 100 + commit)))
            }
            try log.maintain()
            try log.close()
        }
        let opened = try LogReader.openReadOnly(
            directory: folder.path, fileSystem: system, codec: PlainCodec())
        var cursor = try opened.reader.cursor(from: 0)
        var position: Position = 0
        var frames = 0
        while try cursor.next() {
            #expect(cursor.header.firstPosition == position)
            for index in 0..<Int(cursor.header.count) {
                let bytes = cursor.record(index).makeArray()
                #expect(bytes == Sample.bytes(of: position))
                position += 1
            }
            #expect(cursor.chainAfter == receipts[frames].chain)
            frames += 1
        }
        #expect(position == 900 && frames == 300)
        for position: Position in [0, 1, 299, 300, 450, 899] {
            let bytes = try opened.reader.withRecord(at: position) { record, _ in record.makeArray()
            }
            #expect(bytes == Sample.bytes(of: position))
        }
        #expect(try opened.reader.scrub { _, _ in } == 300)
    }
}

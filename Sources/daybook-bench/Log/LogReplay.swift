import ArgumentParser
import Bytes
import Codec
import Platform
import Projections
import SegmentedLog

/// Reading the whole log again, on one core.
struct LogReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Entries per second out of sealed segments: decoded, and folded into books.",
        discussion: """
            One thread reads all entries in order. "decoded" gives each entry as its canonical record; \
            "folded" also applies it to fresh books, as a start without a snapshot and `verify` do.
            """)

    @OptionGroup var place: StoreChoice
    @Option(help: "Passes of each, of which the median is printed.") var passes = 5
    @Flag(help: "Only decode.") var decodeOnly = false
    @Flag(help: "Only fold.") var foldOnly = false

    func run() throws {
        try place.run { data, _ in
            let log = try LogReader.openReadOnly(
                directory: data, fileSystem: SystemFileSystem(), codec: RecordCodec())
            let reader = log.reader
            let entries = Int(reader.durablePosition)
            print(
                "replay: \(entries) entries, \(reader.sealedPosition) of them sealed, "
                    + "\(passes) passes")
            if !foldOnly { try measure("decoded", entries) { try Self.decode(reader) } }
            if !decodeOnly { try measure("folded", entries) { try Self.fold(reader) } }
            withExtendedLifetime(log) {}
        }
    }

    private func measure(_ name: String, _ entries: Int, _ pass: () throws -> Int) throws {
        let effort = Effort()
        let times = try Times.of(passes) { _ in
            guard try pass() == entries else { throw BenchFailure("entries are missing") }
        }
        let rate = Double(entries) / Double(times.median) * 1e9
        let cpu = effort.cpuSeconds / Double(entries * passes) * 1e6
        print(
            "  \(name.padded(to: 18))\(Int(rate)) entries/s, "
                + "\(Times.millis(times.median)) ms, \(Stopwatch.two(cpu)) CPU s per million")
    }

    /// - Returns: the entries that were seen.
    private static func decode(_ reader: LogReader) throws -> Int {
        var cursor = try reader.cursor(from: 0)
        var entries = 0
        var bytes = 0
        while try cursor.next() {
            let count = Int(cursor.header.count)
            for index in 0..<count { bytes &+= cursor.record(index).byteCount }
            entries += count
        }
        guard bytes > 0 else { throw BenchFailure("the log is empty") }
        return entries
    }

    /// - Returns: the entries that were applied.
    private static func fold(_ reader: LogReader) throws -> Int {
        var books = Books(key: SipKey(k0: 1, k1: 2))
        var cursor = try reader.cursor(from: 0)
        while try cursor.next() {
            let header = cursor.header
            for index in 0..<Int(header.count) {
                let record = try RecordView(record: cursor.record(index))
                let stale = try books.apply(
                    record, outcome: try record.outcome(), recordedAt: header.commitTime)
                guard stale.isEmpty || books.position == 1 else {
                    throw BenchFailure("the catalog changed at \(books.position)")
                }
            }
        }
        return Int(books.position)
    }
}

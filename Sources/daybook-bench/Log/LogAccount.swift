import ArgumentParser
import Bytes
import Codec
import Platform
import SegmentedLog

/// All entries of one account among very many.
struct LogAccount: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account",
        abstract: "How long it takes to read all entries of one account.",
        discussion: """
            Takes the account whose number of entries is nearest to --entries and reads all of them \
            through the postings, warm, again and again.
            """)

    @OptionGroup var place: StoreChoice
    @Option(help: "Entries that the account should have.") var entries = 1_000
    @Option(help: "Calls that are timed.") var calls = 50

    func run() throws {
        try place.run { data, _ in
            let log = try LogReader.openReadOnly(
                directory: data, fileSystem: SystemFileSystem(), codec: RecordCodec())
            let reader = log.reader
            let end = reader.durablePosition
            let (account, count) = try choose(reader)
            func read() throws {
                var seen = 0
                try account.withBytes { name in
                    try reader.forEachEntry(of: name, before: end) { _, _, _ in seen += 1 }
                }
                guard seen == count else {
                    throw BenchFailure("\(account) has \(count) entries, \(seen) were found")
                }
            }
            for _ in 0..<3 { try read() }
            let effort = Effort()
            let times = try Times.of(calls) { _ in try read() }
            let cpu = Times.millis(Int64(effort.cpuSeconds * 1e9 / Double(calls)))
            let storage = try reader.storage()
            print("account: \(count) entries of \(account) among \(end), \(calls) calls")
            print(
                "  all its entries   p50 \(Times.millis(times.median)) ms, "
                    + "p99 \(Times.millis(times.at(990))) ms, CPU \(cpu) ms")
            print(
                "  sealed segments   \(storage.sealedSegments), "
                    + "\(storage.rowEntries) entries in rows")
            withExtendedLifetime(log) {}
        }
    }

    /// The account with about as many entries as asked for; of equals, the first by name.
    private func choose(_ reader: LogReader) throws -> (name: String, count: Int) {
        var counts: [String: Int] = [:]
        var cursor = try reader.cursor(from: 0)
        while try cursor.next() {
            for index in 0..<Int(cursor.header.count) {
                let record = try RecordView(record: cursor.record(index))
                guard let subject = record.subject else { continue }
                counts[String(decoding: subject.makeArray(), as: UTF8.self), default: 0] += 1
            }
        }
        let nearest = counts.min { left, right in
            (abs(left.value - entries), left.key) < (abs(right.value - entries), right.key)
        }
        guard let nearest else { throw BenchFailure("no entry has an account") }
        return (nearest.key, nearest.value)
    }
}

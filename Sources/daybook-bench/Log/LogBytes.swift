import ArgumentParser
import Engine
import Platform
import SegmentedLog

/// Bytes of an event in each form in which it stands on disk.
struct LogBytes: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bytes",
        abstract: "Bytes that an event takes on the disk.",
        discussion: """
            Records events without sealing and counts the rows; then seals and merges everything and \
            counts again. "Segments" are what replay reads: blocks, dictionaries, block indexes with \
            the roots of the proof tree, headers and trailers. All else is beside them.
            """)

    @Option(help: "Lines of events.") var events = 1_000_000
    @OptionGroup var choice: EventChoice
    @Option(help: "Folder for the store; removed afterwards.")
    var folder = "/tmp/daybook-bench-\(Platform.Process.identifier)"

    func run() throws {
        let files = Scratch(folder: folder)
        try files.make()
        defer { files.remove() }
        var options = Engine.Options(directory: files.data)
        options.log.sealBytes = .max
        let engine = try Engine.open(options)
        try engine.publishUsageCatalog()
        let counts = try StoreFilling(engine).fill(try choice.lines(events))
        let rows = try engine.reader.storage()
        _ = try engine.compact()
        let sealed = try engine.reader.storage()
        engine.close()
        print("bytes: \(counts.lines) lines, \(counts.recorded) recorded, \(choice.text)")
        let entries = Double(sealed.sealedEntries)
        func line(_ label: String, _ bytes: Int, _ count: Double? = nil) {
            let name = label.padded(to: 22)
            print("  \(name)\(Stopwatch.two(Double(bytes) / (count ?? entries)))")
        }
        line("JSON lines", counts.bytes, Double(counts.lines))
        line("row segments", rows.rowBytes, Double(rows.rowEntries))
        line("segments", sealed.segmentBytes)
        line("- blocks", sealed.blockBytes)
        line("- dictionaries", sealed.dictionaryBytes)
        line("- indexes", sealed.indexBytes)
        line("- headers, trailers", sealed.frameworkBytes)
        line("postings", sealed.postingBytes)
        line("account chains", sealed.accountBytes)
        line("identity runs", try Scratch.bytes(in: files.data + "/dedupe"))
        line("snapshots", try Scratch.bytes(in: files.data + "/snapshots"))
    }
}

extension String {
    /// The text with spaces behind it, up to a width.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(2, width - count))
    }
}

extension Scratch {
    /// Bytes of all files directly in a directory; 0 if it is not there.
    static func bytes(in directory: String) throws -> Int {
        let files = SystemFileSystem()
        return try files.listIfPresent(directory).reduce(0) { sum, name in
            let file = try File.open(directory + "/" + name, .reading, files)
            defer { try? file.close() }
            return sum + (try file.size())
        }
    }
}

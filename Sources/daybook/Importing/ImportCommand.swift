import ArgumentParser
import Bytes
import Client
import Platform

/// `daybook import --map MAP FILE.csv`.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Turn the rows of a CSV file into events, by a map, and record them.",
        discussion: """
            The map says which column is what; docs/CATALOG.md describes it. Importing a file \
            again, or a longer version of it, counts nothing twice: a row's identity is made of \
            the columns that the map names, or of its content and how often that occurred before.

            Rows that are no events are named on standard error, line number first, and all \
            others are recorded. Ends with 65 if there was one.

            Example: daybook import --map azure-llm.yaml --account chat trace.csv
            """)

    @Argument(help: "A CSV file in UTF-8.") var file: String
    @Option(help: ArgumentHelp("The map, a YAML file.", valueName: "file")) var map: String
    @Option(help: ArgumentHelp("The account of all rows.", valueName: "name"))
    var account: String?
    @Flag(
        help: "Print the events on standard output instead of recording them. Needs no server.")
    var dryRun = false
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func validate() throws {
        if account?.isEmpty == true { throw ValidationError("--account must not be empty") }
    }

    func run() throws {
        let importMap = try ImportMap(file: map)
        let source = try LineSource(file)
        let plan = try RowPlan(
            importMap, columns: try Self.columns(importMap, source), account: account, file: file)
        let rows = RowStream(source: source, plan: plan)
        if dryRun {
            try print(rows)
            return
        }
        let path = try server.path()
        let queue = try BlockQueue()
        let reader = Thread.spawn(name: "rows") { rows.pour(into: queue) }
        let report = UploadReport(
            name: file, size: nil, json: format.json, badRows: rows.badRows)
        try report.run(to: path, from: queue)
        reader.join()
    }

    /// The columns' names: the map's, or the file's first line.
    private static func columns(_ map: ImportMap, _ source: LineSource) throws -> [String] {
        if let columns = map.columns { return columns }
        var reader = CSVReader(source, delimiter: map.delimiter)
        switch try reader.next() {
        case .record(let fields) where fields > 0:
            let bytes = reader.bytes
            return (0..<fields).map { String(decoding: bytes[reader.range($0)], as: UTF8.self) }
        case .problem(let message):
            throw CommandFailure(.rejected, "\(source.name):1: \(message)")
        case .record, .end:
            throw CommandFailure(
                .rejected, "\(source.name): the first line must name the columns; it is empty")
        }
    }

    private func print(_ rows: RowStream) throws {
        var output = Output()
        try rows.run { block in
            // The empty lines are for the server's numbering; a person does not need them.
            for line in block.split(separator: UInt8(ascii: "\n")) {
                try output.line(Array(line))
            }
            return !output.isReaderGone
        }
        try output.flush()
        let bad = rows.badRows.read { $0 }
        if bad > 0 {
            throw CommandFailure(.rejected, "\(bad) rows of \(file) are no events, see above")
        }
    }
}

/// The rows of a file as blocks of event lines.
///
/// The blocks have as many lines as the file: what is no event is an empty line, which the server
/// counts and ignores. So the line numbers in the server's answers are the file's own.
struct RowStream: Sendable {
    private static let blockBytes = 256 << 10

    let source: LineSource
    let plan: RowPlan
    /// Rows so far that were no events.
    let badRows = Monitor(0)

    /// Hands all rows over.
    func pour(into queue: BlockQueue) {
        do {
            try run { queue.put($0) }
            queue.finish()
        } catch let failure as SystemFailure {
            queue.finish(failure: "\(source.name): \(failure.reason)")
        } catch let failure as CommandFailure {
            queue.finish(failure: failure.message)
        } catch {
            queue.finish(failure: "\(source.name): \(error)")
        }
    }

    /// Reads all rows. - Parameter take: gets each block and says whether to go on.
    func run(_ take: ([UInt8]) throws -> Bool) throws {
        var reader = CSVReader(source, delimiter: plan.delimiter)
        var writer = RowWriter(plan)
        var block = ByteBuffer(capacity: 2 * Self.blockBytes)
        var isHeader = plan.hasHeader
        while true {
            var blankLines = 1
            switch try reader.next() {
            case .end:
                _ = try take(block.copyBytes(in: 0..<block.count))
                return
            case .problem(let message):
                blankLines = reader.lineCount
                report(reader.line, nil, message)
            case .record(let fields):
                blankLines = reader.lineCount
                if isHeader {
                    isHeader = false
                } else if fields > 0 {
                    do throws(RowWriter.BadRow) {
                        try writer.append(reader, fields: fields, to: &block)
                        blankLines -= 1
                    } catch {
                        report(reader.line, error.column, error.message)
                    }
                }
            }
            for _ in 0..<blankLines { block.append(UInt8(ascii: "\n")) }
            if block.count >= Self.blockBytes {
                guard try take(block.copyBytes(in: 0..<block.count)) else { return }
                block.clear()
            }
        }
    }

    private func report(_ line: Int, _ column: String?, _ message: String) {
        badRows.withLock { $0 += 1 }
        let place = column.map { "column \($0) " } ?? ""
        StandardError.line("\(line): \(place)\(message)")
    }
}

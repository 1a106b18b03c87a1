import Billing

/// A map applied to the columns that a file really has.
struct RowPlan: Sendable {
    /// Where a text of a row comes from.
    enum Source: Sendable {
        case field(Int)
        case constant(String)
    }

    /// One member of the event's data.
    enum Cell: Sendable {
        case constant(Value)
        case field(Int, ImportMap.Kind, isOptional: Bool)
    }

    let columns: [String]
    let hasHeader: Bool
    let delimiter: UInt8
    let name: String
    let type: Source
    let account: Source
    let time: Int
    let format: TimeFormat
    let identity: [Int]
    let data: [(name: String, cell: Cell)]

    /// - Parameters:
    ///   - columns: names of the file's columns, in order.
    ///   - account: the account given on the command line.
    /// - Throws: `CommandFailure` that names the columns that are missing.
    init(_ map: ImportMap, columns: [String], account: String?, file: String) throws {
        var missing: [String] = []
        func index(_ column: String) -> Int {
            let name = Self.trimmed(column)
            let places = columns.indices.filter { Self.trimmed(columns[$0]) == name }
            if places.count > 1 { missing.append("\"\(column)\" stands \(places.count) times") }
            if places.isEmpty { missing.append("\"\(column)\" is missing") }
            return places.first ?? 0
        }
        func source(_ origin: ImportMap.Origin) -> Source {
            switch origin {
            case .column(let column): .field(index(column))
            case .constant(let text): .constant(text)
            }
        }
        self.columns = columns
        hasHeader = map.columns == nil
        delimiter = map.delimiter
        name = map.name
        type = source(map.type)
        guard let origin = account.map({ .constant($0) }) ?? map.account else {
            throw CommandFailure(
                .usage, "whose events are these? Give --account NAME, or account: in the map")
        }
        self.account = source(origin)
        guard let column = map.timeColumn, let format = map.timeFormat else {
            throw CommandFailure(.rejected, "the map has no time")
        }
        time = index(column)
        self.format = format
        identity = map.identity.map(index)
        data = map.properties.map { property in
            switch property.content {
            case .constant(let value): (property.name, .constant(value))
            case .column(let column, let kind, let isOptional):
                (property.name, .field(index(column), kind, isOptional: isOptional))
            }
        }
        guard missing.isEmpty else {
            let found = columns.map { "\"\($0)\"" }.joined(separator: ", ")
            throw CommandFailure(
                .rejected,
                "\(file): column \(missing.joined(separator: "; column ")); the file has: \(found)"
            )
        }
    }

    private static func trimmed(_ text: String) -> Substring {
        var text = Substring(text)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}

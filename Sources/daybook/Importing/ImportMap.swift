import Billing
import Client

/// # How the rows of a CSV file become events
///
///     map: 1
///     name: azure-llm                 # first half of the events' source; the account is the other
///     type: llm.call
///     account: {column: Customer}     # or a text; or left out, with --account
///     time: {column: TIMESTAMP, format: "yyyy-MM-dd HH:mm:ss.fffffff", offset: "+01:00"}
///     id: [Order, Line]               # without it: the row's content and its repetition
///     data:
///       input_tokens: {column: ContextTokens, type: number}
///       model: {value: small}
///     delimiter: ";"
///     columns: [a, b]                 # for files without a header line
struct ImportMap: Sendable {
    /// Where a text comes from.
    enum Origin: Sendable, Equatable {
        case column(String)
        case constant(String)
    }

    /// What the text of a column is.
    enum Kind: String, Sendable, CaseIterable {
        case number, text, boolean
    }

    /// A property of the event's data.
    struct Property: Sendable {
        let name: String
        let content: Content

        enum Content: Sendable {
            case constant(Value)
            case column(String, Kind, isOptional: Bool)
        }
    }

    private(set) var name = ""
    private(set) var type = Origin.constant("")
    private(set) var account: Origin?
    private(set) var timeColumn: String?
    private(set) var timeFormat: TimeFormat?
    private(set) var identity: [String] = []
    private(set) var properties: [Property] = []
    private(set) var delimiter = UInt8(ascii: ",")
    private(set) var columns: [String]?

    /// Reads a map.
    /// - Throws: all problems at once, with their lines.
    init(file: String) throws {
        do {
            let document = try YAMLDocument(file: file)
            var reader = MapReader(document.value)
            self.init(reading: &reader)
            guard reader.problems.isEmpty else {
                throw document.problems(reader.problems, in: file)
            }
        } catch let problems as YAMLDocument.Problems {
            throw problems.failure
        }
    }

    private init(reading reader: inout MapReader) {
        let known = [
            "map", "name", "type", "account", "time", "id", "data", "delimiter", "columns",
        ]
        reader.check(reader.root, known, at: "")
        if reader.root["map"]?.integer != 1 {
            reader.add("map", "must be 1: the version of this format")
        }
        name = reader.text(reader.root["name"], at: "name") ?? ""
        type = reader.origin(reader.root["type"], at: "type") ?? type
        if let value = reader.root["account"] { account = reader.origin(value, at: "account") }
        readTime(&reader)
        if let value = reader.root["id"] { identity = reader.names(value, at: "id") }
        if let value = reader.root["columns"] { columns = reader.names(value, at: "columns") }
        readDelimiter(&reader)
        guard case .object(let members)? = reader.root["data"], !members.isEmpty else {
            reader.add("data", "a group of properties is needed: name: {column: C, type: number}")
            return
        }
        properties = members.compactMap { Self.property($0, &reader) }
    }

    private mutating func readTime(_ reader: inout MapReader) {
        guard let time = reader.root["time"] else {
            reader.add("time", "is missing: {column: C, format: rfc3339}")
            return
        }
        reader.check(time, ["column", "format", "offset"], at: "time")
        timeColumn = reader.text(time["column"], at: "time.column")
        guard let format = reader.text(time["format"], at: "time.format") else { return }
        let offset = time["offset"].flatMap { reader.text($0, at: "time.offset") }
        do throws(TimeFormat.Mismatch) {
            timeFormat = try TimeFormat(format, offset: offset)
        } catch {
            reader.add("time.format", error.message)
        }
    }

    private mutating func readDelimiter(_ reader: inout MapReader) {
        guard let value = reader.root["delimiter"] else { return }
        let text = value.text == "tab" ? "\t" : value.text ?? ""
        let bytes = Array(text.utf8)
        guard bytes.count == 1, let byte = bytes.first,
            ![UInt8(ascii: "\""), UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains(byte)
        else {
            reader.add("delimiter", "one character is needed, such as \";\", or the word tab")
            return
        }
        delimiter = byte
    }

    private static func property(
        _ member: Value.Member, _ reader: inout MapReader
    ) -> Property? {
        let path = "data.\(member.name)"
        reader.check(member.value, ["column", "type", "optional", "value"], at: path)
        if let constant = member.value["value"] {
            if member.value["column"] != nil {
                reader.add(path, "give column or value, not both")
            }
            return Property(name: member.name, content: .constant(constant))
        }
        guard let column = reader.text(member.value["column"], at: "\(path).column") else {
            return nil
        }
        let word = member.value["type"]?.text ?? "text"
        guard let kind = Kind(rawValue: word) else {
            let known = Kind.allCases.map(\.rawValue).joined(separator: ", ")
            reader.add("\(path).type", "\"\(word)\" is none of: \(known)")
            return nil
        }
        var isOptional = false
        if let value = member.value["optional"] {
            if let flag = value.flag {
                isOptional = flag
            } else {
                reader.add("\(path).optional", "true or false is needed")
            }
        }
        return Property(
            name: member.name, content: .column(column, kind, isOptional: isOptional))
    }
}

/// Reads a map's tree and collects what is wrong.
private struct MapReader {
    let root: Value
    private(set) var problems: [(path: String, message: String)] = []

    init(_ root: Value) { self.root = root }

    mutating func add(_ path: String, _ message: String) { problems.append((path, message)) }

    mutating func check(_ value: Value, _ known: [String], at path: String) {
        guard case .object(let members) = value else {
            add(path, "a group of keys is needed here")
            return
        }
        for member in members where !known.contains(member.name) {
            add(
                path.isEmpty ? member.name : "\(path).\(member.name)",
                "unknown key; known here: \(known.joined(separator: ", "))")
        }
    }

    mutating func text(_ value: Value?, at path: String) -> String? {
        if case .string(let text)? = value, !text.isEmpty { return text }
        add(path, value == nil ? "is missing" : "a text that is not empty is needed")
        return nil
    }

    mutating func names(_ value: Value, at path: String) -> [String] {
        let names = value.elements.compactMap(\.text)
        if names.isEmpty || names.count != value.elements.count || names.contains("") {
            add(path, "a list of column names is needed, such as [Order, Line]")
        }
        return names
    }

    mutating func origin(_ value: Value?, at path: String) -> ImportMap.Origin? {
        if case .object? = value, let value {
            check(value, ["column"], at: path)
            return text(value["column"], at: "\(path).column").map { .column($0) }
        }
        return text(value, at: path).map { .constant($0) }
    }
}

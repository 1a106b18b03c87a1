import Billing
import Bytes
import Client
import Codec
import Foundation
import Yams

/// # A YAML file as a tree of exact values
///
/// The core schema of YAML 1.2, without its surprises: a plain scalar is null, a truth value
/// (`true` and `false` only: `on`, `off`, `yes` and `no` are texts), a decimal number, or a text; a
/// quoted one is a text. Numbers never pass through floating point. Keys that stand twice, numbers
/// in other bases or with leading zeros, and tags of other types are refused with their place.
///
/// JSON is read too: by the JSON reader, so that its texts mean what JSON says.
struct YAMLDocument {
    /// The tree.
    let value: Value
    /// Where each path of the tree begins, by the paths that problems carry: `plans.free.name`.
    private let places: [String: Mark]

    private static let bytesMax = 1 << 20

    /// What is wrong with a file, and where.
    struct Problem: Error {
        let line: Int?
        let path: String
        let message: String

        /// `file:line: path: message`, the form that editors jump to.
        func text(_ file: String) -> String {
            let place = line.map { "\(file):\($0): " } ?? "\(file): "
            return place + (path.isEmpty ? message : "\(path): \(message)")
        }
    }

    /// Several problems of one file.
    struct Problems: Error {
        let file: String
        let list: [Problem]

        /// One line a problem, then how many there are.
        var failure: CommandFailure {
            for problem in list { StandardError.line(problem.text(file)) }
            let count = list.count == 1 ? "1 problem" : "\(list.count) problems"
            return CommandFailure(.rejected, "\(file): \(count), see above")
        }
    }

    /// Reads a file.
    /// - Throws: `Problems`, or a `CommandFailure` if the file cannot be read.
    init(file path: String) throws {
        let text = try Self.text(of: path)
        do {
            if path.hasSuffix(".json") {
                value = try ValueCoder.value(json: Array(text.utf8))
                places = (try? YAMLTree(text).places) ?? [:]
            } else {
                let tree = try YAMLTree(text)
                value = tree.value
                places = tree.places
            }
        } catch let problem as Problem {
            throw Problems(file: path, list: [problem])
        } catch let rejection as Rejection {
            throw Problems(
                file: path,
                list: [Problem(line: nil, path: rejection.field ?? "", message: rejection.message)])
        }
    }

    /// The problems of this document, each with the line of its path or of what holds it, from the top of
    /// the file to its end.
    func problems(_ list: [(path: String, message: String)], in file: String) -> Problems {
        let located = list.map { path, message in
            Problem(line: line(of: path), path: path, message: message)
        }
        // The sort is stable: problems of one line stay in the order in which they were found.
        return Problems(
            file: file, list: located.sorted { ($0.line ?? 0) < ($1.line ?? 0) })
    }

    /// The line on which a path begins; that of the nearest enclosing one for what is missing.
    func line(of path: String) -> Int? {
        var path = Substring(path)
        while true {
            if let mark = places[String(path)] { return mark.line }
            guard let cut = path.lastIndex(where: { $0 == "." || $0 == "[" }) else {
                return places[""]?.line
            }
            path = path[..<cut]
        }
    }

    private static func text(of path: String) throws -> String {
        let source = try LineSource(path)
        var bytes = ByteBuffer(capacity: 64 << 10)
        while bytes.count <= bytesMax {
            if try source.read(at: bytes.count, into: &bytes) == 0 { break }
        }
        guard bytes.count <= bytesMax else {
            throw CommandFailure(.rejected, "\(path): more than 1 MiB is no catalog and no map")
        }
        guard let text = bytes.bytes.makeString() else {
            throw CommandFailure(.rejected, "\(path): is not UTF-8 text")
        }
        return text
    }
}

/// The walk from Yams' nodes to values.
private struct YAMLTree {
    private static let nodesMax = 100_000
    private static let depthMax = 64

    var value = Value.null
    var places: [String: Mark] = [:]
    private var nodes = 0

    init(_ text: String) throws {
        let root: Node?
        do {
            root = try compose(yaml: text)
        } catch let error as YamlError {
            throw Self.problem(error)
        }
        guard let root else {
            throw YAMLDocument.Problem(line: nil, path: "", message: "the file is empty")
        }
        value = try read(root, path: "", depth: 0)
    }

    private mutating func read(_ node: Node, path: String, depth: Int) throws -> Value {
        if places[path] == nil { places[path] = node.mark }
        nodes += 1
        guard nodes <= Self.nodesMax, depth <= Self.depthMax else {
            throw problem(node, path, "the file is too large or too deep, aliases written out")
        }
        switch node {
        case .scalar(let scalar):
            do {
                return try YAMLScalar.value(scalar)
            } catch let error as YAMLScalar.Refusal {
                throw problem(node, path, error.message)
            }
        case .sequence(let sequence):
            return .array(
                try sequence.enumerated().map { index, item in
                    try read(item, path: "\(path)[\(index)]", depth: depth + 1)
                })
        case .mapping(let mapping): return try read(mapping, path: path, depth: depth)
        case .alias: throw problem(node, path, "an alias that leads nowhere")
        }
    }

    private mutating func read(
        _ mapping: Node.Mapping, path: String, depth: Int
    ) throws -> Value {
        var members: [(String, Value)] = []
        var seen: Set<String> = []
        for (key, node) in mapping {
            guard case .scalar(let scalar) = key else {
                throw problem(key, path, "a key must be a single word or text")
            }
            let name = scalar.string
            let place = path.isEmpty ? name : "\(path).\(name)"
            guard seen.insert(name).inserted else {
                throw problem(key, place, "the key \"\(name)\" stands twice")
            }
            places[place] = key.mark
            members.append((name, try read(node, path: place, depth: depth + 1)))
        }
        return .object(of: members)
    }

    private func problem(_ node: Node, _ path: String, _ message: String) -> YAMLDocument.Problem {
        YAMLDocument.Problem(
            line: node.mark?.line ?? places[path]?.line, path: path, message: message)
    }

    private static func problem(_ error: YamlError) -> YAMLDocument.Problem {
        switch error {
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let more = context.map { " (\($0.text))" } ?? ""
            return YAMLDocument.Problem(
                line: mark.line, path: "",
                message: "not YAML, column \(mark.column): \(problem)\(more)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            return YAMLDocument.Problem(
                line: context.mark.line, path: "",
                message: "the key \"\(duplicates.joined(separator: "\", \""))\" stands twice")
        default:
            return YAMLDocument.Problem(line: nil, path: "", message: "not YAML: \(error)")
        }
    }
}

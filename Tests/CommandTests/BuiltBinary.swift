import Foundation
import Testing

/// What a run of the built executable came to.
struct Ran {
    let status: Int32
    let output: String
    let errors: String

    var outputLines: [String] { output.split(separator: "\n").map(String.init) }
    var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
}

/// The executable under test, run as a person runs it.
enum BuiltBinary {
    static let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static var path: URL {
        if let path = ProcessInfo.processInfo.environment["DAYBOOK_BINARY"] {
            return URL(fileURLWithPath: path)
        }
        return top.appendingPathComponent(".build/debug/daybook")
    }

    /// Runs it. Output goes through files, so that no amount of it can block the process.
    static func run(
        _ arguments: [String], input: String? = nil, environment: [String: String] = [:],
        of program: URL = path
    ) throws -> Ran {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = top
        var variables = ProcessInfo.processInfo.environment
        variables["DAYBOOK_SOCKET"] = nil
        process.environment = variables.merging(environment) { _, new in new }
        let output = try folder.file("output")
        let errors = try folder.file("errors")
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        let given = try folder.file("input", input ?? "")
        process.standardInput = try FileHandle(forReadingFrom: given)
        try process.run()
        process.waitUntilExit()
        return Ran(
            status: process.terminationStatus,
            output: try String(contentsOf: output, encoding: .utf8),
            errors: try String(contentsOf: errors, encoding: .utf8))
    }
}

/// A folder that is gone when its owner is.
final class TemporaryFolder: Sendable {
    let url: URL

    init() throws {
        url = URL(fileURLWithPath: "/tmp/daybook-commands-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// Makes a file.
    func file(_ name: String, _ text: String = "") throws -> URL {
        try file(name, Data(text.utf8))
    }

    func file(_ name: String, _ bytes: Data) throws -> URL {
        let file = url.appendingPathComponent(name)
        try bytes.write(to: file)
        return file
    }
}

import Foundation

/// The repository that this test was built from, read once.
enum Repository {
    /// The folder that holds `Package.swift`.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Every text file that belongs to the project; build products and the version store left out.
    static let files: [SourceFile] = readFiles()

    /// The paths of every file, text or not.
    static let paths: [String] = listPaths()

    static func file(_ path: String) -> SourceFile? { files.first { $0.path == path } }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
    }

    private static func listPaths() -> [String] {
        let prefix = root.path + "/"
        guard
            let walk = FileManager.default.enumerator(
                at: root, includingPropertiesForKeys: [.isRegularFileKey])
        else { return [] }
        var found: [String] = []
        for case let url as URL in walk {
            let path = String(url.path.dropFirst(prefix.count))
            if isForeign(path) {
                walk.skipDescendants()
            } else if (try? url.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true
            {
                found.append(path)
            }
        }
        return found.sorted()
    }

    /// Folders and files that are made here but do not belong to the project.
    private static func isForeign(_ path: String) -> Bool {
        let first = path.split(separator: "/").first.map(String.init) ?? ""
        return first == ".git" || first.hasPrefix(".build") || first == "bench-results"
            || path == "Package.resolved" || path.contains("__pycache__")
    }

    private static func readFiles() -> [SourceFile] {
        paths.compactMap { path in
            let url = root.appendingPathComponent(path)
            guard let data = try? Data(contentsOf: url), data.count < 4_000_000,
                let text = String(data: data, encoding: .utf8)
            else { return nil }
            return SourceFile(path: path, text: text)
        }
    }
}

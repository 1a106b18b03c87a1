import Billing
import Client

/// A catalog as people write it, read and checked.
struct CatalogFile {
    let path: String
    let catalog: Catalog

    /// The canonical form: what is published and compared.
    var canonical: Value { catalog.value }

    /// Reads a YAML or JSON file.
    /// - Throws: all problems at once, with their lines.
    init(_ path: String) throws {
        self.path = path
        let document: YAMLDocument
        do {
            document = try YAMLDocument(file: path)
            switch Catalog.decode(document.value) {
            case .success(let catalog): self.catalog = catalog
            case .failure(let problems):
                throw document.problems(
                    problems.list.map { ($0.path, $0.message) }, in: path)
            }
        } catch let problems as YAMLDocument.Problems {
            throw problems.failure
        }
    }

    /// One line that says what is in it.
    var summary: String {
        func count(_ number: Int, _ word: String) -> String {
            "\(number) \(word)\(number == 1 ? "" : "s")"
        }
        let parts = [
            count(catalog.meters.count, "meter"), count(catalog.features.count, "feature"),
            count(catalog.plans.count, "plan"),
        ]
        return parts.joined(separator: ", ")
    }
}

/// What differs between two catalogs in their canonical form, by path.
enum CatalogDifference {
    /// One path that differs.
    struct Change {
        let path: String
        let before: Value?
        let after: Value?
    }

    /// All paths that differ, in the order of their names, down to single values.
    static func changes(from before: Value?, to after: Value?, at path: String = "") -> [Change] {
        let before = before == .null ? nil : before
        let after = after == .null ? nil : after
        if before == after { return [] }
        let names = Set(names(before) + names(after)).sorted()
        let isGroup = (before.map(isObject) ?? true) && (after.map(isObject) ?? true)
        guard isGroup, !names.isEmpty else {
            return [Change(path: path, before: before, after: after)]
        }
        return names.flatMap { name in
            changes(
                from: before?[name], to: after?[name],
                at: path.isEmpty ? name : "\(path).\(name)")
        }
    }

    private static func isObject(_ value: Value) -> Bool {
        if case .object = value { return true }
        return false
    }

    private static func names(_ value: Value?) -> [String] {
        guard case .object(let members)? = value else { return [] }
        return members.map(\.name)
    }
}

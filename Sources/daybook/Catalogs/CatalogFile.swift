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

    /// All paths that differ, in the order of their names. What is only on one side is one change,
    /// however much is below it.
    static func changes(from before: Value?, to after: Value?, at path: String = "") -> [Change] {
        let before = before == .null ? nil : before
        let after = after == .null ? nil : after
        if before == after { return [] }
        guard case .object(let left)? = before, case .object(let right)? = after else {
            return [Change(path: path, before: before, after: after)]
        }
        let names = Set(left.map(\.name)).union(right.map(\.name)).sorted()
        return names.flatMap { name in
            changes(
                from: before?[name], to: after?[name],
                at: path.isEmpty ? name : "\(path).\(name)")
        }
    }
}

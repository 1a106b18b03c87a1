import Billing
import Client

/// A catalog as people write it, read and checked.
struct CatalogFile {
    let path: String
    let catalog: Catalog

    /// The canonical form: what is published and compared.
    var canonical: Value { catalog.value }

    /// Reads a YAML or JSON file.
    /// - Parameter zones: gives the tables of the time zones that it names.
    /// - Throws: all problems at once, with their lines.
    init(_ path: String, zones: CatalogZones.Tables = TimeZoneFile.table(named:)) throws {
        self.path = path
        let document: YAMLDocument
        do {
            document = try YAMLDocument(file: path)
            let complete = CatalogZones(document.value, zones)
            var problems = complete.problems
            switch Catalog.decode(complete.value) {
            case .success(let catalog) where problems.isEmpty:
                self.catalog = catalog
                return
            case .success: break
            case .failure(let more):
                // That a zone has no table follows from there being none.
                let said = Set(problems.map(\.path))
                problems += more.list.filter { !said.contains($0.path) }
                    .map { ($0.path, $0.message) }
            }
            throw document.problems(problems, in: path)
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

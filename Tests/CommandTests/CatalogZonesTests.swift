import Billing
import Client
import Foundation
import Testing

@testable import daybook

/// Zones that a file names get their tables, and zones that there are not are named with their line.
@Suite struct CatalogZonesTests {
    private static let head = "catalog: 1\ncurrency: USD\n"
    private static let tables: CatalogZones.Tables = { name in
        guard name.hasPrefix("Europe/") else {
            throw CommandFailure(.rejected, "no zone is called \(name)")
        }
        return TimeZoneTable(
            name: name,
            transitions: [
                .init(from: 0, offset: 3600), .init(from: 1_774_746_000, offset: 7200),
            ])
    }

    private func catalog(_ text: String) throws -> Catalog {
        let folder = try TemporaryFolder()
        let file = try folder.file("c.yaml", Self.head + text)
        return try CatalogFile(file.path, zones: Self.tables).catalog
    }

    @Test(arguments: [
        ("timezones: [Europe/Berlin]\n", ["Europe/Berlin"]),
        ("timezones: [Europe/Paris, UTC, Europe/Berlin]\n", ["Europe/Berlin", "Europe/Paris"]),
        ("timezones: [UTC]\n", []), ("timezones: []\n", []), ("timezones:\n", []),
        ("plans: {p: {billing: {timezone: Europe/Rome}}}\n", ["Europe/Rome"]),
        ("plans: {p: {billing: {timezone: UTC}}}\n", []),
        (
            "timezones: [Europe/Rome]\nplans: {p: {billing: {timezone: Europe/Rome}}, "
                + "q: {billing: {timezone: Europe/Oslo}}}\n", ["Europe/Oslo", "Europe/Rome"]
        ),
        ("timezones: {Asia/Kolkata: [[0, 19800]]}\n", ["Asia/Kolkata"]),
    ])
    func namesGetTables(_ text: String, _ names: [String]) throws {
        #expect(try catalog(text).timezones.map(\.name) == names)
    }

    /// A table that the file has is not replaced by the machine's.
    @Test func aTableOfTheFileStays() throws {
        let catalog = try catalog(
            "timezones: {Europe/Rome: [[5, 60]]}\nplans: {p: {billing: {timezone: Europe/Rome}}}\n")
        #expect(catalog.timezones.map(\.transitions.count) == [1])
    }

    @Test(arguments: [
        ("timezones: [Europe/Berlin, Mars/Olympus]\n", "3: timezones[1]: no zone is called Mars"),
        (
            "plans:\n  p:\n    billing:\n      timezone: Mars/Olympus\n",
            "6: plans.p.billing.timezone: no zone is called Mars"
        ),
        ("timezones: 5\n", "3: timezones: a list of names"),
        ("timezones: [5]\n", "3: timezones: each entry is a name"),
    ])
    func whatIsNoZoneIsSaidOnce(_ text: String, _ expected: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.file("c.yaml", Self.head + text)
        let document = try YAMLDocument(file: file.path)
        let complete = CatalogZones(document.value, Self.tables)
        var problems = complete.problems.map { path, message in
            "\(document.line(of: path) ?? 0): \(path): \(message)"
        }
        if problems.isEmpty, case .failure(let more) = Catalog.decode(complete.value) {
            problems = more.list.map { "\(document.line(of: $0.path) ?? 0): \($0)" }
        }
        #expect(problems.count == 1 && problems[0].hasPrefix(expected), "\(problems)")
        #expect(throws: CommandFailure.self) {
            try CatalogFile(file.path, zones: Self.tables)
        }
    }
}

import Billing
import Foundation
import Money

/// The rows of a sheet in `Fixtures/billing`, by the names of their columns.
enum PeriodSheet {
    enum Fault: Error { case row(String) }

    struct Row: CustomStringConvertible, Sendable {
        let cells: [String: String]
        var description: String { cells["case"] ?? "?" }

        func text(_ column: String) throws -> String {
            guard let cell = cells[column] else { throw Fault.row("\(self): \(column)") }
            return cell
        }
        /// RFC 3339, in whole seconds.
        func time(_ column: String) throws -> Timestamp {
            try PeriodSheet.time(text(column))
        }
        func period(_ from: String, _ to: String) throws -> Period {
            try Period(start: time(from), end: time(to))
        }
        func quantity(_ column: String) throws -> Quantity {
            guard let quantity = try Quantity(text(column)) else { throw Fault.row("\(self)") }
            return quantity
        }
        func zone() throws -> TimeZoneTable {
            guard let zone = try Zones.all[text("zone")] else { throw Fault.row("\(self): zone") }
            return zone
        }
        /// `3 months` from an instant or `calendar`.
        func recurrence() throws -> Recurrence {
            let words = try text("every").split(separator: " ").map(String.init)
            let singular = words[1].hasSuffix("s") ? String(words[1].dropLast()) : words[1]
            guard let count = Int(words[0]), let unit = BillingCycle.Unit(rawValue: singular) else {
                throw Fault.row("\(self): every")
            }
            guard try text("anchor") != "calendar" else {
                return try .calendar(count: count, unit: unit, zone: zone())
            }
            return try Recurrence(
                count: count, unit: unit, anchor: time("anchor"), zone: zone())
        }
    }

    static func time(_ text: String) throws -> Timestamp {
        guard let date = ISO8601DateFormatter().date(from: text) else { throw Fault.row(text) }
        return Timestamp(nanoseconds: Int64(date.timeIntervalSince1970) * 1_000_000_000)
    }

    /// All rows; a row whose cells do not fit its columns is an error.
    static func rows(_ file: String) throws -> [Row] {
        var folder = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { folder.deleteLastPathComponent() }
        let path = folder.appendingPathComponent("Fixtures/billing").appendingPathComponent(file)
        let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
            .filter { !$0.hasPrefix("#") }
            .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        guard let columns = lines.first else { throw Fault.row(file) }
        return try lines.dropFirst().map { cells in
            guard cells.count == columns.count else { throw Fault.row("\(cells)") }
            return Row(cells: Dictionary(uniqueKeysWithValues: zip(columns, cells)))
        }
    }
}

/// Zones with all that clocks can do, for some years around it, as the time zone database has them.
enum Zones {
    static let all = Dictionary(
        uniqueKeysWithValues: list.map { name, entries in
            (
                name,
                TimeZoneTable(
                    name: name,
                    transitions: entries.map { .init(from: $0.0, offset: $0.1) })
            )
        })

    private static let list: [(String, [(Int64, Int32)])] = [
        ("UTC", []),
        ("Asia/Kolkata", [(0, 19_800)]),
        (
            "Europe/Berlin",
            [
                (1_735_689_600, 3600), (1_743_296_400, 7200), (1_761_440_400, 3600),
                (1_774_746_000, 7200), (1_792_890_000, 3600), (1_806_195_600, 7200),
                (1_824_944_400, 3600), (1_837_645_200, 7200), (1_856_394_000, 3600),
            ]
        ),
        // Midnight is leapt over.
        (
            "America/Sao_Paulo",
            [
                (1_483_228_800, -7200), (1_487_469_600, -10_800), (1_508_036_400, -7200),
                (1_518_919_200, -10_800), (1_541_300_400, -7200), (1_550_368_800, -10_800),
            ]
        ),
        (
            "Africa/Cairo",
            [
                (1_767_225_600, 7200), (1_776_981_600, 10_800), (1_793_307_600, 7200),
                (1_809_036_000, 10_800), (1_824_757_200, 7200),
            ]
        ),
        // A whole date is leapt over.
        (
            "Pacific/Apia",
            [
                (1_293_840_000, -36_000), (1_301_752_800, -39_600), (1_316_872_800, -36_000),
                (1_325_239_200, 50_400), (1_333_202_400, 46_800), (1_348_927_200, 50_400),
            ]
        ),
        // The clocks go back at 00:01, to the day before.
        (
            "America/St_Johns",
            [
                (1_262_304_000, -12_600), (1_268_537_460, -9000), (1_289_097_060, -12_600),
                (1_299_987_060, -9000), (1_320_553_800, -12_600),
            ]
        ),
        // By half an hour.
        (
            "Australia/Lord_Howe",
            [
                (1_767_225_600, 39_600), (1_775_314_800, 37_800), (1_791_041_400, 39_600),
                (1_806_764_400, 37_800), (1_822_491_000, 39_600),
            ]
        ),
        // Midnight comes twice.
        (
            "America/Havana",
            [(1_767_225_600, -18_000), (1_772_946_000, -14_400), (1_793_509_200, -18_000)]
        ),
    ]
}

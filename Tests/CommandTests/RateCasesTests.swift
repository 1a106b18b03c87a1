import Billing
import Codec
import Engine
import Foundation
import Testing

@testable import daybook

/// The cases that a billing person reads, checked as `daybook rate` checks them.
@Suite struct RateCasesTests {
    private static func path(_ file: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Fixtures/billing/\(file)").path
    }

    @Test(arguments: [("pricing.yaml", 80), ("metering.yaml", 35), ("invoices.yaml", 45)])
    func everyCaseGivesWhatItSays(file: String, least: Int) throws {
        let cases = try RateCases(file: Self.path(file))
        #expect(cases.list.count >= least)
        for one in cases.list {
            #expect(one.differences() == [], "\(one.name)")
        }
    }

    /// A case that expects something else is a failure, line by line.
    @Test func aWrongExpectationIsSeen() throws {
        func differences(_ expect: String) throws -> [String] {
            let json = """
                {"case":"c","price":{"amount":2},"plan":{"tax":{"rate":10}},"events":[5],
                 "expect":\(expect)}
                """
            let value = try ValueCoder.value(json: Array(json.utf8))
            return RateCase.all(in: value).flatMap { $0.differences() }
        }
        #expect(
            try differences(#"{"total":11,"subtotal":10,"tax":1,"lines":{"line":10,"tax":1}}"#)
                == [])
        #expect(try differences(#"{"total":12}"#).count == 1)
        #expect(try differences(#"{"lines":{"line":10}}"#).count == 1)
        #expect(try differences(#"{"lines":{"line":10,"tax":1,"other":3}}"#).count == 1)
        #expect(try differences(#"{"quantities":{"line":5.0001}}"#).count == 1)
        #expect(try differences(#"{"notes":1}"#).count == 1)
        #expect(try differences(#"{"error":"x"}"#).count == 1)
    }

    /// Zones against Python's own reading of the same database.
    @Test func zonesAgreeWithPython() throws {
        let text = try String(contentsOfFile: Self.path("zones.csv"), encoding: .utf8)
        let rows = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.dropFirst()
        #expect(rows.count >= 400)
        var tables: [String: TimeZoneTable] = [:]
        for row in rows {
            let cells = row.split(separator: ",").map(String.init)
            if tables[cells[0]] == nil {
                tables[cells[0]] = try TimeZoneFile.table(named: cells[0])
            }
            let time = try #require(Timestamp(rfc3339: cells[1]))
            #expect(tables[cells[0]]?.offset(at: time) == Int64(cells[2]), "\(row)")
        }
    }

    @Test func whatIsNoZoneIsRefused() {
        for name in [
            "Nowhere/Else", "../etc/passwd", "/etc/passwd", "Europe/../UTC", "", "posixrules/x",
        ] {
            #expect(throws: CommandFailure.self, "\(name)") { try TimeZoneFile.table(named: name) }
        }
    }
}

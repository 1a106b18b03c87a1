import Foundation
import Testing

@testable import daybook

/// CSV files as they come, by way of `import --dry-run`, and the numbering of equal rows.
@Suite struct ImportTests {
    static let map = """
        map: 1
        name: shop
        type: order
        time: {column: When, format: yyyy-MM-dd}
        id: [Order]
        data:
          amount: {column: Amount, type: number}
          note: {column: Note}

        """

    /// Runs an import and gives the events as (id, amount, note).
    static func events(
        _ csv: Data, map: String = map, more: [String] = []
    ) throws -> (ran: Ran, events: [[String: Any]]) {
        let folder = try TemporaryFolder()
        let file = try folder.file("f.csv", csv)
        let mapFile = try folder.file("m.yaml", map)
        let ran = try BuiltBinary.run(
            ["import", "--map", mapFile.path, "--account", "a", "--dry-run", file.path] + more)
        let events = try ran.outputLines.map { line in
            try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
        return (ran, events)
    }

    static func notes(_ events: [[String: Any]]) -> [String] {
        events.map { ($0["data"] as? [String: Any])?["note"] as? String ?? "-" }
    }

    static let header = "Order,When,Amount,Note\n"

    @Test(arguments: [
        ("plain", header + "1,2023-11-01,5,x\n2,2023-11-01,5,y\n", ["x", "y"]),
        ("no last line end", header + "1,2023-11-01,5,x", ["x"]),
        ("CRLF", "Order,When,Amount,Note\r\n1,2023-11-01,5,x\r\n2,2023-11-01,5,y", ["x", "y"]),
        ("CR alone", "Order,When,Amount,Note\r1,2023-11-01,5,x\r2,2023-11-01,5,y\r", ["x", "y"]),
        ("byte order mark", "\u{FEFF}" + header + "1,2023-11-01,5,x\n", ["x"]),
        ("quotes", header + "1,2023-11-01,5,\"a \"\"b\"\", c\"\n", ["a \"b\", c"]),
        (
            "line end in quotes", header + "1,2023-11-01,5,\"a\nb\"\n2,2023-11-01,5,y\n",
            ["a\nb", "y"]
        ),
        ("quote inside", header + "1,2023-11-01,5,5\" pipe\n", ["5\" pipe"]),
        ("empty field", header + "1,2023-11-01,5,\n2,2023-11-01,5,\"\"\n", ["", ""]),
        ("empty lines", header + "\n1,2023-11-01,5,x\n\n\n2,2023-11-01,5,y\n\n", ["x", "y"]),
        ("quoted header", "\"Order\", When ,Amount,Note\n1,2023-11-01,5,x\n", ["x"]),
        ("other alphabets", header + "1,2023-11-01,5,Ünïcødé 日本\n", ["Ünïcødé 日本"]),
        ("header alone", header, []),
    ])
    func readsFiles(_ name: String, _ csv: String, _ notes: [String]) throws {
        let (ran, events) = try Self.events(Data(csv.utf8))
        #expect(ran.status == 0, "\(name): \(ran.errors)")
        #expect(Self.notes(events) == notes, "\(name)")
    }

    /// A bad row is named by line and column and costs nothing but itself.
    @Test(arguments: [
        (
            "1,2023-11-01,5,x\n2,2023-11-01,many,y\n3,2023-11-01,5,z\n",
            "3: column Amount \"many\" is no number"
        ),
        (
            "1,2023-11-01,5,x\n2,2023-11-31,5,y\n3,2023-11-01,5,z\n",
            "3: column When \"2023-11-31\" names a day"
        ),
        ("1,2023-11-01,5,x\n2,2023-11-01,5\n3,2023-11-01,5,z\n", "3: has 3 fields where 4"),
        ("1,2023-11-01,5,x\n,2023-11-01,5,y\n3,2023-11-01,5,z\n", "3: column Order is empty"),
        ("1,2023-11-01,5,x\n2,2023-11-01,,y\n3,2023-11-01,5,z\n", "3: column Amount is empty"),
        (
            "1,2023-11-01,5,x\n2,2023-11-01,5,\"y\"y\n3,2023-11-01,5,z\n",
            "3: text behind the closing quote"
        ),
        (
            "1,2023-11-01,5,x\n2,2023-11-01,5,\"y\n3,2023-11-01,5,z\n",
            "3: the quote in field 4 is not closed"
        ),
        ("1,2023-11-01,5,x\n2,2023-11-01,5,\u{0}y\u{FFFD}\n3,2023-11-01,5,z\n", ""),
    ])
    func badRowsCostThemselvesOnly(_ rows: String, _ complaint: String) throws {
        let (ran, events) = try Self.events(Data((Self.header + rows).utf8))
        #expect(Self.notes(events).first == "x")
        #expect(Self.notes(events).last == "z")
        #expect(ran.status == (complaint.isEmpty ? 0 : 65))
        #expect(events.count == (complaint.isEmpty ? 3 : 2), "\(ran.errors)")
        if !complaint.isEmpty {
            #expect(ran.errorLines.contains { $0.hasPrefix(complaint) }, "\(ran.errors)")
        }
    }

    @Test func aQuoteThatSwallowsTheRestIsFound() throws {
        var csv = Self.header + "1,2023-11-01,5,x\n2,2023-11-01,5,\"y\n"
        for number in 3..<20_000 { csv += "\(number),2023-11-01,5,z\n" }
        let (ran, events) = try Self.events(Data(csv.utf8))
        #expect(events.count == 19_998)
        #expect(ran.errorLines.contains { $0.hasPrefix("3: a record that begins here") })
    }

    @Test func textThatIsNoUTF8IsABadRow() throws {
        let csv = Data(Self.header.utf8) + Data("1,2023-11-01,5,".utf8) + Data([0xFC, 0x0A])
        let (ran, events) = try Self.events(csv)
        #expect(events.isEmpty)
        #expect(ran.errors.contains("2: column Note is not UTF-8 text"))
        let wide = try Self.events(Data([0xFF, 0xFE, 0x41, 0x00]))
        #expect(wide.ran.status == 65 && wide.ran.errors.contains("UTF-16"))
    }

    @Test func numbersAndTimesAreExact() throws {
        let csv =
            Self.header + "1,2023-11-01,0.1234567890123456789012345,x\n2,2023-11-01,+007.50,y\n"
        let (ran, _) = try Self.events(Data(csv.utf8))
        #expect(ran.output.contains(#""amount":0.1234567890123456789012345,"#))
        #expect(ran.output.contains(#""amount":7.5,"#))
    }

    @Test func theTraceMapKeepsSevenDigits() throws {
        let folder = try TemporaryFolder()
        let row = "2023-11-16 18:17:03.9799601,4808,10\n"
        let file = try folder.file("t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n\(row)\(row)")
        let arguments = [
            "import", "--map", "Fixtures/maps/azure-llm.yaml", "--account", "chat", "--dry-run",
            file.path,
        ]
        let first = try BuiltBinary.run(arguments)
        #expect(first.output.contains(#""time":"2023-11-16T18:17:03.9799601Z""#))
        #expect(first.output.contains(#""data":{"input_tokens":4808,"output_tokens":10}"#))
        #expect(first.output.contains(#""source":"azure-llm/chat""#))
        // Equal rows are two events, and the same two each time.
        #expect(first.outputLines.count == 2 && first.outputLines[0] != first.outputLines[1])
        #expect(try BuiltBinary.run(arguments).output == first.output)
    }

    @Test(arguments: [
        (
            "map: 2\nname: x\ntype: t\ntime: {column: When, format: yyyy-MM-dd}\ndata: {n: {value: 1}}\n",
            "1: map: must be 1"
        ),
        (
            "map: 1\nname: x\ntype: t\ntime: {column: When, format: yyyy-mm-dd}\ndata: {n: {value: 1}}\n",
            "4: time.format: "
        ),
        ("map: 1\nname: x\ntype: t\ndata: {n: {value: 1}}\n", "1: time: is missing"),
        (
            "map: 1\nname: x\ntype: t\ntime: {column: When, format: unix}\ndata:\n  n: {column: C, type: money}\n",
            "6: data.n.type: \"money\""
        ),
        (
            "map: 1\nname: x\ntype: t\ntimes: 1\ntime: {column: When, format: unix}\ndata: {n: {value: 1}}\n",
            "4: times: unknown key"
        ),
        (
            "map: 1\nname: x\ntype: t\ntime: {column: Date, format: unix}\ndata: {n: {value: 1}}\n",
            "column \"Date\" is missing; the file has"
        ),
    ])
    func mapsAreChecked(_ map: String, _ complaint: String) throws {
        let (ran, _) = try Self.events(Data(Self.header.utf8), map: map)
        #expect(ran.status == 65)
        #expect(ran.errors.contains(complaint), "\(ran.errors)")
    }

    @Test func identitiesOfSeveralColumnsCannotCollide() throws {
        let map = Self.map.replacing("id: [Order]", with: "id: [Order, Note]")
        let csv = Self.header + "a/b,2023-11-01,5,c\na,2023-11-01,5,b/c\n"
        let (_, events) = try Self.events(Data(csv.utf8), map: map)
        let ids = events.compactMap { $0["id"] as? String }
        #expect(Set(ids).count == 2 && ids.count == 2)
    }

    @Test func otherDelimitersAndFilesWithoutHeader() throws {
        let map = Self.map + "delimiter: \";\"\ncolumns: [Order, When, Amount, Note]\n"
        let (ran, events) = try Self.events(Data("1;2023-11-01;5;x,y\n".utf8), map: map)
        #expect(ran.status == 0, "\(ran.errors)")
        #expect(Self.notes(events) == ["x,y"])
    }

    /// Forgetting rows of the past never gives two rows one number.
    @Test func occurrencesAreNumberedOrRefused() {
        var rows = Occurrences(capacity: 4)
        #expect(rows.number(1, time: 10) == 1)
        #expect(rows.number(1, time: 10) == 2)
        for number in 2...4 { #expect(rows.number(UInt128(number), time: Int64(number) * 10) == 1) }
        #expect(rows.number(5, time: 50) == 1)
        #expect(rows.number(1, time: 10) == nil)
        #expect(rows.number(4, time: 40) == 2)
        #expect(rows.number(6, time: 5) == nil)
    }
}

import Billing
import Testing

@testable import daybook

/// The forms in which events come.
@Suite struct StripeLinesTests {
    /// Where each piece stands, and its id or `bad`.
    private static func read(_ text: String) -> [String] {
        var reader = StripeLines()
        var pieces: [StripeLines.Piece] = []
        let lines = Array(text.utf8)
            .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for line in lines { pieces += reader.take(Array(line)) }
        return (pieces + reader.finish()).map(Self.shown)
    }

    private static func shown(_ piece: StripeLines.Piece) -> String {
        let place = piece.number.map { "\(piece.line)#\($0)" } ?? "\(piece.line)"
        switch piece.event {
        case .success(let value): return "\(place) \(value["id"].shown)"
        case .failure: return "\(place) bad"
        }
    }

    private static let one = #"{"object":"event","id":"e1","data":{"object":{}}}"#
    private static let two = #"{"object":"event","id":"e2","data":{"object":{}}}"#

    @Test func oneEventALine() {
        #expect(Self.read("\(Self.one)\n\n \t\r\n\(Self.two)\r\n") == ["1 e1", "4 e2"])
        #expect(Self.read("\n\(Self.one)") == ["2 e1"])
        #expect(Self.read("") == [])
    }

    @Test func aBadLineCostsItsOwnEventOnly() {
        let broken = Self.one.dropLast(3)
        #expect(
            Self.read("\(Self.one)\n\(broken)\nnonsense\n\(Self.two)")
                == ["1 e1", "2 bad", "3 bad", "4 e2"])
        #expect(Self.read("nonsense\n\(Self.two)") == ["1 bad", "2 e2"])
        #expect(Self.read("\(Self.one) \(Self.two)\n\(Self.two)") == ["1 bad", "2 e2"])
        #expect(Self.read(#"{"id":"e1","id":"e2"}"#) == ["1 bad"])
    }

    @Test func anArrayInOneLineAndOverLines() {
        #expect(Self.read("[\(Self.one),\(Self.two)]") == ["1#1 e1", "1#2 e2"])
        #expect(Self.read(" [\n\(Self.one),\n\(Self.two)\n]\n") == ["1#1 e1", "1#2 e2"])
        #expect(Self.read("[]") == [])
        #expect(Self.read("[\(Self.one)]\n[\(Self.two)]") == ["1#1 e1", "2#1 e2"])
    }

    /// An array is read as the member of an object; nothing can be smuggled in behind it.
    @Test(arguments: [#"[1],"x":[2]"#, #"[1],"data":[2]"#, "[1]}", "[1] [2]", "[1"])
    func whatFollowsAnArrayIsRefused(_ text: String) {
        #expect(Self.read(text) == ["1 bad"])
    }

    @Test func aListOfStripe() throws {
        let list = #"{"object":"list","has_more":false,"data":[\#(Self.one),\#(Self.two)]}"#
        #expect(Self.read(list) == ["1#1 e1", "1#2 e2"])
        #expect(Self.read(#"{"data":[\#(Self.one)]}"#) == ["1#1 e1"])
        var reader = StripeLines()
        _ = reader.take(Array(list.utf8))
        #expect(!reader.hasMore)
    }

    /// What says that it is an event is not taken for a list of others.
    @Test func anEventIsNoList() {
        #expect(Self.read(#"{"object":"event","id":"e1","data":[\#(Self.two)]}"#) == ["1 e1"])
    }

    @Test func aPageAsStripesToolsPrintIt() throws {
        var reader = StripeLines()
        var pieces: [StripeLines.Piece] = []
        for line in try StripeFixtures.lines("page.json") { pieces += reader.take(line) }
        pieces += reader.finish()
        #expect(pieces.map(Self.shown) == ["1#1 evt_602", "1#2 evt_600"])
        #expect(reader.hasMore)
        let feed = StripeFeed(mapping: try StripeFixtures.mapping())
        let steps = try pieces.map { try feed.step($0.event.get()) }
        guard case .request = steps[0], case .skipped = steps[1] else {
            Issue.record("\(steps)")
            return
        }
    }

    @Test func eventsOverLinesOneAfterTheOther() {
        func spread(_ id: String) -> String {
            "{\n  \"id\": \"\(id)\",\n  \"text\": \"} ] \\\" {\"\n}"
        }
        #expect(Self.read(spread("e1") + "\n" + spread("e2")) == ["1 e1", "5 e2"])
        #expect(Self.read(spread("e1") + "\n\n" + "{\n\"id\": \n") == ["1 e1", "6 bad"])
        #expect(Self.read("{\n\"id\": }\n\(spread("e2"))") == ["1 bad", "3 e2"])
    }

    @Test func aTextThatNeverEndsIsGivenUp() {
        var reader = StripeLines(textBytesMax: 200)
        #expect(reader.take(Array("[".utf8)) == [])
        #expect(reader.take(Array("\(Self.one),".utf8)) == [])
        let pieces = (1...3).flatMap { _ in reader.take(Array("\(Self.two),".utf8)) }
        #expect(pieces.map(Self.shown) == ["1 bad"])
        #expect(reader.take(Array(Self.one.utf8)) == [])
        #expect(reader.finish() == [])
        var lines = StripeLines(textBytesMax: 60)
        let long = Array((Self.one + String(repeating: " ", count: 20)).utf8)
        #expect(lines.take(long).map(Self.shown) == ["1 bad"])
        #expect(lines.take(Array(Self.two.utf8)).map(Self.shown) == ["2 e2"])
    }

    /// An event cut anywhere is one bad piece.
    @Test func aCutEventIsRefusedOnce() throws {
        let line = try #require(try StripeFixtures.lines("subscriptions.ndjson").first)
        for length in stride(from: 1, to: line.count, by: 7) {
            var reader = StripeLines()
            let pieces = reader.take(Array(line[..<length])) + reader.finish()
            #expect(pieces.map(Self.shown) == ["1 bad"])
        }
    }
}

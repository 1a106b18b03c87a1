import DaybookEngine
import Foundation
import Testing

/// The library as another program sees it: its public face and nothing else.
@Suite struct DaybookTests {
    /// A folder that is gone after the test.
    private final class Folder {
        let path = NSTemporaryDirectory() + "daybook-library-" + UUID().uuidString
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private let folder = Folder()

    private static let catalog = """
        {"catalog":1,"currency":"EUR","default_plan":"free",
         "meters":{"calls":{"event":"api.call","aggregate":"count"},
           "images":{"event":"image.made","aggregate":"count"}},
         "features":{"api":{"meter":"calls"},"images":{"meter":"images"},"sso":{}},
         "credit":{"unit":"credits","burn":{"images":"2"}},
         "plans":{"free":{"entitlements":{"api":{"limit":3},"images":{"unlimited":true}}}}}
        """.split(separator: "\n").joined()

    private func opened() throws -> Daybook {
        let book = try Daybook(directory: folder.path)
        let reply = book.request(
            #"{"request":"publish","id":"v1","catalog":\#(Self.catalog)}"#)
        #expect(reply.contains(#""outcome":"recorded""#) || reply.contains("duplicate"))
        return book
    }

    @Test func consumesAreDecidedOnce() throws {
        let book = try opened()
        defer { book.close() }
        for number in 1...3 {
            let decision = try book.consume(account: "acme", feature: "api", id: "c\(number)")
            #expect(decision.isAllowed)
            #expect(decision.reason == "allowed")
            #expect(decision.remaining == "\(3 - number)")
            #expect(decision.position == UInt64(number))
        }
        let denied = try book.consume(account: "acme", feature: "api", id: "c4")
        #expect(!denied.isAllowed)
        #expect(denied.reason == "limit_reached")
        let again = try book.consume(account: "acme", feature: "api", id: "c2")
        #expect(again.isAllowed)
        #expect(again.position == 2)
        let elsewhere = try book.consume(
            account: "acme", feature: "api", quantity: "0", id: "c2", source: "other")
        #expect(elsewhere.position == 5)
    }

    @Test func aCheckWritesNothing() throws {
        let book = try opened()
        defer { book.close() }
        for _ in 0..<10 {
            let check = try book.check(account: "acme", feature: "api", quantity: "3")
            #expect(check.isAllowed)
            #expect(check.remaining == "0")
            #expect(check.position == 1)
        }
        #expect(try book.check(account: "acme", feature: "api", quantity: "3.5").isAllowed == false)
        #expect(try book.check(account: "acme", feature: "sso").reason == "not_in_plan")
        #expect(try book.check(account: "acme", feature: "fax").reason == "feature_unknown")
        #expect(
            try book.check(account: "acme", feature: "images").reason == "credit_insufficient")
    }

    @Test func linesOfTheProtocolAreAnswered() throws {
        let book = try opened()
        defer { book.close() }
        let event =
            #"{"specversion":"1.0","id":"e","source":"s","type":"api.call","subject":"acme"}"#
        #expect(book.request(event) == #"{"id":"e","outcome":"recorded","position":1}"#)
        #expect(book.request(event) == #"{"id":"e","outcome":"duplicate","position":1}"#)
        #expect(book.request(event.replacing("acme", with: "beta")).contains("conflict"))
        #expect(book.request("no").contains("bad_json"))
        #expect(
            book.request(#"{"request":"ping","id":"p"}"#) == #"{"id":"p","ok":true,"position":2}"#)
        for word in ["follow", "stream"] {
            #expect(book.request(#"{"request":"\#(word)"}"#).contains("unsupported"))
        }
        #expect(
            book.request(#"{"request":"grant","id":"g","account":"acme","amount":"5"}"#)
                .contains("recorded"))
        let paid = try book.consume(account: "acme", feature: "images", quantity: "2", id: "i")
        #expect(paid.isAllowed)
        #expect(paid.remaining == "1")
        #expect(book.request(#"{"request":"verify"}"#).contains(#""matches":true"#))
    }

    @Test func failuresSayWhatIsWrong() throws {
        let book = try opened()
        defer { book.close() }
        for bad in ["", "x", "-1", "0.0000000000001", "1e3"] {
            let failure = #expect(throws: Daybook.Failure.self) {
                try book.check(account: "acme", feature: "api", quantity: bad)
            }
            #expect(failure?.code == "bad_request", "\(bad)")
            #expect(failure?.description.contains("quantity") == true)
        }
        let failure = #expect(throws: Daybook.Failure.self) {
            try book.consume(account: "acme", feature: "api", id: "")
        }
        #expect(failure?.code == "bad_request")
        _ = try book.consume(account: "acme", feature: "api", id: "c")
        let conflict = #expect(throws: Daybook.Failure.self) {
            try book.consume(account: "beta", feature: "api", id: "c")
        }
        #expect(conflict?.code == "conflict")
    }

    @Test func aClosedBookOpensAgainWithEverything() throws {
        let book = try opened()
        let first = try book.consume(account: "acme", feature: "api", id: "c1")
        book.close()
        let refused = #expect(throws: Daybook.Failure.self) {
            try book.consume(account: "acme", feature: "api", id: "c2")
        }
        #expect(refused?.code == "draining")
        let again = try opened()
        #expect(try again.check(account: "acme", feature: "api").remaining == "1")
        let same = try again.consume(account: "acme", feature: "api", id: "c1")
        #expect(same.position == first.position)
        #expect(same.isAllowed)
        #expect(again.request(#"{"request":"status"}"#).contains("snapshot at position 2"))
        again.close()
        again.close()
    }

    @Test func aDirectoryHasOneOwner() throws {
        let book = try opened()
        let failure = #expect(throws: Daybook.Failure.self) {
            try Daybook(directory: folder.path)
        }
        #expect(failure?.code == "locked")
        #expect(failure?.description.contains(folder.path) == true)
        book.close()
        try Daybook(directory: folder.path).close()
    }

    @Test func manyThreadsShareOneBook() throws {
        let book = try opened()
        defer { book.close() }
        let threads = 8
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            for number in 0..<10 {
                _ = try? book.consume(account: "acme", feature: "api", id: "\(thread)-\(number)")
            }
        }
        let left = try book.check(account: "acme", feature: "api", quantity: "0")
        #expect(left.remaining == "0")
        #expect(left.position == 81)
    }
}

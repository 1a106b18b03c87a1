import Billing
import Codec
import Engine
import Foundation
import Projections
import SegmentedLog
import Testing

/// What changed between two positions, and why.
@Suite struct DiffTests {
    private func changes(_ reply: Value, _ account: String) -> [String] {
        (reply.list("accounts").first { $0.printed("account") == account }?.list("changes") ?? [])
            .map { change in
                "\(change.printed("view") ?? "") \(change.printed("path") ?? ""): "
                    + "\(change.printed("before") ?? "-") → \(change.printed("after") ?? "-")"
            }
    }

    @Test func whatEntriesChangedAndNothingElse() throws {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(testCatalog.replacing("\n", with: " "))
        try book.record(#"{"request":"grant","id":"g","account":"beta","amount":"10"}"#)
        try book.event("e", "image.made", "beta")
        try book.event("f", "llm.call", "acme", #"{"tokens":4000000,"model":"m"}"#)
        book.clock.set("2026-03-02T00:00:00Z")
        try book.event("g", "image.made", "beta")
        try book.event("h", "llm.call", "acme", #"{"tokens":4000000,"model":"m"}"#)
        try book.record(#"{"request":"subscribe","id":"s","account":"acme","plan":"pro"}"#)
        book.clock.set("2026-03-05T00:00:00Z")
        let reply = try book.send(#"{"request":"diff","from":4}"#)
        #expect(reply.printed("entries") == "3")
        #expect(reply.printed("accounts_changed") == "2")
        let beta = changes(reply, "beta")
        #expect(beta.contains("usage 2026-03 meters[images].quantity: 1 → 2"), "\(beta)")
        #expect(beta.contains("credits balance: 7.5 → 5"), "\(beta)")
        #expect(beta.contains("credits grants[0].remaining: 7.5 → 5"), "\(beta)")
        let acme = changes(reply, "acme")
        #expect(acme.contains("entitlements plan: free → pro"), "\(acme)")
        #expect(acme.contains("invoice 2026-03 tokens@2: 0.00 → 20000.50"), "\(acme)")
        let because = reply.list("accounts").first { $0.printed("account") == "acme" }?["because"]
        #expect(because?["entries"]?.printed("subscribe") == "1")
        // Between a position and itself nothing changed, though time went by.
        let none = try book.send(#"{"request":"diff","from":"2026-03-02T12:00:00Z"}"#)
        #expect(none.printed("entries") == "0")
        #expect(none.list("accounts").isEmpty)
    }

    @Test func aCatalogIsOfNoAccountAndChangesAll() throws {
        let book = try Book()
        try book.publish(testCatalog.replacing("\n", with: " "))
        try book.event("e", "llm.call", "a", #"{"tokens":4000000,"model":"m"}"#)
        try book.publish(
            testCatalog.replacing("\n", with: " ").replacing("\"2.50\"", with: "\"5.00\""))
        let reply = try book.send(#"{"request":"diff","from":2,"to":3}"#)
        #expect(reply["of_no_account"]?["entries"]?.printed("publish") == "1")
        #expect(try book.send(#"{"request":"diff","from":3,"to":2}"#).printed("ok") == "false")
        #expect(try book.send(#"{"request":"diff"}"#).printed("field") == "from")
    }
}

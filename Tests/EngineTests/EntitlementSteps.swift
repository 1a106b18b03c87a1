import Billing
import Codec
import Engine
import Foundation
import Projections
import Testing

/// What tests of entitlements have in common: a catalog, an account `a` on its plan `p`, and requests of it.
protocol EntitlementSteps {}

extension EntitlementSteps {
    static func catalog(
        _ entitlements: String, addons: String = "", features: String = "", more: String = ""
    ) -> String {
        """
        {"catalog":1,"currency":"USD","meters":{
           "calls":{"event":"call","aggregate":"sum","value":"n"},
           "people":{"event":"seen","aggregate":"unique","value":"who"}},
         "features":{"calls":{"meter":"calls"},"batch":{"meter":"calls"},"people":{"meter":"people"},
           "sso":{},"days":{"value":"number"},"region":{"value":"text"}\(features)},
         "plans":{"p":{"entitlements":{\(entitlements)},"prices":{"base":{"fee":10}}},
           "q":{"entitlements":{"calls":{"limit":4,"reset":"week"}}}},
         "addons":{\(addons)}\(more)}
        """.replacing("\n", with: " ")
    }

    func book(_ catalog: String, at time: String = "2026-03-04T10:30:00Z") throws -> Book {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(catalog)
        book.clock.set(time)
        try ask(book, "subscribe", #""plan":"p""#)
        return book
    }

    @discardableResult
    func ask(_ book: Book, _ word: String, _ members: String) throws -> Value {
        try book.send(
            #"{"request":"\#(word)","id":"\#(UUID().uuidString)","account":"a",\#(members)}"#)
    }

    func consume(
        _ book: Book, _ quantity: String = "1", _ feature: String = "calls", data: String = "{}"
    ) throws -> String {
        let reply = try ask(
            book, "consume", #""feature":"\#(feature)","quantity":\#(quantity),"data":\#(data)"#)
        return try #require(reply.printed("reason"))
    }

    func check(_ book: Book, _ feature: String, _ more: String = "") throws -> Value {
        try book.send(#"{"request":"check","account":"a","feature":"\#(feature)"\#(more)}"#)
    }

    func settlesDown(_ book: Book) throws {
        #expect(try book.verifies())
        let (digest, shown) = (
            book.digest, try book.send(#"{"request":"entitlements","account":"a"}"#)
        )
        #expect(try book.send(#"{"request":"snapshot"}"#).printed("ok") == "true")
        try book.restart()
        #expect(book.engine.report.snapshot > 0)
        #expect(book.digest == digest)
        let again = try book.send(#"{"request":"entitlements","account":"a"}"#)
        #expect(again["features"] == shown["features"])
    }
}

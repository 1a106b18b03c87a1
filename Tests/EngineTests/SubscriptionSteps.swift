import Billing
import Codec
import Engine
import Foundation
import Projections
import Testing

/// What tests of subscriptions have in common: a catalog, an account `a`, requests of it, and snapshots of an outside system.
protocol SubscriptionSteps {}

extension SubscriptionSteps {
    static var catalog: String {
        """
        {"catalog":1,"currency":"USD","default_plan":"free",
         "meters":{"calls":{"event":"call","aggregate":"count"}},
         "features":{"calls":{"meter":"calls"},"sso":{}},
         "plans":{"free":{"entitlements":{"calls":{"limit":1}}},
           "team":{"entitlements":{"calls":{"limit":10},"sso":true},
             "prices":{"base":{"fee":31,"prorate":"day"},"calls":{"meter":"calls","amount":1}}},
           "pro":{"entitlements":{"calls":{"unlimited":true},"sso":true},"prices":{"base":{"fee":62,"prorate":"day"}}}},
         "addons":{"boost":{"entitlements":{"calls":{"add":5}},"prices":{"fee":{"fee":3.1,"prorate":"day"}}}},
         "subscriptions":{"past_due":"7 days","unpaid":"deny"}}
        """.replacing("\n", with: " ")
    }

    func book(_ time: String = "2026-03-01T00:00:00Z") throws -> Book {
        let book = try Book()
        book.clock.set("2026-02-01T00:00:00Z")
        try book.publish(Self.catalog)
        book.clock.set(time)
        return book
    }

    @discardableResult
    func ask(_ book: Book, _ word: String, _ members: String = "") throws -> Value {
        try book.send(
            #"{"request":"\#(word)","id":"\#(UUID().uuidString)","account":"a"\#(members)}"#)
    }

    func reason(_ book: Book, _ feature: String = "sso") throws -> String? {
        try book.send(
            #"{"request":"check","account":"a","feature":"\#(feature)"}"#
        ).printed("reason")
    }

    func plan(_ book: Book) throws -> String? {
        try book.send(#"{"request":"entitlements","account":"a"}"#).printed("plan")
    }

    func lines(_ book: Book, _ period: String) throws -> [String] {
        try book.send(#"{"request":"invoice","account":"a","period":"\#(period)"}"#)
            .list("lines").map { "\($0.printed("id") ?? "") \($0.printed("amount") ?? "")" }
    }

    func snapshot(
        _ id: String, _ name: String, started: String, effective: String, status: String,
        _ more: String = ""
    ) -> String {
        #"{"request":"subscription","id":"\#(id)","source":"stripe","account":"a","subscription":"\#(name)","#
            + #""started":"\#(started)","effective":"\#(effective)","status":"\#(status)"\#(more)}"#
    }
}

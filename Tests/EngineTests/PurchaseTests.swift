import Billing
import Codec
import Engine
import Foundation
import Money
import Projections
import Testing

/// Credits that have a price: a line of the invoice of the period in which they were bought.
@Suite struct PurchaseTests {
    private static func catalog(
        currency: String = "USD", topUp: String = "", plan: String = "", prices: String = ""
    ) -> String {
        #"{"catalog":1,"currency":"\#(currency)","default_plan":"p","#
            + #""meters":{"calls":{"event":"call","aggregate":"sum","value":"n"}},"#
            + #""features":{"calls":{"meter":"calls"}},"#
            + #""credit":{"unit":"credits","burn":{"calls":1}\#(topUp)},"#
            + #""plans":{"p":{"entitlements":{"calls":true},"prices":{\#(prices)}\#(plan)}}}"#
    }

    private func book(_ catalog: String) throws -> Book {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(catalog)
        return book
    }

    @discardableResult
    private func buy(
        _ book: Book, _ id: String, _ amount: String, _ price: String, _ more: String = ""
    ) throws -> Value {
        try book.send(
            #"{"request":"grant","id":"\#(id)","account":"a","amount":"\#(amount)","#
                + #""price":"\#(price)"\#(more)}"#)
    }

    private func use(_ book: Book, _ id: String, _ n: Int, _ day: String = "03-10") throws {
        try book.event(id, "call", "a", #"{"n":\#(n)}"#, time: "2026-\(day)T00:00:00Z")
    }

    private func ask(_ book: Book, _ word: String, _ month: String) throws -> Value {
        try book.send(#"{"request":"\#(word)","account":"a","period":"2026-\#(month)"}"#)
    }

    /// "id quantity amount" of each line that is not zero.
    private func lines(_ invoice: Value) -> [String] {
        invoice.list("lines").compactMap { line in
            let amount = line.printed("amount") ?? ""
            guard amount.contains(where: { "123456789".contains($0) }) else { return nil }
            return "\(line.printed("id") ?? "") \(line.printed("quantity") ?? "-") \(amount)"
        }
    }

    private func stays(_ book: Book) throws {
        let digest = book.digest
        _ = try book.send(#"{"request":"snapshot"}"#)
        try book.restart()
        #expect(book.digest == digest)
        #expect(try book.verifies())
    }

    /// Case B-38: 100 credits at a quarter each, 120 used, 40 of them corrected.
    @Test func creditsThatWereBoughtUsedAndCorrected() throws {
        let book = try book(Self.catalog())
        #expect(try buy(book, "g", "100", "25").printed("outcome") == "recorded")
        try use(book, "e", 120)
        func shown(_ name: String) throws -> String? {
            try book.send(#"{"request":"credits","account":"a"}"#).printed(name)
        }
        #expect(try shown("balance") == "0" && shown("overage") == "20")
        try book.record(#"{"request":"refund","id":"r","account":"a","entry":2,"credits":40}"#)
        #expect(try shown("balance") == "20" && shown("overage") == "0")
        #expect(try shown("drawn") == "80")
        let invoice = try ask(book, "invoice", "03")
        #expect(lines(invoice) == ["purchase/1 1 25.00"])
        #expect(invoice.list("lines").last?.printed("kind") == "purchase")
        #expect(invoice.list("lines").last?.printed("description") == "100 credits purchased")
        let told = try book.send(
            #"{"request":"explain","account":"a","period":"2026-03","line":"purchase/1"}"#)
        #expect(told.printed("total") == "25.00" && told.printed("basis") == "entry 1")
        try stays(book)
    }

    /// The line is rounded once, equal purchases are one line, and what was paid elsewhere is none.
    @Test func equalPurchasesAreOneLine() throws {
        let book = try book(Self.catalog())
        try buy(book, "g1", "100", "0.335")
        try buy(book, "g2", "50", "10")
        try buy(book, "g3", "100", "0.335")
        try buy(book, "g4", "100", "0.335", #","paid":"outside""#)
        try buy(book, "g5", "100", "0.335", #","paid":"invoice""#)
        // 3 × 0.335 is 1.005; each by itself would be 0.34.
        #expect(
            lines(try ask(book, "invoice", "03")) == ["purchase/1 3 1.01", "purchase/2 1 10.00"])
        let balance = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(balance.printed("balance") == "450")
        try stays(book)
    }

    /// It is taxed; discounts, minimum and maximum of the plan leave it alone.
    @Test func itStandsBehindTheStepsOfThePlan() throws {
        let plan =
            #","minimum":100,"discounts":[{"percent":10}],"tax":{"rate":20},"#
            + #""order":["minimum","discounts","tax"]"#
        let book = try book(Self.catalog(plan: plan, prices: #""base":{"fee":60}"#))
        try buy(book, "g", "100", "25")
        book.clock.set("2026-04-02T00:00:00Z")
        // 60 + 40 − 10 is 90, with 25 bought 115, and a fifth of that is tax.
        let invoice = try ask(book, "finalise", "03")
        #expect(
            lines(invoice) == [
                "base 1 60.00", "minimum - 40.00", "discount.1 - -10.00", "purchase/1 1 25.00",
                "tax - 23.00",
            ])
        #expect(invoice.printed("total") == "138.00")
        // And it can be credited with its tax.
        let note = try book.send(
            #"{"request":"credit_note","id":"n","account":"a","period":"2026-03","#
                + #""line":"purchase/1","amount":"25","reason":"taken back"}"#)
        #expect(note.printed("total") == "-30.00")
    }

    @Test func itIsPaidFromTheWallet() throws {
        let book = try book(Self.catalog())
        try book.record(
            #"{"request":"deposit","id":"d","account":"a","amount":20,"currency":"USD"}"#)
        try buy(book, "g", "100", "25")
        book.clock.set("2026-04-02T00:00:00Z")
        let invoice = try ask(book, "finalise", "03")
        #expect(invoice.printed("total") == "25.00" && invoice.printed("due") == "5.00")
    }

    /// It belongs to the period in which it takes effect; one that came too late is a correction.
    @Test func itBelongsToItsOwnPeriodAndIsChargedOnce() throws {
        let book = try book(Self.catalog())
        book.clock.set("2026-04-02T00:00:00Z")
        try buy(book, "g1", "10", "3", #","effective":"2026-03-31T23:59:59Z""#)
        try buy(book, "g2", "10", "4", #","effective":"2026-05-01T00:00:00Z""#)
        #expect(lines(try ask(book, "finalise", "03")) == ["purchase/1 1 3.00"])
        try buy(book, "g3", "10", "5", #","effective":"2026-03-02T00:00:00Z""#)
        #expect(
            lines(try ask(book, "invoice", "04")) == ["correction/2026-03/purchase/4 - 5.00"])
        book.clock.set("2026-05-02T00:00:00Z")
        _ = try ask(book, "finalise", "04")
        #expect(lines(try ask(book, "invoice", "05")) == ["purchase/2 1 4.00"])
        try stays(book)
    }

    /// Each top-up costs what the catalog said then, by events, consumes and holds alike.
    @Test func topUpsAreCharged() throws {
        func priced(_ price: String) -> String {
            Self.catalog(
                topUp: #","top_up":{"below":5,"amount":10,"per_month":9,"price":\#(price)}"#)
        }
        let book = try book(priced("2.50"))
        try use(book, "e1", 3)
        try book.record(
            #"{"request":"consume","id":"c","account":"a","feature":"calls","quantity":8}"#)
        try book.publish(priced("4"))
        try book.record(
            #"{"request":"hold","id":"h","account":"a","feature":"calls","quantity":8}"#)
        try book.record(
            #"{"request":"settle","id":"s","account":"a","hold":"calls/4","quantity":20}"#)
        let shown = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(shown.list("grants").count == 4, "\(shown)")
        #expect(
            lines(try ask(book, "invoice", "03")) == ["top_up/1 2 5.00", "top_up/4 2 8.00"])
        try stays(book)
        let outside = try self.book(
            Self.catalog(
                topUp:
                    #","top_up":{"below":5,"amount":10,"per_month":9,"price":4,"paid":"outside"}"#))
        try use(outside, "e1", 3)
        #expect(try outside.send(#"{"request":"credits","account":"a"}"#).list("grants").count == 1)
        #expect(lines(try ask(outside, "invoice", "03")).isEmpty)
    }

    /// What was bought after an instant is on no draft of that instant.
    @Test func thePastHasItsOwnPurchases() throws {
        let book = try book(Self.catalog())
        try buy(book, "g1", "10", "3", #","effective":"2026-03-02T00:00:00Z""#)
        try buy(book, "g2", "10", "4", #","effective":"2026-03-20T00:00:00Z""#)
        func draft(_ moment: String) throws -> [String] {
            lines(
                try book.send(
                    #"{"request":"invoice","account":"a","period":"2026-03",\#(moment)}"#))
        }
        #expect(try draft(#""as_of":2"#) == ["purchase/1 1 3.00"])
        #expect(try draft(#""at":"2026-03-10T00:00:00Z""#) == ["purchase/1 1 3.00"])
        #expect(
            try draft(#""at":"2026-03-25T00:00:00Z""#) == [
                "purchase/1 1 3.00", "purchase/2 1 4.00",
            ])
    }

    /// A merge gives the credits to another account; who bought them is charged, once.
    @Test func aMergeChargesNobodyTwice() throws {
        let book = try book(Self.catalog())
        try buy(book, "g", "100", "25")
        try book.event("e", "x", "b")
        try book.record(
            #"{"request":"account","id":"m","account":"a","action":"merge","into":"b"}"#)
        #expect(lines(try ask(book, "invoice", "03")) == ["purchase/1 1 25.00"])
        let other = try book.send(#"{"request":"invoice","account":"b","period":"2026-03"}"#)
        #expect(lines(other).isEmpty)
        #expect(
            try book.send(#"{"request":"credits","account":"b"}"#).printed("balance") == "100")
    }

    @Test(arguments: [
        (#""price":"0""#, "price"), (#""price":"-1""#, "price"), (#""price":"1e13""#, "price"),
        (#""price":"5","kind":"promotional""#, "price"), (#""price":"5","every":"month""#, "price"),
        (#""price":"5","paid":"later""#, "paid"), (#""paid":"outside""#, "paid"),
    ])
    func whatIsNoPriceIsRefused(_ members: String, _ field: String) throws {
        let book = try book(Self.catalog())
        let reply = try book.send(
            #"{"request":"grant","id":"g","account":"a","amount":10,\#(members)}"#)
        #expect(reply.printed("error") == "bad_request" && reply.printed("field") == field)
    }

    @Test func withoutAPlanNothingWouldChargeIt() throws {
        let book = try book(
            Self.catalog().replacing(#""default_plan":"p","#, with: ""))
        #expect(try buy(book, "g", "10", "5").printed("field") == "price")
        #expect(
            try buy(book, "g2", "10", "5", #","paid":"outside""#).printed("outcome") == "recorded")
    }
}

import Billing
import Codec
import Engine
import Foundation
import Money
import Projections
import Seeds
import Synchronization
import Testing

/// Prepaid money: paid in, drawn by finalised invoices, paid back.
@Suite struct WalletTests {
    private static func catalog(_ currency: String = "USD", tax: String = "") -> String {
        #"{"catalog":1,"currency":"\#(currency)","default_plan":"p","#
            + #""meters":{"calls":{"event":"call","aggregate":"sum","value":"n"}},"#
            + #""plans":{"p":{"prices":{"calls":{"meter":"calls","amount":1,"negative":true}}\#(tax)}}}"#
    }

    private func book(tax: String = "") throws -> Book {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(Self.catalog(tax: tax))
        return book
    }

    private func use(_ book: Book, _ n: Int, _ month: String, account: String = "a") throws {
        try book.event(
            "e\(account)\(month)\(n)", "call", account, #"{"n":\#(n)}"#,
            time: "2026-\(month)-10T00:00:00Z")
    }

    @discardableResult
    private func deposit(
        _ book: Book, _ id: String, _ amount: String, _ currency: String = "USD",
        account: String = "a"
    ) throws -> Value {
        try book.send(
            #"{"request":"deposit","id":"\#(id)","account":"\#(account)","amount":"\#(amount)","#
                + #""currency":"\#(currency)"}"#)
    }

    private func ask(_ book: Book, _ word: String, _ month: String) throws -> Value {
        try book.send(#"{"request":"\#(word)","account":"a","period":"2026-\#(month)"}"#)
    }

    /// What is shown of a wallet: deposited, withdrawn, drawn, left.
    private func wallet(_ book: Book, _ currency: String = "USD", account: String = "a") throws
        -> [String]
    {
        let shown = try book.send(#"{"request":"credits","account":"\#(account)"}"#)
        guard
            let wallet = shown.list("wallets").first(where: { $0.printed("currency") == currency })
        else { return [] }
        return ["deposited", "withdrawn", "drawn", "left"].map { wallet.printed($0) ?? "" }
    }

    /// Case B-22.
    @Test func twoInvoicesDrawFromOneDeposit() throws {
        let book = try book()
        #expect(try deposit(book, "d", "100").printed("outcome") == "recorded")
        try use(book, 25, "03")
        book.clock.set("2026-04-15T00:00:00Z")
        try use(book, 35, "04")
        let march = try ask(book, "finalise", "03")
        #expect(march.printed("total") == "25.00" && march.printed("due") == "0.00")
        #expect(march["wallet"]?.printed("drawn") == "25.00")
        #expect(march["wallet"]?.printed("left") == "75.00")
        book.clock.set("2026-05-02T00:00:00Z")
        let draft = try ask(book, "invoice", "04")
        #expect(draft["wallet"]?.printed("left") == "40.00")
        #expect(try wallet(book) == ["100.00", "0.00", "25.00", "75.00"], "a draft draws nothing")
        #expect(try ask(book, "finalise", "04").printed("due") == "0.00")
        #expect(try wallet(book) == ["100.00", "0.00", "60.00", "40.00"])
        // Again, it is the document that stands, and nothing is drawn twice.
        #expect(try ask(book, "finalise", "03")["wallet"] == march["wallet"])
        #expect(try wallet(book).last == "40.00")
        let shown = try ask(book, "invoice", "03")
        #expect(shown["wallet"] == march["wallet"] && shown.printed("due") == "0.00")
    }

    /// Case B-30.
    @Test func aDepositOfExactlyWhatIsCharged() throws {
        let book = try book()
        try deposit(book, "d", "100")
        try use(book, 100, "03")
        book.clock.set("2026-04-02T00:00:00Z")
        let march = try ask(book, "finalise", "03")
        #expect(march.printed("total") == "100.00" && march.printed("due") == "0.00")
        #expect(try wallet(book) == ["100.00", "0.00", "100.00", "0.00"])
        // An empty wallet is not on the next one.
        book.clock.set("2026-05-02T00:00:00Z")
        #expect(try ask(book, "finalise", "04")["wallet"] == nil)
    }

    /// Case C-08, by its order: the wallet pays what is due with tax, and no tax is saved by it.
    @Test func itPaysBehindTheTax() throws {
        let book = try book(tax: #","tax":{"rate":8.25}"#)
        try deposit(book, "d", "5")
        try use(book, 70, "03")
        book.clock.set("2026-04-02T00:00:00Z")
        let march = try ask(book, "finalise", "03")
        // 70 × 8.25 % is 5.775.
        #expect(march.printed("tax") == "5.78" && march.printed("total") == "75.78")
        #expect(march.printed("due") == "70.78")
        var sum = Int128(0)
        for line in march.list("lines") {
            let currency = try #require(Currency(code: "USD"))
            sum += try #require(Amount(line.printed("amount") ?? "", currency: currency)).minorUnits
        }
        #expect(sum == 7578, "the lines are the total")
    }

    @Test func anotherCurrencyPaysNothing() throws {
        let book = try book()
        try deposit(book, "d", "50", "EUR")
        try deposit(book, "y", "1000", "JPY")
        try use(book, 30, "03")
        book.clock.set("2026-04-02T00:00:00Z")
        let march = try ask(book, "finalise", "03")
        #expect(march.printed("due") == "30.00" && march["wallet"] == nil)
        #expect(try wallet(book, "EUR").last == "50.00")
        #expect(try wallet(book, "JPY").last == "1000")
    }

    @Test func whatIsBelowZeroDrawsNothing() throws {
        let book = try book()
        try deposit(book, "d", "10")
        try use(book, -4, "03")
        book.clock.set("2026-04-15T00:00:00Z")
        let march = try ask(book, "finalise", "03")
        #expect(march.printed("carried") == "-4.00" && march.printed("due") == "0.00")
        #expect(march["wallet"]?.printed("drawn") == "0.00")
        try use(book, 9, "04")
        book.clock.set("2026-05-02T00:00:00Z")
        // 9 less the 4 that came over.
        #expect(try ask(book, "finalise", "04")["wallet"]?.printed("drawn") == "5.00")
        #expect(try wallet(book).last == "5.00")
    }

    @Test func neverMoreThanIsLeftIsWithdrawn() throws {
        let book = try book()
        #expect(try deposit(book, "w0", "-1").printed("field") == "amount", "nobody knows it")
        try deposit(book, "d", "10.50")
        #expect(try deposit(book, "w1", "-10.51").printed("outcome") == "rejected")
        #expect(try deposit(book, "w2", "-4.25").printed("outcome") == "recorded")
        #expect(try deposit(book, "w2", "-4.25").printed("outcome") == "duplicate")
        #expect(try deposit(book, "w3", "-6.26").printed("outcome") == "rejected")
        #expect(try wallet(book) == ["10.50", "4.25", "0.00", "6.25"])
    }

    @Test(arguments: [
        ("0", "USD", "amount"), ("1.005", "USD", "amount"), ("1.5", "JPY", "amount"),
        ("1e16", "USD", "amount"), ("x", "USD", "amount"), ("1", "ABC", "currency"),
        ("1", "usd", "currency"),
    ])
    func whatIsNoMoneyIsRefused(_ amount: String, _ currency: String, _ field: String) throws {
        let book = try book()
        let reply = try deposit(book, "d", amount, currency)
        #expect(reply.printed("error") == "bad_request" && reply.printed("field") == field)
        #expect(try wallet(book).isEmpty)
    }

    @Test func anAccountHasSixteenWallets() throws {
        let book = try book()
        let codes = "USD EUR JPY GBP CHF SEK NOK DKK PLN CZK HUF KWD CAD AUD NZD INR BRL"
        for (index, code) in codes.split(separator: " ").enumerated() {
            let reply = try deposit(book, "d\(index)", "1", String(code))
            #expect(
                reply.printed("outcome") == (index < 16 ? "recorded" : "rejected"), "\(reply)")
        }
        #expect(try deposit(book, "again", "1", "USD").printed("outcome") == "recorded")
    }

    /// A draft of the past has the money, and the purchases, of then.
    @Test func thePastHasItsOwnMoney() throws {
        let book = try book()
        book.clock.set("2026-03-05T00:00:00Z")
        try deposit(book, "d1", "10")
        try use(book, 30, "03")
        book.clock.set("2026-03-20T00:00:00Z")
        try deposit(book, "d2", "15")
        book.clock.set("2026-04-02T00:00:00Z")
        _ = try ask(book, "finalise", "03")
        try deposit(book, "d3", "100")
        func draft(_ moment: String) throws -> [String?] {
            let shown = try book.send(
                #"{"request":"invoice","account":"a","period":"2026-03",\#(moment)}"#)
            return [
                shown.printed("status"), shown["wallet"]?.printed("drawn"), shown.printed("due"),
            ]
        }
        #expect(try draft(#""as_of":4"#) == ["draft", "25.00", "5.00"])
        #expect(try draft(#""as_of":3"#) == ["draft", "10.00", "20.00"])
        #expect(
            try draft(#""as_of":4,"at":"2026-03-15T00:00:00Z""#) == ["draft", "10.00", "20.00"])
        #expect(try draft(#""as_of":4,"at":"2026-03-04T00:00:00Z""#) == ["draft", nil, "0.00"])
        #expect(try draft(#""as_of":"2026-04-10T00:00:00Z""#) == ["final", "25.00", "5.00"])
        let credits = try book.send(#"{"request":"credits","account":"a","as_of":3}"#)
        #expect(credits.list("wallets").first?.printed("left") == "10.00")
    }

    /// Many at once: each unit of money is drawn or withdrawn once, and every invoice drew all there was.
    @Test func moneyIsSpentOnceUnderManyAtOnce() throws {
        let book = try book()
        for month in ["01", "02"] { try use(book, 40, month) }
        try use(book, 40, "03")
        try deposit(book, "d", "100")
        book.clock.set("2026-04-02T00:00:00Z")
        let engine = book.engine
        let withdrawn = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 24) { index in
            if index % 2 == 0 {
                _ = engine.reply(
                    to:
                        #"{"request":"finalise","account":"a","period":"2026-0\#(index / 2 % 3 + 1)"}"#
                )
            } else {
                let reply = engine.reply(
                    to:
                        #"{"request":"deposit","id":"w\#(index)","account":"a","amount":"-5","currency":"USD"}"#
                )
                if String(decoding: reply, as: UTF8.self).contains(#""outcome":"recorded""#) {
                    withdrawn.add(5, ordering: .relaxed)
                }
            }
        }
        let currency = try #require(Currency(code: "USD"))
        func cents(_ text: String?) throws -> Int128 {
            try #require(Amount(text ?? "", currency: currency)).minorUnits
        }
        var drawn: Int128 = 0
        for month in ["01", "02", "03"] {
            let invoice = try ask(book, "invoice", month)
            #expect(invoice.printed("status") == "final")
            let paid = try cents(invoice["wallet"]?.printed("drawn") ?? "0.00")
            #expect(try cents(invoice.printed("due")) == 4000 - paid)
            drawn += paid
        }
        let shown = try wallet(book)
        #expect(try cents(shown[2]) == drawn)
        #expect(try cents(shown[1]) == Int128(withdrawn.load(ordering: .relaxed)) * 100)
        #expect(try cents(shown[3]) == 10_000 - drawn - (try cents(shown[1])))
        try stays(book)
    }

    /// Deposits, withdrawals and invoices in any order, against sums of whole cents.
    @Test(arguments: Seeds.all) func randomHistoriesAddUp(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        let book = try book()
        try use(book, 1, "01", account: "b")
        var (paid, back, drawn) = (0, 0, 0)
        func text(_ cents: Int) -> String {
            let (whole, part) = cents.magnitude.quotientAndRemainder(dividingBy: 100)
            return "\(cents < 0 ? "-" : "")\(whole).\(part < 10 ? "0" : "")\(part)"
        }
        for month in ["03", "04", "05", "06", "07", "08"] {
            for step in 0..<Int.random(in: 0...4, using: &generator) {
                let cents = Int.random(in: -3000...3000, using: &generator)
                let reply = try deposit(book, "d\(month)\(step)", text(cents))
                let isTaken = cents != 0 && cents >= -(paid - back - drawn)
                #expect(reply.printed("outcome") == (isTaken ? "recorded" : "rejected"))
                if isTaken, cents > 0 { paid += cents }
                if isTaken, cents < 0 { back -= cents }
            }
            let used = Int.random(in: 0...30, using: &generator)
            book.clock.set("2026-\(month)-20T00:00:00Z")
            try use(book, used, month)
            book.clock.set("2026-0\((Int(month) ?? 0) + 1)-01T00:00:00Z")
            let due = used * 100 - min(used * 100, paid - back - drawn)
            drawn += used * 100 - due
            #expect(try ask(book, "finalise", month).printed("due") == text(due))
        }
        if paid > 0 {
            let left = paid - back - drawn
            #expect(try wallet(book) == [text(paid), text(back), text(drawn), text(left)])
        }
        try stays(book)
    }

    @Test func aReplayHasTheSameWallets() throws {
        let book = try book()
        try deposit(book, "d", "100")
        try deposit(book, "e", "7", "EUR")
        try use(book, 25, "03")
        book.clock.set("2026-04-15T00:00:00Z")
        _ = try ask(book, "finalise", "03")
        try deposit(book, "w", "-30")
        let shown = try wallet(book)
        #expect(shown == ["100.00", "30.00", "25.00", "45.00"])
        try stays(book)
        #expect(try wallet(book) == shown && wallet(book, "EUR").last == "7.00")
    }

    /// The digest holds over a snapshot, a restart, and a full replay.
    private func stays(_ book: Book) throws {
        let digest = book.digest
        _ = try book.send(#"{"request":"snapshot"}"#)
        try book.restart()
        #expect(book.digest == digest)
        #expect(try book.verifies())
    }
}

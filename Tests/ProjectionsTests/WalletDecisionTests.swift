import Billing
import Codec
import Projections
import Testing

/// The committer's word on an invoice that was made before it came.
@Suite struct WalletDecisionTests {
    /// An account with 10 in its wallet, after a catalog.
    private func ledger() throws -> Ledger {
        let ledger = Ledger()
        for number in 0..<3 { try ledger.record(Sample.event("e\(number)", "t", "acme")) }
        try ledger.record(
            Sample.command(.deposit, "d", "acme", #"{"amount":"10","currency":"USD"}"#))
        return ledger
    }

    private func invoice(total: String, draws: String?) throws -> [UInt8] {
        let wallet = draws.map { #","wallet":{"drawn":"\#($0)","left":"0"}"# } ?? ""
        return try Sample.command(
            .finalise, "acme/2026-01", "acme",
            #"{"name":"2026-01","period":{"start":"2026-01-01T00:00:00Z","end":"2026-02-01T00:00:00Z"},"#
                + #""number":1,"through":3,"currency":"USD","total":"\#(total)"\#(wallet)}"#)
    }

    /// It is taken if it draws what there is, and made again if it draws more or less.
    @Test(
        arguments: [
            ("4.00", "4.00", true), ("25.00", "10.00", true), ("-3.00", "0.00", true),
            ("-3.00", nil, true), ("4.00", "3.99", false), ("4.00", nil, false),
            ("25.00", "9.99", false), ("25.00", "10.01", false), ("25.00", "25.00", false),
            ("-3.00", "3.00", false), ("4.00", "-4.00", false), ("4.00", "much", false),
        ] as [(String, String?, Bool)])
    func anInvoiceDrawsWhatThereIs(_ total: String, _ draws: String?, _ isTaken: Bool) throws {
        let ledger = try ledger()
        switch try ledger.send(invoice(total: total, draws: draws)) {
        case .entry: #expect(isTaken)
        case .refused(let refusal):
            #expect(!isTaken && ["stale", "bad_request"].contains(refusal.code))
        }
    }

    /// A log in which more is drawn or paid back than there was stops the fold.
    @Test func spendingMoreThanThereIsStopsTheFold() throws {
        for content in [
            try invoice(total: "25.00", draws: "10.01"),
            try Sample.command(.deposit, "w", "acme", #"{"amount":"-10.01","currency":"USD"}"#),
            try Sample.command(.deposit, "w", "acme", #"{"amount":"-1","currency":"EUR"}"#),
            try Sample.command(.deposit, "w", "acme", #"{"amount":"1"}"#),
        ] {
            let ledger = try ledger()
            let failure = #expect(throws: Books.Failure.self) {
                try ledger.apply(
                    .init(content: content, outcome: .recorded, recordedAt: Sample.now))
            }
            guard case .contradiction(let position, _)? = failure else { continue }
            #expect(position == 4)
        }
    }
}

import Billing
import Money
import Testing

/// What an account owes for a period.
@Suite struct InvoiceDraftTests {
    private static func segment(
        _ prices: String, _ first: Int64, _ end: Int64, key: String = "p", currency: String = "USD"
    ) throws -> PlanSegment {
        PlanSegment(
            plan: try Plans.plan("\"prices\":{\(prices)}", key: key, currency: currency),
            start: Timestamp(nanoseconds: first), end: Timestamp(nanoseconds: end))
    }

    private static func lines(_ draft: InvoiceDraft) -> [String] {
        draft.lines.map { "\($0.id) \($0.quantity) \($0.unrounded.unrounded) \($0.amount)" }
    }

    private static let unit =
        "\"unit\":{\"meter\":\"m\",\"amount\":\"0.005\",\"description\":\"Calls\"}"

    @Test func eachLineIsRoundedOnceAndTheTotalIsTheirSum() throws {
        let prices =
            "\"a\":{\"meter\":\"m\",\"amount\":\"0.005\"},\"b\":{\"meter\":\"n\",\"amount\":\"0.005\"},"
            + "\"c\":{\"meter\":\"n\",\"package\":{\"size\":10,\"amount\":2}}"
        let draft = InvoiceDraft(segments: [try Self.segment(prices, 0, 9)]) { meter, segment in
            #expect(segment == 0)
            return meter == "m" ? .one : Quantity(units: 3 * Quantity.one.units)
        }
        #expect(
            Self.lines(draft) == [
                "a 1 0.005000000000 0.01", "b 3 0.015000000000 0.02", "c 3 2.000000000000 2.00",
            ])
        #expect(draft.total?.description == "2.03" && draft.currency?.code == "USD")
        #expect(draft.notes.isEmpty)
    }

    /// A change of plan splits the period: each part has its prices, its usage, its span.
    @Test func segmentsAreBilledApart() throws {
        let segments = [
            try Self.segment(Self.unit, 0, 10), try Self.segment(Self.unit, 10, 30, key: "q"),
        ]
        let draft = InvoiceDraft(segments: segments) { _, segment in
            Quantity(units: Quantity.one.units * (segment == 0 ? 1000 : 3))
        }
        #expect(
            Self.lines(draft) == [
                "unit 1000 5.000000000000 5.00", "unit@2 3 0.015000000000 0.02",
            ])
        #expect(draft.lines.map(\.segment) == [0, 1])
        #expect(draft.lines.map(\.period) == segments.map(\.period))
        #expect(draft.lines.map(\.description) == ["Calls", "Calls"])
        #expect(draft.total?.description == "5.02")
    }

    @Test func anotherCurrencyIsSaidAndNotAdded() throws {
        let segments = [
            try Self.segment(Self.unit, 0, 1_000_000_000, key: "old", currency: "EUR"),
            try Self.segment(Self.unit, 10, 30),
        ]
        let draft = InvoiceDraft(segments: segments) { _, _ in .one }
        #expect(Self.lines(draft) == ["unit@2 1 0.005000000000 0.01"])
        #expect(
            draft.notes == [
                "plan \"old\" until 1970-01-01T00:00:01Z is in EUR and is not on this invoice"
            ])
        #expect(draft.currency?.code == "USD")
    }

    @Test func noPlanIsNoInvoice() {
        let draft = InvoiceDraft(segments: []) { _, _ in .one }
        #expect(draft.lines.isEmpty && draft.total == nil && draft.currency == nil)
    }

    @Test func aFirstTiersFlatFeeIsDueWithoutUsage() throws {
        let tiers =
            "\"t\":{\"meter\":\"m\",\"graduated\":[{\"up_to\":5,\"flat\":100},{\"amount\":1}]}"
        let draft = InvoiceDraft(segments: [try Self.segment(tiers, 0, 9)]) { _, _ in .zero }
        #expect(Self.lines(draft) == ["t 0 100.000000000000 100.00"])
    }

    @Test func whatIsBeyondTheRangeIsSaid() throws {
        let price = "\"x\":{\"meter\":\"m\",\"amount\":\"1000000000000\"}," + Self.unit
        let draft = InvoiceDraft(segments: [try Self.segment(price, 0, 9)]) { _, _ in
            Quantity(units: .max)
        }
        #expect(draft.notes == ["line \"x\" is beyond the range of money"])
        #expect(draft.lines.map(\.id) == ["unit"])
        #expect(draft.total == draft.lines.first?.amount)
    }

    @Test func yenHaveNoDecimals() throws {
        let price = "\"y\":{\"meter\":\"m\",\"amount\":\"1000.5\"}"
        let segment = try Self.segment(price, 0, 9, currency: "JPY")
        let draft = InvoiceDraft(segments: [segment]) { _, _ in .one }
        #expect(draft.total?.description == "1001")
    }
}

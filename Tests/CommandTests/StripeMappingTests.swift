import Billing
import Foundation
import Testing

@testable import daybook

/// The file that says what Stripe's ids mean.
@Suite struct StripeMappingTests {
    private static func problems(_ text: String) throws -> [String] {
        let folder = try TemporaryFolder()
        let document = try YAMLDocument(file: folder.file("mapping.yaml", text).path)
        var problems: [StripeMapping.Problem] = []
        _ = StripeMapping(reading: document.value, &problems)
        return document.problems(problems, in: "m").list.map { $0.text("m") }
    }

    @Test func aMappingIsRead() throws {
        let folder = try TemporaryFolder()
        let file = try folder.file(
            "mapping.yaml",
            """
            prices:
              price_123: {plan: pro}
              prod_9: {plan: team}
              price_seat: {addon: seats}
            account: metadata.account
            test: true
            """)
        #expect(
            try StripeMapping(file: file.path)
                == StripeMapping(
                    prices: [
                        "price_123": .plan("pro"), "prod_9": .plan("team"),
                        "price_seat": .addon("seats"),
                    ], account: ["metadata", "account"], test: true))
    }

    @Test func withoutMoreTheAccountIsTheCustomerAndTestsAreLeftOut() throws {
        let folder = try TemporaryFolder()
        let file = try folder.file("mapping.yaml", "prices: {p: {plan: a}}\n")
        let mapping = try StripeMapping(file: file.path)
        #expect(mapping.account == ["customer"])
        #expect(!mapping.test)
    }

    @Test func everyProblemIsSaidWithItsLine() throws {
        let text = """
            prices:
              p1: pro
              p2: {plan: pro, addon: seats}
              p3: {plans: pro}
              p4: {plan: 7}
              p5: {addon: ""}
              p6: {plan: pro}
            acount: customer
            account: metadata..account
            test: "yes"
            """
        #expect(
            try Self.problems(text) == [
                "m:2: prices.p1: {plan: KEY} or {addon: KEY} is needed",
                "m:3: prices.p2: {plan: KEY} or {addon: KEY} is needed",
                "m:4: prices.p3: {plan: KEY} or {addon: KEY} is needed",
                "m:5: prices.p4.plan: the key of the catalog is needed, a text",
                "m:6: prices.p5.addon: the key of the catalog is needed, a text",
                "m:8: acount: unknown key; known here: prices, account, test",
                "m:9: account: a path in the subscription is needed, such as metadata.account",
                "m:10: test: true or false is needed",
            ])
    }

    @Test(arguments: ["test: true", "prices: {}", "prices: [a]", "- prices"])
    func aMappingOfNothingIsRefused(_ text: String) throws {
        #expect(try Self.problems(text).count == 1)
        let folder = try TemporaryFolder()
        let file = try folder.file("mapping.yaml", text)
        #expect(throws: CommandFailure.self) { try StripeMapping(file: file.path) }
    }
}

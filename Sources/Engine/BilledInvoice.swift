package import Billing
import Bytes
package import Codec
import Money
package import Projections
package import SegmentedLog

/// An invoice as it is answered: a draft, or the document that was finalised.
package struct BilledInvoice: Sendable {
    /// The billing period.
    package let period: BillingPeriod
    /// The lines, of a draft.
    package let draft: Invoice?
    /// All members of the answer, in its order.
    package let members: [(String, Value)]
    /// The position of the books it was made from; of a finalised one, of its entry.
    package let position: Position

    /// A draft.
    package init(draft: Invoice, account: String, position: Position) {
        period = draft.period
        self.draft = draft
        self.position = position
        members =
            [("status", .string("draft"))] + draft.members(account: account) + [
                ("position", Self.number(position))
            ]
    }

    /// A finalised invoice, from its entry.
    /// - Throws: `DecodeFailure` if the entry has no document.
    package init(
        finalised record: borrowing RecordView, _ period: BillingPeriod, _ position: Position
    ) throws {
        self.period = period
        draft = nil
        self.position = position
        guard let data = record.data, case .object(let document) = try ValueCoder.value(data) else {
            throw DecodeFailure.invalid("a finalised invoice without a document", 0)
        }
        var members: [(String, Value)] = [("status", .string("final"))]
        for name in Self.order {
            if let value = document.first(where: { $0.name == name })?.value {
                members.append((name, value))
            }
        }
        self.members = members + [("position", Self.number(position))]
    }

    /// The members of a document, in the order in which people read them.
    private static let order = [
        "invoice", "account", "name", "number", "period", "currency", "lines", "subtotal", "tax",
        "total", "wallet", "due", "carried", "notes", "at", "through", "hash",
    ]

    /// A number as a tree.
    static func number(_ number: UInt64) -> Value {
        .number(DecimalNumber(mantissa: Int128(number), scale: 0))
    }

    /// The billing period with a name, or the one in which an instant lies.
    /// - Throws: `Refusal` that names the period that is meant, if there is none of that name.
    package static func period(
        _ name: String?, _ facts: BillingFacts, _ at: Timestamp
    ) throws(Refusal) -> BillingPeriod {
        guard let name else { return facts.contract.billingPeriod(at: at) }
        if let finalised = facts.state.finalised(name) {
            return facts.contract.billingPeriod(finalised.period, named: name)
        }
        if let period = facts.contract.billingPeriod(named: name) { return period }
        let current = facts.contract.billingPeriod(at: at)
        throw .bad(
            "period",
            "the account has no billing period \"\(name)\"; the one of now is \(current.name) "
                + "(name it by its month, 2026-03, or by its first day, 2026-03-15)")
    }

    /// The member with this name.
    package subscript(name: String) -> Value? { members.first { $0.0 == name }?.1 }

    /// The members as an object.
    package func write(to json: inout JSONWriter) {
        json.append(members.map { Value.Member(name: $0.0, value: $0.1) })
    }
}

package import Billing
import Bytes
import Codec
package import Money
import Platform
package import Projections
import SegmentedLog

/// What a credit note is to take off.
package struct CreditNoteWish: Sendable {
    /// The request's own id: a retry with it makes no second credit note.
    package let id: String
    /// Whose invoice.
    package let account: String
    /// The name of the finalised period.
    package let period: String
    /// The line's id.
    package let line: String
    /// How much of it.
    package let size: Size
    /// Why, for people.
    package let reason: String
    /// Whether the next invoice takes it over; otherwise it is paid back outside.
    package let settles: Bool

    /// How much of a line.
    package enum Size: Sendable {
        /// In major units, before tax.
        case amount(DecimalNumber)
        /// A fraction of the line.
        case part(Fraction)
    }

    static func decode(_ arguments: Arguments) throws(Refusal) -> CreditNoteWish {
        try arguments.allow(["account", "period", "line", "amount", "part", "reason", "settle"])
        let size: Size
        switch (arguments["amount"], arguments["part"]) {
        case (.some(let amount), nil):
            let number: DecimalNumber?
            switch amount {
            case .number(let value): number = value
            case .string(let text): number = DecimalNumber(text)
            default: number = nil
            }
            guard let number, number.mantissa > 0 else {
                throw .bad("amount", "an amount above zero is needed, such as 12.50")
            }
            size = .amount(number)
        case (nil, .some(let part)):
            let words = part.text?.split(separator: "/", omittingEmptySubsequences: false) ?? []
            guard words.count == 2, let above = Int64(words[0]), let below = Int64(words[1]),
                above > 0, above <= below
            else {
                throw .bad("part", "a part of the line is needed, such as 3/28")
            }
            size = .part(Fraction(Int128(above), over: Int128(below)))
        default: throw .bad("amount", "give either amount or part")
        }
        let settle = try arguments.optionalText("settle") ?? "next_invoice"
        guard settle == "next_invoice" || settle == "outside" else {
            throw .bad("settle", "\"\(settle)\" is neither next_invoice nor outside")
        }
        return CreditNoteWish(
            id: try arguments.text("id"), account: try arguments.text("account"),
            period: try arguments.text("period"), line: try arguments.text("line"), size: size,
            reason: try arguments.text("reason"), settles: settle == "next_invoice")
    }
}

/// A document that stands in the log.
package struct RecordedDocument: Sendable {
    let members: [(String, Value)]
    let isDuplicate: Bool
    let position: Position

    func write(to json: inout JSONWriter) {
        json.member("outcome", isDuplicate ? "duplicate" : "recorded")
        json.append(members.map { Value.Member(name: $0.0, value: $0.1) })
        json.member("position", position)
    }
}

extension Engine {
    /// Source of the entries of finalised invoices; their ids are the invoices' names.
    private static let invoiceSource = "daybook.invoices"
    /// Source of the entries of credit notes.
    private static let creditSource = "daybook.credit_notes"
    /// How often a document is made again because another one took its number.
    static let attemptsMax = 16

    /// The invoice of an account: as it was finalised, or a draft of what the durable head knows.
    /// - Parameters:
    ///   - period: the billing period's name; nil: that of `at`.
    ///   - at: the asking time.
    /// - Throws: `Refusal` for a period that the account cannot have, and if history cannot be read.
    package func invoice(
        account: String, period: String?, at: Timestamp
    ) throws(Refusal) -> BilledInvoice {
        let (facts, found, counted) = try billingFacts(account: account, period: period, at: at)
        if let finalised = facts.state.finalised(found.name) {
            return try document(at: finalised.position) { record in
                try BilledInvoice(finalised: record, found, facts.position)
            }
        }
        let billing = AccountBilling(
            facts: facts, source: LoggedEntries(engine: self, account: account), at: at)
        return BilledInvoice(
            draft: try billing.draft(found, counted: counted), account: account,
            position: facts.position)
    }

    /// The facts of an account, a billing period of it, and its usage where counters know it.
    /// - Parameter asOf: so many entries are known; nil: all durable ones.
    func billingFacts(
        account: String, period: String?, at: Timestamp, asOf: Position? = nil
    ) throws(Refusal) -> (BillingFacts, BillingPeriod, [String: Fraction]?) {
        try withBooks(asOf: asOf) { books throws(Refusal) in
            let facts = books.billingFacts(of: account)
            let found = try BilledInvoice.period(period, facts, at)
            return (facts, found, books.countedUsage(facts, in: found))
        }
    }

    func document<Document>(
        at position: Position, _ body: (borrowing RecordView) throws -> Document
    ) throws(Refusal) -> Document {
        do {
            return try reader.withRecord(at: position) { bytes, _ in
                try body(RecordView(record: bytes))
            }
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "position \(position) cannot be read: \(error); run `daybook verify`")
        }
    }

    // MARK: Finalising

    /// Records the invoice of a billing period that is over, as it is now and for ever.
    ///
    /// It is made from the durable head on the caller's thread, while commits go on, and says up to
    /// which position it looked: what comes later is late. Finalising a period twice answers the
    /// invoice that stands.
    package func finalise(
        account: String, period: String?, at: Timestamp
    ) throws(Refusal) -> RecordedDocument {
        try refuseIfReadOnly()
        // A misspelt name must not get an invoice of the default plan, and a number.
        guard durable.withLock({ $0.books.account(account) != nil }) else {
            throw Refusal(
                code: "unknown_account", field: "account",
                message: "account: the log has no entry of \"\(account)\"")
        }
        for _ in 0..<Self.attemptsMax {
            let (facts, found, counted) = try billingFacts(
                account: account, period: period, at: at)
            if let finalised = facts.state.finalised(found.name) {
                return try recorded(at: finalised.position)
            }
            guard found.period.end <= at else {
                throw Refusal(
                    code: "period_open", field: "period",
                    message: "period: \(found.name) ends at \(found.period.end); it can be "
                        + "finalised from then on")
            }
            // The invoice stands for ever, so what it was paid with must be right before.
            guard try isReconciled(facts, found, at: at) else { continue }
            let billing = AccountBilling(
                facts: facts, source: LoggedEntries(engine: self, account: account), at: at)
            let draft = try billing.draft(found, counted: counted)
            guard draft.currency != nil else {
                throw Refusal(
                    code: "nothing_to_invoice", field: "account",
                    message: "account: \"\(account)\" was on no plan in \(found.name)")
            }
            guard draft.total != nil else {
                throw Refusal(
                    code: "out_of_range", message: "the total is beyond the range of money")
            }
            let members = draft.document(
                account: account, number: facts.nextNumber, through: facts.position, at: at)
            let name = "\(account)/\(found.name)"
            if let done = try record(
                .finalise, source: Self.invoiceSource, id: name, account: account,
                members: members, isSame: { _ in true })
            {
                return done
            }
        }
        throw Self.tooBusy
    }

    /// Records a credit note against a line of a finalised invoice.
    package func credit(_ wish: CreditNoteWish) throws(Refusal) -> RecordedDocument {
        try refuseIfReadOnly()
        for _ in 0..<Self.attemptsMax {
            let facts = durable.withLock { $0.books.billingFacts(of: wish.account) }
            guard let invoice = facts.state.finalised(wish.period) else {
                let known = facts.state.finalised.map(\.name).joined(separator: ", ")
                throw .bad(
                    "period",
                    "\(wish.account)/\(wish.period) is not finalised; "
                        + (known.isEmpty ? "no invoice of the account is" : "there is: \(known)"))
            }
            let document = try document(at: invoice.position) { record -> Value in
                guard let data = record.data else { return .null }
                return try ValueCoder.value(data)
            }
            let members = try CreditNote(wish: wish, invoice: invoice, document: document)
                .members(number: facts.nextNumber)
            if let done = try record(
                .creditNote, source: Self.creditSource, id: wish.id, account: wish.account,
                members: Invoice.sealed(members), isSame: { Self.isSame($0, members) })
            {
                return done
            }
        }
        throw Self.tooBusy
    }

    /// Whether two credit notes are one order: all but what depends on when it was recorded.
    private static func isSame(_ document: Value, _ members: [(String, Value)]) -> Bool {
        for (name, value) in members where name != "number" && document[name] != value {
            return false
        }
        return true
    }

    /// - Returns: nil if another document took the number meanwhile.
    private func record(
        _ kind: RecordKind, source: String, id: String, account: String,
        members: [(String, Value)], isSame: (Value) -> Bool
    ) throws(Refusal) -> RecordedDocument? {
        let data = Value.object(of: members)
        guard
            let (reply, detail) = record(kind, source: source, id: id, account: account, data: data)
        else {
            guard failure == nil, !isClosing else { throw refusalNow }
            throw Refusal(
                code: "overloaded",
                message: "the document was not taken: the queue is full, or it is larger than "
                    + "\(EngineLimits.recordBytesMax) bytes")
        }
        switch reply.status {
        case .recorded:
            return RecordedDocument(
                members: members, isDuplicate: false, position: reply.position)
        case .duplicate, .conflict:
            // Its number and position differ from the original's; what was ordered may not.
            let found = try recorded(at: reply.position)
            guard isSame(.object(of: found.members)) else {
                throw Refusal(
                    code: "conflict", field: "id",
                    message: "id: it stands at position \(reply.position) with another order; a "
                        + "new credit note takes a new id")
            }
            return found
        case .refused:
            guard let refusal = detail?.refusal, refusal.code != "stale" else { return nil }
            throw refusal
        case .unknown:
            throw Refusal(
                code: "storage_failed",
                message: "the log failed; whether this was recorded is decided at the next start")
        }
    }

    private func recorded(at position: Position) throws(Refusal) -> RecordedDocument {
        try document(at: position) { record in
            guard let data = record.data, case .object(let members) = try ValueCoder.value(data)
            else { throw DecodeFailure.invalid("an entry without a document", 0) }
            return RecordedDocument(
                members: members.map { ($0.name, $0.value) }, isDuplicate: true,
                position: position)
        }
    }

    func refuseIfReadOnly() throws(Refusal) {
        guard options.readOnly else { return }
        throw Refusal(
            code: "unsupported",
            message: "a data directory is only read; documents are made by a running server")
    }

    static let tooBusy = Refusal(
        code: "overloaded", message: "other documents were recorded all the time; try again")
}

extension Invoice {
    /// The document of a finalised invoice.
    /// - Parameters:
    ///   - number: among all documents of the book.
    ///   - through: entries before this position are on it.
    ///   - at: when it was finalised.
    func document(
        account: String, number: UInt64, through: Position, at: Timestamp
    ) -> [(String, Value)] {
        Self.sealed(
            members(account: account) + [
                ("number", BilledInvoice.number(number)),
                ("through", BilledInvoice.number(through)), ("at", .string(at.description)),
            ])
    }

    /// A document with the hash of all its other members.
    static func sealed(_ members: [(String, Value)]) -> [(String, Value)] {
        let bytes = ValueCoder.nodeBytes(.object(of: members))
        return members + [("hash", .string(SHA256.hash(bytes.raw).hex))]
    }
}

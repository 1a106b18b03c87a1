import Billing
import Codec
import Money

/// What is decided of documents and of their times; each decision reads the books and changes nothing.
extension Books {
    /// Why an event is not taken for its age; nil: it is.
    func refusalOfAge(_ record: borrowing RecordView, _ recordedAt: Int64) -> Refusal? {
        let rules = registry.eventRules
        guard let time = record.time, rules.maxAge != nil || rules.maxAhead != nil else {
            return nil
        }
        let (age, overflow) = recordedAt.subtractingReportingOverflow(time)
        if let most = rules.maxAge, overflow ? time < 0 : age > most {
            return Refusal(
                code: "event_too_old", field: "time",
                message: "time: \(Timestamp(nanoseconds: time)) is more than "
                    + "\(most / 1_000_000_000) seconds before it was recorded, the most that the "
                    + "catalog allows (events.max_age)")
        }
        if let most = rules.maxAhead, overflow ? time >= 0 : -age > most {
            return Refusal(
                code: "event_in_future", field: "time",
                message: "time: \(Timestamp(nanoseconds: time)) is more than "
                    + "\(most / 1_000_000_000) seconds after it was recorded, the most that the "
                    + "catalog allows (events.max_ahead)")
        }
        return nil
    }

    /// The engine made the document; between that and now another may have come.
    func decideFinalise(_ record: borrowing RecordView) -> Verdict {
        guard let subject = record.subject else {
            return .refused(.bad("account", "an invoice names its account"))
        }
        switch FinaliseOrder.read(record) {
        case .failure(let refusal): return .refused(refusal)
        case .success(let order):
            guard order.number == invoices.count + 1, order.through <= position else {
                return .refused(Self.stale)
            }
            let state = registry.accounts.number(of: subject).map { invoices.account($0) }
            // Money came or went since the invoice was made: it would not draw what there is.
            let left = Currency(code: order.currency).flatMap { state?.wallet($0)?.left } ?? 0
            guard order.drawn == min(left, max(order.total, 0)) else {
                return .refused(Self.stale)
            }
            for other in state?.finalised ?? []
            where other.period.start < order.period.end && order.period.start < other.period.end {
                return .refused(
                    Refusal(
                        code: "already_finalised", field: "period",
                        message: "period: invoice \(other.number) covers \(other.name) already"))
            }
            return .entry(.recorded, Evidence())
        }
    }

    func decideCreditNote(_ record: borrowing RecordView) -> Verdict {
        guard let subject = record.subject else {
            return .refused(.bad("account", "a credit note names its account"))
        }
        switch CreditNoteOrder.read(record) {
        case .failure(let refusal): return .refused(refusal)
        case .success(let order):
            let state = registry.accounts.number(of: subject).map { invoices.account($0) }
            guard let invoice = state?.finalised(order.invoice) else {
                return .refused(.bad("period", "\(order.invoice) is not finalised"))
            }
            let credited = invoice.credited.first { $0.line == order.line }?.minorUnits ?? 0
            let (sum, overflow) = credited.addingReportingOverflow(order.net)
            guard !overflow, sum <= order.lineAmount else {
                return .refused(
                    .bad(
                        "amount",
                        "more than is left of line \"\(order.line)\": a credit note or several "
                            + "took off a part of it already"))
            }
            guard order.number == invoices.count + 1 else { return .refused(Self.stale) }
            return .entry(.recorded, Evidence())
        }
    }

    /// Another document took the number: the engine makes this one again.
    static let stale = Refusal(
        code: "stale", message: "another document was recorded meanwhile; try again")
}

package import Billing
package import Projections
import SegmentedLog

extension Query {
    /// Reads a query's arguments.
    /// - Parameters:
    ///   - name: the `request` word.
    ///   - arguments: the request's members.
    /// - Throws: `Refusal` that names the member, what is wrong with it and what is expected.
    /// - Returns: nil if `name` is no query.
    static func decode(_ name: String, _ arguments: Arguments) throws(Refusal) -> Query? {
        guard Moment.queries.contains(name) else { return try ofNow(name, arguments) }
        let moment = try Moment(arguments)
        let query = try ofNow(name, arguments.without(Moment.members))
        return moment.isNow ? query : query.map { .past($0, moment) }
    }

    private static func ofNow(
        _ name: String, _ arguments: Arguments
    ) throws(Refusal) -> Query? {
        switch name {
        case "ping": return try plain(.ping, arguments)
        case "status": return try plain(.status, arguments)
        case "catalog": return try plain(.catalog, arguments)
        case "verify":
            try arguments.allow(["deep"])
            return .verify(deep: try arguments.flag("deep"))
        case "compact": return try plain(.compact, arguments)
        case "backup":
            try arguments.allow(["to", "with_key"])
            let directory = try arguments.text("to")
            // The server's idea of where it stands is nobody else's.
            guard directory.utf8.first == UInt8(ascii: "/") else {
                throw .bad("to", "an absolute path is needed, not \"\(directory)\"")
            }
            return .backup(to: directory, withKeys: try arguments.flag("with_key"))
        case "snapshot": return try plain(.snapshot, arguments)
        case "unmatched":
            try arguments.allow(["limit"])
            return .unmatched(
                limit: try arguments.count(
                    "limit", or: EngineLimits.unmatchedRows, min: 1, max: Int.max))
        case "check":
            return .check(try AccessQuestion(arguments))
        case "usage":
            try arguments.allow(["account", "period"])
            return .usage(
                account: try arguments.text("account"), period: try arguments.period("period"))
        case "credits":
            try arguments.allow(["account"])
            return .credits(account: try arguments.text("account"))
        case "entitlements":
            try arguments.allow(["account"])
            return .entitlements(account: try arguments.text("account"))
        case "invoice":
            try arguments.allow(["account", "period"])
            return .invoice(
                account: try arguments.text("account"),
                period: try arguments.optionalText("period"))
        case "reconcile":
            try arguments.allow(["account", "period"])
            return .reconcile(
                account: try arguments.text("account"),
                period: try arguments.optionalText("period"))
        case "finalise":
            try arguments.allow(["account", "period"])
            return .finalise(
                account: try arguments.text("account"),
                period: try arguments.optionalText("period"))
        case "retirement":
            try arguments.allow(["before"])
            return .retirement(before: try arguments.time("before"))
        case "explain":
            try arguments.allow(["account", "period", "line", "from", "limit", "cursor"])
            return .explain(
                account: try arguments.text("account"),
                period: try arguments.optionalText("period"),
                line: try arguments.text("line"), try Explanation.Page(arguments))
        case "explain_entry": return .explainEntry(try EntryName(arguments))
        case "explain_decision": return .explainDecision(try EntryName(arguments))
        default:
            if let query = try decodeOther(name, arguments) { return query }
            return try ProofQuery.decode(name, arguments).map { .proof($0) }
        }
    }

    private static func decodeOther(
        _ name: String, _ arguments: Arguments
    ) throws(Refusal) -> Query? {
        switch name {
        case "diff": return .diff(try DiffWish(arguments))
        case "replay": return .replay(try ReplayWish(arguments))
        case "simulate": return .simulate(try Scenario(arguments))
        case "rebuild": return .rebuild(try Books.Part.decode(arguments))
        case "credit_note": return .creditNote(try CreditNoteWish.decode(arguments))
        case "correct": return .correct(try CorrectionWish.decode(arguments))
        case "backfill": return .backfill(try BackfillWish.decode(arguments))
        case "batches":
            try arguments.allow(["from", "limit"])
            return .batches(
                from: try arguments.count("from", or: 0, max: Int.max),
                limit: try arguments.count(
                    "limit", or: EngineLimits.batchRows, min: 1, max: EngineLimits.batchRows))
        default: return nil
        }
    }

    private static func plain(_ query: Query, _ arguments: Arguments) throws(Refusal) -> Query {
        try arguments.allow([])
        return query
    }
}

extension Query {
    /// Reads a query from a request's object, for callers in this process.
    /// - Throws: `Refusal` that names the member and what is wrong with it.
    package static func decode(_ name: String, _ members: Value) throws(Refusal) -> Query {
        if let query = try decode(name, Arguments(members)) { return query }
        throw .bad("request", "there is no query \"\(name)\"")
    }
}

extension AccessQuestion {
    init(_ arguments: Arguments) throws(Refusal) {
        try arguments.allow(["account", "feature", "quantity", "value", "data"])
        let value = FeatureValue(asked: arguments["value"])
        guard value != nil || arguments["value"] == nil else {
            throw .bad("value", "a text, a list of texts or a number is needed")
        }
        self.init(
            account: try arguments.text("account"), feature: try arguments.text("feature"),
            quantity: try arguments.quantity("quantity"), value: value, data: arguments["data"])
    }
}

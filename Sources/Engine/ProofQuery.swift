package import Codec
package import Projections

/// A question about proofs: the engine reads it and hands it on, for it knows no signatures.
package enum ProofQuery: Sendable {
    /// What shows an account's invoice to somebody without the log; nil: of the period of now.
    case invoice(account: String, period: String?)
    /// The signed checkpoint of the durable head.
    case checkpoint
    /// The public key.
    case key
}

/// Answers questions about proofs.
package protocol ProofAnswering: Sendable {
    /// Writes the members of the answer. Any thread; it may read the whole log.
    func write(
        _ query: ProofQuery, of engine: Engine, to json: inout JSONWriter
    ) throws(Refusal)
}

extension ProofQuery {
    /// Reads a query's arguments; nil if `name` is no such query.
    static func decode(_ name: String, _ arguments: Arguments) throws(Refusal) -> ProofQuery? {
        switch name {
        case "prove":
            try arguments.allow(["account", "period"])
            return .invoice(
                account: try arguments.text("account"),
                period: try arguments.optionalText("period"))
        case "checkpoint":
            try arguments.allow([])
            return .checkpoint
        case "key":
            try arguments.allow([])
            return .key
        default: return nil
        }
    }
}

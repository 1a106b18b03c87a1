import Billing

/// What became of the lines of an upload, as far as the server has said.
package struct Tally: Sendable {
    /// Lines that have their final outcome: a prefix of what was sent.
    package internal(set) var ackedLines = 0
    /// Lines that became entries.
    package internal(set) var recorded = 0
    /// Lines that were entries already.
    package internal(set) var duplicate = 0
    /// Lines that were refused.
    package internal(set) var rejected = 0
    /// Lines without anything in them.
    package internal(set) var blank = 0
    /// Of `recorded` and `duplicate`: consumes whose answer was no.
    package internal(set) var denied = 0
    /// Of `rejected`: lines that may be sent again as they are, the server being busy or stopping.
    package internal(set) var postponed = 0
    /// Position of the first of `recorded`; nil if nothing was.
    package internal(set) var firstPosition: Int?
    /// Newest position that holds an entry of these lines.
    package internal(set) var lastPosition: Int?
    /// The log's chain head when the last of them became durable: the receipt.
    package internal(set) var chain: String?
    /// Whether the server said that this is all.
    package internal(set) var isFinal = false
    /// Bytes handed to the kernel.
    package internal(set) var sentBytes = 0

    /// Nothing yet.
    package init() {}

    /// Lines with something in them that have their final outcome.
    package var received: Int { recorded + duplicate + rejected }

    mutating func take(_ reply: Reply) {
        ackedLines = reply["acked_lines"]?.integer ?? ackedLines
        recorded = reply["recorded"]?.integer ?? recorded
        duplicate = reply["duplicate"]?.integer ?? duplicate
        rejected = reply["rejected"]?.integer ?? rejected
        blank = reply["blank"]?.integer ?? blank
        firstPosition = reply["first_position"]?.integer ?? firstPosition
        lastPosition = reply["position"]?.integer ?? lastPosition
        chain = reply["chain"]?.text ?? chain
        isFinal = reply["final"]?.flag ?? false
    }

    mutating func count(_ refusal: Refusal) {
        if ["overloaded", "draining", "storage_failed"].contains(refusal.word) { postponed += 1 }
    }
}

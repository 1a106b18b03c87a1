/// Why something does not prove what it should.
package struct ProofFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where in the proof: a member, an entry, a line of the invoice.
    package let place: String
    /// What does not hold there.
    package let problem: String

    init(_ place: String, _ problem: String) {
        self.place = place
        self.problem = problem
    }

    /// Place and problem in one line.
    package var description: String { "\(place): \(problem)" }
}

import Projections
import SegmentedLog

/// History that was metered beside the traffic, on its way to the committer with the entry that asks for it.
///
/// `@unchecked Sendable`: who prepares it hands it over through the engine's monitor; then the committer
/// alone has it.
final class Preparation: @unchecked Sendable {
    /// nil: the committer meters history while commits wait.
    var remetering: Remetering?
    /// Entries before it are metered.
    let position: Position
    /// The committer takes it however far behind it is.
    let isLast: Bool
    /// Who waits for the reply.
    private let call: Call

    init(_ remetering: consuming Remetering, isLast: Bool, _ call: Call) {
        position = remetering.base
        self.remetering = consume remetering
        self.isLast = isLast
        self.call = call
    }

    /// Gives it back: too much has been recorded since.
    func sendBack() { call.again() }
}

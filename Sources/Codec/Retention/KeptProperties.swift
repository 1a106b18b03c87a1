import Bytes

/// Which properties stay in the entries whose bodies are dropped: those that some meter or price reads.
package struct KeptProperties: Sendable {
    /// By event type, UTF-8.
    private var events: [[UInt8]: Set<PropertyPath>] = [:]
    /// Inside the data of a consume, which names its feature and not its meter: of all meters.
    private var consumes = Set(
        ["feature", "quantity", "hold", "seconds", "expires"].map { PropertyPath([$0]) })

    /// Nothing but what a consume asks for.
    package init() {}

    /// Keeps properties of the events of a type, and of consumes.
    /// - Parameter names: object keys inside an event's data, from the outside in.
    package mutating func keep(_ names: [String], ofType type: String) {
        events[Array(type.utf8), default: []].insert(PropertyPath(names))
        consumes.insert(PropertyPath(["data"] + names))
    }

    /// The paths in the data of a record.
    func paths(of record: borrowing RecordView) -> Set<PropertyPath> {
        switch record.kind {
        case .event: events[record.type.makeArray()] ?? []
        case .consume, .hold, .settle: consumes
        default: []
        }
    }
}

/// What is wrong with an event of a feed, so that nothing could be made of it.
struct SyncFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// Where, as a path from the event's root: `data.object.items.data[0].quantity`. Empty: the
    /// event as a whole.
    let path: String
    /// What is wrong, what is expected and, where a person can do something, what.
    let message: String

    init(_ path: String, _ message: String) {
        self.path = path
        self.message = message
    }

    /// One line for people.
    var description: String { path.isEmpty ? message : "\(path): \(message)" }
}

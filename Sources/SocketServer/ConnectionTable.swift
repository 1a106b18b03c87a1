/// The connections of one edge, found by token.
struct ConnectionTable {
    private struct Place {
        var generation: UInt32
        var connection: Connection?
    }

    private var places: [Place] = []
    private var free: [UInt32] = []

    var count: Int { places.count - free.count }

    /// Those that are there now.
    var all: [Connection] { places.compactMap(\.connection) }

    /// The connection; nil if it is gone.
    subscript(token: ConnectionToken) -> Connection? {
        let index = Int(token.slot)
        guard index < places.count, places[index].generation == token.generation else {
            return nil
        }
        return places[index].connection
    }

    mutating func insert(_ make: (ConnectionToken) -> Connection) -> Connection {
        let slot: UInt32
        if let reused = free.popLast() {
            slot = reused
        } else {
            slot = UInt32(places.count)
            places.append(Place(generation: 0, connection: nil))
        }
        let generation = places[Int(slot)].generation
        let connection = make(ConnectionToken(slot: slot, generation: generation))
        places[Int(slot)].connection = connection
        return connection
    }

    mutating func remove(_ token: ConnectionToken) {
        let index = Int(token.slot)
        precondition(places[index].generation == token.generation, "removed twice")
        places[index].connection = nil
        // Wraps after four billion clients of one place; none of their replies is left by then.
        places[index].generation &+= 1
        free.append(token.slot)
    }
}

import ArgumentParser
import Billing
import Bytes
import Client
import Codec

/// `daybook redact`.
struct RedactCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redact",
        abstract: "Erase personal properties of entries, for ever.",
        discussion: """
            Only what the catalog marked personal when the entry was recorded can be erased; \
            quantities, bills and proofs stay what they are. The order is an entry itself. From the \
            moment it is durable the values are shown to nobody; the server takes them off its \
            disk soon after, and `daybook compact` does it at once. Copies and backups that were \
            made before keep them.

            With --account all entries of the account that have one of the properties are found \
            first. Those that were recorded before the property was personal are named, and left.

            Example: daybook redact --account acme --property user.email --reason "request 17"
            """)

    @Option(
        help: ArgumentHelp(
            "The position of an entry. May stand several times.", valueName: "position"))
    var position: [Int] = []
    @Option(help: "All entries of this account, instead of positions.") var account: String?
    @Option(
        help: ArgumentHelp(
            "With --account: only entries whose time is not before this, such as "
                + "2023-11-01T00:00:00Z.", valueName: "time"))
    var from: String?
    @Option(
        help: ArgumentHelp(
            "With --account: only entries whose time is before this.", valueName: "time"))
    var to: String?
    @Option(
        help: ArgumentHelp(
            "A property of data, as the catalog names it. May stand several times.",
            valueName: "path"))
    var property: [String] = []
    @Option(help: ArgumentHelp("Why, for the record. Not erased itself.", valueName: "text"))
    var reason: String
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func validate() throws {
        if position.isEmpty == (account == nil) {
            throw ValidationError("give --position (once or more) or --account, not both")
        }
        if account == nil, from != nil || to != nil {
            throw ValidationError("--from and --to belong to --account")
        }
        for time in [from, to].compactMap({ $0 }) where Timestamp(rfc3339: time) == nil {
            throw ValidationError("\(time) is no time such as 2023-11-01T00:00:00Z")
        }
        if property.isEmpty { throw ValidationError("which property? Give --property PATH") }
        if position.contains(where: { $0 < 0 }) {
            throw ValidationError("--position is a position from 0 on")
        }
    }

    func run() throws {
        let id = try identity.id ?? Identity.random()
        let connection = try Connection.open(server.path())
        defer { connection.close() }
        var orders = RedactOrders(
            connection: connection, id: id, source: identity.source, reason: reason)
        if let account {
            let search = RedactSearch(
                account: account, properties: property,
                from: from.flatMap { Timestamp(rfc3339: $0) },
                to: to.flatMap { Timestamp(rfc3339: $0) })
            let found = try search.run(connection)
            guard !found.isEmpty else {
                throw CommandFailure(
                    .notFound,
                    "no entry of \(account) has \(property.joined(separator: " or "))")
            }
            try orders.send(found, passesOver: true)
        } else {
            try orders.send([(property, position)], passesOver: false)
        }
        try print(orders, id)
        if !orders.left.isEmpty { throw CommandFailure(.rejected, "") }
    }

    private func print(_ orders: RedactOrders, _ id: String) throws {
        guard !format.json else { return try Output.print([orders.json]) }
        let again = orders.isDuplicate ? ", it was there already" : ""
        var lines = [
            "\(property.joined(separator: ", ")) redacted in "
                + "\(Digits.grouped(orders.redacted)) entries"
        ]
        if !orders.positions.isEmpty {
            let positions = orders.positions.map { "\($0)" }.joined(separator: ", ")
            lines.append("position \(positions), id \(id)\(again)")
        }
        try Output.print(lines)
        for entry in orders.left {
            StandardError.line("daybook: left as it is: \(entry.path): \(entry.message)")
        }
    }
}

/// Finds an account's entries that have a property.
struct RedactSearch {
    let account: String
    let properties: [String]
    let from: Timestamp?
    let to: Timestamp?

    /// The positions, by what they have of the properties: an order asks of each entry all it names.
    func run(_ answering: any Answering) throws -> [([String], [Int])] {
        let request = Request(
            "follow",
            [
                "account": .string(account),
                "kinds": .array([.string("event"), .string("consume")]),
            ])
        var found: [[String]: [Int]] = [:]
        let reader = ReplyReader()
        let end = try answering.follow(request) { line in
            let entry = try reader.read(line)
            let event = entry["event"]
            guard let position = entry["position"]?.integer, isInside(entry, event) else {
                return true
            }
            var data = event?["data"]
            if entry.shown("kind") == "consume" { data = data?["data"] }
            let present = properties.filter { property in
                property.split(separator: ".").reduce(data) { $0?[String($1)] } != nil
            }
            if !present.isEmpty { found[present, default: []].append(position) }
            return true
        }
        if let refusal = end?.refusal { throw CommandFailure(refusal) }
        return found.map { ($0.key, $0.value) }.sorted { $0.1[0] < $1.1[0] }
    }

    /// An entry's time is its event's own, or when it was recorded.
    private func isInside(_ entry: Reply, _ event: Value?) -> Bool {
        guard from != nil || to != nil else { return true }
        let text = event?["time"]?.text ?? entry["recorded_at"]?.text ?? ""
        guard let time = Timestamp(rfc3339: text) else { return false }
        if let from, time < from { return false }
        if let to, time >= to { return false }
        return true
    }
}

/// Sends orders, at most a thousand entries each.
struct RedactOrders {
    private static let entriesMax = 1_000

    let connection: Connection
    let id: String
    let source: String?
    let reason: String

    /// Entries in which the properties are redacted.
    private(set) var redacted = 0
    /// Positions of the orders themselves.
    private(set) var positions: [Int] = []
    /// Entries that were left, and why.
    private(set) var left: [Refusal.Problem] = []
    /// Whether some order was there already.
    private(set) var isDuplicate = false

    init(connection: Connection, id: String, source: String?, reason: String) {
        self.connection = connection
        self.id = id
        self.source = source
        self.reason = reason
    }

    /// - Parameter passesOver: entries that cannot be redacted are left, and all others are ordered.
    mutating func send(_ groups: [([String], [Int])], passesOver: Bool) throws {
        var batches: [([String], ArraySlice<Int>)] = []
        for (properties, positions) in groups {
            for start in stride(from: 0, to: positions.count, by: Self.entriesMax) {
                batches.append((properties, positions[start...].prefix(Self.entriesMax)))
            }
        }
        let isOne = batches.count == 1 && !passesOver
        for batch in batches {
            try send(batch.0, Array(batch.1), isOne: isOne, passesOver)
        }
    }

    private mutating func send(
        _ properties: [String], _ entries: [Int], isOne: Bool, _ passesOver: Bool
    ) throws {
        var entries = entries
        while !entries.isEmpty {
            let own = isOne ? id : id(of: properties, entries)
            let reply = try ask(properties, entries, own)
            guard let refusal = reply.refusal else {
                redacted += entries.count
                if let position = reply["position"]?.integer { positions.append(position) }
                if reply["outcome"]?.text == "duplicate" { isDuplicate = true }
                return
            }
            let named = Set(refusal.problems.compactMap { Int($0.path) })
            guard passesOver, refusal.word == "not_personal", !named.isDisjoint(with: entries)
            else { throw CommandFailure(refusal) }
            left += refusal.problems
            entries.removeAll { named.contains($0) }
        }
    }

    /// One order has the id as it was given; of several each has its own, which follows from what it
    /// names: whoever runs the command again sends the same ones, and writes nothing twice.
    private func id(of properties: [String], _ entries: [Int]) -> String {
        let names = "\(properties) \(entries)"
        let digest = names.withBytes { SHA256.hash($0) }
        return "\(id)/\(digest.hex.prefix(16))"
    }

    private func ask(_ properties: [String], _ entries: [Int], _ id: String) throws -> Reply {
        let request = Request(
            "redact",
            [
                "id": .string(id), "source": source.map { .string($0) },
                "positions": .array(entries.map { .whole($0) }),
                "properties": .array(properties.map { .string($0) }),
                "reason": .string(reason),
            ])
        do throws(ClientFailure) {
            return try connection.ask(request)
        } catch {
            guard case .broken(let what) = error else { throw CommandFailure(error) }
            throw CommandFailure(
                .tryAgain,
                "\(what): the outcome is unknown; run the same command again with "
                    + "--id \(self.id), nothing is done twice")
        }
    }

    /// Everything as one JSON object.
    var json: String {
        var json = JSONWriter()
        json.value(
            .object(of: [
                ("id", .string(id)), ("redacted", .whole(redacted)),
                ("positions", .array(positions.map { .whole($0) })),
                (
                    "left",
                    .array(
                        left.map { entry in
                            .object(of: [
                                ("position", .whole(Int(entry.path) ?? 0)),
                                ("message", .string(entry.message)),
                            ])
                        })
                ),
            ]))
        return String(decoding: json.finish(), as: UTF8.self)
    }
}

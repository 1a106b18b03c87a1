package import Billing
package import Codec
import Money
import Projections
package import SegmentedLog

/// What is to be corrected of an account's entries, as it was asked for.
package struct CorrectionWish: Sendable {
    /// The request's own id: a retry with it corrects nothing again.
    package let id: String
    /// Who asks.
    package let source: String
    /// Whose entries.
    package let account: String
    /// What becomes of each entry, ascending by position.
    package let items: [Item]
    /// Why, for people.
    package let reason: String

    /// What becomes of one entry.
    package struct Item: Sendable {
        /// The entry.
        package let entry: Position
        /// What counts instead; nil: nothing.
        package let text: Replacement?
        /// The members of the request: `entry`, `action`, and of an amendment what is given.
        package let members: [(String, Value)]
    }

    static func decode(_ arguments: Arguments) throws(Refusal) -> CorrectionWish {
        try arguments.allow(["account", "source", "entries", "reason"])
        let reason = try arguments.text("reason")
        guard reason.utf8.count <= CorrectOrder.reasonBytesMax else {
            throw .bad(
                "reason", "a text of at most \(CorrectOrder.reasonBytesMax) bytes is needed")
        }
        guard case .array(let list)? = arguments["entries"],
            (1...CorrectOrder.itemsMax).contains(list.count)
        else {
            throw .bad(
                "entries",
                "a list of 1 to \(CorrectOrder.itemsMax) is needed, such as "
                    + #"[{"entry":17,"action":"retract"}]"#)
        }
        var items: [Item] = []
        for value in list { items.append(try item(value)) }
        items.sort { $0.entry < $1.entry }
        for (item, next) in zip(items, items.dropFirst()) where item.entry == next.entry {
            throw .bad("entries", "position \(item.entry) is there twice")
        }
        return CorrectionWish(
            id: try arguments.text("id"),
            source: try arguments.optionalText("source") ?? Command.defaultSource,
            account: try arguments.text("account"), items: items, reason: reason)
    }

    private static func item(_ value: Value) throws(Refusal) -> Item {
        guard case .object(let members) = value else {
            throw .bad("entries", "each is an object with entry and action")
        }
        let known = ["entry", "action", "time", "type", "data"]
        if let other = members.first(where: { !known.contains($0.name) }) {
            throw .bad(
                "entries",
                "\"\(other.name)\" is unknown here; known: \(known.joined(separator: ", "))")
        }
        guard let entry = value["entry"]?.wholeNumber else {
            throw .bad("entries", "each names its entry by position, a whole number")
        }
        let given = members.filter {
            ["time", "type", "data"].contains($0.name) && $0.value != .null
        }
        var all: [(String, Value)] = [
            ("entry", BilledInvoice.number(entry)), ("action", value["action"] ?? .null),
        ]
        switch value["action"]?.text {
        case "retract":
            guard given.isEmpty else {
                throw .bad(
                    "entries", "position \(entry): what is retracted has no new \(given[0].name)")
            }
            return Item(entry: entry, text: nil, members: all)
        case "amend":
            guard !given.isEmpty else {
                throw .bad("entries", "position \(entry): give a new time, type or data")
            }
            all += given.map { ($0.name, $0.value) }
            let text = try Replacement(.object(of: all))
            if text.type != nil, text.data == nil {
                throw .bad(
                    "entries", "position \(entry): an event of another type needs its data as well")
            }
            return Item(entry: entry, text: text, members: all)
        default:
            throw .bad("entries", "position \(entry): the action is neither retract nor amend")
        }
    }

    /// The data of the entry.
    /// - Parameters:
    ///   - was: the time of what counted until now, for each item.
    ///   - through: the position of the books by which that was found out.
    func data(was: [Timestamp], through: Position) -> Value {
        let entries = zip(items, was).map { item, was -> Value in
            .object(of: item.members + [("was", .string(was.description))])
        }
        return .object(of: [
            ("entries", .array(entries)), ("through", BilledInvoice.number(through)),
            ("reason", .string(reason)),
        ])
    }

    /// Whether an entry's data say the same: all but what was found out.
    func isSame(as data: Value) -> Bool {
        let mine = self.data(was: items.map { _ in Timestamp(nanoseconds: 0) }, through: 0)
        return mine["reason"] == data["reason"] && Self.asked(mine) == Self.asked(data)
    }

    private static func asked(_ data: Value) -> [Value] {
        guard case .array(let list)? = data["entries"] else { return [] }
        return list.map { item in
            guard case .object(let members) = item else { return item }
            return .object(members.filter { $0.name != "was" })
        }
    }
}

/// What is to become of a batch, as it was asked for.
package struct BackfillWish: Sendable {
    /// The request's own id: a retry with it changes nothing again.
    package let id: String
    /// Who asks.
    package let source: String
    /// The batch.
    package let batch: String
    /// The members of the entry.
    package let data: Value

    static func decode(_ arguments: Arguments) throws(Refusal) -> BackfillWish {
        try arguments.allow(["action", "batch", "bill", "reason", "source"])
        let members = ["action", "batch", "bill", "reason"].compactMap { name in
            arguments[name].map { (name, $0) }
        }
        return BackfillWish(
            id: try arguments.text("id"),
            source: try arguments.optionalText("source") ?? Command.defaultSource,
            batch: try arguments.text("batch"), data: .object(of: members))
    }
}

import Billing
import Bytes
import Codec
import Money
import Projections
import SegmentedLog

/// What changed between two positions, and is asked for.
package struct DiffWish: Sendable {
    /// The earlier end; nil: the log's beginning.
    package var from: Moment.Bound
    /// The later end.
    package var to: Moment.Bound?
    /// Only this account; nil: all that have entries between.
    package var account: String?
    /// Accounts in the answer at most.
    package var limit: Int

    init(_ arguments: Arguments) throws(Refusal) {
        try arguments.allow(["from", "to", "account", "limit"])
        guard let from = try Moment.bound("from", arguments) else {
            throw .bad("from", "a position or an RFC 3339 time is missing")
        }
        self.from = from
        to = try Moment.bound("to", arguments)
        account = try arguments.optionalText("account")
        limit = try arguments.count("limit", or: 100, min: 0, max: 100_000)
    }
}

/// # What changed between two positions, and why
///
/// The views of an account are asked as of both, at one instant, and compared member by member: what differs was changed by
/// the entries between, and these are counted by kind, the first of them named. An instant at which both are looked
/// at keeps apart what entries changed from what time changes by itself.
struct BookDiff {
    let engine: Engine
    let wish: DiffWish
    let now: Timestamp

    /// Entries that are named of an account at most.
    private static let namedMax = 20

    func write(to json: inout JSONWriter) throws(Refusal) {
        let from = try engine.point(of: Moment(asOf: wish.from), now: now)
        let to = try engine.point(of: Moment(asOf: wish.to), now: now)
        guard from.position <= to.position else {
            throw .bad("to", "position \(to.position) is before position \(from.position)")
        }
        let before = try engine.books(asOf: from.position)
        let after = try engine.books(asOf: to.position)
        let causes = try causes(from.position..<to.position)
        json.member("from", from.position)
        json.member("to", to.position)
        json.member("at", to.at.description)
        json.member("entries", to.position - from.position)
        let names = causes.accounts.keys.sorted()
        let wanted = wish.account.map { [$0] } ?? (causes.isGlobal ? Self.all(after) : names)
        json.key("accounts")
        json.beginArray()
        var (shown, changed) = (0, 0)
        for name in wanted {
            let changes = try changes(name, before, after, from, to)
            let own = causes.accounts[name]
            guard !changes.isEmpty || own != nil else { continue }
            changed += 1
            guard shown < wish.limit else { continue }
            shown += 1
            write(name, changes, own ?? Causes(), to: &json)
        }
        json.endArray()
        json.member("accounts_changed", UInt64(changed))
        json.key("of_no_account")
        write(causes.others, to: &json)
        json.member("position", to.position)
    }

    private static func all(_ books: borrowing Books) -> [String] {
        (0..<UInt32(books.registry.accounts.count)).map { books.registry.accounts.text($0) }
            .sorted()
    }

    // MARK: Causes

    /// Entries by kind, and the first of them.
    private struct Causes {
        var counts: [String: UInt64] = [:]
        var named: [(position: Position, kind: String)] = []

        mutating func add(_ position: Position, _ kind: String) {
            counts[kind, default: 0] += 1
            if named.count < BookDiff.namedMax { named.append((position, kind)) }
        }
    }

    private struct AllCauses {
        var accounts: [String: Causes] = [:]
        var others = Causes()
        /// Whether an entry between changes accounts that it does not name.
        var isGlobal = false
    }

    private func causes(_ range: Range<Position>) throws(Refusal) -> AllCauses {
        var all = AllCauses()
        do {
            if let account = wish.account {
                let source = LoggedEntries(engine: engine, account: account)
                try source.forEach(from: range.lowerBound, before: range.upperBound) {
                    position, bytes, _ in
                    all.accounts[account, default: Causes()].add(
                        position, try RecordView(record: bytes).kind.name)
                }
                for position in engine.catalogPositions where range.contains(position) {
                    all.others.add(position, RecordKind.publish.name)
                }
                return all
            }
            guard !range.isEmpty else { return all }
            var cursor = try engine.reader.cursor(from: range.lowerBound)
            while try cursor.next() {
                guard !engine.stopsLongWork else { throw engine.refusalNow }
                let header = cursor.header
                for index in 0..<Int(header.count) {
                    let position = header.firstPosition + Position(index)
                    guard range.contains(position) else { continue }
                    let record = try RecordView(record: cursor.record(index))
                    guard let subject = record.subject, let name = subject.makeString() else {
                        all.others.add(position, record.kind.name)
                        if record.kind != .event { all.isGlobal = true }
                        continue
                    }
                    all.accounts[name, default: Causes()].add(position, record.kind.name)
                }
                if header.nextPosition >= range.upperBound { break }
            }
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "the log cannot be read: \(error); run `daybook verify`")
        }
        return all
    }

    // MARK: Changes

    /// A member of a view that is another one.
    private struct Change {
        let view: String
        let path: String
        let before: Value?
        let after: Value?
    }

    private func changes(
        _ account: String, _ before: borrowing Books, _ after: borrowing Books,
        _ from: ReadingPoint, _ to: ReadingPoint
    ) throws(Refusal) -> [Change] {
        var changes: [Change] = []
        func compare(_ view: String, _ old: [UInt8], _ new: [UInt8]) {
            guard old != new, let old = try? ValueCoder.value(json: old),
                let new = try? ValueCoder.value(json: new)
            else { return }
            Self.compare(view, "", old, new, &changes)
        }
        let at = to.at
        func view(
            _ books: borrowing Books, _ body: (borrowing Books, inout JSONWriter) -> Void
        ) -> [UInt8] {
            var json = JSONWriter()
            json.beginObject()
            body(books, &json)
            json.endObject()
            return json.finish()
        }
        for month in months(account, before, after) {
            let usage = { (books: borrowing Books, json: inout JSONWriter) in
                books.writeUsage(account: account, month: month, to: &json)
            }
            compare("usage \(month.monthName)", view(before, usage), view(after, usage))
        }
        let credits = { (books: borrowing Books, json: inout JSONWriter) in
            books.writeCredits(account: account, at: at, to: &json)
        }
        compare("credits", view(before, credits), view(after, credits))
        let entitlements = { (books: borrowing Books, json: inout JSONWriter) in
            books.writeEntitlements(account: account, at: at, to: &json)
        }
        compare("entitlements", view(before, entitlements), view(after, entitlements))
        try compareBills(account, before, after, at, &changes)
        return changes
    }

    private func months(
        _ account: String, _ before: borrowing Books, _ after: borrowing Books
    ) -> [Period] {
        let used = [
            before.account(account).flatMap { before.monthsUsed(by: $0) },
            after.account(account).flatMap { after.monthsUsed(by: $0) },
        ].compactMap { $0 }
        guard let first = used.map(\.lowerBound).min(), let last = used.map(\.upperBound).max()
        else { return [] }
        return (first.index...last.index).map { Period(monthIndex: Int($0)) }
    }

    /// Bills of all periods, each by itself.
    private func compareBills(
        _ account: String, _ before: borrowing Books, _ after: borrowing Books, _ at: Timestamp,
        _ changes: inout [Change]
    ) throws(Refusal) {
        let source = LoggedEntries(engine: engine, account: account)
        let window = BillWindow(to: at)
        let old = try AccountBills(of: account, before, source, window)
        let new = try AccountBills(of: account, after, source, window)
        let bills = SimulatedAccount(account, old.invoices, new.invoices, nil).bills
        for bill in bills {
            for line in bill.lines {
                changes.append(
                    Change(
                        view: "invoice \(bill.name)", path: line.id,
                        before: .string(bill.text(line.before)),
                        after: .string(bill.text(line.after))))
            }
        }
    }

    /// Compares two trees. Elements of lists are told apart by what names them.
    private static func compare(
        _ view: String, _ path: String, _ before: Value, _ after: Value, _ changes: inout [Change]
    ) {
        if before == after { return }
        switch (before, after) {
        case (.object(let old), .object(let new)):
            for member in old {
                let other = new.first { $0.name == member.name }?.value
                step(
                    view, "\(path)\(path.isEmpty ? "" : ".")\(member.name)", member.value, other,
                    &changes)
            }
            for member in new where !old.contains(where: { $0.name == member.name }) {
                step(
                    view, "\(path)\(path.isEmpty ? "" : ".")\(member.name)", nil, member.value,
                    &changes)
            }
        case (.array(let old), .array(let new)):
            let (left, right) = (old.enumerated().map(Self.name), new.enumerated().map(Self.name))
            for (name, value) in zip(left, old) {
                step(
                    view, "\(path)[\(name)]", value,
                    right.firstIndex(of: name).map { new[$0] }, &changes)
            }
            for (name, value) in zip(right, new) where !left.contains(name) {
                step(view, "\(path)[\(name)]", nil, value, &changes)
            }
        default:
            changes.append(Change(view: view, path: path, before: before, after: after))
        }
    }

    private static func step(
        _ view: String, _ path: String, _ before: Value?, _ after: Value?, _ changes: inout [Change]
    ) {
        if let before, let after { return compare(view, path, before, after, &changes) }
        changes.append(Change(view: view, path: path, before: before, after: after))
    }

    /// What an element of a list goes by.
    private static func name(_ index: Int, _ value: Value) -> String {
        for key in ["meter", "feature", "grant", "hold", "unit", "currency", "line"] {
            switch value[key] {
            case .string(let text)?: return text
            case .number(let number)?: return number.description
            default: continue
            }
        }
        if let by = value["by"] {
            var json = JSONWriter()
            json.value(by)
            return String(decoding: json.finish(), as: UTF8.self)
        }
        return "\(index)"
    }

    // MARK: Answer

    private func write(
        _ account: String, _ changes: [Change], _ causes: Causes, to json: inout JSONWriter
    ) {
        json.beginObject()
        json.member("account", account)
        json.key("changes")
        json.beginArray()
        for change in changes {
            json.beginObject()
            json.member("view", change.view)
            json.member("path", change.path)
            json.key("before")
            json.value(change.before ?? .null)
            json.key("after")
            json.value(change.after ?? .null)
            json.endObject()
        }
        json.endArray()
        json.key("because")
        write(causes, to: &json)
        json.endObject()
    }

    private func write(_ causes: Causes, to json: inout JSONWriter) {
        json.beginObject()
        json.key("entries")
        json.beginObject()
        for kind in causes.counts.keys.sorted() { json.member(kind, causes.counts[kind] ?? 0) }
        json.endObject()
        json.key("first")
        json.beginArray()
        for entry in causes.named {
            json.beginObject()
            json.member("position", entry.position)
            json.member("kind", entry.kind)
            json.endObject()
        }
        json.endArray()
        json.endObject()
    }
}

import Billing
package import Bytes
import Codec
import Money

/// Books that were folded anew: compared with the live ones, and put in their place.
extension Books {
    /// The digest of one part.
    package mutating func digest(of part: Part) -> Digest {
        switch part {
        case .registry: registry.digest()
        case .counters: counters.digest()
        case .credits: credits.digest()
        case .entitlements: entitlements.digest()
        case .deduplication: deduplication.digest()
        case .producers: producers.digest()
        case .redactions: redactions.digest()
        case .invoices: invoices.digest()
        case .retirements: retirements.digest()
        case .limits: limits.digest()
        case .corrections: corrections.digest()
        }
    }

    /// Takes parts of other books at the same position. The registry goes with each of them: all others know
    /// accounts and meters by its numbers.
    /// - Parameter other: is left with what these books had.
    package mutating func swap(_ parts: Set<Part>, with other: inout Books) {
        precondition(other.position == position, "both are at one position")
        for part in parts.union([.registry]) {
            switch part {
            case .registry: Swift.swap(&registry, &other.registry)
            case .counters: Swift.swap(&counters, &other.counters)
            case .credits: Swift.swap(&credits, &other.credits)
            case .entitlements: Swift.swap(&entitlements, &other.entitlements)
            case .deduplication: Swift.swap(&deduplication, &other.deduplication)
            case .producers: Swift.swap(&producers, &other.producers)
            case .redactions: Swift.swap(&redactions, &other.redactions)
            case .invoices: Swift.swap(&invoices, &other.invoices)
            case .retirements: Swift.swap(&retirements, &other.retirements)
            case .limits: Swift.swap(&limits, &other.limits)
            case .corrections: Swift.swap(&corrections, &other.corrections)
            }
        }
    }

    /// Something that two books at one position say differently.
    package struct Difference: Sendable {
        /// The part.
        package let part: Part
        /// The account; nil: it is of no single one.
        package let account: String?
        /// What of it, for people: a meter's month, say.
        package let what: String
        /// What these books say.
        package let before: String
        /// What the others say.
        package let after: String
    }

    /// What a part of other books says differently.
    /// - Parameter limit: how many are listed at most.
    /// - Returns: some of them, by account; and how many there are.
    package func differences(
        from other: borrowing Books, in part: Part, limit: Int
    ) -> (listed: [Difference], count: Int) {
        var listed: [Difference] = []
        var count = 0
        func add(_ account: UInt32?, _ what: String, _ before: String, _ after: String) {
            count += 1
            guard listed.count < limit else { return }
            let name = account.map { number in
                number < other.registry.accounts.count
                    ? other.registry.accounts.text(number) : "number \(number)"
            }
            listed.append(
                Difference(part: part, account: name, what: what, before: before, after: after))
        }
        guard [.counters, .credits, .entitlements, .invoices, .limits].contains(part) else {
            let (before, after) = (state(of: part, nil), other.state(of: part, nil))
            if before != after { add(nil, "state", before, after) }
            return (listed, count)
        }
        let accounts = max(registry.accounts.count, other.registry.accounts.count)
        for account in 0..<UInt32(accounts) {
            if part == .counters {
                compareCells(of: account, with: other) { add(account, $0, $1, $2) }
            } else {
                let (before, after) = (state(of: part, account), other.state(of: part, account))
                if before != after { add(account, "state", before, after) }
            }
        }
        if count == 0 {
            // What is of no account: names of groups, windows, and their order.
            let (before, after) = (state(of: part, nil), other.state(of: part, nil))
            if before != after { add(nil, "names and order", before, after) }
        }
        return (listed, count)
    }

    private struct CellKey: Hashable {
        let meter: UInt32
        let month: Int32
        let group: UInt32
    }

    private func compareCells(
        of account: UInt32, with other: borrowing Books, _ add: (String, String, String) -> Void
    ) {
        var cells: [CellKey: (before: String, after: String)] = [:]
        counters.forEachCell(of: account) { cell in
            let key = CellKey(meter: cell.meter, month: cell.month.index, group: cell.group)
            cells[key, default: ("nothing", "nothing")].before = cell.text
        }
        other.counters.forEachCell(of: account) { cell in
            let key = CellKey(meter: cell.meter, month: cell.month.index, group: cell.group)
            cells[key, default: ("nothing", "nothing")].after = cell.text
        }
        let keys = cells.keys.sorted {
            ($0.meter, $0.month, $0.group) < ($1.meter, $1.month, $1.group)
        }
        for key in keys {
            guard let (before, after) = cells[key], before != after else { continue }
            add(other.text(of: key), before, after)
        }
    }

    private func text(of key: CellKey) -> String {
        let meter =
            Int(key.meter) < registry.meters.count
            ? registry.meters[Int(key.meter)].key : "meter \(key.meter)"
        let month = "\(key.month / 12)-\(key.month % 12 < 9 ? "0" : "")\(key.month % 12 + 1)"
        return key.group == 0 ? "\(meter) \(month)" : "\(meter) \(month), group \(key.group)"
    }

    /// A state as a short text: how long it is, and the beginning of its hash.
    private func state(of part: Part, _ account: UInt32?) -> String {
        var bytes = ByteBuffer(capacity: 256)
        switch (part, account) {
        case (.credits, let account?): credits.append(account, to: &bytes)
        case (.entitlements, let account?): entitlements.append(account, to: &bytes)
        case (.invoices, let account?): invoices.append(account, to: &bytes)
        case (.limits, let account?): limits.append(account, to: &bytes)
        default: serialise(part, into: &bytes)
        }
        return "\(bytes.count) bytes \(SHA256.hash(bytes.bytes).hex.prefix(16))"
    }
}

extension Counters.Cell {
    /// What it counts, for people.
    fileprivate var text: String { "\(Quantity(units: units)) in \(events) events" }
}

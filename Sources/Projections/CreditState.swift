import Billing
import Bytes
import Money

/// The snapshot form of one account's credits.
enum CreditState {
    static func append(_ account: CreditAccount, to bytes: inout ByteBuffer) {
        bytes.appendInteger(account.now.nanoseconds)
        append(account.plannedTo, to: &bytes)
        appendList(account.onceGiven, to: &bytes) { $1.appendPrefixed(utf8: $0) }
        appendList(account.recurring, to: &bytes, append)
        appendList(account.grants, to: &bytes, append)
        appendList(account.holds, to: &bytes, append)
        appendList(account.shortfalls, to: &bytes) {
            $1.appendPrefixed(utf8: $0.unit)
            $1.appendZigzag128($0.quantity.units)
        }
        appendList(account.refunds, to: &bytes) {
            $1.appendVarint($0.position)
            $1.appendPrefixed(utf8: $0.unit)
            $1.appendZigzag128($0.quantity.units)
        }
        appendList(account.repayments, to: &bytes, append)
        appendList(account.topUps, to: &bytes) {
            $1.appendPrefixed(utf8: $0.unit)
            $1.appendInteger($0.period.nanoseconds)
            $1.appendVarint(UInt64($0.count))
            $1.appendInteger($0.last.nanoseconds)
        }
    }

    private static func appendList<Element>(
        _ list: [Element], to bytes: inout ByteBuffer,
        _ body: (Element, inout ByteBuffer) -> Void
    ) {
        bytes.appendVarint(UInt64(list.count))
        for element in list { body(element, &bytes) }
    }

    private static func append(_ time: Timestamp?, to bytes: inout ByteBuffer) {
        bytes.append(time == nil ? 0 : 1)
        if let time { bytes.appendInteger(time.nanoseconds) }
    }

    private static func append(_ terms: GrantTerms, to bytes: inout ByteBuffer) {
        bytes.appendPrefixed(utf8: terms.unit)
        bytes.append(terms.kind.rawValue)
        bytes.appendZigzag(Int64(terms.priority))
        appendList(terms.features, to: &bytes) { $1.appendPrefixed(utf8: $0) }
        bytes.append(terms.cost == nil ? 0 : 1)
        if let cost = terms.cost { bytes.appendZigzag128(cost.units) }
    }

    private static func append(_ rollover: Rollover?, to bytes: inout ByteBuffer) {
        bytes.append(rollover == nil ? 0 : 1)
        guard let rollover else { return }
        bytes.append(rollover.max == nil ? 0 : 1)
        if let most = rollover.max { bytes.appendZigzag128(most.units) }
        bytes.appendZigzag128(rollover.min.units)
    }

    private static func append(_ grant: CreditGrant, to bytes: inout ByteBuffer) {
        append(grant.terms, to: &bytes)
        for part in [grant.amount, grant.remaining, grant.held, grant.voided, grant.rolled] {
            bytes.appendZigzag128(part.units)
        }
        bytes.appendInteger(grant.effective.nanoseconds)
        append(grant.expires, to: &bytes)
        bytes.appendVarint(grant.origin.map { UInt64($0) + 1 } ?? 0)
        append(grant.rollover, to: &bytes)
        bytes.append((grant.isVoid ? 1 : 0) | (grant.isOnceOfPlan ? 2 : 0))
        bytes.appendVarint(grant.position)
    }

    private static func append(_ grant: RecurringGrant, to bytes: inout ByteBuffer) {
        append(grant.terms, to: &bytes)
        bytes.appendZigzag128(grant.amount.units)
        append(grant.recurrence, to: &bytes)
        bytes.appendInteger(grant.effective.nanoseconds)
        append(grant.ends, to: &bytes)
        append(grant.rollover, to: &bytes)
        bytes.append(grant.source == nil ? 0 : 1)
        if let source = grant.source { bytes.appendPrefixed(utf8: source) }
        bytes.appendInteger(grant.next.nanoseconds)
        appendList(grant.current, to: &bytes) { $1.appendVarint(UInt64($0)) }
    }

    private static func append(_ recurrence: Recurrence, to bytes: inout ByteBuffer) {
        bytes.appendVarint(UInt64(recurrence.count))
        bytes.appendPrefixed(utf8: recurrence.unit.rawValue)
        bytes.appendInteger(recurrence.anchor.nanoseconds)
        bytes.append(recurrence.isCalendar ? 1 : 0)
        bytes.appendPrefixed(utf8: recurrence.zone.name)
        appendList(recurrence.zone.transitions, to: &bytes) {
            $1.appendZigzag(Int64($0.from))
            $1.appendZigzag(Int64($0.offset))
        }
    }

    private static func append(_ hold: CreditHold, to bytes: inout ByteBuffer) {
        bytes.appendVarint(hold.position)
        bytes.appendPrefixed(utf8: hold.feature)
        bytes.appendZigzag128(hold.quantity.units)
        bytes.appendPrefixed(utf8: hold.unit)
        appendList(hold.draws, to: &bytes, append)
        bytes.appendInteger(hold.expires.nanoseconds)
        appendList(hold.scopes, to: &bytes, append)
    }

    private static func append(_ scope: CreditHold.Scope, to bytes: inout ByteBuffer) {
        appendList(scope.by, to: &bytes) { $1.appendPrefixed(utf8: $0) }
        bytes.appendPrefixed(scope.value.raw)
    }

    private static func append(_ draw: Draw, to bytes: inout ByteBuffer) {
        bytes.appendVarint(UInt64(draw.grant))
        bytes.appendZigzag128(draw.units)
    }

    // MARK: Reading

    static func read(_ reader: inout ByteReader) throws(DecodeFailure) -> CreditAccount {
        let now = try time(&reader)
        let plannedTo = try optionalTime(&reader)
        let onceGiven = try list(&reader, text)
        let recurring = try list(&reader, recurringGrant)
        var ordinal: UInt32 = 0
        let grants = try list(&reader) { (reader) throws(DecodeFailure) in
            defer { ordinal += 1 }
            return try grant(ordinal, recurring.count, &reader)
        }
        let holds = try list(&reader, hold)
        let shortfalls = try list(&reader) { (reader) throws(DecodeFailure) in
            (try text(&reader), try quantity(&reader))
        }
        let refunds = try list(&reader) { (reader) throws(DecodeFailure) in
            (try reader.readVarint(), try text(&reader), try quantity(&reader))
        }
        let repayments = try list(&reader, draw)
        let named =
            (holds.flatMap(\.draws) + repayments).map(\.grant) + recurring.flatMap(\.current)
        for grant in named where Int(grant) >= grants.count {
            throw .invalid("a draw from no grant", reader.offset)
        }
        return CreditAccount(
            restoring: .init(
                now: now, plannedTo: plannedTo, onceGiven: onceGiven, recurring: recurring,
                grants: grants, holds: holds,
                shortfalls: shortfalls, refunds: refunds, repayments: repayments,
                topUps: try list(&reader) { (reader) throws(DecodeFailure) in
                    (
                        try text(&reader), try time(&reader), try small(&reader),
                        try time(&reader)
                    )
                }))
    }

    private static func list<Element>(
        _ reader: inout ByteReader,
        _ body: (inout ByteReader) throws(DecodeFailure) -> Element
    ) throws(DecodeFailure) -> [Element] {
        let count = try reader.readVarint()
        guard count <= UInt64(reader.remaining) else { throw .outOfRange(reader.offset) }
        var list: [Element] = []
        for _ in 0..<count { list.append(try body(&reader)) }
        return list
    }

    private static func grant(
        _ ordinal: UInt32, _ origins: Int, _ reader: inout ByteReader
    ) throws(DecodeFailure) -> CreditGrant {
        let terms = try terms(&reader)
        let amount = try quantity(&reader)
        let parts = [
            try quantity(&reader), try quantity(&reader), try quantity(&reader),
            try quantity(&reader),
        ]
        let effective = try time(&reader)
        let expires = try optionalTime(&reader)
        let origin = try reader.readVarint()
        guard origin <= UInt64(origins) else { throw .invalid("origin of a grant", reader.offset) }
        let rollover = try rollover(&reader)
        let flags = try reader.readByte()
        guard flags < 4 else { throw .invalid("flags of a grant", reader.offset - 1) }
        var grant = CreditGrant(
            ordinal: ordinal, terms: terms, amount: amount, effective: effective,
            expires: expires, origin: origin == 0 ? nil : UInt32(origin - 1), rollover: rollover,
            position: try reader.readVarint())
        (grant.remaining, grant.held, grant.voided, grant.rolled) = (
            parts[0], parts[1], parts[2], parts[3]
        )
        grant.isVoid = flags & 1 != 0
        grant.isOnceOfPlan = flags & 2 != 0
        return grant
    }

    private static func recurringGrant(
        _ reader: inout ByteReader
    ) throws(DecodeFailure) -> RecurringGrant {
        let terms = try terms(&reader)
        let amount = try quantity(&reader)
        let recurrence = try recurrence(&reader)
        let effective = try time(&reader)
        let ends = try optionalTime(&reader)
        let rollover = try rollover(&reader)
        let source = try flag(&reader) ? try text(&reader) : nil
        var grant = RecurringGrant(
            terms: terms, amount: amount, recurrence: recurrence, effective: effective,
            ends: ends, rollover: rollover, source: source)
        grant.next = try time(&reader)
        grant.current = try list(&reader) { (reader) throws(DecodeFailure) in
            UInt32(clamping: try reader.readVarint())
        }
        return grant
    }

    private static func recurrence(
        _ reader: inout ByteReader
    ) throws(DecodeFailure) -> Recurrence {
        let offset = reader.offset
        let count = try small(&reader)
        let unit = BillingCycle.Unit(rawValue: try text(&reader))
        let anchor = try time(&reader)
        let isCalendar = try flag(&reader)
        let name = try text(&reader)
        let transitions = try list(&reader) { (reader) throws(DecodeFailure) in
            TimeZoneTable.Transition(
                from: try reader.readZigzag(),
                offset: Int32(clamping: try reader.readZigzag()))
        }
        guard (1...1000).contains(count), let unit else { throw .invalid("a recurrence", offset) }
        let zone = TimeZoneTable(name: name, transitions: transitions)
        guard isCalendar else {
            return Recurrence(count: count, unit: unit, anchor: anchor, zone: zone)
        }
        let recurrence = Recurrence.calendar(count: count, unit: unit, zone: zone)
        guard recurrence.anchor == anchor else { throw .invalid("a recurrence", offset) }
        return recurrence
    }

    private static func hold(_ reader: inout ByteReader) throws(DecodeFailure) -> CreditHold {
        CreditHold(
            position: try reader.readVarint(), feature: try text(&reader),
            quantity: try quantity(&reader), unit: try text(&reader),
            draws: try list(&reader, draw), expires: try time(&reader),
            scopes: try list(&reader, scope))
    }

    private static func scope(_ reader: inout ByteReader) throws(DecodeFailure) -> CreditHold.Scope
    {
        let by = try list(&reader, text)
        return CreditHold.Scope(by: by, value: try reader.readPrefixed().makeArray())
    }

    private static func draw(_ reader: inout ByteReader) throws(DecodeFailure) -> Draw {
        guard let grant = UInt32(exactly: try reader.readVarint()) else {
            throw .outOfRange(reader.offset)
        }
        return Draw(grant: grant, units: try reader.readZigzag128())
    }

    private static func terms(_ reader: inout ByteReader) throws(DecodeFailure) -> GrantTerms {
        var terms = GrantTerms(unit: try text(&reader))
        guard let kind = GrantKind(rawValue: try reader.readByte()) else {
            throw .invalid("kind of a grant", reader.offset - 1)
        }
        terms.kind = kind
        terms.priority = Int(try reader.readZigzag())
        terms.features = try list(&reader, text)
        terms.cost = try flag(&reader) ? try quantity(&reader) : nil
        return terms
    }

    private static func rollover(_ reader: inout ByteReader) throws(DecodeFailure) -> Rollover? {
        guard try flag(&reader) else { return nil }
        let most = try flag(&reader) ? try quantity(&reader) : nil
        return Rollover(max: most, min: try quantity(&reader))
    }

    private static func small(_ reader: inout ByteReader) throws(DecodeFailure) -> Int {
        guard let number = Int32(exactly: try reader.readVarint()) else {
            throw .outOfRange(reader.offset)
        }
        return Int(number)
    }

    private static func quantity(_ reader: inout ByteReader) throws(DecodeFailure) -> Quantity {
        Quantity(units: try reader.readZigzag128())
    }

    private static func time(_ reader: inout ByteReader) throws(DecodeFailure) -> Timestamp {
        Timestamp(nanoseconds: try reader.readInteger(as: Int64.self))
    }

    private static func optionalTime(
        _ reader: inout ByteReader
    ) throws(DecodeFailure) -> Timestamp? {
        try flag(&reader) ? try time(&reader) : nil
    }

    private static func text(_ reader: inout ByteReader) throws(DecodeFailure) -> String {
        let offset = reader.offset
        guard let text = try reader.readPrefixed().makeString() else {
            throw .invalid("a text that is not UTF-8", offset)
        }
        return text
    }

    /// A byte that is 0 or 1: another one would restore to the same state as one of them.
    static func flag(_ reader: inout ByteReader) throws(DecodeFailure) -> Bool {
        let byte = try reader.readByte()
        guard byte <= 1 else { throw .invalid("flag", reader.offset - 1) }
        return byte == 1
    }
}

package import Billing
package import Bytes
package import Money
package import SegmentedLog

/// What each account was granted in credits, what is left of each grant, and what was used
/// without cover.
///
/// Draws are facts: a decision names the grants that paid and how much, the entry keeps that, and
/// this fold only subtracts. It never decides which grant pays.
///
/// Invariant, at every position and for each account:
/// granted = remaining + drawn, and drawn + shortfall = the cost of everything that was charged.
package struct CreditBalances: ~Copyable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 1

    /// Grants of one account at most, spent ones included: it bounds the draws of one outcome.
    package static let grantsMax = 8_192

    /// The credit state of one account.
    package struct Account {
        /// All grants in log order; the index is the grant's ordinal.
        package fileprivate(set) var grants: [GrantState] = []
        /// Position of the entry that made each grant.
        package fileprivate(set) var positions: [Position] = []
        /// Credits used beyond all grants, in 10⁻¹² credits.
        package fileprivate(set) var shortfallUnits: Int128 = 0
        /// Credits drawn from grants, in 10⁻¹² credits.
        package fileprivate(set) var drawnUnits: Int128 = 0
    }

    /// Index + 1 into `states`, by account; most accounts of most products have no credits.
    private var index = Chunked<8, UInt32>()
    private var states = Chunked<5, Account>()
    private var pages = PageDigests()

    /// No grants yet.
    package init() {}

    /// The same balances, sharing their memory until one of both changes.
    package mutating func copy() -> CreditBalances {
        var copy = CreditBalances()
        copy.index = index
        copy.states = states
        copy.pages = pages.copy()
        return copy
    }

    /// Takes over the page digests of an unchanged copy; see `PageDigests.accept`.
    package mutating func accept(digestsOf copy: borrowing CreditBalances) {
        pages.accept(copy.pages)
    }

    /// The state of an account; empty if it never had anything to do with credits.
    package func account(_ account: UInt32) -> Account {
        guard let slot = slot(of: account) else { return Account() }
        return states[slot]
    }

    /// Adds a grant; its ordinal is the number of grants the account had.
    package mutating func grant(_ grant: GrantState, at position: Position, to account: UInt32) {
        let slot = makeSlot(of: account)
        precondition(grant.ordinal == states[slot].grants.count, "grants are numbered densely")
        states[slot].grants.append(grant)
        states[slot].positions.append(position)
        pages.touch(account: account)
    }

    /// Subtracts what a decision drew.
    /// - Returns: false where a draw names no grant or exceeds it: the entry contradicts the log.
    package mutating func draw(
        _ draws: [Draw], shortfallUnits: Int128, from account: UInt32
    ) -> Bool {
        let slot = makeSlot(of: account)
        for draw in draws {
            let ordinal = Int(draw.grant)
            guard ordinal < states[slot].grants.count,
                draw.units >= 0,
                states[slot].grants[ordinal].remaining.units >= draw.units
            else { return false }
            states[slot].grants[ordinal].remaining =
                Quantity(units: states[slot].grants[ordinal].remaining.units - draw.units)
            states[slot].drawnUnits += draw.units
        }
        let (sum, overflow) = states[slot].shortfallUnits
            .addingReportingOverflow(shortfallUnits)
        guard !overflow else { return false }
        states[slot].shortfallUnits = sum
        pages.touch(account: account)
        return true
    }

    /// Credits that could pay for something at an instant.
    package func balance(of account: UInt32, at time: Timestamp) -> Quantity {
        guard let slot = slot(of: account) else { return Quantity(units: 0) }
        var units: Int128 = 0
        for grant in states[slot].grants where grant.isUsable(at: time) {
            units += grant.remaining.units
        }
        return Quantity(units: units)
    }

    /// The digest of all credit state.
    package mutating func digest() -> Digest {
        var pages = pages
        let digest = pages.digest { page, bytes in serialise(page: page, into: &bytes) }
        self.pages = pages
        return digest
    }

    private func slot(of account: UInt32) -> Int? {
        guard Int(account) < index.count, index[Int(account)] > 0 else { return nil }
        return Int(index[Int(account)]) - 1
    }

    private mutating func makeSlot(of account: UInt32) -> Int {
        if let slot = slot(of: account) { return slot }
        index.grow(to: Int(account) + 1, with: 0)
        states.append(Account())
        index[Int(account)] = UInt32(states.count)
        return states.count - 1
    }

    // MARK: Snapshot

    /// Writes the whole state, pages in order.
    /// - Parameter spill: called between pages, may take what was written so far.
    package func serialise<Failure: Error>(
        into bytes: inout ByteBuffer, _ spill: (inout ByteBuffer) throws(Failure) -> Void
    ) throws(Failure) {
        bytes.appendVarint(UInt64(pages.count))
        for page in 0..<pages.count {
            serialise(page: page, into: &bytes)
            try spill(&bytes)
        }
    }

    private func serialise(page: Int, into bytes: inout ByteBuffer) {
        let first = page * PageDigests.accountsPerPage
        for account in first..<(first + PageDigests.accountsPerPage) {
            guard let slot = slot(of: UInt32(account)) else {
                bytes.append(0)
                continue
            }
            let state = states[slot]
            bytes.append(1)
            bytes.appendZigzag128(state.shortfallUnits)
            bytes.appendZigzag128(state.drawnUnits)
            bytes.appendVarint(UInt64(state.grants.count))
            for (grant, position) in zip(state.grants, state.positions) {
                bytes.appendVarint(position)
                bytes.appendZigzag128(grant.amount.units)
                bytes.appendZigzag128(grant.remaining.units)
                bytes.appendZigzag(Int64(grant.priority))
                bytes.appendInteger(grant.effective.nanoseconds)
                bytes.append(grant.expires == nil ? 0 : 1)
                if let expires = grant.expires { bytes.appendInteger(expires.nanoseconds) }
            }
        }
    }

    /// Reads what `serialise` wrote.
    package init(restoring reader: inout ByteReader) throws(DecodeFailure) {
        self.init()
        for page in 0..<(try PageDigests.readCount(&reader)) {
            pages.touch(page: page)
            let first = page * PageDigests.accountsPerPage
            for account in first..<(first + PageDigests.accountsPerPage)
            where try Self.flag(&reader) {
                try restoreAccount(UInt32(account), &reader)
            }
        }
    }

    /// A byte that is 0 or 1: another one would restore to the same state as one of them.
    private static func flag(_ reader: inout ByteReader) throws(DecodeFailure) -> Bool {
        let byte = try reader.readByte()
        guard byte <= 1 else { throw .invalid("flag", reader.offset - 1) }
        return byte == 1
    }

    private mutating func restoreAccount(
        _ account: UInt32, _ reader: inout ByteReader
    ) throws(DecodeFailure) {
        let slot = makeSlot(of: account)
        states[slot].shortfallUnits = try reader.readZigzag128()
        states[slot].drawnUnits = try reader.readZigzag128()
        let grantCount = try reader.readVarint()
        for ordinal in 0..<grantCount {
            states[slot].positions.append(try reader.readVarint())
            let amount = Quantity(units: try reader.readZigzag128())
            let remaining = Quantity(units: try reader.readZigzag128())
            let priority = Int(try reader.readZigzag())
            let effective = Timestamp(nanoseconds: try reader.readInteger(as: Int64.self))
            var expires: Timestamp?
            if try Self.flag(&reader) {
                expires = Timestamp(nanoseconds: try reader.readInteger(as: Int64.self))
            }
            states[slot].grants.append(
                GrantState(
                    ordinal: UInt32(ordinal), amount: amount, remaining: remaining,
                    priority: priority, effective: effective, expires: expires))
        }
    }
}

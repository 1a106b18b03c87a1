package import Billing
package import Bytes

/// The credits and holds of each account.
///
/// Draws are facts: a decision names the grants that paid and how much, the entry keeps that, and
/// this fold only subtracts. It never decides which grant pays. See `CreditAccount`.
package struct CreditBalances: ~Copyable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 4

    /// Grants of one account at most, spent ones included, that entries may make.
    package static let grantsMax = 200_000
    /// Recurring grants of one account at most that entries may make.
    package static let recurringMax = 64
    /// Open holds of one account at most.
    package static let holdsMax = 10_000

    /// Index + 1 into `states`, by account; most accounts of most products have no credits.
    private var index = Chunked<8, UInt32>()
    private var states = Chunked<5, CreditAccount>()
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
    package func account(_ account: UInt32) -> CreditAccount {
        guard let slot = slot(of: account) else { return CreditAccount() }
        return states[slot]
    }

    /// Whether an account has anything to do with credits or holds.
    package func knows(_ account: UInt32) -> Bool { slot(of: account) != nil }

    /// Changes the state of an account.
    package mutating func update<R>(_ account: UInt32, _ body: (inout CreditAccount) -> R) -> R {
        let slot = makeSlot(of: account)
        pages.touch(account: account)
        return body(&states[slot])
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
        states.append(CreditAccount())
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
            append(UInt32(account), to: &bytes)
        }
    }

    /// Writes what is known of one account.
    func append(_ account: UInt32, to bytes: inout ByteBuffer) {
        guard let slot = slot(of: account) else { return bytes.append(0) }
        bytes.append(1)
        CreditState.append(states[slot], to: &bytes)
    }

    /// Reads what `serialise` wrote.
    package init(restoring reader: inout ByteReader) throws(DecodeFailure) {
        self.init()
        for page in 0..<(try PageDigests.readCount(&reader)) {
            pages.touch(page: page)
            let first = page * PageDigests.accountsPerPage
            for account in first..<(first + PageDigests.accountsPerPage)
            where try CreditState.flag(&reader) {
                let slot = makeSlot(of: UInt32(account))
                states[slot] = try CreditState.read(&reader)
            }
        }
    }
}

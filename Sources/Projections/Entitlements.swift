import Billing
package import Bytes

/// What each account has bought, and what was decided for it apart from that: its subscriptions over
/// time, and its overrides.
///
/// An account has one subscription of its own, made of the changes that `subscribe`, `pause`, `resume` and
/// `cancel` record, and any number of outside ones, each known by snapshots that an outside billing system
/// sent. What holds at an instant follows from the set of changes, not from the order in which they came:
/// see `Holding`.
package struct Entitlements: ~Copyable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 4

    /// The most outside subscriptions that one account has.
    package static let outsideMax = 100
    /// The most changes that one subscription has, and the most overrides of one account.
    package static let changesMax = 5_000

    /// All of one account.
    package struct Account: Sendable {
        /// Its own subscription, ascending by effective time, then position.
        package var own: [SubscriptionChange] = []
        /// Those of outside billing systems, ascending by name.
        package var outside: [OutsideSubscription] = []
        /// Ascending by effective time, then position.
        package var overrides: [Override] = []
        /// Ascending by effective time, then position.
        package var archivals: [Archival] = []

        /// Nothing bought.
        package init() {}

        var isEmpty: Bool {
            own.isEmpty && outside.isEmpty && overrides.isEmpty && archivals.isEmpty
        }
    }

    /// Whether an override has thresholds to warn of.
    package internal(set) var hasWarnings = false
    private var accounts = Chunked<6, Account>()
    private var pages = PageDigests()

    /// No subscriptions yet.
    package init() {}

    /// The same subscriptions, sharing their memory until one of both changes.
    package mutating func copy() -> Entitlements {
        var copy = Entitlements()
        copy.accounts = accounts
        copy.pages = pages.copy()
        copy.hasWarnings = hasWarnings
        return copy
    }

    /// Takes over the page digests of an unchanged copy; see `PageDigests.accept`.
    package mutating func accept(digestsOf copy: borrowing Entitlements) {
        pages.accept(copy.pages)
    }

    /// Whether any account is archived, or was.
    package var hasArchived: Bool {
        (0..<accounts.count).contains { !accounts[$0].archivals.isEmpty }
    }

    /// What is known of an account.
    package func account(_ account: UInt32) -> Account {
        Int(account) < accounts.count ? accounts[Int(account)] : Account()
    }

    /// Changes what is known of an account.
    package mutating func update(_ account: UInt32, _ body: (inout Account) -> Void) {
        accounts.grow(to: Int(account) + 1, with: Account())
        body(&accounts[Int(account)])
        pages.touch(account: account)
    }

    /// The digest of all subscriptions.
    package mutating func digest() -> Digest {
        var pages = pages
        let digest = pages.digest { page, bytes in serialise(page: page, into: &bytes) }
        self.pages = pages
        return digest
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
        for number in first..<(first + PageDigests.accountsPerPage) {
            append(UInt32(number), to: &bytes)
        }
    }

    /// Writes what is known of one account.
    func append(_ account: UInt32, to bytes: inout ByteBuffer) {
        let account = self.account(account)
        bytes.appendVarint(UInt64(account.own.count))
        for change in account.own { change.append(to: &bytes) }
        bytes.appendVarint(UInt64(account.outside.count))
        for subscription in account.outside { subscription.append(to: &bytes) }
        bytes.appendVarint(UInt64(account.overrides.count))
        for override in account.overrides { override.append(to: &bytes) }
        bytes.appendVarint(UInt64(account.archivals.count))
        for change in account.archivals {
            bytes.appendInteger(change.effective.nanoseconds)
            bytes.append(change.isArchived ? 1 : 0)
        }
    }

    /// Reads what `serialise` wrote.
    package init(restoring reader: inout ByteReader) throws(DecodeFailure) {
        self.init()
        for page in 0..<(try PageDigests.readCount(&reader)) {
            pages.touch(page: page)
            let first = page * PageDigests.accountsPerPage
            for number in first..<(first + PageDigests.accountsPerPage) {
                var account = Account()
                for _ in 0..<(try reader.readVarint()) {
                    account.own.append(try SubscriptionChange(from: &reader))
                }
                for _ in 0..<(try reader.readVarint()) {
                    account.outside.append(try OutsideSubscription(from: &reader))
                }
                for _ in 0..<(try reader.readVarint()) {
                    account.overrides.append(try Override(from: &reader))
                }
                if account.overrides.contains(where: \.hasWarnings) { hasWarnings = true }
                for _ in 0..<(try reader.readVarint()) {
                    let effective = try reader.readTimestamp()
                    account.archivals.append(
                        Archival(effective: effective, isArchived: try reader.readFlag()))
                }
                guard !account.isEmpty else { continue }
                accounts.grow(to: number + 1, with: Account())
                accounts[number] = account
            }
        }
    }
}

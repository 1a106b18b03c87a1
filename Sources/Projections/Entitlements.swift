package import Billing
package import Bytes
package import SegmentedLog

/// Which plan each account has at each instant.
///
/// A subscription entry names a plan and the time from which it holds, which may lie in the past;
/// it pins the plan to the catalog version that was the newest when it was recorded. At any
/// instant the entry with the latest effective time counts, of several with one effective time the
/// one recorded last. Before its first subscription an account is on the newest catalog's default
/// plan, if that names one.
package struct Entitlements: ~Copyable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 2

    /// One subscription entry, or one that ends it.
    package struct Subscription {
        /// From when it holds (event time).
        package let effective: Timestamp
        /// The plan's key in its catalog; nil: the account cancelled.
        package let plan: String?
        /// Ordinal of the catalog version to which it is pinned.
        package let catalog: UInt32
        /// The entry that made it.
        package let position: Position
        /// IANA name of the account's zone, where it is not the plan's.
        package let timezone: String?
        /// The instant from which billing periods are counted, where it is not its beginning.
        package let anchor: Timestamp?

        /// A subscription; see the properties.
        package init(
            effective: Timestamp, plan: String?, catalog: UInt32, position: Position,
            timezone: String? = nil, anchor: Timestamp? = nil
        ) {
            self.effective = effective
            self.plan = plan
            self.catalog = catalog
            self.position = position
            self.timezone = timezone
            self.anchor = anchor
        }
    }

    private var timelines = Chunked<6, [Subscription]>()
    private var pages = PageDigests()

    /// No subscriptions yet.
    package init() {}

    /// The same subscriptions, sharing their memory until one of both changes.
    package mutating func copy() -> Entitlements {
        var copy = Entitlements()
        copy.timelines = timelines
        copy.pages = pages.copy()
        return copy
    }

    /// Takes over the page digests of an unchanged copy; see `PageDigests.accept`.
    package mutating func accept(digestsOf copy: borrowing Entitlements) {
        pages.accept(copy.pages)
    }

    /// An account's subscriptions, by effective time, then position.
    package func timeline(of account: UInt32) -> [Subscription] {
        Int(account) < timelines.count ? timelines[Int(account)] : []
    }

    /// The subscription that counts at an instant; nil before the first.
    package func subscription(of account: UInt32, at time: Timestamp) -> Subscription? {
        guard Int(account) < timelines.count else { return nil }
        return timelines[Int(account)].last { $0.effective <= time }
    }

    /// Adds a subscription at its place in the account's timeline.
    package mutating func subscribe(_ subscription: Subscription, account: UInt32) {
        timelines.grow(to: Int(account) + 1, with: [])
        // Entries come in log order, so equal effective times keep the order of their positions.
        let place =
            timelines[Int(account)].lastIndex { $0.effective <= subscription.effective }
            .map { $0 + 1 } ?? 0
        timelines[Int(account)].insert(subscription, at: place)
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
        for account in first..<(first + PageDigests.accountsPerPage) {
            let timeline = timeline(of: UInt32(account))
            bytes.appendVarint(UInt64(timeline.count))
            for subscription in timeline {
                bytes.appendInteger(subscription.effective.nanoseconds)
                bytes.appendVarint(UInt64(subscription.catalog))
                bytes.appendVarint(subscription.position)
                bytes.append(subscription.flags)
                if let plan = subscription.plan { bytes.appendPrefixed(utf8: plan) }
                if let timezone = subscription.timezone { bytes.appendPrefixed(utf8: timezone) }
                if let anchor = subscription.anchor { bytes.appendInteger(anchor.nanoseconds) }
            }
        }
    }

    /// Reads what `serialise` wrote.
    package init(restoring reader: inout ByteReader) throws(DecodeFailure) {
        self.init()
        for page in 0..<(try PageDigests.readCount(&reader)) {
            pages.touch(page: page)
            let first = page * PageDigests.accountsPerPage
            for account in first..<(first + PageDigests.accountsPerPage) {
                let count = try reader.readVarint()
                for _ in 0..<count { try restoreSubscription(of: UInt32(account), &reader) }
            }
        }
    }

    private mutating func restoreSubscription(
        of account: UInt32, _ reader: inout ByteReader
    ) throws(DecodeFailure) {
        let effective = Timestamp(nanoseconds: try reader.readInteger(as: Int64.self))
        let offset = reader.offset
        guard let catalog = UInt32(exactly: try reader.readVarint()) else {
            throw .outOfRange(offset)
        }
        let position = try reader.readVarint()
        let flags = try reader.readByte()
        guard flags < 8 else { throw .invalid("flags of a subscription", reader.offset - 1) }
        let plan = flags & 1 != 0 ? try Self.text(&reader) : nil
        let timezone = flags & 2 != 0 ? try Self.text(&reader) : nil
        let anchor = flags & 4 != 0 ? try reader.readInteger(as: Int64.self) : nil
        subscribe(
            Subscription(
                effective: effective, plan: plan, catalog: catalog, position: position,
                timezone: timezone, anchor: anchor.map { Timestamp(nanoseconds: $0) }),
            account: account)
    }

    private static func text(_ reader: inout ByteReader) throws(DecodeFailure) -> String {
        let offset = reader.offset
        guard let text = try reader.readPrefixed().makeString() else {
            throw .invalid("a text that is not UTF-8", offset)
        }
        return text
    }
}

extension Entitlements.Subscription {
    fileprivate var flags: UInt8 {
        (plan == nil ? 0 : 1) | (timezone == nil ? 0 : 2) | (anchor == nil ? 0 : 4)
    }
}

package import Billing

/// Which thresholds were warned of.
extension LimitUsage {
    /// The highest threshold that was warned of in a window; 0: none.
    package func warned(
        of feature: String, _ definition: UInt32?, scope: [UInt8], window: Period, account: UInt32
    ) -> UInt32 {
        guard Int(account) < accounts.count else { return 0 }
        return accounts[Int(account)].warned.first {
            $0.start == window.start && $0.end == window.end && $0.feature == feature
                && $0.scope == scope && $0.definition == Self.number(definition)
        }?.threshold ?? 0
    }

    private static func number(_ definition: UInt32?) -> UInt32 {
        definition.map { $0 == .max ? $0 : $0 + 1 } ?? 0
    }

    /// Notes that a threshold was warned of.
    package mutating func warn(
        of feature: String, _ definition: UInt32?, scope: [UInt8], window: Period,
        threshold: UInt32,
        account: UInt32,
        now: Timestamp
    ) {
        accounts.grow(to: Int(account) + 1, with: Account())
        var warned = accounts[Int(account)].warned
        warned.removeAll {
            $0.end <= now
                || $0.start == window.start && $0.end == window.end && $0.feature == feature
                    && $0.scope == scope && $0.definition == Self.number(definition)
        }
        let place = warned.firstIndex {
            ($0.feature, $0.start, $0.end) > (feature, window.start, window.end)
        }
        warned.insert(
            Warned(
                feature: feature, definition: Self.number(definition), scope: scope,
                start: window.start, end: window.end,
                threshold: threshold), at: place ?? warned.count)
        accounts[Int(account)].warned = warned
        pages.touch(account: account)
    }
}

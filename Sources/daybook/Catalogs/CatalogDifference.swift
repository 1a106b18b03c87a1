import Billing

/// What differs between two catalogs in their canonical form, by path.
enum CatalogDifference {
    /// One path that differs.
    struct Change {
        let path: String
        let before: Value?
        let after: Value?
    }

    /// All paths that differ, in the order of their names, down to single values.
    static func changes(from before: Value?, to after: Value?, at path: String = "") -> [Change] {
        let before = before == .null ? nil : before
        let after = after == .null ? nil : after
        if before == after { return [] }
        if let items = items(before, after) {
            return items.flatMap { index, before, after in
                changes(from: before, to: after, at: "\(path)[\(index)]")
            }
        }
        let names = Set(names(before) + names(after)).sorted()
        let isGroup = (before.map(isObject) ?? true) && (after.map(isObject) ?? true)
        guard isGroup, !names.isEmpty else {
            return [Change(path: path, before: before, after: after)]
        }
        return names.flatMap { name in
            changes(
                from: before?[name], to: after?[name],
                at: path.isEmpty ? name : "\(path).\(name)")
        }
    }

    /// The items of two lists of groups, such as tiers, side by side.
    private static func items(
        _ before: Value?, _ after: Value?
    ) -> [(index: Int, before: Value?, after: Value?)]? {
        guard case .array(let left)? = before, case .array(let right)? = after,
            left.allSatisfy(isObject), right.allSatisfy(isObject)
        else { return nil }
        return (0..<max(left.count, right.count)).map { index in
            (
                index, index < left.count ? left[index] : nil,
                index < right.count ? right[index] : nil
            )
        }
    }

    /// A value as it stands in a line for people; a zone's table is only counted.
    static func shown(_ value: Value?, at path: String) -> String {
        if path.hasPrefix("timezones."), case .array(let list)? = value {
            return "a table of \(list.count) offset\(list.count == 1 ? "" : "s")"
        }
        return value.shown
    }

    private static func isObject(_ value: Value) -> Bool {
        if case .object = value { return true }
        return false
    }

    private static func names(_ value: Value?) -> [String] {
        guard case .object(let members)? = value else { return [] }
        return members.map(\.name)
    }
}

package import Bytes
import Codec
import Platform
package import Projections
package import SegmentedLog

/// What a rebuild found and did.
package struct RebuildReport: Sendable {
    /// One view, before and after, at one position.
    package struct View: Sendable {
        /// Which.
        package let part: Books.Part
        /// The digest of the live view: what queries read.
        package let before: Digest
        /// The digest of the committer's view, from which it decides; nil: nothing is decided.
        package let decided: Digest?
        /// The digest of the one that was folded anew.
        package let after: Digest

        /// Whether all are the same.
        package var isEqual: Bool { before == after && (decided ?? after) == after }
    }

    /// Something that was different.
    package struct Difference: Sendable {
        /// Whether the committer's books said so, and not those that queries read.
        package let isDecided: Bool
        /// What, and how.
        package let difference: Books.Difference
    }

    /// Where all three stood when they were compared, and one took the place of the others.
    package let position: Position
    /// How long all of it took, nanoseconds.
    package let nanoseconds: Int64
    /// Whether the views took the place of the live ones.
    package let isSwapped: Bool
    /// The views, in the order of the digest.
    package let views: [View]
    /// The first differences.
    package let differences: [Difference]
    /// All differences.
    package let differenceCount: Int

    /// Whether nothing was different.
    package var isEqual: Bool { views.allSatisfy(\.isEqual) }

    /// Compares the copies that a swap has left.
    init(_ swap: RebuildSwap, isSwapped: Bool, since begun: Int64) {
        guard var after = swap.after.take(), var durable = swap.durable.take() else {
            preconditionFailure("a swap leaves copies of what it changed")
        }
        var decided = swap.decided.take()
        var views: [View] = []
        var differences: [Difference] = []
        var count = 0
        for part in Books.Part.allCases
        where swap.parts.contains(part) || part == .registry {
            let view = View(
                part: part, before: durable.digest(of: part), decided: decided?.digest(of: part),
                after: after.digest(of: part))
            views.append(view)
            func add(_ found: (listed: [Books.Difference], count: Int), _ isDecided: Bool) {
                count += found.count
                differences += found.listed.map {
                    Difference(isDecided: isDecided, difference: $0)
                }
            }
            func left() -> Int { EngineLimits.differencesMax - differences.count }
            if view.before != view.after {
                add(durable.differences(from: after, in: part, limit: left()), false)
            }
            if let other = decided.take() {
                if view.decided != view.after {
                    add(other.differences(from: after, in: part, limit: left()), true)
                }
                decided = consume other
            }
        }
        position = after.position
        self.isSwapped = isSwapped
        self.views = views
        self.differences = differences
        differenceCount = count
        nanoseconds = MonotonicClock.nanoseconds() - begun
    }

    /// Writes the members of the answer.
    func write(to json: inout JSONWriter) {
        json.member("swapped", isSwapped)
        json.member("equal", isEqual)
        json.member("entries", position)
        json.member("milliseconds", UInt64(nanoseconds / 1_000_000))
        json.key("views")
        json.beginArray()
        for view in views {
            json.beginObject()
            json.member("view", view.part.rawValue)
            json.member("version", UInt64(view.part.version))
            json.member("equal", view.isEqual)
            json.member("before", view.before.hex)
            if let decided = view.decided, decided != view.before {
                json.member("decided", decided.hex)
            }
            json.member("after", view.after.hex)
            json.endObject()
        }
        json.endArray()
        json.member("differences", UInt64(differenceCount))
        json.key("listed")
        json.beginArray()
        for listed in differences {
            json.beginObject()
            json.member("view", listed.difference.part.rawValue)
            json.member("account", listed.difference.account)
            json.member("head", listed.isDecided ? "decided" : "durable")
            json.member("what", listed.difference.what)
            json.member("before", listed.difference.before)
            json.member("after", listed.difference.after)
            json.endObject()
        }
        json.endArray()
        json.member("position", position)
    }
}

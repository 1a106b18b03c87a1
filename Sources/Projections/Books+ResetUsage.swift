import Billing
import Bytes
import Codec
import SegmentedLog

/// Usage that begins anew by hand: what a limit counts, not what a bill does.
extension Books {
    /// Whether an order is about usage, and not about credits.
    func isUsageReset(_ record: borrowing RecordView) -> Bool {
        record.kind == .reset && record.string(["feature"]) != nil
    }

    /// Nanoseconds in which usage begins anew once at most: what is sent again by another name does no harm.
    private static let resetEvery: Int64 = 60_000_000_000

    func decideUsageReset(
        _ record: borrowing RecordView, account: UInt32, _ recordedAt: Int64
    ) -> Verdict {
        do throws(Refusal) {
            let key = record.string(["feature"]) ?? ""
            guard record.string(["unit"]) == nil else {
                throw .bad("feature", "does not stand beside unit: usage or credits begin anew")
            }
            guard let meter = meter(ofFeature: key) else {
                throw .bad("feature", "\"\(key)\" is no metered feature of a catalog")
            }
            guard meter.aggregation == .count || meter.aggregation == .sum else {
                throw .bad(
                    "feature",
                    "\(key) is measured by \(meter.aggregation.rawValue); only what is counted or "
                        + "summed can begin anew")
            }
            switch record.string(["anchor"]) {
            case nil, "keep", "move": break
            case .some(let word): throw .bad("anchor", "\"\(word)\" is neither keep nor move")
            }
            if let last = limits.lastReset(of: account, meter: meter.number),
                recordedAt / Self.resetEvery == last.time.nanoseconds / Self.resetEvery
            {
                throw .bad("feature", "usage of \(key) began anew at \(last.time), in this minute")
            }
            return .entry(.recorded, Evidence())
        } catch {
            return .refused(error)
        }
    }

    mutating func applyUsageReset(
        _ record: borrowing RecordView, account: UInt32, _ recordedAt: Int64
    ) throws(Failure) {
        guard let meter = record.string(["feature"]).flatMap({ meter(ofFeature: $0) }) else {
            throw .contradiction(position, "a reset of a feature that has no meter")
        }
        let now = Timestamp(nanoseconds: recordedAt)
        let moves = record.string(["anchor"]) == "move"
        // Months that no longer are the calendar's are counted like all other windows.
        if moves { _ = limits.define(.init(meter: meter.number, window: .monthly, by: nil)) }
        let moved = limits.lastReset(of: account, meter: meter.number)?.anchor
        let month = counters.total(
            account: account, meter: meter.number, month: Month(containing: recordedAt))
        // Once it has moved the anchor stays where it is, unless it is moved again.
        limits.reset(
            .init(
                meter: meter.number, time: now, position: position, anchor: moves ? now : moved,
                base: month.units),
            features: registry.features(countedBy: meter.key), of: account)
    }
}

import Client
import Platform

/// A line on the terminal that shows how far an upload is; nothing where nobody watches.
final class ProgressBar {
    private static let cells = 24

    private let size: Int?
    private let isShown = StandardStream.error.isTerminal
    private let start = MonotonicClock.nanoseconds()
    private var isOnScreen = false

    /// - Parameter size: bytes to send in all, if that is known.
    init(size: Int?) { self.size = size }

    /// Draws the state over the last one.
    func show(_ tally: Tally) {
        guard isShown else { return }
        let seconds = max(1, (MonotonicClock.nanoseconds() - start) / 1_000_000)
        let rate = Int64(tally.ackedLines) * 1_000 / seconds
        var text = "\(Digits.grouped(tally.ackedLines)) lines, \(Digits.grouped(Int(rate)))/s"
        if let size, size > 0 {
            let share = min(size, tally.sentBytes)
            let full = share * Self.cells / size
            let bar =
                String(repeating: "#", count: full)
                + String(repeating: ".", count: Self.cells - full)
            text = "[\(bar)] \(share * 100 / size) %  " + text
        }
        let width = max(20, (StandardStream.error.columns ?? 80) - 1)
        StandardError.text("\r\u{1B}[K" + text.prefix(width))
        isOnScreen = true
    }

    /// Wipes the line, for text that stays.
    func clear() {
        guard isOnScreen else { return }
        isOnScreen = false
        StandardError.text("\r\u{1B}[K")
    }
}

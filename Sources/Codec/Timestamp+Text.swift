package import Billing
import Bytes

extension Timestamp {
    /// The instant that an RFC 3339 text names; nil if it is none or lies outside 1678 to 2261.
    package init?(rfc3339 text: String) {
        guard let time = EventTime(text) else { return nil }
        self.init(nanoseconds: time.nanoseconds)
    }
}

package import Billing

extension Counters {
    /// What one event adds to one meter.
    package struct Addition {
        /// How values combine.
        package let aggregation: Aggregation
        /// The event's value in 10⁻¹²; ignored by count and unique.
        package let units: Int128
        /// The 128-bit key of the value that a unique meter counts.
        package let uniqueKey: UInt128
        /// Whether the aggregate is kept; otherwise only that there was an event.
        package let isCounted: Bool

        /// An addition; see the properties.
        package init(
            aggregation: Aggregation, units: Int128, uniqueKey: UInt128 = 0,
            isCounted: Bool = true
        ) {
            self.aggregation = aggregation
            self.units = units
            self.uniqueKey = uniqueKey
            self.isCounted = isCounted
        }
    }
}

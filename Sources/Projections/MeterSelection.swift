package import Billing
package import Codec

/// One reading of a meter: the meter, and the dimensions that a price wants of each use.
package struct UsageKey: Hashable, Sendable {
    /// The meter's key.
    package let meter: String
    /// Properties under `data`; none for most prices.
    package let by: [[String]]

    /// A reading; see the properties.
    package init(meter: String, by: [[String]]) {
        self.meter = meter
        self.by = by
    }

    /// What a price reads; nil for a fee.
    package init?(_ price: Price) {
        guard let meter = price.meter else { return nil }
        self.init(meter: meter, by: price.matrix?.by ?? [])
    }
}

/// Some meters under their newest definitions, for readers of single entries.
package struct MeterSelection: Sendable {
    /// One meter to read.
    package struct Reader: Sendable {
        /// What is read.
        package let key: UsageKey
        /// The meter's definition.
        package let meter: Meter
        /// The meter as events are read.
        package let event: CompiledMeter
        /// The meter as consumes are read.
        package let consume: CompiledMeter
        /// The dimensions of an event.
        package let eventPaths: [PropertyPath]
        /// The dimensions of a consume.
        package let consumePaths: [PropertyPath]
    }

    /// In the order of the wish.
    package let readers: [Reader]
    /// The newest definition of each feature, by key.
    package let features: [String: Feature]

    /// The readers of some keys.
    package func keeping(_ isWanted: (UsageKey) -> Bool) -> MeterSelection {
        MeterSelection(readers: readers.filter { isWanted($0.key) }, features: features)
    }
}

extension Books {
    /// The known ones among some readings.
    package func selection(_ keys: [UsageKey]) -> MeterSelection {
        MeterSelection(
            readers: keys.compactMap { key in
                guard let number = registry.meter(key.meter) else { return nil }
                return MeterSelection.Reader(
                    key: key, meter: registry.meters[Int(number)],
                    event: registry.eventMeter(number), consume: registry.consumeMeter(number),
                    eventPaths: key.by.map { PropertyPath($0) },
                    consumePaths: key.by.map { PropertyPath(["data"] + $0) })
            }, features: registry.features)
    }
}

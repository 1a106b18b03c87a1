package import Billing

/// Some meters under their newest definitions, for readers of single entries.
package struct MeterSelection: Sendable {
    /// Keys of the meters; the other lists are parallel to it.
    package let keys: [String]
    /// The meters as events are read.
    package let events: [CompiledMeter]
    /// The meters as consumes are read.
    package let consumes: [CompiledMeter]
    /// The newest definition of each feature, by key.
    package let features: [String: Feature]
}

extension Books {
    /// The known ones among some meters, in the order of `keys`.
    package func selection(_ keys: [String]) -> MeterSelection {
        let known = keys.filter { registry.meter($0) != nil }
        let numbers = known.compactMap { registry.meter($0) }
        return MeterSelection(
            keys: known, events: numbers.map { registry.eventMeter($0) },
            consumes: numbers.map { registry.consumeMeter($0) }, features: registry.features)
    }
}

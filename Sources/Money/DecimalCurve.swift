/// A price prepared for long runs of events: the total of a cumulative quantity in 128 bits, where
/// quantity, bounds and rates are decimals, as they mostly are.
///
/// It says exactly what `PriceModel.total` says, or nothing: then that is to be asked.
package struct DecimalCurve: Sendable {
    /// A total, exact.
    package struct Point: Equatable, Sendable {
        /// In 10⁻²⁴ major units.
        package let units: Int128
        /// The tier in which the last unit lies, from 0; of a price without tiers 0.
        package let tier: Int

        /// In 10⁻¹², rounded half away from zero, as it is printed.
        package var printed: Int128 {
            let (quotient, rest) = units.quotientAndRemainder(dividingBy: Quantity.one.units)
            guard rest.magnitude * 2 >= Quantity.one.units.magnitude else { return quotient }
            return quotient + (units < 0 ? -1 : 1)
        }
    }

    /// A stretch of quantities on which the total is a straight line.
    private struct Piece: Sendable {
        /// Its last quantity, inclusive; `Int128.max`: no end.
        let upTo: Int128
        /// From where its units count.
        let from: Int128
        /// The total there, in 10⁻²⁴.
        let base: Int128
        let rate: Int128
    }

    private var pieces: [Piece] = []
    private var atZero: Int128 = 0
    /// Of a package: its size, and the price of each begun one in 10⁻²⁴.
    private var package: (size: Int128, price: Int128)?

    /// The curve of a price; nil for one that looks at more than the quantity, or has other bounds than
    /// ascending ones.
    package init?(_ model: PriceModel) {
        switch model {
        case .perUnit(let rate), .dynamic(let rate):
            pieces = [Piece(upTo: .max, from: 0, base: 0, rate: rate.units)]
        case .package(let size, let price):
            guard size > .zero, let price = Self.amount(price) else { return nil }
            package = (size.units, price)
        case .graduated(let tiers, let flatAtZero):
            guard add(tiers, Self.isAscending(tiers.map(\.upTo))) else { return nil }
            atZero = flatAtZero ? tiers.first.flatMap { Self.amount($0.flat) } ?? 0 : 0
        case .volume(let tiers, let flatAtZero):
            guard Self.isAscending(tiers.map(\.upTo)) else { return nil }
            for tier in tiers {
                guard let flat = Self.amount(tier.flat) else { return nil }
                pieces.append(
                    Piece(
                        upTo: tier.upTo?.units ?? .max, from: 0, base: flat, rate: tier.rate.units))
            }
            atZero = flatAtZero ? pieces.first?.base ?? 0 : 0
        case .stairstep(let steps, let flatAtZero):
            guard Self.isAscending(steps.map(\.upTo)) else { return nil }
            for step in steps {
                guard let amount = Self.amount(step.amount) else { return nil }
                pieces.append(
                    Piece(upTo: step.upTo?.units ?? .max, from: 0, base: amount, rate: 0))
            }
            atZero = flatAtZero ? pieces.first?.base ?? 0 : 0
        case .percentage, .graduatedPercentage, .matrix, .fee: return nil
        }
    }

    /// The total of a quantity; nil below zero, beyond the last bound, and beyond 128 bits.
    package func total(_ quantity: Quantity) -> Point? {
        let units = quantity.units
        guard units >= 0 else { return nil }
        if let package {
            let (whole, rest) = units.quotientAndRemainder(dividingBy: package.size)
            let begun = rest > 0 ? whole + 1 : whole
            let (total, overflow) = begun.multipliedReportingOverflow(by: package.price)
            return overflow ? nil : Point(units: total, tier: 0)
        }
        if units == 0 { return Point(units: atZero, tier: 0) }
        guard let tier = pieces.firstIndex(where: { units <= $0.upTo }) else { return nil }
        let piece = pieces[tier]
        let (part, overflow) = (units - piece.from).multipliedReportingOverflow(by: piece.rate)
        let (total, overflowOfSum) = part.addingReportingOverflow(piece.base)
        return overflow || overflowOfSum ? nil : Point(units: total, tier: tier)
    }

    private mutating func add(_ tiers: [PriceModel.Tier], _ isAscending: Bool) -> Bool {
        guard isAscending else { return false }
        var (from, base) = (Int128(0), Int128(0))
        for tier in tiers {
            guard let flat = Self.amount(tier.flat) else { return false }
            let (start, overflow) = base.addingReportingOverflow(flat)
            if overflow { return false }
            let upTo = tier.upTo?.units ?? .max
            pieces.append(Piece(upTo: upTo, from: from, base: start, rate: tier.rate.units))
            guard tier.upTo != nil else { break }
            let (part, overflowOfPart) = (upTo - from).multipliedReportingOverflow(
                by: tier.rate.units)
            let (next, overflowOfSum) = start.addingReportingOverflow(part)
            if overflowOfPart || overflowOfSum { return false }
            (from, base) = (upTo, next)
        }
        return true
    }

    private static func amount(_ quantity: Quantity) -> Int128? {
        let (units, overflow) = quantity.units.multipliedReportingOverflow(by: Quantity.one.units)
        return overflow ? nil : units
    }

    private static func isAscending(_ bounds: [Quantity?]) -> Bool {
        guard !bounds.isEmpty else { return false }
        var last = Quantity.zero
        for (index, bound) in bounds.enumerated() {
            guard let bound else { return index == bounds.count - 1 }
            guard bound > last else { return false }
            last = bound
        }
        return true
    }
}

extension PriceModel {
    /// The tier in which a quantity of zero or more lies, from 0; nil for a price without tiers, and beyond
    /// the last bound.
    package func tier(of quantity: Fraction) -> Int? {
        let bounds: [Quantity?]
        switch self {
        case .graduated(let tiers, _), .volume(let tiers, _), .graduatedPercentage(let tiers, _):
            bounds = tiers.map(\.upTo)
        case .stairstep(let steps, _): bounds = steps.map(\.upTo)
        case .perUnit, .package, .percentage, .dynamic, .matrix, .fee: return nil
        }
        return Self.tier(of: quantity, bounds)
    }

    /// Whether it prices by tiers.
    package var hasTiers: Bool {
        switch self {
        case .graduated, .volume, .graduatedPercentage, .stairstep: true
        case .perUnit, .package, .percentage, .dynamic, .matrix, .fee: false
        }
    }
}

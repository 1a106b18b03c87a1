package import Money

/// The usage of one meter in one span, as a price reads it.
package enum SpanUsage {
    /// The aggregate, before conversion: all that a counter knows.
    case counted(Fraction)
    /// Every use.
    case metered(MeteredUsage)
}

/// What one price charges in one span: the exact amounts of its base lines.
package struct PriceCharge {
    /// One base line.
    package struct Part: Sendable {
        /// The row of a matrix; nil: the price has one line.
        package let row: String?
        /// What was used; nil for a fee.
        package let quantity: Fraction?
        /// The exact amount in major units.
        package let amount: Fraction
    }

    /// The price.
    package let price: Price
    /// Its meter; nil for a fee.
    package let meter: Meter?
    /// The span.
    package let span: BillingSpan
    /// The billing period that the span is a part of.
    package let period: BillingPeriod

    /// A charge; see the properties.
    package init(price: Price, meter: Meter?, span: BillingSpan, period: BillingPeriod) {
        self.price = price
        self.meter = meter
        self.span = span
        self.period = period
    }

    /// Whether it takes more than the aggregate to know the amount.
    package static func needsUses(_ price: Price, _ meter: Meter) -> Bool {
        guard meter.isCounted, price.terms.proration == .none else { return true }
        switch price.model {
        case .percentage, .matrix: return true
        case .perUnit, .package, .graduated, .volume, .stairstep, .graduatedPercentage, .dynamic,
            .fee:
            return false
        }
    }

    /// The part of the period for which amounts of a whole period hold, as a fraction of it.
    package func share(by proration: Proration) -> Fraction {
        Self.share(of: span.period, in: period, by: proration)
    }

    /// A part of a period as a fraction of the whole.
    package static func share(
        of part: Period, in period: BillingPeriod, by proration: Proration
    ) -> Fraction {
        let (numerator, denominator) = Share.of(
            part, in: period.whole, by: proration, zone: period.zone)
        return Fraction(numerator, over: denominator)
    }

    /// Units that are free in this span.
    package var free: Fraction {
        price.terms.free == .zero ? .zero : Fraction(price.terms.free) * share(by: .second)
    }

    /// The base lines of usage; of a matrix none, if nothing was used.
    package func parts(_ usage: SpanUsage) -> [Part] {
        switch usage {
        case .counted(let quantity): return [part(convert(quantity))]
        case .metered(let metered):
            switch price.model {
            case .percentage(let percentage): return [part(metered, percentage)]
            case .matrix: return rows(metered)
            case .perUnit, .package, .graduated, .volume, .stairstep, .graduatedPercentage,
                .dynamic, .fee:
                guard price.terms.proration == .none else { return [integral(metered)] }
                return [part(metered.quantity(in: span.period, of: period.whole))]
            }
        }
    }

    /// The price of an aggregate, converted already.
    package func amount(_ quantity: Fraction) -> Fraction {
        let paid = quantity > .zero ? max(.zero, quantity - free) : quantity
        return price.model.total(paid, allowsNegative: price.terms.allowsNegative)
    }

    /// The price of an aggregate before conversion, in a whole period.
    package static func total(_ price: Price, _ meter: Meter, _ aggregate: Fraction) -> Fraction {
        let quantity = meter.terms.conversion?.apply(aggregate) ?? aggregate
        let free = Fraction(price.terms.free)
        let paid = quantity > .zero ? max(.zero, quantity - free) : quantity
        return price.model.total(paid, allowsNegative: price.terms.allowsNegative)
    }

    private func part(_ quantity: Fraction) -> Part {
        Part(row: nil, quantity: quantity, amount: amount(quantity))
    }

    private func convert(_ quantity: Fraction) -> Fraction {
        meter?.terms.conversion?.apply(quantity) ?? quantity
    }

    private func part(_ metered: MeteredUsage, _ percentage: PriceModel.Percentage) -> Part {
        var run = PercentageRun(percentage, allowsNegative: price.terms.allowsNegative)
        for use in metered.uses(in: span.period) { _ = run.add(use.value) }
        return Part(
            row: nil, quantity: metered.quantity(in: span.period, of: period.whole),
            amount: run.total)
    }

    /// The base line of a price taken over time: without any use in the span, and with each as if the
    /// level stayed from then on.
    ///
    /// A use at the end of a course of levels cuts the last level in two, so that the sums before it stay:
    /// one step a use, however many there are.
    package func integrals(_ metered: MeteredUsage) -> (opening: Part, after: [Part]) {
        let proration = price.terms.proration
        let course = metered.levels(in: span.period, of: period.whole, by: proration, uses: 0)
        var settled = LevelSum()
        var level = course.end
        var since = span.period.start
        let opening = part(settled, level, share(from: since))
        let after = metered.changes(in: span.period, of: period.whole, by: proration).map {
            change in
            if change.time > since {
                let held = Period(start: since, end: change.time)
                settled.add(
                    paid(level), raw: max(.zero, level), price.model,
                    Self.share(of: held, in: period, by: proration))
                since = change.time
            }
            level = change.level
            return part(settled, level, share(from: since))
        }
        return (opening, after)
    }

    private func share(from time: Timestamp) -> Fraction {
        Self.share(
            of: Period(start: time, end: span.period.end), in: period, by: price.terms.proration)
    }

    private func paid(_ level: Fraction) -> Fraction { max(.zero, max(.zero, level) - free) }

    private func part(_ settled: LevelSum, _ level: Fraction, _ rest: Fraction) -> Part {
        var sum = settled
        sum.add(paid(level), raw: max(.zero, level), price.model, rest)
        return Part(
            row: nil, quantity: sum.quantity,
            amount: sum.amount(price.model, end: paid(level)))
    }

    /// The base line of a price taken over time.
    private func integral(_ metered: MeteredUsage) -> Part {
        let found = metered.levels(
            in: span.period, of: period.whole, by: price.terms.proration)
        let free = free
        let held = found.levels.map { (level: max(.zero, $0.level), weight: $0.weight) }
        let levels = held.map { (level: max(.zero, $0.level - free), weight: $0.weight) }
        return Part(
            row: nil,
            quantity: held.reduce(Fraction.zero) { $0 + $1.level * $1.weight },
            amount: price.model.prorated(
                levels, end: max(.zero, found.end - free), peak: max(.zero, found.peak - free)))
    }

    private func rows(_ metered: MeteredUsage) -> [Part] {
        guard let matrix = price.matrix else { return [] }
        var quantities: [String: Fraction] = [:]
        for use in metered.uses(in: span.period) {
            let key = matrix.row(for: use.dimensions)?.key ?? Self.otherRow
            quantities[key, default: .zero] =
                quantities[key, default: .zero] + metered.value(of: use)
        }
        var parts: [Part] = []
        for row in matrix.rows {
            guard let quantity = quantities[row.key] else { continue }
            parts.append(part(row.key, quantity, row.rate))
        }
        if let quantity = quantities[Self.otherRow] {
            parts.append(part(Self.otherRow, quantity, matrix.other ?? .zero))
        }
        return parts
    }

    private func part(_ row: String, _ quantity: Fraction, _ rate: Quantity) -> Part {
        Part(
            row: row, quantity: convert(quantity),
            amount: PriceModel.perUnit(rate: rate).total(
                convert(quantity), allowsNegative: price.terms.allowsNegative))
    }

    /// The base line of a quantity, before conversion, in a row of the matrix.
    package func part(ofRow row: String, _ quantity: Fraction) -> Part {
        let rate = price.matrix?.rows.first { $0.key == row }?.rate ?? price.matrix?.other
        return part(row, quantity, rate ?? .zero)
    }

    /// The row of usage that no row matches.
    package static let otherRow = "other"
}

package import Money

/// What can be spent without a look at each grant: an account may have a hundred thousand of them.
struct Spendable: Sendable {
    /// The first instant at which a grant with something left begins or expires: until then sums change only by
    /// what is drawn and given.
    var until: Timestamp
    /// What is left of usable grants that pay for everything, by unit, in 10⁻¹² credits.
    var free: [String: Int128] = [:]
    /// Ordinals of grants that pay for some features only, usable now.
    var restricted: [UInt32] = []
}

extension CreditAccount {
    /// What could pay for a use at the instant that was advanced to.
    package func balance(of unit: String, for use: [String]) -> Quantity {
        let spendable = spendable ?? summed()
        var units = spendable.free[unit] ?? 0
        for ordinal in spendable.restricted {
            let grant = grants[Int(ordinal)]
            if grant.terms.unit == unit, grant.terms.pays(for: use) {
                units += grant.remaining.units
            }
        }
        return Quantity(units: units)
    }

    /// The sums at the instant that was advanced to.
    func summed() -> Spendable {
        var sums = Spendable(until: .max)
        for ordinal in live { count(ordinal, in: &sums) }
        return sums
    }

    /// Adds a grant that has just become one of those with something left.
    private func count(_ ordinal: UInt32, in sums: inout Spendable) {
        let index = Int(ordinal)
        if let expires = grants[index].expires, expires > now {
            sums.until = min(sums.until, expires)
        }
        guard grants[index].isUsable(at: now) else {
            if grants[index].effective > now {
                sums.until = min(sums.until, grants[index].effective)
            }
            return
        }
        guard grants[index].terms.features.isEmpty else {
            sums.restricted.append(ordinal)
            return
        }
        sums.free[grants[index].terms.unit, default: 0] += grants[index].remaining.units
    }

    /// Notes a grant that is put into the burn order.
    mutating func noteLive(_ ordinal: UInt32) {
        guard var sums = spendable else { return }
        spendable = nil
        count(ordinal, in: &sums)
        spendable = sums
    }

    /// Notes that what is left of a grant in the burn order changed.
    mutating func noteChange(of ordinal: UInt32, by units: Int128) {
        let index = Int(ordinal)
        guard spendable != nil, grants[index].terms.features.isEmpty,
            grants[index].isUsable(at: now)
        else { return }
        spendable?.free[grants[index].terms.unit, default: 0] += units
    }

    /// Takes grants of which nothing is left out of the burn order.
    mutating func dropDrained(_ ordinals: [UInt32]) {
        let drained = ordinals.filter { grants[Int($0)].remaining <= .zero }
        guard !drained.isEmpty else { return }
        guard drained.count <= 16 else {
            live.removeAll { grants[Int($0)].remaining <= .zero }
            lapsed.removeAll { grants[Int($0)].remaining <= .zero }
            spendable?.restricted.removeAll { grants[Int($0)].remaining <= .zero }
            return
        }
        for ordinal in drained {
            if let place = place(ofLive: ordinal) {
                live.remove(at: place)
            } else {
                lapsed.removeAll { $0 == ordinal }
            }
            spendable?.restricted.removeAll { $0 == ordinal }
        }
    }

    /// Where a grant stands in the burn order; nil: it does not.
    func place(ofLive ordinal: UInt32) -> Int? {
        let place = placeForLive(ordinal)
        if place < live.count, live[place] == ordinal { return place }
        return live.firstIndex(of: ordinal)
    }

    /// Where a grant stands in the burn order, or would.
    func placeForLive(_ ordinal: UInt32) -> Int {
        let grant = grants[Int(ordinal)]
        var (lower, upper) = (0, live.count)
        while lower < upper {
            let middle = (lower + upper) / 2
            if rules.precedes(grants[Int(live[middle])], grant) {
                lower = middle + 1
            } else {
                upper = middle
            }
        }
        return lower
    }
}

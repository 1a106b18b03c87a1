package import Money

extension CreditAccount {
    /// The parts of an account's state, for a snapshot.
    package struct Parts {
        let now: Timestamp
        let plannedTo: Timestamp?
        let onceGiven: [String]
        let recurring: [RecurringGrant]
        let grants: [CreditGrant]
        let holds: [CreditHold]
        let shortfalls: [(unit: String, quantity: Quantity)]
        let refunds: [(position: UInt64, unit: String, quantity: Quantity)]
        let repayments: [Draw]
        let topUps: [(unit: String, period: Timestamp, count: Int, last: Timestamp)]

        /// All of them.
        package init(
            now: Timestamp, plannedTo: Timestamp?, onceGiven: [String],
            recurring: [RecurringGrant], grants: [CreditGrant], holds: [CreditHold],
            shortfalls: [(unit: String, quantity: Quantity)],
            refunds: [(position: UInt64, unit: String, quantity: Quantity)], repayments: [Draw],
            topUps: [(unit: String, period: Timestamp, count: Int, last: Timestamp)]
        ) {
            self.now = now
            self.plannedTo = plannedTo
            self.onceGiven = onceGiven
            self.recurring = recurring
            self.grants = grants
            self.holds = holds
            self.shortfalls = shortfalls
            self.refunds = refunds
            self.repayments = repayments
            self.topUps = topUps
        }
    }

    /// The account that a snapshot tells of. What can pay is put in order by the rules of the next `advance`.
    package init(restoring parts: Parts) {
        self.init()
        now = parts.now
        plannedTo = parts.plannedTo
        onceGiven = parts.onceGiven
        recurring = parts.recurring
        grants = parts.grants
        holds = parts.holds
        shortfalls = parts.shortfalls.map { Shortfall(unit: $0.unit, quantity: $0.quantity) }
        refunds = parts.refunds.map {
            Refunded(position: $0.position, unit: $0.unit, quantity: $0.quantity)
        }
        repayments = parts.repayments
        topUps = parts.topUps.map {
            TopUpCount(unit: $0.unit, period: $0.period, count: $0.count, last: $0.last)
        }
        for grant in grants where grant.remaining > .zero {
            if grant.isExpired(at: now) {
                lapsed.append(grant.ordinal)
                lapsedUntil = max(lapsedUntil, grant.expires ?? .max)
            } else {
                live.append(grant.ordinal)
            }
        }
        live.sort { rules.precedes(grants[Int($0)], grants[Int($1)]) }
    }
}

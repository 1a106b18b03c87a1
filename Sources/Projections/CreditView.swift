package import Billing
package import Codec
import Money

extension Books {
    /// An account's credits at an instant: what can be spent, what became of the rest, grants and holds.
    package func writeCredits(account name: String, at time: Timestamp, to json: inout JSONWriter) {
        let state = creditAccount(of: account(name), at: time)
        let first = registry.catalog?.credits.first?.unit ?? state.units.first
        json.member("account", name)
        json.member("unit", first)
        let totals = first.map { state.totals(of: $0) } ?? CreditTotals()
        write(totals, first.map { state.balance(of: $0, for: []) } ?? .zero, to: &json)
        json.member("at", time.description)
        let others = state.units.filter { $0 != first }
        if !others.isEmpty {
            json.key("units")
            json.beginArray()
            for unit in others {
                json.beginObject()
                json.member("unit", unit)
                write(state.totals(of: unit), state.balance(of: unit, for: []), to: &json)
                json.endObject()
            }
            json.endArray()
        }
        writeGrants(state, time, to: &json)
        writeRecurring(state, to: &json)
        writeHolds(state, to: &json)
        if let number = self.account(name) { writeWallets(invoices.account(number), to: &json) }
    }

    private func writeWallets(_ state: Invoices.Account, to json: inout JSONWriter) {
        guard !state.wallets.isEmpty else { return }
        json.key("wallets")
        json.beginArray()
        for wallet in state.wallets {
            func member(_ name: String, _ minorUnits: Int128) {
                let amount = Amount(minorUnits: minorUnits, currency: wallet.currency)
                json.member(name, amount.description)
            }
            json.beginObject()
            json.member("currency", wallet.currency.code)
            member("deposited", wallet.deposited)
            member("withdrawn", wallet.withdrawn)
            member("drawn", wallet.drawn)
            member("left", wallet.left)
            json.endObject()
        }
        json.endArray()
    }

    private func write(
        _ totals: CreditTotals, _ balance: Quantity, to json: inout JSONWriter
    ) {
        func member(_ name: String, _ units: Int128) {
            json.member(name, Quantity(units: units).description)
        }
        json.member("balance", balance.description)
        member("granted", totals.granted - totals.rolled)
        member("drawn", totals.drawn)
        member("held", totals.held)
        member("expired", totals.expired)
        member("voided", totals.voided)
        member("overage", totals.shortfall)
    }

    private func writeGrants(
        _ state: CreditAccount, _ time: Timestamp, to json: inout JSONWriter
    ) {
        json.key("grants")
        json.beginArray()
        for grant in state.grants {
            json.beginObject()
            json.member("grant", UInt64(grant.ordinal))
            json.member("position", grant.position)
            json.member("unit", grant.terms.unit)
            json.member("kind", grant.terms.kind.name)
            json.member("amount", grant.amount.description)
            json.member("remaining", grant.remaining.description)
            if grant.held != .zero { json.member("held", grant.held.description) }
            if grant.voided != .zero { json.member("voided", grant.voided.description) }
            if grant.rolled != .zero { json.member("rolled", grant.rolled.description) }
            json.member("priority", Int64(grant.terms.priority))
            if !grant.terms.features.isEmpty {
                json.key("features")
                json.beginArray()
                for feature in grant.terms.features { json.string(feature) }
                json.endArray()
            }
            if let cost = grant.terms.cost { json.member("cost", cost.description) }
            json.member("effective", grant.effective.description)
            json.member("expires", grant.expires?.description)
            json.member("usable", grant.isUsable(at: time) && !grant.isVoid)
            json.endObject()
        }
        json.endArray()
    }

    private func writeRecurring(_ state: CreditAccount, to json: inout JSONWriter) {
        guard !state.recurring.isEmpty else { return }
        json.key("recurring")
        json.beginArray()
        for grant in state.recurring {
            json.beginObject()
            json.member("unit", grant.terms.unit)
            json.member("amount", grant.amount.description)
            if let source = grant.source { json.member("source", source) }
            let isOver = grant.ends.map { $0 <= grant.next } ?? false
            json.member("next", isOver ? nil : grant.next.description)
            json.member("ends", grant.ends?.description)
            json.endObject()
        }
        json.endArray()
    }

    private func writeHolds(_ state: CreditAccount, to json: inout JSONWriter) {
        json.key("holds")
        json.beginArray()
        for hold in state.holds {
            json.beginObject()
            json.member("hold", HoldName(feature: hold.feature, position: hold.position).name)
            json.member("quantity", hold.quantity.description)
            let units = hold.draws.reduce(Int128(0)) { $0 + $1.units }
            if !hold.unit.isEmpty { json.member("credits", Quantity(units: units).description) }
            json.member("expires", hold.expires.description)
            json.endObject()
        }
        json.endArray()
    }
}

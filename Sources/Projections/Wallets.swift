import Billing
import Codec
package import Money

extension Invoices {
    /// Prepaid money of an account in one currency. Invoices draw from it when they are finalised.
    ///
    /// deposited = withdrawn + drawn + left, at every position.
    package struct Wallet: Hashable, Sendable {
        /// ISO 4217.
        package let currency: Currency
        /// What was paid in, in minor units, zero or more.
        package internal(set) var deposited: Int128 = 0
        /// What was paid back, in minor units, zero or more.
        package internal(set) var withdrawn: Int128 = 0
        /// What invoices were paid with, in minor units, zero or more.
        package internal(set) var drawn: Int128 = 0

        /// An empty wallet.
        package init(_ currency: Currency) { self.currency = currency }

        /// What is left, in minor units, zero or more.
        package var left: Int128 { deposited - withdrawn - drawn }

        /// Pays in or, below zero, out.
        /// - Returns: false, and nothing is changed, where more than is left would be paid out, or the sum
        ///   would be beyond the range of money.
        mutating func pay(_ minorUnits: Int128) -> Bool {
            guard minorUnits < 0 else {
                let (sum, overflow) = deposited.addingReportingOverflow(minorUnits)
                if !overflow { deposited = sum }
                return !overflow
            }
            guard minorUnits >= -left else { return false }
            withdrawn -= minorUnits
            return true
        }

        /// Pays an invoice.
        /// - Returns: false, and nothing is changed, where less is left.
        mutating func draw(_ minorUnits: Int128) -> Bool {
            guard minorUnits >= 0, minorUnits <= left else { return false }
            drawn += minorUnits
            return true
        }
    }

    /// Currencies in which one account has prepaid money at most.
    package static let walletsMax = 16
}

extension Invoices.Account {
    /// The wallet of a currency; nil: there never was money in it.
    package func wallet(_ currency: Currency) -> Invoices.Wallet? {
        wallets.first { $0.currency == currency }
    }

    /// Pays in or, below zero, out.
    /// - Returns: why it cannot be, and nothing is changed; nil: it is done.
    mutating func deposit(_ order: DepositOrder) -> Refusal? {
        let code = order.currency.code
        let known = wallets.firstIndex { $0.currency == order.currency }
        var wallet = known.map { wallets[$0] } ?? Invoices.Wallet(order.currency)
        guard wallet.pay(order.minorUnits) else {
            guard order.minorUnits < 0 else {
                return Refusal(
                    code: "out_of_range", field: "amount",
                    message:
                        "amount: all deposits in \(code) together are beyond the range of money")
            }
            let left = Amount(minorUnits: wallet.left, currency: order.currency)
            return .bad("amount", "only \(left) \(code) are left in the account's wallet")
        }
        if let known {
            wallets[known] = wallet
        } else if wallets.count < Invoices.walletsMax {
            wallets.append(wallet)
        } else {
            return .bad(
                "currency",
                "the account has money in \(Invoices.walletsMax) currencies, the most there can be")
        }
        return nil
    }
}

/// What a deposit says: `amount`, below zero for a withdrawal, and `currency`.
struct DepositOrder {
    /// In minor units; not zero.
    let minorUnits: Int128
    /// Of what.
    let currency: Currency

    /// The largest deposit, in major units.
    private static let amountMax = CreditGrant.amountMax

    /// Reads a deposit's data.
    static func read(_ record: borrowing RecordView) throws(Refusal) -> DepositOrder {
        guard let code = record.string(["currency"]), let currency = Currency(code: code) else {
            throw .bad("currency", "a currency of ISO 4217 is needed, such as USD")
        }
        guard case .value(let amount) = record.quantity(["amount"]), amount != .zero,
            amount.units.magnitude <= amountMax.units.magnitude
        else {
            throw .bad(
                "amount", "an amount such as 100 or 12.50 is needed, not zero, and at most 10^15")
        }
        var step: Int128 = 1
        for _ in currency.exponent..<12 { step *= 10 }
        guard amount.units % step == 0 else {
            throw .bad("amount", "\(code) has \(currency.exponent) decimals at most")
        }
        return DepositOrder(minorUnits: amount.units / step, currency: currency)
    }
}

extension Books {
    func decideDeposit(_ record: borrowing RecordView) -> Verdict {
        do throws(Refusal) {
            let order = try DepositOrder.read(record)
            guard let subject = record.subject else { throw .bad("account", "is missing") }
            var state =
                registry.accounts.number(of: subject).map { invoices.account($0) }
                ?? Invoices.Account()
            if let refusal = state.deposit(order) { throw refusal }
            return .entry(.recorded, Evidence())
        } catch {
            return .refused(error)
        }
    }

    mutating func applyDeposit(_ record: borrowing RecordView) throws(Failure) {
        guard let subject = record.subject, let order = try? DepositOrder.read(record) else {
            throw .contradiction(position, "a deposit that cannot be read")
        }
        let refusal = invoices.update(registry.account(subject)) { $0.deposit(order) }
        if let refusal { throw .contradiction(position, "a deposit: \(refusal.message)") }
    }
}

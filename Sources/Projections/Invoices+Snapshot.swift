import Billing
import Bytes
import Money
import SegmentedLog

/// The snapshot form of one account's invoices.
enum InvoiceState {
    static func append(_ state: Invoices.Account, to bytes: inout ByteBuffer) {
        bytes.append(state.isLate ? 1 : 0)
        bytes.append(state.carried == nil ? 0 : 1)
        if let carried = state.carried { append(carried, to: &bytes) }
        bytes.appendVarint(UInt64(state.finalised.count))
        for invoice in state.finalised {
            bytes.appendPrefixed(utf8: invoice.name)
            bytes.appendInteger(invoice.period.start.nanoseconds)
            bytes.appendInteger(invoice.period.end.nanoseconds)
            bytes.appendVarint(invoice.through)
            bytes.appendVarint(invoice.position)
            bytes.appendVarint(invoice.number)
            bytes.appendVarint(UInt64(invoice.credited.count))
            for line in invoice.credited {
                bytes.appendPrefixed(utf8: line.line)
                bytes.appendZigzag128(line.minorUnits)
            }
        }
        bytes.appendVarint(UInt64(state.openNotes.count))
        for note in state.openNotes {
            bytes.appendVarint(note.number)
            bytes.appendVarint(note.position)
            append(note.balance, to: &bytes)
            bytes.appendPrefixed(utf8: note.invoice)
        }
        bytes.appendVarint(UInt64(state.wallets.count))
        for wallet in state.wallets {
            bytes.appendPrefixed(utf8: wallet.currency.code)
            bytes.appendZigzag128(wallet.deposited)
            bytes.appendZigzag128(wallet.withdrawn)
            bytes.appendZigzag128(wallet.drawn)
        }
        bytes.appendVarint(UInt64(state.purchases.count))
        for purchase in state.purchases {
            bytes.appendVarint(purchase.position)
            bytes.appendInteger(purchase.time.nanoseconds)
            bytes.appendPrefixed(utf8: purchase.unit)
            bytes.appendZigzag128(purchase.credits.units)
            bytes.appendZigzag128(purchase.price.units)
            bytes.append(purchase.isTopUp ? 1 : 0)
        }
    }

    private static func append(_ balance: Invoices.Balance, to bytes: inout ByteBuffer) {
        bytes.appendZigzag128(balance.minorUnits)
        bytes.appendPrefixed(utf8: balance.currency)
    }

    static func read(_ reader: inout ByteReader) throws(DecodeFailure) -> Invoices.Account {
        var state = Invoices.Account()
        state.isLate = try flag(&reader)
        if try flag(&reader) { state.carried = try balance(&reader) }
        for _ in 0..<(try reader.readVarint()) {
            let name = try text(&reader)
            let offset = reader.offset
            let start = Timestamp(nanoseconds: try reader.readInteger(as: Int64.self))
            let end = Timestamp(nanoseconds: try reader.readInteger(as: Int64.self))
            guard start <= end else {
                throw .invalid("a period that ends before it starts", offset)
            }
            var invoice = Invoices.Finalised(
                name: name, period: Period(start: start, end: end),
                through: try reader.readVarint(), position: try reader.readVarint(),
                number: try reader.readVarint())
            for _ in 0..<(try reader.readVarint()) {
                invoice.credited.append(
                    Invoices.Credited(
                        line: try text(&reader), minorUnits: try reader.readZigzag128()))
            }
            state.finalised.append(invoice)
        }
        for _ in 0..<(try reader.readVarint()) {
            state.openNotes.append(
                Invoices.OpenNote(
                    number: try reader.readVarint(), position: try reader.readVarint(),
                    balance: try balance(&reader), invoice: try text(&reader)))
        }
        for _ in 0..<(try reader.readVarint()) { state.wallets.append(try wallet(&reader)) }
        for _ in 0..<(try reader.readVarint()) {
            state.purchases.append(
                Purchase(
                    position: try reader.readVarint(),
                    time: Timestamp(nanoseconds: try reader.readInteger(as: Int64.self)),
                    unit: try text(&reader), credits: Quantity(units: try reader.readZigzag128()),
                    price: Quantity(units: try reader.readZigzag128()),
                    isTopUp: try flag(&reader)))
        }
        return state
    }

    private static func wallet(
        _ reader: inout ByteReader
    ) throws(DecodeFailure) -> Invoices.Wallet {
        let offset = reader.offset
        guard let currency = Currency(code: try text(&reader)) else {
            throw .invalid("a wallet of no currency", offset)
        }
        var wallet = Invoices.Wallet(currency)
        wallet.deposited = try reader.readZigzag128()
        wallet.withdrawn = try reader.readZigzag128()
        wallet.drawn = try reader.readZigzag128()
        guard wallet.withdrawn >= 0, wallet.drawn >= 0, wallet.withdrawn <= wallet.deposited,
            wallet.drawn <= wallet.deposited - wallet.withdrawn
        else { throw .invalid("a wallet with less than nothing", offset) }
        return wallet
    }

    private static func balance(
        _ reader: inout ByteReader
    ) throws(DecodeFailure) -> Invoices.Balance {
        Invoices.Balance(minorUnits: try reader.readZigzag128(), currency: try text(&reader))
    }

    private static func text(_ reader: inout ByteReader) throws(DecodeFailure) -> String {
        let offset = reader.offset
        guard let text = try reader.readPrefixed().makeString() else {
            throw .invalid("a text that is not UTF-8", offset)
        }
        return text
    }

    /// A byte that is 0 or 1: another one would restore to the same state as one of them.
    static func flag(_ reader: inout ByteReader) throws(DecodeFailure) -> Bool {
        let byte = try reader.readByte()
        guard byte <= 1 else { throw .invalid("flag", reader.offset - 1) }
        return byte == 1
    }
}

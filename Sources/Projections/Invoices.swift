package import Billing
package import Bytes
import Money
package import SegmentedLog

/// Which periods of each account are finalised, what was credited of them, and what goes on to the
/// next invoice.
///
/// The documents themselves stand in the log: here is only what later invoices depend on. All
/// documents of a book, invoices and credit notes, are numbered together from 1, so that whoever takes
/// them over sees a gap.
package struct Invoices: ~Copyable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 2

    /// A finalised invoice.
    package struct Finalised: Hashable, Sendable {
        /// The period's name.
        package let name: String
        /// The period.
        package let period: Period
        /// Entries before this position are on it.
        package let through: Position
        /// The entry that holds it.
        package let position: Position
        /// Among all documents.
        package let number: UInt64
        /// What credit notes have taken off, by line.
        package internal(set) var credited: [Credited] = []

        /// A finalised invoice of which nothing was credited; see the properties.
        package init(
            name: String, period: Period, through: Position, position: Position, number: UInt64
        ) {
            self.name = name
            self.period = period
            self.through = through
            self.position = position
            self.number = number
        }
    }

    /// What was credited of one line.
    package struct Credited: Hashable, Sendable {
        /// The line's id.
        package let line: String
        /// The net amount in minor units, above zero.
        package internal(set) var minorUnits: Int128
    }

    /// Money that the next invoice takes over.
    package struct Balance: Hashable, Sendable {
        /// In minor units, below zero: the account's credit.
        package let minorUnits: Int128
        /// ISO 4217.
        package let currency: String

        /// A balance.
        package init(minorUnits: Int128, currency: String) {
            self.minorUnits = minorUnits
            self.currency = currency
        }
    }

    /// A credit note that the next invoice settles.
    package struct OpenNote: Hashable, Sendable {
        /// Among all documents.
        package let number: UInt64
        /// The entry that holds it.
        package let position: Position
        /// What it gives back, as an amount below zero.
        package let balance: Balance
        /// The name of the period whose invoice it takes off.
        package let invoice: String

        /// A credit note; see the properties.
        package init(number: UInt64, position: Position, balance: Balance, invoice: String) {
            self.number = number
            self.position = position
            self.balance = balance
            self.invoice = invoice
        }
    }

    /// What is known of one account.
    package struct Account: Sendable {
        /// In the order in which they were finalised.
        package internal(set) var finalised: [Finalised] = []
        /// In log order.
        package internal(set) var openNotes: [OpenNote] = []
        /// What was below zero on the last invoice; nil: nothing.
        package internal(set) var carried: Balance?
        /// Whether an entry behind the last finalised invoice belongs to a finalised period.
        package internal(set) var isLate = false
        /// Prepaid money, by currency, in the order of the first deposits.
        package internal(set) var wallets: [Wallet] = []
        /// Credits that are paid by invoice, in log order.
        package internal(set) var purchases: [Purchase] = []

        /// Nothing is known.
        package init() {}

        /// Entries before this position are on an invoice, if their period was finalised.
        package var through: Position { finalised.last?.through ?? 0 }

        /// The finalised invoice of a period.
        package func finalised(_ name: String) -> Finalised? {
            finalised.last { $0.name == name }
        }
    }

    /// How many documents there are: the next has this number plus one.
    package private(set) var count: UInt64 = 0

    /// Index + 1 into `states`, by account.
    private var index = Chunked<8, UInt32>()
    private var states = Chunked<5, Account>()
    private var pages = PageDigests()

    /// Nothing is finalised.
    package init() {}

    /// The same invoices, sharing their memory until one of both changes.
    package mutating func copy() -> Invoices {
        var copy = Invoices()
        copy.count = count
        copy.index = index
        copy.states = states
        copy.pages = pages.copy()
        return copy
    }

    /// Takes over the page digests of an unchanged copy; see `PageDigests.accept`.
    package mutating func accept(digestsOf copy: borrowing Invoices) { pages.accept(copy.pages) }

    /// The state of an account; empty if nothing of it was finalised.
    package func account(_ account: UInt32) -> Account {
        guard let slot = slot(of: account) else { return Account() }
        return states[slot]
    }

    /// Sees an entry of an account at an event time: one that belongs to a finalised period is late.
    package mutating func see(account: UInt32, at time: Timestamp) {
        guard states.count > 0, let slot = slot(of: account), !states[slot].isLate,
            states[slot].finalised.contains(where: { time < $0.period.end })
        else { return }
        states[slot].isLate = true
        pages.touch(account: account)
    }

    /// Adds a finalised invoice.
    /// - Parameters:
    ///   - currency: its own; balances in another one stay for an invoice that can take them.
    ///   - drawn: minor units that the wallet of that currency pays.
    /// - Returns: false where the wallet has less: the entry contradicts the log.
    package mutating func finalise(
        _ invoice: Finalised, carried: Balance?, currency: String, drawn: Int128, account: UInt32
    ) -> Bool {
        let slot = makeSlot(of: account)
        if drawn != 0 {
            let wallet = states[slot].wallets.firstIndex { $0.currency.code == currency }
            guard let wallet, states[slot].wallets[wallet].draw(drawn) else { return false }
        }
        // What came between the bill's position and its entry may be late already.
        states[slot].isLate = false
        states[slot].finalised.append(invoice)
        states[slot].openNotes.removeAll {
            $0.position < invoice.through && $0.balance.currency == currency
        }
        if carried != nil || states[slot].carried?.currency == currency {
            states[slot].carried = carried
        }
        count += 1
        pages.touch(account: account)
        return true
    }

    /// Changes what is known of an account, but for its documents.
    mutating func update<R>(_ account: UInt32, _ body: (inout Account) -> R) -> R {
        let slot = makeSlot(of: account)
        pages.touch(account: account)
        return body(&states[slot])
    }

    /// Adds credits that are paid by invoice.
    mutating func buy(_ purchase: Purchase, account: UInt32) {
        update(account) { $0.purchases.append(purchase) }
    }

    /// Adds a credit note.
    /// - Parameters:
    ///   - minorUnits: the net amount that it takes off the line.
    ///   - settles: whether the next invoice takes it over.
    package mutating func credit(
        _ note: OpenNote, line: String, minorUnits: Int128, settles: Bool, account: UInt32
    ) {
        let slot = makeSlot(of: account)
        if let found = states[slot].finalised.lastIndex(where: { $0.name == note.invoice }) {
            let lines = states[slot].finalised[found].credited
            if let known = lines.firstIndex(where: { $0.line == line }) {
                // More than the line is refused; a log that says so all the same stays readable.
                let (sum, overflow) = lines[known].minorUnits.addingReportingOverflow(minorUnits)
                states[slot].finalised[found].credited[known].minorUnits = overflow ? .max : sum
            } else {
                states[slot].finalised[found].credited.append(
                    Credited(line: line, minorUnits: minorUnits))
            }
        }
        if settles { states[slot].openNotes.append(note) }
        count += 1
        pages.touch(account: account)
    }

    /// The digest of all of it.
    package mutating func digest() -> Digest {
        var pages = pages
        let digest = pages.digest { page, bytes in serialise(page: page, into: &bytes) }
        self.pages = pages
        var bytes = ByteBuffer(capacity: 64)
        digest.append(to: &bytes)
        bytes.appendVarint(count)
        return SHA256.hash(bytes.bytes)
    }

    private func slot(of account: UInt32) -> Int? {
        guard Int(account) < index.count, index[Int(account)] > 0 else { return nil }
        return Int(index[Int(account)]) - 1
    }

    private mutating func makeSlot(of account: UInt32) -> Int {
        if let slot = slot(of: account) { return slot }
        index.grow(to: Int(account) + 1, with: 0)
        states.append(Account())
        index[Int(account)] = UInt32(states.count)
        return states.count - 1
    }

    // MARK: Snapshot

    /// Writes the whole state, pages in order.
    /// - Parameter spill: called between pages, may take what was written so far.
    package func serialise<Failure: Error>(
        into bytes: inout ByteBuffer, _ spill: (inout ByteBuffer) throws(Failure) -> Void
    ) throws(Failure) {
        bytes.appendVarint(count)
        bytes.appendVarint(UInt64(pages.count))
        for page in 0..<pages.count {
            serialise(page: page, into: &bytes)
            try spill(&bytes)
        }
    }

    private func serialise(page: Int, into bytes: inout ByteBuffer) {
        let first = page * PageDigests.accountsPerPage
        for account in first..<(first + PageDigests.accountsPerPage) {
            append(UInt32(account), to: &bytes)
        }
    }

    /// Writes what is known of one account.
    func append(_ account: UInt32, to bytes: inout ByteBuffer) {
        guard let slot = slot(of: account) else { return bytes.append(0) }
        bytes.append(1)
        InvoiceState.append(states[slot], to: &bytes)
    }

    /// Reads what `serialise` wrote.
    package init(restoring reader: inout ByteReader) throws(DecodeFailure) {
        self.init()
        count = try reader.readVarint()
        for page in 0..<(try PageDigests.readCount(&reader)) {
            pages.touch(page: page)
            let first = page * PageDigests.accountsPerPage
            for account in first..<(first + PageDigests.accountsPerPage)
            where try InvoiceState.flag(&reader) {
                let state = try InvoiceState.read(&reader)
                states[makeSlot(of: UInt32(account))] = state
            }
        }
    }
}

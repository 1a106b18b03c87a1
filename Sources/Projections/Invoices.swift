package import Billing
package import Bytes
package import SegmentedLog

/// Which periods of each account are finalised, what was credited of them, and what goes on to the
/// next invoice.
///
/// The documents themselves stand in the log: here is only what later invoices depend on. All
/// documents of a book, invoices and credit notes, are numbered together from 1, so that whoever takes
/// them over sees a gap.
package struct Invoices: ~Copyable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 1

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
        package fileprivate(set) var credited: [Credited] = []

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
        package fileprivate(set) var minorUnits: Int128
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
        package fileprivate(set) var finalised: [Finalised] = []
        /// In log order.
        package fileprivate(set) var openNotes: [OpenNote] = []
        /// What was below zero on the last invoice; nil: nothing.
        package fileprivate(set) var carried: Balance?
        /// Whether an entry behind the last finalised invoice belongs to a finalised period.
        package fileprivate(set) var isLate = false

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
    /// - Parameter currency: its own; balances in another one stay for an invoice that can take them.
    package mutating func finalise(
        _ invoice: Finalised, carried: Balance?, currency: String, account: UInt32
    ) {
        let slot = makeSlot(of: account)
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
                let slot = makeSlot(of: UInt32(account))
                states[slot].finalised = state.finalised
                states[slot].openNotes = state.openNotes
                states[slot].carried = state.carried
                states[slot].isLate = state.isLate
            }
        }
    }
}

/// The snapshot form of one account's invoices.
private enum InvoiceState {
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
        return state
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

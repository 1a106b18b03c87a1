import Billing
package import Bytes

// MARK: Digest and snapshot

extension LimitUsage {
    /// The digest of all usage.
    package mutating func digest() -> Digest {
        var pages = pages
        let digest = pages.digest { page, bytes in serialise(page: page, into: &bytes) }
        self.pages = pages
        var bytes = ByteBuffer(capacity: 64)
        digest.append(to: &bytes)
        serialiseDefinitions(into: &bytes)
        return SHA256.hash(bytes.bytes)
    }

    /// Writes the whole state, pages in order.
    /// - Parameter spill: called between pages, may take what was written so far.
    package func serialise<Failure: Error>(
        into bytes: inout ByteBuffer, _ spill: (inout ByteBuffer) throws(Failure) -> Void
    ) throws(Failure) {
        serialiseDefinitions(into: &bytes)
        bytes.appendVarint(UInt64(pages.count))
        for page in 0..<pages.count {
            serialise(page: page, into: &bytes)
            try spill(&bytes)
        }
    }

    private func serialiseDefinitions(into bytes: inout ByteBuffer) {
        bytes.appendVarint(UInt64(named.count))
        for window in named {
            bytes.appendPrefixed(utf8: window.feature)
            Self.append(window.window, window.by, to: &bytes)
        }
        bytes.appendVarint(UInt64(definitions.count))
        for definition in definitions { definition.append(to: &bytes) }
    }

    private func serialise(page: Int, into bytes: inout ByteBuffer) {
        let first = page * PageDigests.accountsPerPage
        for number in first..<(first + PageDigests.accountsPerPage) {
            append(UInt32(number), to: &bytes)
        }
    }

    /// Writes what is known of one account.
    func append(_ number: UInt32, to bytes: inout ByteBuffer) {
        let account = Int(number) < accounts.count ? accounts[Int(number)] : Account()
        bytes.appendVarint(UInt64(account.cells.count))
        for cell in account.cells { cell.append(to: &bytes) }
        bytes.appendVarint(UInt64(account.resets.count))
        for reset in account.resets {
            bytes.appendVarint(UInt64(reset.meter))
            bytes.appendInteger(reset.time.nanoseconds)
            bytes.appendVarint(reset.position)
            bytes.appendInteger((reset.anchor ?? .min).nanoseconds)
            bytes.appendZigzag128(reset.base)
        }
        bytes.appendVarint(UInt64(account.warned.count))
        for warned in account.warned {
            bytes.appendPrefixed(utf8: warned.feature)
            bytes.appendVarint(UInt64(warned.definition))
            bytes.appendPrefixed(warned.scope.raw)
            bytes.appendInteger(warned.start.nanoseconds)
            bytes.appendInteger(warned.end.nanoseconds)
            bytes.appendVarint(UInt64(warned.threshold))
        }
    }

    /// Reads what `serialise` wrote.
    /// - Throws: `DecodeFailure` where the bytes are not such a state.
    package init(restoring reader: inout ByteReader) throws(DecodeFailure) {
        self.init()
        for _ in 0..<(try reader.readVarint()) {
            let offset = reader.offset
            let feature = try reader.readText()
            let (window, by) = try Self.readWindow(&reader)
            name(Named(feature: feature, window: window, by: by))
            guard named.last?.feature == feature else {
                throw .invalid("a window that is there twice", offset)
            }
        }
        for _ in 0..<(try reader.readVarint()) {
            let offset = reader.offset
            guard define(try Definition(from: &reader)).isNew else {
                throw .invalid("a definition that is there twice", offset)
            }
        }
        for page in 0..<(try PageDigests.readCount(&reader)) {
            pages.touch(page: page)
            let first = page * PageDigests.accountsPerPage
            for number in first..<(first + PageDigests.accountsPerPage) {
                let account = try restoredAccount(&reader)
                let isEmpty =
                    account.cells.isEmpty && account.resets.isEmpty && account.warned.isEmpty
                guard !isEmpty else { continue }
                self.isEmpty = false
                accounts.grow(to: number + 1, with: Account())
                accounts[number] = account
            }
        }
    }

    private func restoredAccount(_ reader: inout ByteReader) throws(DecodeFailure) -> Account {
        var account = Account()
        for _ in 0..<(try reader.readVarint()) {
            let offset = reader.offset
            let cell = try Cell(from: &reader)
            guard Int(cell.key.definition) < definitions.count,
                account.cells.last.map({ $0.key.precedes(cell.key) }) ?? true
            else { throw .invalid("order of the windows", offset) }
            account.cells.append(cell)
            account.firstEnd = min(account.firstEnd, cell.end)
        }
        for _ in 0..<(try reader.readVarint()) {
            let meter = try reader.readOrdinal()
            let time = try reader.readTimestamp()
            let position = try reader.readVarint()
            let anchor = try reader.readTimestamp()
            account.resets.append(
                Reset(
                    meter: meter, time: time, position: position,
                    anchor: anchor == .min ? nil : anchor,
                    base: try reader.readZigzag128()))
        }
        for _ in 0..<(try reader.readVarint()) {
            let feature = try reader.readText()
            let definition = try reader.readOrdinal()
            let scope = try reader.readPrefixed().makeArray()
            let start = try reader.readTimestamp()
            let end = try reader.readTimestamp()
            account.warned.append(
                Warned(
                    feature: feature, definition: definition, scope: scope, start: start, end: end,
                    threshold: try reader.readOrdinal()))
        }
        return account
    }
}

extension LimitUsage {
    fileprivate static func append(
        _ window: LimitWindow, _ by: [String]?, to bytes: inout ByteBuffer
    ) {
        bytes.appendPrefixed(utf8: window.text)
        bytes.append(window.anchor == .subscription ? 1 : 0)
        bytes.appendVarint(UInt64(by?.count ?? 0))
        for name in by ?? [] { bytes.appendPrefixed(utf8: name) }
    }

    fileprivate static func readWindow(
        _ reader: inout ByteReader
    ) throws(DecodeFailure) -> (LimitWindow, by: [String]?) {
        let offset = reader.offset
        let text = try reader.readText()
        let anchor: BillingCycle.Anchor = try reader.readFlag() ? .subscription : .calendar
        guard let window = LimitWindow(text: text, anchor: anchor), window.anchor == anchor,
            window.text == text
        else {
            throw .invalid("length of a window", offset)
        }
        var names: [String] = []
        for _ in 0..<(try reader.readVarint()) { names.append(try reader.readText()) }
        return (window, names.isEmpty ? nil : names)
    }
}

extension LimitUsage.Definition {
    fileprivate func append(to bytes: inout ByteBuffer) {
        bytes.appendVarint(UInt64(meter))
        LimitUsage.append(window, by, to: &bytes)
    }

    fileprivate init(from reader: inout ByteReader) throws(DecodeFailure) {
        let meter = try reader.readOrdinal()
        let (window, by) = try LimitUsage.readWindow(&reader)
        self.init(meter: meter, window: window, by: by)
    }
}

extension LimitUsage.Cell {
    fileprivate func append(to bytes: inout ByteBuffer) {
        bytes.appendVarint(UInt64(key.definition))
        bytes.appendPrefixed(key.scope.raw)
        bytes.appendInteger(key.start.nanoseconds)
        bytes.appendInteger(end.nanoseconds)
        bytes.appendZigzag128(units)
        bytes.append(isUsed ? 1 : 0)
        let keys = unique.sorted()
        bytes.appendVarint(UInt64(keys.count))
        for key in keys { bytes.appendVarint128(key) }
    }

    fileprivate init(from reader: inout ByteReader) throws(DecodeFailure) {
        let definition = try reader.readOrdinal()
        let scope = try reader.readPrefixed().makeArray()
        let start = try reader.readTimestamp()
        key = LimitUsage.Key(definition: definition, scope: scope, start: start)
        end = try reader.readTimestamp()
        units = try reader.readZigzag128()
        isUsed = try reader.readFlag()
        for _ in 0..<(try reader.readVarint()) { unique.insert(try reader.readVarint128()) }
    }
}

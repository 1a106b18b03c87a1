package import Billing
package import Bytes
import Codec
import Money
package import SegmentedLog

/// The names and catalogs that the log has introduced, in log order: accounts, event types,
/// meters, and every published catalog version; and what no meter has matched.
///
/// Meters and features are kept under their newest definition, also when a later catalog leaves
/// them out, because subscriptions pinned to an older version still read them.
package struct Registry: ~Copyable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 2

    /// One published catalog.
    package struct Version {
        /// The entry that published it.
        package let position: Position
        /// When it was recorded.
        package let recordedAt: Timestamp
        /// The catalog as published.
        package let catalog: Catalog
        /// From when it holds for the subscriptions to plans of earlier versions; nil: it does not.
        package let existing: Existing?

        /// A version; see the properties.
        package init(
            position: Position, recordedAt: Timestamp, catalog: Catalog, existing: Existing? = nil
        ) {
            self.position = position
            self.recordedAt = recordedAt
            self.catalog = catalog
            self.existing = existing
        }
    }

    /// From when a version holds for subscriptions that were made under an earlier one.
    package struct Existing: Hashable, Sendable {
        /// The event time.
        package let from: Timestamp
        /// Whether it waits for the end of the billing period in which that lies.
        package let atNextPeriod: Bool

        /// See the properties.
        package init(from: Timestamp, atNextPeriod: Bool) {
            self.from = from
            self.atNextPeriod = atNextPeriod
        }
    }

    /// Interned accounts.
    package private(set) var accounts: Interner
    /// Interned event types, parallel to `eventTypes`.
    package private(set) var typeNames: Interner
    /// What was seen of each event type.
    private var eventTypes = Chunked<6, Seen>()
    /// Interned meter keys.
    package private(set) var meterNames: Interner
    /// The newest definition of each meter.
    package private(set) var meters: [Meter] = []
    /// The newest definition of each feature, by key.
    package private(set) var features: [String: Feature] = [:]
    /// All published catalogs, oldest first.
    package private(set) var versions: [Version] = []
    /// Events without a subject: no account can be charged for them.
    package private(set) var withoutAccount = Seen()
    /// Events of a meter's type whose value could not be read, by meter.
    package private(set) var unreadable: [Seen] = []

    private var metersOfType = Chunked<6, [CompiledMeter]>()
    private var consumeMeters: [CompiledMeter] = []
    private var eventMeters: [CompiledMeter] = []
    private var featuresOfMeter: [String: [String]] = [:]
    private let key: SipKey
    private var accountPages = PageDigests()

    /// Nothing known yet.
    package init(key: SipKey) {
        self.key = key
        accounts = Interner(key: key)
        typeNames = Interner(key: key)
        meterNames = Interner(key: key)
    }

    /// The same names and catalogs, sharing their memory until one of both learns more.
    package mutating func copy() -> Registry { Registry(sharing: &self) }

    private init(sharing other: inout Registry) {
        accounts = other.accounts.copy()
        typeNames = other.typeNames.copy()
        eventTypes = other.eventTypes
        meterNames = other.meterNames.copy()
        meters = other.meters
        features = other.features
        versions = other.versions
        movesSubscriptions = other.movesSubscriptions
        eventRules = other.eventRules
        creditRules = other.creditRules
        hasPlanGrants = other.hasPlanGrants
        hasWarnings = other.hasWarnings
        hasTimeZones = other.hasTimeZones
        featuresOfMeter = other.featuresOfMeter
        withoutAccount = other.withoutAccount
        unreadable = other.unreadable
        metersOfType = other.metersOfType
        consumeMeters = other.consumeMeters
        eventMeters = other.eventMeters
        key = other.key
        accountPages = other.accountPages.copy()
    }

    /// Takes over the page digests of an unchanged copy; see `PageDigests.accept`.
    package mutating func accept(digestsOf copy: borrowing Registry) {
        accountPages.accept(copy.accountPages)
    }

    /// How many event types were seen; they are numbered from 0.
    package var typeCount: Int { eventTypes.count }

    /// What was seen of an event type.
    package func seen(ofType number: Int) -> Seen { eventTypes[number] }

    /// The table of a time zone that some catalog holds; UTC if none does.
    package func timezone(_ name: String) -> TimeZoneTable {
        for version in versions.reversed() {
            if let table = version.catalog.timezones.first(where: { $0.name == name }) {
                return table
            }
        }
        return .utc
    }

    /// Whether some version holds for subscriptions that were made under an earlier one.
    package private(set) var movesSubscriptions = false

    /// The newest catalog's rules of events.
    package private(set) var eventRules = EventRules()
    /// The credit rules of the newest catalog.
    package private(set) var creditRules = CreditRules.standard
    /// Whether a plan of any version includes credits.
    package private(set) var hasPlanGrants = false

    /// Whether a limit of some plan, or of some override, has thresholds to warn of.
    package private(set) var hasWarnings = false

    /// Whether any catalog has time zones beside UTC.
    package private(set) var hasTimeZones = false

    /// The features whose use a meter counts, ascending.
    func features(countedBy meter: String) -> [String] { featuresOfMeter[meter] ?? [] }

    /// The newest catalog, if one was published.
    package var catalog: Catalog? { versions.last?.catalog }

    /// The number of an account, which becomes known if it was not.
    package mutating func account(_ name: RawSpan) -> UInt32 {
        let before = accounts.count
        let number = accounts.intern(name)
        if accounts.count > before { accountPages.touch(account: number) }
        return number
    }

    /// Counts an event under its type and returns the type's number.
    package mutating func see(type: RawSpan, at position: Position) -> Int {
        let number = Int(typeNames.intern(type))
        if number == eventTypes.count {
            eventTypes.append(Seen())
            metersOfType.append(compiled(for: type))
        }
        eventTypes[number].see(position)
        return number
    }

    /// The meters that listen to an event type.
    package func meters(ofType number: Int) -> [CompiledMeter] { metersOfType[number] }

    /// The meters that would listen to a type, whether it was seen or not.
    package func meters(listeningTo type: RawSpan) -> [CompiledMeter] {
        if let number = typeNames.number(of: type) { return metersOfType[Int(number)] }
        return compiled(for: type)
    }

    /// The meter as a consume reads it: its properties stand under `data` of the data.
    package func consumeMeter(_ number: UInt32) -> CompiledMeter { consumeMeters[Int(number)] }

    /// Meters that burn credits, as events read them.
    var burningMeters: [CompiledMeter] {
        meters.indices.map { eventMeter(UInt32($0)) }.filter { $0.burn != nil }
    }

    /// The meter as an event reads it.
    package func eventMeter(_ number: UInt32) -> CompiledMeter { eventMeters[Int(number)] }

    /// The number of a meter.
    package func meter(_ key: String) -> UInt32? {
        meterNames.number(of: key)
    }

    /// Counts an event without an account.
    package mutating func seeWithoutAccount(at position: Position) {
        withoutAccount.see(position)
    }

    /// Counts an event that a meter could not read.
    package mutating func seeUnreadable(meter: UInt32, at position: Position) {
        unreadable[Int(meter)].see(position)
    }

    /// Forgets what some meters could not read, before history is metered again.
    package mutating func forgetUnreadable(meters: Set<UInt32>) {
        for meter in meters { unreadable[Int(meter)] = Seen() }
    }

    /// Takes over what some meters could not read, as another registry counted it.
    mutating func takeUnreadable(_ meters: Set<UInt32>, from other: borrowing Registry) {
        for meter in meters { unreadable[Int(meter)] = other.unreadable[Int(meter)] }
    }

    /// Adds a catalog version.
    /// - Returns: the meters whose history must be metered again under the new definitions.
    package mutating func publish(_ version: Version) -> Set<UInt32> {
        var stale: Set<UInt32> = []
        for meter in version.catalog.meters {
            let number = Int(meterNames.intern(meter.key))
            if number == meters.count {
                meters.append(meter)
                unreadable.append(Seen())
                if typeNames.number(of: meter.eventType) != nil {
                    stale.insert(UInt32(number))
                }
            } else if meters[number] != meter {
                meters[number] = meter
                stale.insert(UInt32(number))
            }
        }
        for feature in version.catalog.features {
            let old = features.updateValue(feature, forKey: feature.key)
            guard let old, old.meterKey != feature.meterKey else { continue }
            for changed in [old, feature] {
                if let key = changed.meterKey, let number = meter(key) { stale.insert(number) }
            }
        }
        versions.append(version)
        if version.existing != nil { movesSubscriptions = true }
        eventRules = version.catalog.events
        creditRules = CreditRules(version.catalog.credits)
        if version.catalog.offers.contains(where: { !$0.grants.isEmpty }) { hasPlanGrants = true }
        for case .limit(let limit) in version.catalog.offers.flatMap(\.entitlements)
            .map(\.allowance) where !limit.warnings.isEmpty
        { hasWarnings = true }
        if !version.catalog.timezones.isEmpty { hasTimeZones = true }
        featuresOfMeter = [:]
        for feature in features.values.sorted(by: { $0.key < $1.key }) {
            if let meter = feature.meterKey {
                featuresOfMeter[meter, default: []].append(feature.key)
            }
        }
        compile()
        return stale
    }

    private func burn(of meter: Meter) -> CompiledMeter.Burn? {
        catalog?.burn(of: meter.key).map {
            .init(unit: $0.credit.unit, rate: $0.burn.rate, matrix: $0.burn.matrix)
        }
    }

    private mutating func compile() {
        eventMeters = meters.enumerated().map { number, meter in
            CompiledMeter(meter, number: UInt32(number), burn: burn(of: meter))
        }
        for number in 0..<metersOfType.count {
            metersOfType[number] = typeNames.withName(UInt32(number)) { compiled(for: $0) }
        }
        consumeMeters = meters.enumerated().map { number, meter in
            CompiledMeter(
                meter, number: UInt32(number), burn: burn(of: meter),
                prefix: ["data"])
        }
    }

    private func compiled(for type: RawSpan) -> [CompiledMeter] {
        eventMeters.filter { $0.listens(to: type) }
    }

    // MARK: Digest and snapshot

    /// The digest of all names, catalogs and counts.
    package mutating func digest() -> Digest {
        var pages = accountPages
        var bytes = ByteBuffer(capacity: 1 << 12)
        pages.digest { page, out in
            let first = page * PageDigests.accountsPerPage
            let end = min(first + PageDigests.accountsPerPage, accounts.count)
            for number in first..<end {
                accounts.withName(UInt32(number)) { out.appendPrefixed($0) }
            }
        }.append(to: &bytes)
        accountPages = pages
        serialiseRest(into: &bytes)
        return SHA256.hash(bytes.bytes)
    }

    /// Writes the whole state.
    /// - Parameter spill: called between accounts, may take what was written so far.
    package func serialise<Failure: Error>(
        into bytes: inout ByteBuffer, _ spill: (inout ByteBuffer) throws(Failure) -> Void
    ) throws(Failure) {
        bytes.appendVarint(UInt64(accounts.count))
        for number in 0..<UInt32(accounts.count) {
            accounts.withName(number) { bytes.appendPrefixed($0) }
            try spill(&bytes)
        }
        serialiseRest(into: &bytes)
    }

    private func serialiseRest(into bytes: inout ByteBuffer) {
        bytes.appendVarint(UInt64(versions.count))
        for version in versions {
            bytes.appendVarint(version.position)
            bytes.appendInteger(version.recordedAt.nanoseconds)
            bytes.append(version.existing.map { $0.atNextPeriod ? 2 : 1 } ?? 0)
            if let existing = version.existing {
                bytes.appendInteger(existing.from.nanoseconds)
            }
            let node = ValueCoder.nodeBytes(version.catalog.value)
            bytes.appendVarint(UInt64(node.count))
            bytes.append(node)
        }
        bytes.appendVarint(UInt64(eventTypes.count))
        for number in 0..<eventTypes.count {
            typeNames.withName(UInt32(number)) { bytes.appendPrefixed($0) }
            eventTypes[number].append(to: &bytes)
        }
        withoutAccount.append(to: &bytes)
        bytes.appendVarint(UInt64(unreadable.count))
        for seen in unreadable { seen.append(to: &bytes) }
    }

    private static func readExisting(
        _ reader: inout ByteReader
    ) throws(DecodeFailure) -> Existing? {
        let code = try reader.readByte()
        guard code > 0 else { return nil }
        guard code <= 2 else { throw .invalid("flag", reader.offset - 1) }
        return Existing(
            from: Timestamp(nanoseconds: try reader.readInteger(as: Int64.self)),
            atNextPeriod: code == 2)
    }

    /// Reads what `serialise` wrote.
    package init(key: SipKey, restoring reader: inout ByteReader) throws(DecodeFailure) {
        self.init(key: key)
        for _ in 0..<(try reader.readVarint()) { _ = account(try reader.readPrefixed()) }
        for _ in 0..<(try reader.readVarint()) {
            let position = try reader.readVarint()
            let recordedAt = Timestamp(nanoseconds: try reader.readInteger(as: Int64.self))
            let existing = try Self.readExisting(&reader)
            let offset = reader.offset
            let value = try ValueCoder.value(try reader.readPrefixed())
            guard case .success(let catalog) = Catalog.decode(value) else {
                throw .invalid("a catalog in the snapshot is not valid", offset)
            }
            _ = publish(
                Version(
                    position: position, recordedAt: recordedAt, catalog: catalog,
                    existing: existing))
        }
        for _ in 0..<(try reader.readVarint()) {
            let name = try reader.readPrefixed()
            let number = see(type: name, at: 0)
            eventTypes[number] = try Seen.read(&reader)
        }
        withoutAccount = try Seen.read(&reader)
        let meterCount = try reader.readVarint()
        guard meterCount == unreadable.count else {
            throw .invalid(
                "the snapshot counts other meters than its catalogs define", reader.offset)
        }
        for meter in 0..<Int(meterCount) { unreadable[meter] = try Seen.read(&reader) }
    }
}

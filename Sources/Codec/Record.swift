import Billing
package import Bytes

/// # The canonical record: the one form in which an entry is hashed, billed and audited
///
///     record   = varint content length | content | outcome
///     content  = version u8 (1) | kind u8 | source | id | type     each: varint length + UTF-8
///              | presence u8
///              | subject                       if presence & 1      varint length + UTF-8
///              | time i64 ns UTC | style u8    if presence & 2
///              | time text                     if presence & 4      varint length + UTF-8
///              | attributes (object node)      if presence & 8
///              | data (node)                   if presence & 16
///     outcome  = flags u8
///              | allowed u8 | reason u8        if flags & 1
///              | varint n, n × (varint grant ordinal, zigzag credits 10⁻¹²)   if flags & 2
///              | zigzag shortfall 10⁻¹²        if flags & 4
///              | varint n, n × SHA-256         if flags & 8
///     node     = 0 null | 1 false | 2 true | 3 zigzag integer | 4 scale u8, zigzag mantissa
///              | 5 number text | 6 string | 7 varint n, n nodes
///              | 8 varint n, n × (key, node), keys ascending by bytes, none twice
///              | 9 salt (16 bytes), node | 10 SHA-256 of a redacted node (32 bytes)
///              | 11 or 12, hashes, object: what was kept of a retired entry; see `RecordRetirement`
///
/// There is exactly one encoding of a content: varints are minimal, keys sorted, numbers
/// normalised (1, 1.0 and 10e-1 are the integer 1; a decimal's mantissa does not end in zero), so
/// "the same content" is "the same bytes". Numbers beyond 128 bits keep digits and exponent as
/// text. The outcome stands behind the content and is not part of what is compared.
///
/// Commands are contents of another kind: `type` is `daybook.<kind>`, `subject` the account,
/// `time` the effective time, `data` the parameters. A client cannot forge one by sending an event
/// of that type, for the kind is not taken from the event.
package enum RecordKind: UInt8, Sendable, CaseIterable, BitwiseCopyable {
    case event = 1
    case consume = 2
    case subscribe = 3
    case grant = 4
    case publish = 5
    case redact = 6
    case cancel = 7
    case finalise = 8
    case creditNote = 9
    case retire = 10
    case void = 11
    case hold = 12
    case settle = 13
    case release = 14
    case extend = 15
    case refund = 16
    case reset = 17
    case subscription = 18
    case override = 19
    case pause = 20
    case resume = 21
    case reconcile = 22
    case account = 23
    case deposit = 24
    case correct = 26
    case backfill = 27

    /// Whether it may count usage of an account: an event, or what a feature was asked for.
    package var isUsage: Bool {
        switch self {
        case .event, .consume, .hold, .settle: true
        default: false
        }
    }

    /// The word in `tail` and in filters.
    package var name: String {
        switch self {
        case .event: "event"
        case .consume: "consume"
        case .subscribe: "subscribe"
        case .grant: "grant"
        case .publish: "publish"
        case .redact: "redact"
        case .cancel: "cancel"
        case .finalise: "finalise"
        case .creditNote: "credit_note"
        case .retire: "retire"
        case .void: "void"
        case .hold: "hold"
        case .settle: "settle"
        case .release: "release"
        case .extend: "extend"
        case .refund: "refund"
        case .reset: "reset"
        case .subscription: "subscription"
        case .override: "override"
        case .pause: "pause"
        case .resume: "resume"
        case .reconcile: "reconcile"
        case .account: "account"
        case .deposit: "deposit"
        case .correct: "correct"
        case .backfill: "backfill"
        }
    }
}

/// Numbers of the record format.
package enum RecordFormat {
    /// The version that is written.
    package static let version: UInt8 = 1
    static let hasSubject: UInt8 = 1
    static let hasTime: UInt8 = 2
    static let hasTimeText: UInt8 = 4
    static let hasAttributes: UInt8 = 8
    static let hasData: UInt8 = 16
    static let presenceMask: UInt8 = 31
}

/// How a time was written, where its nanoseconds alone do not say it: the number of fraction
/// digits of `YYYY-MM-DDTHH:MM:SS[.f…]Z`. Any other spelling is kept as text.
package enum TimeStyle {
    /// The style byte of a time that is kept as text.
    package static let text: UInt8 = 255
}

/// Where a path leads inside `data`: object keys from the outside in.
package struct PropertyPath: Hashable, Sendable {
    /// Keys as UTF-8.
    package let keys: [[UInt8]]

    /// A path from names.
    package init(_ names: [String]) { keys = names.map { Array($0.utf8) } }

    /// The path that a text with dots says.
    package init(text: String) {
        keys = text.utf8.split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false
        ).map { Array($0) }
    }

    /// The path as a text with dots.
    package var text: String {
        String(decoding: Array(keys.joined(separator: [UInt8(ascii: ".")])), as: UTF8.self)
    }

    /// Whether its text comes before another's, byte by byte.
    package func precedes(_ other: PropertyPath) -> Bool {
        text.utf8.lexicographicallyPrecedes(other.text.utf8)
    }
}

/// One record read in place: offsets into its bytes, nothing copied.
package struct RecordView: ~Escapable {
    private let bytes: RawSpan
    private let contentRange: Range<Int>
    /// What the entry is.
    package let kind: RecordKind
    private let identityRange: Range<Int>
    private let sourceRange: Range<Int>
    private let idRange: Range<Int>
    private let typeRange: Range<Int>
    private let subjectRange: Range<Int>?
    /// The event's own time, nanoseconds UTC; nil if it has none.
    package let time: Int64?
    /// Where that time stands, eight bytes, in the bytes that the view was made of; nil if it has none.
    package let timePlace: Int?
    private let style: UInt8
    private let timeTextRange: Range<Int>?
    private let attributesRange: Range<Int>?
    private let dataRange: Range<Int>?
    /// Where the byte that says which parts follow stands in the bytes that the view was made of.
    let presencePlace: Int

    /// Reads a record: content and outcome.
    /// - Throws: `DecodeFailure` where the bytes are no canonical record.
    @_lifetime(copy record)
    package init(record: RawSpan) throws(DecodeFailure) {
        var reader = ByteReader(record)
        let length = try reader.readVarint()
        guard length <= UInt64(reader.remaining) else { throw .truncated(reader.offset) }
        try self.init(record, from: reader.offset, length: Int(length))
    }

    /// Reads a content that has no outcome yet.
    @_lifetime(copy content)
    package init(content: RawSpan) throws(DecodeFailure) {
        try self.init(content, from: 0, length: content.byteCount)
    }

    @_lifetime(copy span)
    private init(_ span: RawSpan, from start: Int, length: Int) throws(DecodeFailure) {
        bytes = span
        contentRange = start..<(start + length)
        var reader = ByteReader(span.extracting(contentRange))
        guard try reader.readByte() == RecordFormat.version else {
            throw .invalid("record version", start)
        }
        guard let kind = RecordKind(rawValue: try reader.readByte()) else {
            throw .invalid("record kind", start + 1)
        }
        self.kind = kind
        let identityStart = start + reader.offset
        sourceRange = try Self.text(&reader, start)
        idRange = try Self.text(&reader, start)
        identityRange = identityStart..<(start + reader.offset)
        typeRange = try Self.text(&reader, start)
        presencePlace = start + reader.offset
        let presence = try reader.readByte()
        guard presence & ~RecordFormat.presenceMask == 0 else {
            throw .invalid("record presence", start + reader.offset)
        }
        subjectRange =
            presence & RecordFormat.hasSubject != 0 ? try Self.text(&reader, start) : nil
        let hasTimeText = presence & RecordFormat.hasTimeText != 0
        if presence & RecordFormat.hasTime != 0 {
            timePlace = start + reader.offset
            time = try reader.readInteger(as: Int64.self)
            style = try reader.readByte()
            guard hasTimeText ? style == TimeStyle.text : style <= 9 else {
                throw .invalid("time style", start + reader.offset - 1)
            }
        } else {
            guard !hasTimeText else { throw .invalid("time text", start + reader.offset) }
            time = nil
            timePlace = nil
            style = 0
        }
        timeTextRange = hasTimeText ? try Self.text(&reader, start) : nil
        attributesRange =
            presence & RecordFormat.hasAttributes != 0 ? try Self.node(&reader, start) : nil
        dataRange = presence & RecordFormat.hasData != 0 ? try Self.node(&reader, start) : nil
        guard reader.isAtEnd else {
            throw .invalid("bytes after the content", start + reader.offset)
        }
        if let attributesRange, span.byte(at: attributesRange.lowerBound) != NodeTag.object {
            throw .invalid("attributes", attributesRange.lowerBound)
        }
    }

    private static func text(
        _ reader: inout ByteReader, _ start: Int
    ) throws(DecodeFailure) -> Range<Int> {
        let text = try reader.readPrefixed()
        return (start + reader.offset - text.byteCount)..<(start + reader.offset)
    }

    private static func node(
        _ reader: inout ByteReader, _ start: Int
    ) throws(DecodeFailure) -> Range<Int> {
        let from = start + reader.offset
        try NodeReader.skip(&reader)
        return from..<(start + reader.offset)
    }

    @_lifetime(copy self)
    private func part(_ range: Range<Int>) -> RawSpan { bytes.extracting(range) }

    /// The canonical content: what two requests with one identity are compared by.
    package var content: RawSpan {
        @_lifetime(copy self)
        get { part(contentRange) }
    }

    /// Who sent it.
    package var source: RawSpan {
        @_lifetime(copy self)
        get { part(sourceRange) }
    }

    /// The source of a record, read without the rest of it.
    @_lifetime(copy record)
    package static func source(ofRecord record: RawSpan) throws(DecodeFailure) -> RawSpan {
        var reader = ByteReader(record)
        _ = try reader.readVarint()
        _ = try reader.read(count: 2)
        return try reader.readPrefixed()
    }

    /// The source of a content, read without the rest of it.
    @_lifetime(copy content)
    package static func source(ofContent content: RawSpan) throws(DecodeFailure) -> RawSpan {
        var reader = ByteReader(content)
        _ = try reader.read(count: 2)
        return try reader.readPrefixed()
    }

    /// Source, a zero byte, and id: the order of these bytes orders events of one time.
    package var identityOrder: [UInt8] {
        part(sourceRange).makeArray() + [0] + part(idRange).makeArray()
    }

    /// Its id at that source.
    package var id: RawSpan {
        @_lifetime(copy self)
        get { part(idRange) }
    }

    /// What sort of event it is.
    package var type: RawSpan {
        @_lifetime(copy self)
        get { part(typeRange) }
    }

    /// The account.
    package var subject: RawSpan? {
        @_lifetime(copy self)
        get {
            if let subjectRange { return part(subjectRange) }
            return nil
        }
    }

    /// Where the account stands in the bytes that the view was made of.
    package var subjectPlace: Range<Int>? { subjectRange }

    /// The other attributes' node, an object.
    package var attributes: RawSpan? {
        @_lifetime(copy self)
        get {
            if let attributesRange { return part(attributesRange) }
            return nil
        }
    }

    /// The data's node.
    package var data: RawSpan? {
        @_lifetime(copy self)
        get {
            if let dataRange { return part(dataRange) }
            return nil
        }
    }

    /// The time as it was sent.
    package var timeText: String? {
        if let timeTextRange { return part(timeTextRange).makeString() }
        guard let time else { return nil }
        return Timestamp(nanoseconds: time).formatted(fractionDigits: Int(style))
    }

    /// The node at a path inside `data`; nil if there is none, or if a personal property is in it or
    /// around it: what can be erased is measured by nobody, before its erasure as little as after.
    @_lifetime(copy self)
    package func property(_ path: PropertyPath) -> RawSpan? {
        guard let place = place(path.keys), !NodeReader.holdsPersonal(part(place)) else {
            return nil
        }
        return part(place)
    }

    /// Where the node at a path inside `data` stands in the bytes that the view was made of, whatever
    /// it is; nil if there is none.
    func place(_ keys: [[UInt8]]) -> Range<Int>? {
        guard let dataRange else { return nil }
        guard let range = NodeReader.find(keys, in: part(dataRange)) else { return nil }
        return (dataRange.lowerBound + range.lowerBound)..<(dataRange.lowerBound + range.upperBound)
    }

    /// The byte at an offset in the bytes that the view was made of.
    func byte(at offset: Int) -> UInt8 { bytes.byte(at: offset) }

    /// Where the content stands in the bytes that the view was made of.
    var contentPlace: Range<Int> { contentRange }

    /// The content up to the attributes and the data.
    var head: RawSpan {
        @_lifetime(copy self)
        get {
            let end = (attributesRange ?? dataRange)?.lowerBound ?? contentRange.upperBound
            return part(contentRange.lowerBound..<end)
        }
    }

    /// The keyed 64-bit hash of (source, id), lengths included.
    package func fingerprint(key: SipKey) -> UInt64 {
        siphash(part(identityRange), key: key)
    }

    /// Whether another content has the same (source, id).
    package func hasSameIdentity(as other: RawSpan) throws(DecodeFailure) -> Bool {
        let other = try RecordView(content: other)
        return part(identityRange).isEqual(to: other.part(other.identityRange))
    }

    /// The outcome behind the content.
    package func outcome() throws(DecodeFailure) -> Outcome {
        try Outcome(decoding: bytes.extracting(contentRange.upperBound..<bytes.byteCount))
    }
}

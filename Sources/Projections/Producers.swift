package import Bytes
package import Codec
package import SegmentedLog

/// # Sources that number their events
///
/// A source is a *producer* if its first entry is a sequenced event (`EventSequence`), else it is
/// *keyed*; it stays what it is. A producer's events come one by one: the next number of its
/// epoch, or any number of a higher epoch. So its newest sequence says whether an event is new,
/// and its events need no key in any index.
///
/// Where an old event stands is found from marks: positions of some of the producer's entries, from
/// which the log is read on. There is one each 4,096 entries of the source and at the first entry
/// after each 65,536 positions; when there are `marksMax`, every second goes and the distances
/// double. A producer takes at most 14 KiB, a keyed source its name and 30 bytes.
///
/// Only a log from before this rule can hold a source that mixes both or counts otherwise; such a
/// source is keyed from there on, and all its entries have keys in the index.
package struct Producers: ~Copyable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 1

    /// Marks of one producer at most.
    static let marksMax = 512
    /// Epochs of one producer of which the numbers are known at most.
    static let epochsMax = 64
    static let entriesPerMark: UInt64 = 4_096
    static let positionsPerMark: UInt64 = 65_536

    /// The numbers of one epoch, without a gap.
    struct Epoch: Equatable {
        var epoch: UInt64
        var first: UInt64
        var last: UInt64
    }

    /// Where one of a producer's entries stands.
    struct Mark: Equatable {
        var sequence: EventSequence
        var position: Position
    }

    /// What is known of one producer.
    struct Producer: Equatable {
        /// The newest, oldest first; not empty.
        var epochs: [Epoch] = []
        /// Older ones were forgotten.
        var hasForgotten = false
        /// In log order; the first is the producer's first entry.
        var marks: [Mark] = []
        /// Entries since the last mark.
        var unmarked: UInt64 = 0
        /// How often the distance of marks was doubled.
        var doublings: UInt8 = 0
    }

    private var names: Interner
    /// By number of the source: 0 keyed, else ordinal of its producer + 1.
    private var kinds: [UInt32] = []
    private var producers: [Producer] = []
    private var pages = PageDigests()
    /// Source of the last entry: the next one is mostly of the same.
    private var last: UInt32?

    /// No source yet.
    /// - Parameter key: secret of the interner's hash.
    package init(key: SipKey) { names = Interner(key: key) }

    /// The same sources; both share their memory until one of them learns more.
    package mutating func copy() -> Producers {
        var copy = Producers(sharing: names.copy())
        copy.kinds = kinds
        copy.producers = producers
        copy.pages = pages.copy()
        copy.last = last
        return copy
    }

    private init(sharing names: consuming Interner) { self.names = names }

    /// Takes over the page digests of an unchanged copy; see `PageDigests.accept`.
    package mutating func accept(digestsOf copy: borrowing Producers) {
        pages.accept(copy.pages)
    }

    // MARK: Questions

    /// What a request is to its source.
    package enum Place {
        /// Known by its key, if at all.
        case keyed
        /// A producer's next event.
        case next
        /// An earlier event of a producer, or none: to be looked for from this position on.
        case earlier(EventSequence, from: Position)
        /// Not to be taken.
        case refused(Refusal)
        /// Not to be taken unless it is an entry by its key.
        case keyedOrRefused(Refusal)
    }

    /// Judges a request by its identity.
    package func place(of record: borrowing RecordView) -> Place {
        let sequence = record.sequence
        guard let number = number(of: record.source) else {
            return sequence == nil ? .keyed : .next
        }
        guard kinds[Int(number)] > 0 else {
            return sequence == nil ? .keyed : .keyedOrRefused(Self.isKeyed)
        }
        guard let sequence else { return .refused(Self.isProducer) }
        let producer = producers[Int(kinds[Int(number)]) - 1]
        guard let newest = producer.epochs.last else { return .next }
        if sequence.epoch > newest.epoch { return .next }
        if sequence.epoch == newest.epoch, sequence.number > newest.last {
            return sequence.number == newest.last + 1
                ? .next : .refused(Self.outOfOrder(newest, newest.last + 1))
        }
        if let known = producer.epochs.last(where: { $0.epoch <= sequence.epoch }) {
            guard known.epoch == sequence.epoch, known.first <= sequence.number,
                sequence.number <= known.last
            else { return .refused(absent(sequence, of: number)) }
        } else if !producer.hasForgotten {
            return .refused(absent(sequence, of: number))
        }
        let mark = producer.marks.last { $0.sequence <= sequence } ?? producer.marks.first
        return .earlier(sequence, from: mark?.position ?? 0)
    }

    /// Why an event that is no entry cannot become one: its epoch is over or began later.
    package func refusal(_ sequence: EventSequence, source: RawSpan) -> Refusal {
        guard let number = number(of: source) else { return Self.isKeyed }
        return absent(sequence, of: number)
    }

    /// Whether a source numbers its events: none of its entries needs a key.
    package func isProducer(_ source: RawSpan) -> Bool {
        number(of: source).map { kinds[Int($0)] > 0 } ?? false
    }

    private func number(of source: RawSpan) -> UInt32? {
        if let last, names.withName(last, { $0.isEqual(to: source) }) { return last }
        return names.number(of: source)
    }

    private func absent(_ sequence: EventSequence, of number: UInt32) -> Refusal {
        let newest = producers[Int(kinds[Int(number)]) - 1].epochs.last
        guard let newest, sequence.epoch < newest.epoch else {
            return Self.outOfOrder(newest, newest.map { $0.last + 1 } ?? 0)
        }
        return Refusal(
            code: "fenced", field: "epoch",
            message: "epoch \(sequence.epoch) of this source is over, it has gone on to "
                + "\(newest.epoch); the event is not in the log and is not taken")
    }

    private static func outOfOrder(_ epoch: Epoch?, _ expected: UInt64) -> Refusal {
        Refusal(
            code: "out_of_order", field: "sequence",
            message: "sequence \(expected) of epoch \(epoch?.epoch ?? 0) is expected next from "
                + "this source; send the events from there on")
    }

    private static let isKeyed = Refusal(
        code: "mixed_source", field: "sequence",
        message: "the events of this source have ids; one that is known by epoch and sequence must "
            + "come from a source of its own")

    private static let isProducer = Refusal(
        code: "mixed_source", field: "id",
        message: "the events of this source are known by epoch and sequence; one that has another "
            + "id must come from a source of its own")

    // MARK: Fold

    /// Applies the entry at `position`.
    package mutating func apply(_ record: borrowing RecordView, at position: Position) {
        let sequence = record.sequence
        let number = number(of: record.source) ?? names.intern(record.source)
        last = number
        if Int(number) == kinds.count {
            pages.touch(account: number)
            guard let sequence else { return kinds.append(0) }
            producers.append(Producer())
            kinds.append(UInt32(producers.count))
            producers[producers.count - 1].add(sequence, at: position)
            return
        }
        guard kinds[Int(number)] > 0 else { return }
        pages.touch(account: number)
        let ordinal = Int(kinds[Int(number)]) - 1
        guard let sequence, producers[ordinal].isNext(sequence) else {
            kinds[Int(number)] = 0
            producers[ordinal] = Producer()
            return
        }
        producers[ordinal].add(sequence, at: position)
    }

    // MARK: Digest and snapshot

    /// The digest of all sources.
    package mutating func digest() -> Digest {
        var pages = pages
        let digest = pages.digest { page, bytes in serialise(page: page, into: &bytes) }
        self.pages = pages
        return digest
    }

    /// Writes the whole state: how many sources, then each in the order of its first entry.
    /// - Parameter spill: called between pages, may take what was written so far.
    package func serialise<Failure: Error>(
        into bytes: inout ByteBuffer, _ spill: (inout ByteBuffer) throws(Failure) -> Void
    ) throws(Failure) {
        bytes.appendVarint(UInt64(kinds.count))
        for page in 0..<pages.count {
            serialise(page: page, into: &bytes)
            try spill(&bytes)
        }
    }

    private func serialise(page: Int, into bytes: inout ByteBuffer) {
        let first = page * PageDigests.accountsPerPage
        for number in first..<min(kinds.count, first + PageDigests.accountsPerPage) {
            names.withName(UInt32(number)) { bytes.appendPrefixed($0) }
            let kind = Int(kinds[number])
            bytes.append(kind == 0 ? 0 : 1)
            if kind > 0 { producers[kind - 1].append(to: &bytes) }
        }
    }

    /// Reads what `serialise(into:)` wrote.
    /// - Throws: `DecodeFailure` where the bytes are no such state.
    package init(key: SipKey, restoring reader: inout ByteReader) throws(DecodeFailure) {
        self.init(key: key)
        let offset = reader.offset
        let count = try reader.readVarint()
        guard count <= UInt64(reader.remaining) else { throw .outOfRange(offset) }
        for number in 0..<UInt32(count) {
            pages.touch(account: number)
            let name = try reader.readPrefixed()
            guard names.intern(name) == number else {
                throw .invalid("a source that stands twice", reader.offset)
            }
            switch try reader.readByte() {
            case 0: kinds.append(0)
            case 1:
                producers.append(try Producer(from: &reader))
                kinds.append(UInt32(producers.count))
            default: throw .invalid("kind of a source", reader.offset - 1)
            }
        }
    }
}

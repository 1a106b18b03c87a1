import Billing
package import Bytes
package import Codec
import Money
package import SegmentedLog

/// Which values of which entries are redacted. From the moment such an order is durable, nobody is shown
/// them; the sealer takes them off the disk.
///
/// A value type: readers get a copy, which shares its memory with the books until these change.
package struct Redactions: Sendable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 1
    /// Entries with a redaction, at most: 16 bytes each, in three copies.
    package static let entriesMax = 1_000_000

    /// The paths that are redacted in one entry.
    package struct Entry: Equatable, Sendable {
        /// The entry.
        package let position: Position
        /// Ascending by their text. All entries of one order share these bytes.
        package fileprivate(set) var paths: [PropertyPath]
    }

    /// In the order of their positions.
    package private(set) var entries: [Entry] = []
    private var knownDigest: Digest?

    /// Nothing is redacted.
    package init() {}

    /// The paths that are redacted in an entry; mostly none.
    package func paths(at position: Position) -> [PropertyPath] {
        let index = place(of: position)
        guard index < entries.count, entries[index].position == position else { return [] }
        return entries[index].paths
    }

    /// Whether there is room for an order.
    package func hasRoom(for positions: [Position]) -> Bool {
        entries.count + positions.count <= Self.entriesMax
    }

    /// The positions whose redactions an older state of these does not have.
    package func positions(since older: Redactions) -> [Position] {
        var changed: [Position] = []
        var index = 0
        for entry in entries {
            while index < older.entries.count, older.entries[index].position < entry.position {
                index += 1
            }
            if index >= older.entries.count || older.entries[index] != entry {
                changed.append(entry.position)
            }
        }
        return changed
    }

    /// Adds an order.
    mutating func add(_ order: RedactOrder) {
        knownDigest = nil
        var merged: [Entry] = []
        merged.reserveCapacity(entries.count + order.positions.count)
        var index = 0
        for position in order.positions {
            while index < entries.count, entries[index].position < position {
                merged.append(entries[index])
                index += 1
            }
            var entry = Entry(position: position, paths: order.properties)
            if index < entries.count, entries[index].position == position {
                entry = entries[index]
                let more = order.properties.filter { !entry.paths.contains($0) }
                if !more.isEmpty { entry.paths = (entry.paths + more).sorted { $0.precedes($1) } }
                index += 1
            }
            merged.append(entry)
        }
        merged += entries[index...]
        entries = merged
    }

    private func place(of position: Position) -> Int {
        var (lower, upper) = (0, entries.count)
        while lower < upper {
            let middle = (lower + upper) / 2
            if entries[middle].position < position { lower = middle + 1 } else { upper = middle }
        }
        return lower
    }

    // MARK: Digest and snapshot

    /// The digest of all redactions.
    package mutating func digest() -> Digest {
        if let knownDigest { return knownDigest }
        var bytes = ByteBuffer(capacity: 64)
        serialise(into: &bytes)
        let digest = SHA256.hash(bytes.bytes)
        knownDigest = digest
        return digest
    }

    /// Writes the whole state: positions as steps, and 0 for the paths of the entry before.
    package func serialise(into bytes: inout ByteBuffer) {
        bytes.appendVarint(UInt64(entries.count))
        var last = Entry(position: 0, paths: [])
        for entry in entries {
            bytes.appendVarint(entry.position - last.position)
            if entry.paths == last.paths {
                bytes.appendVarint(0)
            } else {
                bytes.appendVarint(UInt64(entry.paths.count))
                for path in entry.paths { bytes.appendPrefixed(utf8: path.text) }
            }
            last = entry
        }
    }

    /// Reads what `serialise(into:)` wrote.
    package init(restoring reader: inout ByteReader) throws(DecodeFailure) {
        let count = try reader.readVarint()
        guard count <= UInt64(Self.entriesMax) else { throw .outOfRange(reader.offset) }
        var last = Entry(position: 0, paths: [])
        for index in 0..<count {
            let (position, overflow) = last.position.addingReportingOverflow(
                try reader.readVarint())
            guard !overflow, index == 0 || position > last.position else {
                throw .outOfRange(reader.offset)
            }
            let paths = try reader.readVarint()
            var entry = Entry(position: position, paths: last.paths)
            if paths > 0 {
                entry.paths = []
                for _ in 0..<paths {
                    guard let text = try reader.readPrefixed().makeString() else {
                        throw .invalid("a path is not UTF-8", reader.offset)
                    }
                    entry.paths.append(PropertyPath(text: text))
                }
            }
            guard !entry.paths.isEmpty else { throw .invalid("no path", reader.offset) }
            entries.append(entry)
            last = entry
        }
    }
}

/// What a redaction asks for, read from its data: `positions`, `properties`, `reason`.
package struct RedactOrder {
    /// Positions that one order names at most: the committer reads them all before it goes on.
    package static let positionsMax = 1_000
    /// Properties that one order names at most.
    package static let propertiesMax = Catalog.personalMax
    /// Bytes of a reason.
    package static let reasonBytesMax = 1_024

    /// Ascending, none twice.
    package let positions: [Position]
    /// Ascending by their text, none twice.
    package let properties: [PropertyPath]

    /// Reads a redaction's data.
    package static func read(_ record: borrowing RecordView) -> Result<RedactOrder, Refusal> {
        let positions = record.list("positions").map { $0.position }
        let texts = record.list("properties").map { $0.text ?? "" }
        guard (1...positionsMax).contains(positions.count), !positions.contains(nil),
            isAscending(positions.compactMap { $0 }, by: <)
        else {
            return .failure(
                .bad("positions", "1 to \(positionsMax) whole numbers are needed, none twice"))
        }
        guard (1...propertiesMax).contains(texts.count), texts.allSatisfy(isPath),
            isAscending(texts, by: { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        else {
            return .failure(
                .bad(
                    "properties",
                    "1 to \(propertiesMax) properties such as user.email are needed, none twice"))
        }
        guard let reason = record.string(["reason"]), !reason.isEmpty,
            reason.utf8.count <= reasonBytesMax
        else {
            return .failure(
                .bad("reason", "a text of 1 to \(reasonBytesMax) bytes is needed"))
        }
        return .success(
            RedactOrder(
                positions: positions.compactMap { $0 },
                properties: texts.map { PropertyPath(text: $0) }))
    }

    private static func isPath(_ text: String) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
    }

    private static func isAscending<Element>(
        _ list: [Element], by precedes: (Element, Element) -> Bool
    ) -> Bool {
        zip(list, list.dropFirst()).allSatisfy(precedes)
    }
}

extension Value {
    /// The position that a whole number says; nil for everything else.
    fileprivate var position: Position? {
        guard case .number(let number) = self, number.scale == 0 else { return nil }
        return Position(exactly: number.mantissa)
    }
}

extension RecordView {
    /// The elements of a list in the data; none if it is no list.
    fileprivate func list(_ name: String) -> [Value] {
        guard let node = property(PropertyPath([name])),
            case .array(let list)? = try? ValueCoder.value(node)
        else { return [] }
        return list
    }
}

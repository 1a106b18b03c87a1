import Bytes
import Platform
import Seeds
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// The edits of the manifest add up to what a list of segments says, and an edit that contradicts the ones
/// before it is refused.
struct ManifestTests {
    /// What there is, as one list, kept by rules that are written down one by one.
    struct Model {
        struct Item: Equatable {
            var isSealed: Bool
            var id: UInt64
            var first: Position
            /// Nil while it is open.
            var next: Position?
            /// At its end.
            var chain: Digest = .zero
            var time: Int64 = 0
        }

        var items: [Item] = []

        var end: Position? { items.last.map { $0.next } ?? 0 }
        var sealedEnd: Position { items.last { $0.isSealed }?.next ?? 0 }
        var rows: [Item] { items.filter { !$0.isSealed } }

        /// Applies an edit that fits; says whether it did.
        mutating func apply(_ edit: ManifestEdit) -> Bool {
            switch edit {
            case .added(let row):
                // The one before is closed, and the new one begins where it ended.
                guard let end, row.firstPosition == end,
                    row.chainBefore == items.last?.chain ?? .zero, row.capacity > 4096,
                    rows.last.map({ $0.id < row.id }) ?? true
                else { return false }
                items.append(
                    Item(isSealed: false, id: row.id, first: row.firstPosition, next: nil))
            case .closed(let id, let close):
                guard let last = items.last, !last.isSealed, last.id == id, last.next == nil,
                    close.nextPosition >= last.first, close.validBytes >= 4096,
                    close.validBytes <= close.writtenBytes, close.writtenBytes <= 16_384
                else { return false }
                items[items.count - 1].next = close.nextPosition
                items[items.count - 1].chain = close.chain
                items[items.count - 1].time = close.commitTime
            case .sealed(let record):
                guard let places = places(of: record) else { return false }
                items.replaceSubrange(places, with: [Item(record)])
            }
            return true
        }

        /// What a sealed segment takes the place of; nil if it must not.
        private func places(of record: SealedRecord) -> Range<Int>? {
            if items.contains(where: { $0.isSealed && $0.id == record.id }) { return nil }
            // It begins where a sealed one ends, or at the log's beginning.
            let before = items.last { $0.isSealed && $0.next == record.firstPosition }
            if record.firstPosition > 0, before == nil { return nil }
            guard record.chainBefore == before?.chain ?? .zero,
                before == nil || record.timeBefore == before?.time
            else { return nil }
            // A list that is being read has sealed segments and no rows yet.
            if rows.isEmpty, record.firstPosition == sealedEnd {
                return items.count..<items.count
            }
            // It replaces whole segments, and of sealed ones no rows behind them.
            let takesRows = record.nextPosition > sealedEnd
            guard let first = items.firstIndex(where: { $0.first == record.firstPosition }),
                let last = items.lastIndex(where: { item in
                    (takesRows || item.isSealed) && (item.next ?? .max) <= record.nextPosition
                }),
                last >= first, items[last].next == record.nextPosition,
                items[last].chain == record.chain, items[last].time == record.commitTime
            else { return nil }
            return first..<(last + 1)
        }
    }

    /// The chain and the time at a position of the one log that all edits are of.
    static func chain(_ position: Position) -> Digest {
        position == 0 ? .zero : SHA256.hash([UInt8(truncatingIfNeeded: position), 7].raw)
    }
    static func time(_ position: Position) -> Int64 { Int64(position) * 10 }

    static func sealed(_ id: UInt64, _ first: Position, _ next: Position) -> SealedRecord {
        SealedRecord(
            id: id, firstPosition: first, nextPosition: next, chainBefore: chain(first),
            chain: chain(next), timeBefore: time(first), commitTime: time(next), commits: 1,
            fileBytes: 9000, digest: .zero)
    }

    static func close(_ next: Position) -> SegmentRecord.Close {
        SegmentRecord.Close(
            end: .rolled, validBytes: 8192, writtenBytes: 8192, nextPosition: next,
            chain: chain(next), commitTime: time(next))
    }

    static func row(_ id: UInt64, _ first: Position) -> SegmentRecord {
        SegmentRecord(
            id: id, salt: id, capacity: 16_384, firstPosition: first, chainBefore: chain(first),
            close: nil)
    }

    private static func randomEdit(
        _ model: Model, _ ids: inout UInt64, _ random: inout SeededGenerator
    ) -> ManifestEdit {
        func near(_ position: Position) -> Position {
            let steps: [Position] = [0, 0, 0, 0, 0, 1, 2, 3]
            let step = steps.randomElement(using: &random) ?? 0
            return Bool.random(using: &random) ? position + step : position - min(position, step)
        }
        ids += 1
        switch Int.random(in: 0..<9, using: &random) {
        case 0...2:
            var row = row(ids, near(model.end ?? model.rows.last?.first ?? 0))
            if Int.random(in: 0..<9, using: &random) == 0 { row.chainBefore = chain(250) }
            if Int.random(in: 0..<9, using: &random) == 0 { row.capacity = 4096 }
            if Int.random(in: 0..<9, using: &random) == 0 {
                row.id = model.rows.last?.id ?? row.id
            }
            return .added(row)
        case 3...5:
            let last = model.rows.last ?? Model.Item(isSealed: false, id: 1, first: 0)
            let next = last.first + Position.random(in: 0...3, using: &random)
            var close = close(near(next))
            if Int.random(in: 0..<9, using: &random) == 0 { close.validBytes = 12_288 }
            if Int.random(in: 0..<9, using: &random) == 0 { close.writtenBytes = 20_480 }
            return .closed(id: Int.random(in: 0..<9, using: &random) == 0 ? ids : last.id, close)
        default:
            let borders = model.items.map(\.first) + model.items.compactMap(\.next)
            let first = near(borders.randomElement(using: &random) ?? 0)
            let next = max(near(borders.randomElement(using: &random) ?? 1), first + 1)
            var record = sealed(ids, first, next)
            switch Int.random(in: 0..<20, using: &random) {
            case 0: record.chain = chain(251)
            case 1: record.chainBefore = chain(251)
            case 2: record.commitTime += 1
            case 3: record.timeBefore -= 1
            case 4: record.id = model.items.last { $0.isSealed }?.id ?? record.id
            default: break
            }
            return .sealed(record)
        }
    }

    @Test(arguments: Seeds.all) func editsAddUpAndContradictionsAreRefused(_ seed: UInt64) throws {
        var random = SeededGenerator(seed)
        var (taken, refused, sealed) = (0, 0, 0)
        for _ in 0..<60 {
            var model = Model()
            var state = ManifestState()
            var ids: UInt64 = 0
            for _ in 0..<60 {
                let edit = Self.randomEdit(model, &ids, &random)
                let before = state
                var isTaken = true
                do { try state.apply(edit) } catch { isTaken = false }
                let fits = model.apply(edit)
                #expect(isTaken == fits, "\(edit) after \(before)")
                if isTaken != fits { return }
                if isTaken { taken += 1 } else { refused += 1 }
                if isTaken, case .sealed = edit { sealed += 1 }
                if !isTaken { #expect(state == before) }
                demand(state, model)
            }
        }
        #expect(taken > 300 && refused > 300 && sealed > 50)
    }

    private func demand(_ state: ManifestState, _ model: Model) {
        let items =
            state.sealed.map { Model.Item($0) }
            + state.segments.map {
                Model.Item(
                    isSealed: false, id: $0.id, first: $0.firstPosition,
                    next: $0.close?.nextPosition, chain: $0.close?.chain ?? .zero,
                    time: $0.close?.commitTime ?? 0)
            }
        #expect(items == model.items)
        // The edits of a state make it again.
        var again = ManifestState()
        for edit in state.edits {
            do {
                var buffer = ByteBuffer()
                edit.append(to: &buffer)
                let decoded = try ManifestEdit.decode(buffer.bytes)
                #expect(decoded == edit)
                try again.apply(decoded)
            } catch { Issue.record("\(edit): \(error)") }
        }
        #expect(again == state)
    }

    /// Sealed segments in the middle of rows, in half of one, over a gap, over each other, and twice.
    @Test func eachContradictionOfASealedSegmentIsRefused() throws {
        var state = ManifestState()
        for edit: ManifestEdit in [
            .added(Self.row(1, 0)), .closed(id: 1, Self.close(10)),
            .sealed(Self.sealed(1, 0, 10)),
            .added(Self.row(2, 10)), .closed(id: 2, Self.close(20)),
            .sealed(Self.sealed(2, 10, 20)),
            .added(Self.row(3, 20)), .closed(id: 3, Self.close(30)),
            .added(Self.row(4, 30)), .closed(id: 4, Self.close(40)), .added(Self.row(5, 40)),
        ] { try state.apply(edit) }
        let wrong: [(String, SealedRecord)] = [
            ("a gap", Self.sealed(9, 30, 40)), ("half a row", Self.sealed(9, 20, 35)),
            ("from half a row", Self.sealed(9, 25, 40)), ("an open row", Self.sealed(9, 20, 50)),
            ("half a sealed one", Self.sealed(9, 5, 20)),
            ("up to half a sealed one", Self.sealed(9, 0, 15)),
            ("half sealed, half rows", Self.sealed(9, 15, 30)),
            ("behind the end", Self.sealed(9, 50, 60)),
            ("twice the same id", Self.sealed(2, 20, 30)),
            ("its own id", Self.sealed(1, 0, 20)),
        ]
        for (name, record) in wrong {
            var copy = state
            #expect(throws: ManifestState.Contradiction.self, "\(name)") {
                try copy.apply(.sealed(record))
            }
            #expect(copy == state)
        }
        let right = [
            Self.sealed(9, 20, 30), Self.sealed(9, 20, 40), Self.sealed(9, 0, 20),
            Self.sealed(9, 0, 10), Self.sealed(9, 10, 40),
        ]
        for record in right {
            var copy = state
            try copy.apply(.sealed(record))
            #expect(copy.sealed.contains(record))
        }
    }

    /// Dozens of seals fill a manifest file: the next one begins with the sealed segments, and the power
    /// may fail before any of its calls.
    @Test func aFullManifestIsReplacedWithItsSealedSegments() throws {
        let store = try SealedStore()
        let box = Monitor<[(SimulatedDisk, Position)]>([])
        var replaced = 0
        for round in 0..<26 {
            let manifests = store.system.disk.files.filter { $0.contains("/manifest/") }
            try store.commit(round % 3 + 1)
            let acknowledged = Position(store.records.count)
            var disks: [SimulatedDisk] = []
            store.system.beforeEachCall { if $0.isMutating { disks.append($0.disk) } }
            try store.seal()
            store.system.beforeEachCall { _ in }
            if round % 6 == 5 { try store.merge() }
            if store.system.disk.files.filter({ $0.contains("/manifest/") }) != manifests {
                replaced += 1
                box.withLock { $0 += disks.map { ($0, acknowledged) } }
            }
        }
        #expect(replaced == 1)
        #expect(store.sealed.count > 1)
        for (number, (disk, acknowledged)) in box.read({ $0 }).enumerated() {
            for survival in [Survival.nothing, .random(UInt64(number))] {
                let system = SimulatedFileSystem(disk.afterPowerCut(survival))
                let log = try SealedStore.open(system, seed: 5)
                #expect(log.nextPosition == acknowledged)
                _ = try log.reader.scrub { _, _ in }
            }
        }
        try store.reopen(seed: 2)
        try store.demandEntries(store.reader, "after a start")
        #expect(try store.reader.scrub(.entries) { _, _ in } == 26)
    }
}

extension ManifestTests.Model.Item {
    init(_ record: SealedRecord) {
        self.init(
            isSealed: true, id: record.id, first: record.firstPosition,
            next: record.nextPosition, chain: record.chain, time: record.commitTime)
    }
}

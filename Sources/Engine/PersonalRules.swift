import Billing
import Bytes
import Codec
import Platform
import Projections
import SegmentedLog
import Synchronization

/// What edges and readers must know of personal properties, as the durable books say it.
///
/// The sync thread publishes it before anybody is told of the entry that changed it. Everybody else asks
/// for news at each line or frame, which costs one load while there is none.
final class PersonalRules: Sendable {
    private struct State {
        var personal = PersonalPaths()
        var redactions = Redactions()
    }

    private let state = Monitor(State())
    /// Counts the publications.
    private let number = Atomic<UInt64>(0)

    /// Nothing is personal yet.
    init() {}

    /// Takes over what the books say.
    func publish(_ books: borrowing Books) {
        let (personal, redactions) = (books.registry.catalog?.personal ?? [], books.redactions)
        state.withLock(waking: []) { state in
            state.personal = PersonalPaths(personal)
            state.redactions = redactions
        }
        number.wrappingAdd(1, ordering: .releasing)
    }

    /// Which publication is the newest.
    var version: UInt64 { number.load(ordering: .acquiring) }

    /// The properties that a new entry gets salts for.
    var personal: PersonalPaths { state.read { $0.personal } }

    /// The values that nobody may be shown.
    var redactions: Redactions { state.read { $0.redactions } }
}

/// Redactions as one reader sees them: a copy that is looked at again when there is news.
struct RedactionView: ~Copyable {
    private let rules: PersonalRules
    private var version: UInt64
    private var redactions: Redactions
    private var erased = ByteBuffer(capacity: 0)

    init(_ rules: PersonalRules) {
        self.rules = rules
        version = rules.version
        redactions = rules.redactions
    }

    /// Looks whether more was redacted.
    mutating func refresh() {
        let newest = rules.version
        guard newest != version else { return }
        redactions = rules.redactions
        version = newest
    }

    /// Calls `body` with an entry as it may be shown.
    mutating func withShown<R>(
        _ record: RawSpan, at position: Position, _ body: (RawSpan) throws -> R
    ) throws -> R {
        let paths = redactions.paths(at: position)
        guard !paths.isEmpty else { return try body(record) }
        erased.clear()
        guard try RecordErasure.append(record, erasing: paths, to: &erased) else {
            return try body(record)
        }
        return try body(erased.bytes)
    }
}

/// Puts salts before the personal properties of new records. Confined to one thread.
final class Salting {
    private let rules: PersonalRules
    private let random: any RandomSource
    private var version: UInt64
    private var personal: PersonalPaths
    /// Random bytes that were not used yet: a system call for many salts.
    private var pool: ArraySlice<UInt8> = []

    private static let poolBytes = 4_096

    init(_ rules: PersonalRules, _ random: any RandomSource) {
        self.rules = rules
        self.random = random
        version = rules.version
        personal = rules.personal
    }

    /// Salts a record whose content is the arena's end.
    /// - Throws: if there is no randomness; the content must be taken back then.
    func salt(
        _ record: PreparedRecord, in arena: inout ByteBuffer
    ) throws(SystemFailure) -> PreparedRecord {
        let newest = rules.version
        if newest != version {
            personal = rules.personal
            version = newest
        }
        guard !personal.isEmpty else { return record }
        return try record.salting(personal, in: &arena) { (arena) throws(SystemFailure) in
            if pool.count < PersonalPaths.saltBytes { pool = try random.bytes(Self.poolBytes)[...] }
            arena.append(Array(pool.prefix(PersonalPaths.saltBytes)))
            pool = pool.dropFirst(PersonalPaths.saltBytes)
        }
    }
}

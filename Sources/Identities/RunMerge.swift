import Bytes
import Platform

/// Reads a run's keys from the first to the last, some pages at a time. Confined to one thread.
final class RunCursor {
    private static let pagesAhead = 64

    private let run: Run
    private var bytes: ByteBuffer
    /// Next page to be taken, and the end of those in `bytes`.
    private var page = 0
    private var loaded = 0
    private var leads: [UInt64] = []
    private var positions: [UInt64] = []
    private var index = 0

    init(_ run: Run) throws(RunFault) {
        self.run = run
        bytes = ByteBuffer(
            capacity: min(Self.pagesAhead, Int(run.header.pages)) * RunPage.byteCount)
        try fill()
    }

    /// The next key; nil at the end.
    var head: RunKey? {
        index < leads.count ? RunKey(lead: leads[index], position: positions[index]) : nil
    }

    /// Goes on to the next key.
    func advance() throws(RunFault) {
        index += 1
        if index == leads.count { try fill() }
    }

    private func fill() throws(RunFault) {
        index = 0
        // Out of the object while they are filled: its fields cost a check at each access.
        var (leads, positions) = (self.leads, self.positions)
        (self.leads, self.positions) = ([], [])
        leads.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
        guard page < Int(run.header.pages) else { return }
        if page == loaded { try load() }
        let start = bytes.count - (loaded - page) * RunPage.byteCount
        let number = page
        try bytes.withBytes(in: start..<(start + RunPage.byteCount)) { span throws(RunFault) in
            let fields = try run.fields(number, span)
            for index in 0..<fields.count {
                leads.append(fields.lead(index, in: span))
                positions.append(fields.position(index, in: span))
            }
        }
        (self.leads, self.positions) = (leads, positions)
        page += 1
    }

    private func load() throws(RunFault) {
        let start = RunHeader.byteCount + page * RunPage.byteCount
        loaded = min(Int(run.header.pages), page + Self.pagesAhead)
        bytes.clear()
        try run.file.fill(
            &bytes, start..<(start + (loaded - page) * RunPage.byteCount))
    }
}

/// Joins runs and the newest keys into one sorted sequence.
struct RunMerge {
    private let cursors: [RunCursor]
    private let newest: [RunKey]
    private var newestIndex = 0
    /// The lead at the head of each run, then of the newest keys; `ended` where none is left.
    private var heads: [UInt64]

    private static let ended = UInt64.max

    /// - Parameters:
    ///   - runs: oldest first, each before the next one's positions.
    ///   - newest: sorted; their positions come after all runs.
    init(_ runs: [Run], _ newest: [RunKey]) throws(RunFault) {
        var cursors: [RunCursor] = []
        for run in runs { cursors.append(try RunCursor(run)) }
        self.cursors = cursors
        self.newest = newest
        heads = cursors.map { $0.head?.lead ?? Self.ended }
        heads.append(newest.first?.lead ?? Self.ended)
    }

    /// The next key by lead and position; nil at the end.
    mutating func next() throws(RunFault) -> RunKey? {
        // Of equal leads the older source has the lower positions: the first least head it is.
        var least = 0
        for source in heads.indices.dropFirst() where heads[source] < heads[least] {
            least = source
        }
        guard heads[least] != Self.ended else { return nil }
        if least == cursors.count {
            defer {
                newestIndex += 1
                heads[least] =
                    newestIndex < newest.count ? newest[newestIndex].lead : Self.ended
            }
            return newest[newestIndex]
        }
        let key = cursors[least].head
        try cursors[least].advance()
        heads[least] = cursors[least].head?.lead ?? Self.ended
        return key
    }
}

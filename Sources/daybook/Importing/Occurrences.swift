/// The how-manieth row of its content a row is.
///
/// Two equal rows of a file are two events, and the same file read again must give them the same
/// two ids. Equal rows have equal times, so rows can be forgotten once all rows of their time have
/// passed: when `rowsMax` different ones are held, the older half goes. A later row from that
/// forgotten past cannot be numbered, and says so; it never gets a wrong number.
struct Occurrences {
    /// Different rows that are held at most: about 100 MB.
    static let rowsMax = 2_000_000

    private struct Seen {
        var count: UInt32
        let time: Int64
    }

    private let capacity: Int
    private var rows: [UInt128: Seen] = [:]
    /// Rows before this time are forgotten.
    private var horizon = Int64.min

    init(capacity: Int = Occurrences.rowsMax) { self.capacity = capacity }

    /// 1 for the first row of its content, 2 for the next …; nil: not known any more.
    mutating func number(_ content: UInt128, time: Int64) -> Int? {
        if let seen = rows[content] {
            rows[content]?.count = seen.count + 1
            return Int(seen.count) + 1
        }
        guard time >= horizon else { return nil }
        if rows.count >= capacity { forget() }
        guard time >= horizon else { return nil }
        rows[content] = Seen(count: 1, time: time)
        return 1
    }

    private mutating func forget() {
        let times = rows.values.map(\.time).sorted()
        // Behind the middle one: where half the rows have one time they all go.
        horizon = times[times.count / 2] + 1
        rows = rows.filter { $0.value.time >= horizon }
    }
}

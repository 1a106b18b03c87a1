import Platform

/// How far long work is, for whoever asks: `status` shows it.
final class Progress: Sendable {
    /// Work that goes on.
    struct Work: Sendable {
        var done: UInt64 = 0
        var total: UInt64 = 0
    }

    private let works = Monitor<[String: Work]>([:])

    /// Adds what was done.
    func add(_ name: String, _ done: UInt64, of total: UInt64) {
        works.withLock(waking: []) { works in
            works[name, default: Work()].done += done
            works[name, default: Work()].total = total
        }
    }

    /// Nothing of it goes on any more.
    func end(_ name: String) { works.withLock(waking: []) { $0[name] = nil } }

    /// What goes on, by name.
    var all: [(name: String, work: Work)] {
        works.read { $0.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    }
}

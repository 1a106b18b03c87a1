import Platform
import Projections

/// Work that several threads share, each a part of its own.
enum Workers {
    /// Calls `body` with 0 ..< count, each on a thread of its own, and waits for all of them.
    /// - Throws: the failure of the first part that failed.
    static func run<R: Sendable>(
        _ count: Int, name: String, _ body: @escaping @Sendable (Int) throws(Refusal) -> R
    ) throws(Refusal) -> [R] {
        let results = Monitor([Result<R, Refusal>?](repeating: nil, count: count))
        let threads = (0..<count).map { index in
            Thread.spawn(name: name) {
                let result: Result<R, Refusal>
                do throws(Refusal) {
                    result = .success(try body(index))
                } catch {
                    result = .failure(error)
                }
                results.withLock { $0[index] = result }
            }
        }
        for thread in threads { thread.join() }
        var all: [R] = []
        for result in results.read({ $0 }) {
            guard let result else { preconditionFailure("a part ended without a result") }
            all.append(try result.get())
        }
        return all
    }

    /// How many threads long work takes.
    static var count: Int { max(1, min(Process.processorCount, EngineLimits.workersMax)) }
}

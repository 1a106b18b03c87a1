import Client
import Platform

/// Long work of a server, watched from another connection.
enum StatusWatch {
    /// Does `body`, and shows meanwhile on the terminal how far the server is with some work; nothing where nobody
    /// watches.
    static func show<R>(_ work: String, _ path: String, while body: () throws -> R) throws -> R {
        guard StandardStream.error.isTerminal else { return try body() }
        let isDone = Monitor(false)
        let watcher = Thread.spawn(name: "progress") {
            guard let connection = try? Connection.open(path) else { return }
            while isDone.wait(timeout: 200_000_000, { $0 ? true : nil }) == nil {
                guard let status = try? connection.ask(Request("status")) else { break }
                guard let far = status["\(work)_progress"] else { continue }
                StandardError.text("\r\u{1B}[K\(work): \(Optional(far).shown) entries")
            }
            StandardError.text("\r\u{1B}[K")
        }
        defer {
            isDone.withLock { $0 = true }
            watcher.join()
        }
        return try body()
    }
}

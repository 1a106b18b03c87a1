import Engine
import Platform

/// Answers queries, with what only the server knows.
struct QueryAnswers: Sendable {
    let engine: Engine
    let connections: ConnectionCounter
    private let start = MonotonicClock.nanoseconds()

    init(engine: Engine, connections: ConnectionCounter) {
        self.engine = engine
        self.connections = connections
    }

    /// One JSON object without its line end.
    func answer(_ query: Query, id: String?) -> [UInt8] {
        var json = engine.answer(query, id: id)
        if case .status = query, json.last == UInt8(ascii: "}") {
            let uptime = (MonotonicClock.nanoseconds() - start) / 1_000_000_000
            json.removeLast()
            json += Array(
                ",\"connections\":\(connections.count),\"uptime_seconds\":\(uptime)}".utf8)
        }
        return json
    }
}

/// Works on the queries that take long, one after the other.
final class QueryThread: Sendable {
    struct Job: Sendable {
        let query: Query
        let id: String?
        let connection: ConnectionToken
        let mailbox: EdgeMailbox
    }

    private struct State: Sendable {
        var jobs: [Job] = []
        var mustStop = false
    }

    private let answers: QueryAnswers
    private let state = Monitor(State())

    init(_ answers: QueryAnswers) { self.answers = answers }

    /// Takes a query. A connection has one at a time, so there are never more than connections.
    func submit(_ job: Job) { state.withLock { $0.jobs.append(job) } }

    /// Ends the thread; queries that are not begun are forgotten.
    func stop() { state.withLock { $0.mustStop = true } }

    func run() {
        while let job = next() {
            let json = answers.answer(job.query, id: job.id)
            job.mailbox.answered(LongAnswer(connection: job.connection, json: json))
        }
    }

    private func next() -> Job? {
        let job: Job?? = state.wait { state in
            if state.mustStop { return .some(nil) }
            return state.jobs.isEmpty ? nil : .some(state.jobs.removeFirst())
        }
        return job ?? nil
    }
}

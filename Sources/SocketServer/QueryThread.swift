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

/// Works on the requests that take long, one after the other.
final class QueryThread: Sendable {
    /// What there is to work on.
    enum Work: Sendable {
        case query(Query, id: String?)
        /// The content of a request that may have history metered again.
        case publication([UInt8])
    }

    struct Job: Sendable {
        let work: Work
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

    /// Takes a job. A connection has one at a time, so there are never more than connections.
    func submit(_ job: Job) { state.withLock { $0.jobs.append(job) } }

    /// Ends the thread; jobs that are not begun are forgotten.
    func stop() { state.withLock { $0.mustStop = true } }

    /// - Parameter yields: whether all other threads go first.
    func run(yields: Bool = false) {
        if yields { Thread.yieldPriority() }
        while let job = next() {
            let json =
                switch job.work {
                case .query(let query, let id): answers.answer(query, id: id)
                case .publication(let content): answers.engine.publish(content)
                }
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

/// The threads for what takes long: a rebuild of minutes holds up no invoice, and no publication.
struct QueryThreads: Sendable {
    let queries: QueryThread
    let publications: QueryThread
    let rebuilds: QueryThread
    /// What reads the whole log and changes nothing.
    let reports: QueryThread

    init(_ answers: QueryAnswers) {
        queries = QueryThread(answers)
        publications = QueryThread(answers)
        rebuilds = QueryThread(answers)
        reports = QueryThread(answers)
    }

    private var all: [QueryThread] { [queries, publications, rebuilds, reports] }

    /// Gives a job to the thread for it.
    func submit(_ job: QueryThread.Job) {
        switch job.work {
        case .query(.rebuild, _): rebuilds.submit(job)
        case .query(.simulate, _), .query(.replay, _), .query(.diff, _): reports.submit(job)
        case .query: queries.submit(job)
        case .publication: publications.submit(job)
        }
    }

    func start() -> [Thread] {
        let (queries, publications) = (queries, publications)
        let (rebuilds, reports) = (rebuilds, reports)
        return [
            Thread.spawn(name: "reports") { reports.run() },
            Thread.spawn(name: "queries") { queries.run() },
            Thread.spawn(name: "publications") { publications.run() },
            Thread.spawn(name: "rebuilds") { rebuilds.run(yields: true) },
        ]
    }

    func stop() { for thread in all { thread.stop() } }
}

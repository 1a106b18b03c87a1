import ArgumentParser
import Client
import Platform

/// Which server a command speaks to.
struct SocketOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server's socket file. Default: the environment variable DAYBOOK_SOCKET.",
            valueName: "path"))
    var socket: String?

    /// The path, from the option or the environment.
    func path() throws -> String {
        if let socket { return socket }
        if let path = Process.environment("DAYBOOK_SOCKET"), !path.isEmpty { return path }
        throw CommandFailure(
            .usage, "which server? Give --socket PATH, or set DAYBOOK_SOCKET=PATH")
    }
}

/// Where a query finds its books: a running server, or a data directory without one.
struct BookOptions: ParsableArguments {
    @OptionGroup var server: SocketOptions

    @Option(
        help: ArgumentHelp(
            "Read this data directory; no server needs to run, and nothing is written.",
            valueName: "dir"))
    var data: String?

    init() {}

    /// A server and nothing else: for what only a running server can answer.
    init(_ server: SocketOptions) {
        self.server = server
        data = nil
    }

    func validate() throws {
        if server.socket != nil, data != nil {
            throw ValidationError(
                "give --socket (a running server) or --data (a directory), not both")
        }
    }

    /// Who answers.
    func open() throws -> any Answering {
        if let data { return try DirectoryBooks(data) }
        if server.socket == nil, Process.environment("DAYBOOK_SOCKET") ?? "" == "" {
            throw CommandFailure(
                .usage,
                "which books? Give --socket PATH of a running server (or set DAYBOOK_SOCKET), "
                    + "or --data DIR to read a data directory without one")
        }
        return try Connection.open(server.path())
    }
}

/// Whatever answers queries.
protocol Answering: AnyObject {
    /// The reply, whether it is an answer or a refusal.
    func ask(_ request: Request) throws -> Reply
    /// Entries as lines, in order, until the request's end; `line` says whether to go on.
    /// - Returns: the last line, which speaks of the request as a whole; nil: stopped early.
    func follow(_ request: Request, _ line: ([UInt8]) throws -> Bool) throws -> Reply?
}

extension Answering {
    /// The answer to a query.
    /// - Throws: `CommandFailure` with the refusal's words and exit code.
    func answer(_ request: Request) throws -> Reply {
        let reply = try ask(request)
        if let refusal = reply.refusal { throw CommandFailure(refusal) }
        return reply
    }
}

extension Connection: Answering {
    func follow(_ request: Request, _ line: ([UInt8]) throws -> Bool) throws -> Reply? {
        try send(request)
        while let next = try nextLine() {
            guard next.starts(with: Self.entryStart) else { return try reply(next) }
            guard try line(next) else { return nil }
        }
        throw CommandFailure(
            .tryAgain,
            "the server closed the connection in the middle of its entries; go on with --from "
                + "the position after the last line")
    }

    /// An entry's first member; a reply begins with another one.
    private static let entryStart = Array(#"{"position":"#.utf8)
}

/// The switch that every query has.
struct JSONOption: ParsableArguments {
    @Flag(help: "Print the server's JSON object instead of a table.")
    var json = false
}

/// A command that asks one question and prints the answer.
protocol QueryCommand: ParsableCommand {
    var books: BookOptions { get }
    var format: JSONOption { get }
    func request() throws -> Request
    /// Which moment is asked about; nil: it is always now.
    var moment: MomentOptions? { get }
    /// The answer for people.
    func lines(_ reply: Reply) -> [String]
    /// What the process ends with.
    func status(_ reply: Reply) -> ExitStatus
    /// Waits for the answer, which `body` does, and may show meanwhile how far it is.
    func wait(for body: () throws -> Reply) throws -> Reply
}

extension QueryCommand {
    func status(_ reply: Reply) -> ExitStatus { .success }

    var moment: MomentOptions? { nil }

    func wait(for body: () throws -> Reply) throws -> Reply { try body() }

    func run() throws { try ask() }

    /// Asks and prints.
    func ask() throws {
        let answering = try books.open()
        let request = try moment?.asked(of: request()) ?? request()
        let reply = try wait { try answering.answer(request) }
        if format.json {
            var output = Output()
            try output.line(reply.line)
            try output.flush()
        } else {
            try Output.print(lines(reply) + (reply.momentShown.map { ["", $0] } ?? []))
        }
        let status = status(reply)
        if status != .success { throw CommandFailure(status, "") }
    }
}

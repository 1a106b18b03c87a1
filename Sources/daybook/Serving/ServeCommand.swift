import ArgumentParser
import Engine
import Platform
import Proofs
import SocketServer

/// `daybook serve`.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the engine of one data directory on one socket.",
        discussion: """
            Recovers the log, then binds the socket: whoever can connect is served. SIGTERM or \
            Ctrl-C stops accepting, answers every line that arrived in full, writes a snapshot \
            and ends with 0. A disk that fails ends it with 70, a directory or socket that \
            another server has with 75.

            Example: daybook serve --data /var/lib/daybook --socket /run/daybook.sock
            """)

    @Option(
        help: ArgumentHelp("The data directory; made if it is not there.", valueName: "dir"))
    var data: String
    @OptionGroup var server: SocketOptions

    func run() throws {
        // Before any thread starts: only then is the signal nobody's but ours.
        try Signals.blockTermination()
        let path = try server.path()
        let engine = try open()
        let server = try listen(engine, path)
        say("listening on \(path), process \(Process.identifier)")
        let watch = Thread.spawn(name: "watch") {
            // A failed log has answered nothing it did not keep; nothing else can be saved.
            if let failure = engine.waitForEnd() { Self.endWithFailedDisk(failure) }
        }
        let signal = try Signals.waitForTermination()
        say("signal \(signal): draining")
        server.stop()
        engine.close()
        watch.join()
        if let failure = engine.failure { Self.endWithFailedDisk(failure) }
        say("stopped at position \(engine.durablePosition)")
    }

    private func open() throws -> Engine {
        let start = MonotonicClock.nanoseconds()
        let engine: Engine
        do throws(EngineFailure) {
            var options = Engine.Options(directory: data)
            options.proofs = ProofDesk(directory: data)
            engine = try Engine.open(options)
        } catch {
            throw CommandFailure(error.isLocked ? .tryAgain : .inputOutput, error.message)
        }
        for note in engine.report.notes { say(note) }
        let report = engine.report
        let milliseconds = (MonotonicClock.nanoseconds() - start) / 1_000_000
        say(
            "opened \(data): \(Digits.grouped(Int(report.entries))) entries, "
                + "\(Digits.grouped(Int(report.replayed))) replayed after "
                + (report.snapshot > 0 ? "snapshot \(report.snapshot)" : "no snapshot")
                + ", \(Digits.grouped(Int(milliseconds))) ms")
        return engine
    }

    private func listen(_ engine: Engine, _ path: String) throws -> SocketServer {
        do throws(SystemFailure) {
            return try SocketServer.start(engine: engine, path: path)
        } catch {
            engine.close()
            guard error.isAddressInUse else { throw CommandFailure(.inputOutput, error.message) }
            throw CommandFailure(
                .tryAgain, "another server listens on \(path); stop it first, or use another path")
        }
    }

    /// A server's output may have no reader any more; that stops nothing.
    private func say(_ line: String) { try? StandardStream.output.write("daybook: \(line)\n") }

    private static func endWithFailedDisk(_ failure: String) -> Never {
        CommandFailure(
            .diskFailed,
            "\(failure)\n  what was acknowledged is on disk; look at the kernel's log, repair the "
                + "disk, start again, and send what was not acknowledged once more"
        ).end()
    }
}

import Billing
import Client
import Codec
import Platform

/// What a person and a program see of an upload: progress, exceptions, the result.
final class UploadReport {
    private let name: String
    private let json: Bool
    private let bar: ProgressBar
    /// Rows that were no events and were not sent; see `rejectedLocally`.
    private let badRows: Monitor<Int>
    private var wasReported = false

    /// - Parameters:
    ///   - name: where the lines come from.
    ///   - size: how many bytes will be sent, if that is known.
    init(name: String, size: Int?, json: Bool, badRows: Monitor<Int> = Monitor(0)) {
        self.name = name
        self.json = json
        self.badRows = badRows
        bar = ProgressBar(size: size)
    }

    /// Sends everything and reports.
    /// - Throws: `CommandFailure` with the exit code unless all lines were recorded or known.
    func run(to path: String, from queue: BlockQueue) throws {
        let (tally, end) = try Upload.run(
            to: path, from: queue, exception: { [self] in show($0) },
            progress: { [bar] in bar.show($0) })
        bar.clear()
        let bad = badRows.read { $0 }
        switch end {
        case .complete:
            try printResult(tally, bad)
            try judge(tally, bad)
        case .sourceFailed(let what):
            try printResult(tally, bad)
            throw CommandFailure(
                .inputOutput, "\(what); everything before it has its outcome, see above")
        case .broken(let refusal): throw broken(tally, refusal)
        }
    }

    /// A line that was rejected or denied: its number first.
    private func show(_ reply: Reply) {
        bar.clear()
        let id = reply["id"]?.text.map { " \($0)" } ?? ""
        let what: String
        if let refusal = reply.refusal {
            let place = reply["position"].shown
            what =
                "rejected\(id): \(refusal.sentence)"
                + (place == "-" ? "" : ", see position \(place)")
        } else {
            what = "denied\(id): \(reply.shown("reason")), position \(reply.shown("position"))"
        }
        StandardError.line("\(reply.shown("line")): \(what)")
    }

    private func printResult(_ tally: Tally, _ bad: Int) throws {
        if json {
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("received", UInt64(tally.received + bad))
            writer.member("recorded", UInt64(tally.recorded))
            writer.member("duplicate", UInt64(tally.duplicate))
            writer.member("rejected", UInt64(tally.rejected + bad))
            writer.member("denied", UInt64(tally.denied))
            writer.member("first_position", tally.firstPosition.map { UInt64($0) })
            writer.member("last_position", tally.lastPosition.map { UInt64($0) })
            writer.member("chain", tally.chain)
            writer.endObject()
            var output = Output()
            try output.line(writer.finish())
            try output.flush()
            return
        }
        var lines = [
            "received   \(Digits.grouped(tally.received + bad))",
            "recorded   \(Digits.grouped(tally.recorded))",
            "duplicate  \(Digits.grouped(tally.duplicate))",
            "rejected   \(Digits.grouped(tally.rejected + bad))",
        ]
        if tally.denied > 0 {
            lines.append("denied     \(Digits.grouped(tally.denied)) (recorded like the others)")
        }
        if let last = tally.lastPosition {
            let first = tally.firstPosition.map { "first \($0), " } ?? ""
            lines.append("positions  \(first)newest \(last)")
        }
        if let chain = tally.chain { lines.append("receipt    \(chain)") }
        try Output.print(lines)
    }

    private func judge(_ tally: Tally, _ bad: Int) throws {
        let rejected = tally.rejected + bad
        if tally.postponed > 0, tally.postponed == rejected {
            throw CommandFailure(
                .tryAgain,
                "\(Digits.grouped(tally.postponed)) lines were not taken because the server was "
                    + "busy or stopping; send \(name) again later, nothing is counted twice")
        }
        if rejected > 0 {
            throw CommandFailure(
                .rejected,
                "\(Digits.grouped(rejected)) lines of \(name) were rejected, see above; correct "
                    + "them and send it again, nothing is counted twice")
        }
    }

    private func broken(_ tally: Tally, _ refusal: Refusal?) -> CommandFailure {
        let status = refusal.map { ExitStatus(word: $0.word) } ?? .tryAgain
        let why = refusal.map { ": \($0.sentence)" } ?? ""
        return CommandFailure(
            status,
            """
            the server closed the connection\(why)
              acknowledged: the first \(Digits.grouped(tally.ackedLines)) lines of \(name) \
            (\(Digits.grouped(tally.recorded)) recorded, \(Digits.grouped(tally.duplicate)) \
            duplicate, \(Digits.grouped(tally.rejected)) rejected)\
            \(tally.chain.map { ", receipt \($0)" } ?? "")
              unknown: all lines after that
              to resume: run the same command again; what was recorded answers as duplicate
            """)
    }
}

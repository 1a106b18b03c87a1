import Billing
import Bytes
import Codec
import Engine
import Foundation
import SegmentedLog
import SimulatedFileSystem
import Testing

/// What the script promised when nothing went wrong, and the demands on a store that was hit by a fault.
final class Promise: Sendable {
    let replies: [String]
    let entries: [String]
    let positions: [Position]
    private let digests: [String]
    private let chains: [String]
    /// The life that was watched, call by call.
    let moments: [Life.Moment]
    let calls: Int

    /// The undisturbed life, played once for all tests.
    static let kept: Result<Promise, any Error> = Result { try Promise() }

    private init() throws {
        let life = Life()
        life.watch()
        try life.play(seed: 1, keepsStates: true, idles: true)
        #expect(life.failure == nil)
        replies = life.replies
        entries = life.entries
        positions = life.states.map(\.position)
        digests = life.states.map(\.digest.hex)
        chains = life.states.map(\.chain.hex)
        moments = life.moments
        calls = life.system.calls
    }

    /// Entries after so many lines.
    func entries(after lines: Int) -> Int { lines == 0 ? 0 : Int(positions[lines - 1]) }

    /// Opens what a fault left, demands what was promised, sends everything again, demands the whole.
    /// - Parameters:
    ///   - answered: lines whose answer is known to the client.
    ///   - sent: lines that may have become entries.
    func demand(
        of disk: SimulatedDisk, answered: Int, sent: Int, resends: Bool = true, seed: UInt64,
        _ comment: Comment
    ) throws {
        let life = Life(disk)
        let engine = try life.reopen(seed: seed)
        defer { engine.close() }
        let found = try Life.entries(of: engine)
        #expect(found.count >= entries(after: answered), "acknowledged, and lost: \(comment)")
        #expect(found.count <= entries(after: sent), "there, and never sent: \(comment)")
        #expect(found[...] == entries.prefix(found.count), "another history: \(comment)")
        try demandState(engine, entries: found.count, comment)
        guard resends else { return }
        life.sendAll(engine)
        demandReplies(life, found.count, comment)
        let all = try Life.entries(of: engine)
        #expect(all == entries, "sending again gives another history: \(comment)")
        if found.count > 0 {
            #expect(engine.durableState().digest.hex == digests.last, comment)
            #expect(engine.durableState().chain.hex == chains.last, comment)
        }
    }

    private func demandState(_ engine: Engine, entries count: Int, _ comment: Comment) throws {
        let report = try engine.verify()
        #expect(report.isEqual, "restart and replay differ: \(comment)")
        #expect(Int(report.position) == count, comment)
        guard count > 0, let line = positions.firstIndex(of: Position(count)) else { return }
        #expect(report.digest.hex == digests[line], "other books: \(comment)")
        #expect(report.chain.hex == chains[line], "another chain: \(comment)")
    }

    /// What was there answers as a duplicate, with the same position and decision; the rest as at first.
    private func demandReplies(_ life: Life, _ found: Int, _ comment: Comment) {
        #expect(life.replies.count == replies.count, comment)
        for (line, (reply, first)) in zip(life.replies, replies).enumerated() {
            let wasEntry = entries(after: line + 1) > entries(after: line)
            guard wasEntry, entries(after: line) < found else {
                if reply != first { Issue.record("\(reply), not \(first): \(comment)") }
                continue
            }
            let (reply, first) = (Self.value(reply), Self.value(first))
            #expect(reply.printed("outcome") == "duplicate", comment)
            for member in ["position", "allowed", "reason", "credits", "shortfall"] {
                #expect(reply.printed(member) == first.printed(member), comment)
            }
        }
    }

    static func value(_ reply: String) -> Value {
        (try? ValueCoder.value(json: Array(reply.utf8))) ?? .null
    }
}

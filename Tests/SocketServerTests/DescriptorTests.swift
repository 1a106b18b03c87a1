import Foundation
import Platform
import SocketServer
import Testing

/// What concerns all descriptors of a process is tried in a process of its own.
@Suite struct DescriptorTests {
    /// Clients come and go in every way; nothing of them is left, nor of the server in the end.
    @Test func nothingLeaks() async {
        await #expect(processExitsWith: .success) {
            // What the libraries of the process itself want to have open, they have after the first.
            try useAndDrop()
            let before = try openDescriptors()
            try useAndDrop()
            try eventually("descriptors are given back") { try openDescriptors() == before }
        }
    }

    /// Four hundred clients that asked once and then say nothing.
    @Test func idleConnectionsAreSmall() async {
        await #expect(processExitsWith: .success) {
            let house = try House()
            let filler = String(repeating: "x", count: 20_000)
            func connect(_ count: Int) throws -> [Peer] {
                let peers = try (0..<count).map { _ in try house.connect() }
                for (index, peer) in peers.enumerated() {
                    let line = event("\(count)-\(index)", data: #"{"a":"\#(filler)"}"#)
                    try demand(try peer.ask(line).text("outcome") == "recorded", "recorded")
                }
                return peers
            }
            // What the process needs once, whoever connects.
            let first = try connect(50)
            let before = Process.usage().residentBytes
            let peers = try connect(400)
            let each = (Process.usage().residentBytes - before) / 400
            // Both ends are in this process, and so are 400 entries in the books.
            try demand(each < 16 << 10, "\(each) bytes a connection")
            try demand(first.count + peers.count == house.server.connectionCount, "all are there")
        }
    }

    /// Without a descriptor to accept with, a server serves the clients that it has, does not spin,
    /// and takes the waiting ones when it can.
    @Test func aFullProcessServesOn() async {
        await #expect(processExitsWith: .success) {
            let house = try House()
            let old = try house.connect()
            try demand(try old.ask(event("before")).text("outcome") == "recorded", "before")
            // The log prepares its next file when it is idle; let it.
            usleep(300_000)
            limitDescriptors(to: 256)
            var fillers: [WakeUp] = []
            while let filler = try? WakeUp() { fillers.append(filler) }
            try demand(fillers.count > 10, "there was room")
            // One descriptor for the client, none for the server's side of it.
            fillers.removeLast().close()
            let new = try house.connect()
            let start = Process.usage()
            usleep(500_000)
            let end = Process.usage()
            let spent =
                end.userNanoseconds + end.systemNanoseconds - start.userNanoseconds
                - start.systemNanoseconds
            try demand(spent < 200_000_000, "it spins: \(spent / 1_000_000) ms of 500")
            try demand(house.server.connectionCount == 1, "nobody was accepted")
            for filler in fillers { filler.close() }
            try demand(try new.ask(event("new")).text("outcome") == "recorded", "new")
            try demand(try old.ask(event("old")).text("outcome") == "recorded", "old")
        }
    }
}

/// A failure of a child process is its exit code.
func demand(_ isSo: Bool, _ what: String) throws {
    if !isSo { throw TestFailure(what) }
}

private func limitDescriptors(to count: UInt) {
    var limit = rlimit()
    unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = count
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// Descriptors that this process has open. Timers are left out: nothing here makes one, but the
/// dispatch library does when it likes.
func openDescriptors() throws -> Int {
    let files = FileManager.default
    return try files.contentsOfDirectory(atPath: "/proc/self/fd").count { name in
        let target = try? files.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + name)
        return target != "anon_inode:[timerfd]"
    }
}

private func useAndDrop() throws {
    // One segment for all of it, which the log's reader has open from the start: how many segments
    // there are is the log's affair, and each has a descriptor.
    let house = try House(segmentBytes: 16 << 20)
    let first = try house.connect()
    try demand(try first.ask(event("first")).text("outcome") == "recorded", "first")
    _ = try first.ask(#"{"request":"verify"}"#)
    first.close()
    try house.waitForConnections(0)
    usleep(300_000)
    let resting = try openDescriptors()
    for round in 0..<30 {
        let peers = try (0..<10).map { _ in try house.connect() }
        for (index, peer) in peers.enumerated() {
            switch index % 5 {
            case 0: try peer.send(event("\(round)-\(index)"))
            case 1: try peer.sendBytes(Array("{\"spec".utf8))
            case 2: try peer.send(#"{"request":"follow","follow":true}"#)
            case 3: try peer.send(#"{"request":"stream"}"#, event("\(round)-\(index)"))
            default: try peer.send(#"{"request":"verify"}"#)
            }
            peer.close()
        }
    }
    try house.waitForConnections(0)
    try eventually("as many descriptors as before") { try openDescriptors() == resting }
    try demand(try house.connect().ask(event("alive")).text("outcome") == "recorded", "alive")
}

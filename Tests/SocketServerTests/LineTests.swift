import Testing

/// One line, one reply, in order.
@Suite struct LineTests {
    @Test func anEventIsRecordedOnce() throws {
        let house = try House()
        let peer = try house.connect()
        let first = try peer.ask(event("e-1"))
        #expect(first.line == #"{"id":"e-1","outcome":"recorded","position":0}"#)
        let second = try peer.ask(event("e-1"))
        #expect(second.line == #"{"id":"e-1","outcome":"duplicate","position":0}"#)
        let third = try peer.ask(event("e-1", type: "other"))
        #expect(third.text("outcome") == "rejected")
        #expect(third.text("error") == "conflict")
        #expect(third.int("position") == 0)
    }
}

import Bytes
import Testing

@testable import SegmentedLog

/// Which stretches of two stores make one history.
struct RepairPlanTests {
    /// Where only one of them goes on, the chain before is all that tells two histories apart.
    @Test func aStretchMustFollowTheChainBeforeIt() throws {
        func commit(_ positions: Range<Position>, before: Digest, after: Digest) -> Stretch {
            Stretch(
                FrameHeader(
                    kind: .entries, salt: 1, offset: 4096, firstPosition: positions.lowerBound,
                    count: UInt32(positions.count), payloadBytes: 100, commitTime: 1,
                    chainBefore: before, payloadChecksum: 0), "W", chain: after)
        }
        let (one, two) = (SHA256.hash([1].raw), SHA256.hash([2].raw))
        let own = [commit(0..<10, before: .zero, after: one)]
        let plan = try RepairPlan(
            own: own, backup: [commit(10..<15, before: one, after: two)])
        #expect(plan.end == 15 && plan.entriesFromBackup == 5)
        let refusal = #expect(throws: LogFailure.self) {
            _ = try RepairPlan(own: own, backup: [commit(10..<15, before: two, after: one)])
        }
        #expect(refusal?.kind == .refused && refusal?.position == 10)
    }
}

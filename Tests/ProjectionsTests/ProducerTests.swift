import Bytes
import Codec
import Projections
import Testing

/// Sources that number their events: what is next, what was before, what is refused.
@Suite struct ProducerTests {
    /// What `place` says, in a word.
    private func place(
        _ producers: borrowing Producers, _ content: [UInt8]
    ) throws -> String {
        switch producers.place(of: try RecordView(content: content.raw)) {
        case .keyed: "keyed"
        case .next: "next"
        case .earlier(_, let position): "earlier \(position)"
        case .refused(let refusal): refusal.code
        case .keyedOrRefused(let refusal): "keyed or \(refusal.code)"
        }
    }

    private func apply(
        _ producers: inout Producers, _ content: [UInt8], at position: UInt64
    ) throws {
        producers.apply(try RecordView(content: content.raw), at: position)
    }

    @Test func theNextNumberIsNewAndTheOthersAreNot() throws {
        var producers = Producers(key: Sample.key)
        #expect(
            try place(producers, Sample.sequenced("s", 3, 7)) == "next", "it may begin anywhere")
        for number in 7..<12 {
            try apply(&producers, Sample.sequenced("s", 3, UInt64(number)), at: UInt64(number * 2))
        }
        #expect(try place(producers, Sample.sequenced("s", 3, 12)) == "next")
        #expect(try place(producers, Sample.sequenced("s", 3, 13)) == "out_of_order")
        #expect(try place(producers, Sample.sequenced("s", 3, 11)) == "earlier 14")
        #expect(try place(producers, Sample.sequenced("s", 3, 7)) == "earlier 14")
        #expect(try place(producers, Sample.sequenced("s", 3, 6)) == "out_of_order")
        #expect(try place(producers, Sample.sequenced("s", 4, 900)) == "next")
        #expect(try place(producers, Sample.sequenced("s", 2, 7)) == "fenced")
        #expect(try place(producers, Sample.sequenced("other", 0, 0)) == "next")
    }

    @Test func aHigherEpochFencesTheLowerOnes() throws {
        var producers = Producers(key: Sample.key)
        try apply(&producers, Sample.sequenced("s", 1, 0), at: 0)
        try apply(&producers, Sample.sequenced("s", 1, 1), at: 1)
        try apply(&producers, Sample.sequenced("s", 5, 0), at: 2)
        #expect(try place(producers, Sample.sequenced("s", 1, 1)) == "earlier 0")
        #expect(try place(producers, Sample.sequenced("s", 1, 2)) == "fenced")
        #expect(try place(producers, Sample.sequenced("s", 3, 0)) == "fenced")
        #expect(try place(producers, Sample.sequenced("s", 0, 0)) == "fenced")
        #expect(try place(producers, Sample.sequenced("s", 5, 1)) == "next")
    }

    @Test func aSourceIsEitherOneOrTheOther() throws {
        var producers = Producers(key: Sample.key)
        try apply(&producers, Sample.sequenced("s", 0, 0), at: 0)
        try apply(&producers, Sample.event("e", "t", "a"), at: 1)
        let keyed = #"{"specversion":"1.0","id":"x","source":"s","type":"t"}"#
        #expect(try place(producers, Sample.event(keyed)) == "mixed_source")
        #expect(try place(producers, Sample.event("f", "t", "a")) == "keyed")
        #expect(try place(producers, Sample.sequenced("test", 0, 0)) == "keyed or mixed_source")
        let command = try Sample.command(.grant, "s1", "acme", #"{"amount":"1"}"#)
        #expect(try place(producers, command) == "keyed")
    }

    /// Only in logs of before: from there on all entries of the source have keys.
    @Test func aSourceThatBrokeTheRuleIsKeyed() throws {
        for breach in [
            try Sample.sequenced("s", 0, 9), try Sample.sequenced("s", 0, 1),
            try Sample.event(#"{"specversion":"1.0","id":"x","source":"s","type":"t"}"#),
        ] {
            var producers = Producers(key: Sample.key)
            try apply(&producers, Sample.sequenced("s", 0, 0), at: 0)
            try apply(&producers, Sample.sequenced("s", 0, 1), at: 1)
            let before = producers.isProducer(Array("s".utf8).raw)
            try apply(&producers, breach, at: 2)
            let after = producers.isProducer(Array("s".utf8).raw)
            #expect(before && !after)
            #expect(try place(producers, Sample.sequenced("s", 0, 2)) == "keyed or mixed_source")
        }
    }

    /// The place from which the log is read is never after the entry, and seldom far before it.
    @Test func marksLeadToEveryEntryFromNearby() throws {
        for distance: UInt64 in [1, 3, 50_000] {
            var producers = Producers(key: Sample.key)
            let count: UInt64 = 30_000
            for number in 0..<count {
                try apply(&producers, Sample.sequenced("s", 0, number), at: number * distance)
            }
            var bytes = ByteBuffer()
            producers.serialise(into: &bytes) { _ in }
            #expect(bytes.count < 15 << 10, "marks are bounded")
            for number in stride(from: 0, to: count - 1, by: 997) {
                let content = try Sample.sequenced("s", 0, number)
                let view = try RecordView(content: content.raw)
                guard case .earlier(let sequence, let start) = producers.place(of: view) else {
                    Issue.record("\(number) is not known")
                    return
                }
                #expect(sequence.number == number)
                #expect(start <= number * distance)
                let entries = number - start / distance
                #expect(entries < 4096, "\(entries) entries before \(number) at \(distance)")
            }
        }
    }

    /// Older epochs than those kept are looked for in the log, not refused unseen.
    @Test func forgottenEpochsAreLookedFor() throws {
        var producers = Producers(key: Sample.key)
        for epoch: UInt64 in 0..<200 {
            try apply(&producers, Sample.sequenced("s", epoch * 2, 0), at: epoch)
        }
        #expect(try place(producers, Sample.sequenced("s", 10, 0)) == "earlier 0")
        #expect(try place(producers, Sample.sequenced("s", 11, 0)) == "earlier 0")
        #expect(try place(producers, Sample.sequenced("s", 397, 0)) == "fenced")
    }

    @Test func aRestoredStateGoesOnAsTheOriginal() throws {
        var original = Producers(key: Sample.key)
        var position: UInt64 = 0
        for number: UInt64 in 0..<9000 {
            try apply(&original, Sample.sequenced("a", number / 1000, number % 1000), at: position)
            if number % 3 == 0 {
                try apply(&original, Sample.sequenced("b", 0, number / 3), at: position + 1)
            }
            if number % 1000 == 0 {
                try apply(&original, Sample.event("e\(number)", "t", "x"), at: position + 2)
            }
            position += 40
        }
        var bytes = ByteBuffer()
        original.serialise(into: &bytes) { _ in }
        var reader = ByteReader(bytes.bytes)
        var restored = try Producers(key: Sample.key, restoring: &reader)
        let atEnd = reader.isAtEnd
        #expect(atEnd)
        for number: UInt64 in 0..<9000 {
            let content = try Sample.sequenced("a", 9, number)
            try apply(&original, content, at: position)
            try apply(&restored, content, at: position)
            position += 10
        }
        let (left, right) = (original.digest(), restored.digest())
        #expect(left == right)
    }
}

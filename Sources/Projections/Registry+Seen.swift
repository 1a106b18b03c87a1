import Bytes
package import SegmentedLog

extension Registry {
    /// How often something was seen, and where.
    package struct Seen {
        /// Entries of this sort.
        package fileprivate(set) var events: UInt64 = 0
        /// The first of them.
        package fileprivate(set) var first: Position = 0
        /// The newest of them.
        package fileprivate(set) var last: Position = 0

        mutating func see(_ position: Position) {
            if events == 0 { first = position }
            events += 1
            last = position
        }

        func append(to bytes: inout ByteBuffer) {
            bytes.appendVarint(events)
            bytes.appendVarint(first)
            bytes.appendVarint(last)
        }

        static func read(_ reader: inout ByteReader) throws(DecodeFailure) -> Seen {
            let events = try reader.readVarint()
            let first = try reader.readVarint()
            return Seen(events: events, first: first, last: try reader.readVarint())
        }
    }
}

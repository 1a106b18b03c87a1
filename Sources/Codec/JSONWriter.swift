package import Billing
import Bytes
import Money

/// Writes JSON: no spaces, members in the order in which they are written, texts escaped as RFC
/// 8259 asks and no more.
package struct JSONWriter: ~Copyable {
    private var out: ByteBuffer
    private var needsComma = false

    /// A writer of an empty text.
    package init(capacity: Int = 512) { out = ByteBuffer(capacity: capacity) }

    /// What was written so far.
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        get { out.bytes }
    }

    /// What was written, as an array.
    package func finish() -> [UInt8] { out.copyBytes(in: 0..<out.count) }

    /// Forgets what was written and keeps the memory.
    package mutating func clear() {
        out.clear()
        needsComma = false
    }

    private mutating func separate() {
        if needsComma { out.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    /// Begins an object, as a value.
    package mutating func beginObject() { begin("{") }
    /// Ends an object.
    package mutating func endObject() { end("}") }
    /// Begins an array, as a value.
    package mutating func beginArray() { begin("[") }
    /// Ends an array.
    package mutating func endArray() { end("]") }

    private mutating func begin(_ bracket: Unicode.Scalar) {
        separate()
        out.append(UInt8(ascii: bracket))
        needsComma = false
    }

    private mutating func end(_ bracket: Unicode.Scalar) {
        out.append(UInt8(ascii: bracket))
        needsComma = true
    }

    /// Writes a member's name; its value must follow.
    package mutating func key(_ name: String) { name.withBytes { key($0) } }

    /// Writes a member's name; its value must follow.
    package mutating func key(_ name: RawSpan) {
        separate()
        quote(name)
        out.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes a text.
    package mutating func string(_ text: String) { text.withBytes { string($0) } }

    /// Writes a text, given as UTF-8.
    package mutating func string(_ text: RawSpan) {
        separate()
        quote(text)
    }

    /// Writes an integer.
    package mutating func integer(_ number: some FixedWidthInteger) {
        separate()
        out.append(utf8: String(number))
    }

    /// Writes a boolean.
    package mutating func bool(_ flag: Bool) {
        separate()
        out.append(utf8: flag ? "true" : "false")
    }

    /// Writes null.
    package mutating func null() {
        separate()
        out.append(utf8: "null")
    }

    /// Writes a value that is JSON already.
    package mutating func raw(_ json: String) { json.withBytes { raw($0) } }

    /// Writes a value that is JSON already.
    package mutating func raw(_ json: RawSpan) {
        separate()
        out.append(json)
    }

    /// Writes a member with a text, or null.
    package mutating func member(_ name: String, _ text: String?) {
        key(name)
        if let text { string(text) } else { null() }
    }

    /// Writes a member with a boolean.
    package mutating func member(_ name: String, _ flag: Bool) {
        key(name)
        bool(flag)
    }

    /// Writes a member with an integer, or null.
    package mutating func member(_ name: String, _ number: UInt64?) {
        key(name)
        if let number { integer(number) } else { null() }
    }

    /// Writes a member with an integer.
    package mutating func member(_ name: String, _ number: Int64) {
        key(name)
        integer(number)
    }

    /// Writes a member whose value `body` writes.
    package mutating func member(_ name: String, _ body: (inout JSONWriter) -> Void) {
        key(name)
        body(&self)
    }

    /// Writes the members that another writer wrote without their object.
    package mutating func members(of other: borrowing JSONWriter) {
        guard other.out.count > 0 else { return }
        separate()
        out.append(other.out.bytes)
    }

    /// Writes a data tree.
    package mutating func value(_ value: Value) {
        switch value {
        case .null: null()
        case .bool(let flag): bool(flag)
        case .number(let number): raw(number.description)
        case .numberText(let text): raw(text)
        case .string(let text): string(text)
        case .array(let values):
            beginArray()
            for value in values { self.value(value) }
            endArray()
        case .object(let members):
            beginObject()
            for member in members {
                key(member.name)
                self.value(member.value)
            }
            endObject()
        case .redacted(let hash):
            beginObject()
            member("redacted", Digest(hash.raw).hex)
            endObject()
        }
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)

    private mutating func quote(_ text: RawSpan) {
        out.append(UInt8(ascii: "\""))
        for offset in 0..<text.byteCount {
            let byte = text.byte(at: offset)
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                out.append(UInt8(ascii: "\\"))
                out.append(byte)
            case 0x0A: out.append(utf8: "\\n")
            case 0x0D: out.append(utf8: "\\r")
            case 0x09: out.append(utf8: "\\t")
            case 0..<0x20:
                out.append(utf8: "\\u00")
                out.append(Self.hexDigits[Int(byte >> 4)])
                out.append(Self.hexDigits[Int(byte & 15)])
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}

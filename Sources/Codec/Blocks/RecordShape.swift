/// What a hole in a shape holds, and with it the kind of the field whose column gives it.
enum HoleKind: UInt8 {
    /// A text behind its length.
    case text = 1
    /// Bytes without a length: salts, hashes, outcomes, numbers beyond 64 bits with their tag.
    case raw = 2
    /// An integer or decimal node, tag included.
    case number = 3
    /// A false or true node.
    case flag = 4
    /// Eight bytes of nanoseconds.
    case time = 5

    var isText: Bool { self == .text || self == .raw }
}

/// Bounds of what becomes a shape. A record beyond them is kept as it is.
enum ShapeLimits {
    /// Bytes of a record: with it, what a block of columns can unfold to is bounded.
    static let recordBytesMax = 4096
    /// Holes of a shape.
    static let holesMax = 512
    /// Shapes of a segment.
    static let shapesMax = 1024
    /// Shapes that a survey takes notice of, of which the most frequent remain.
    static let shapesNotedMax = 4096
    /// Bytes of the templates that a survey takes notice of.
    static let templateBytesMax = 1 << 22
    /// Fields of a segment.
    static let fieldsMax = 2048
    /// Texts of a dictionary.
    static let dictionaryMax = 1 << 20
    /// Bytes of a text in a dictionary other than that of the accounts.
    static let dictionaryTextMax = 255
}

/// Numbers of a block's columns.
enum ColumnID {
    /// The columns of few bytes: (varint number, varint length, bytes) of each.
    static let small: UInt16 = 0
    /// The number of each record's shape; the number of shapes stands for a record kept as it is.
    static let shapes: UInt16 = 1
    /// The records kept as they are.
    static let records: UInt16 = 2
    /// The first field's.
    static let fields: UInt16 = 3
    /// Columns below so many bytes stand in `small`.
    static let smallBytesMax = 256
}

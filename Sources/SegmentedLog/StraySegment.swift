import Bytes
import Platform

/// What a file is that has a segment's name and that no manifest lists.
enum StraySegment {
    /// What an interrupted start or roll leaves: nothing that anybody was told of.
    case isEmpty
    /// There are commits in it.
    case hasFrames
    /// Of another store, or no segment at all.
    case isForeign

    /// Reads the file.
    /// - Parameter storeID: of the store; nil if it is not known.
    static func classify(
        _ file: File, _ id: UInt64, storeID: [UInt8]?
    ) throws(SystemFailure) -> StraySegment {
        var window = FrameWindow(ahead: LogLimits.pieceBytes)
        let size = try file.size()
        guard try window.load(0..<FileHeader.byteCount, of: file, limit: size) else {
            // The sizes of new files are among what a crash may lose.
            guard size > 0, try window.load(0..<size, of: file, limit: size) else {
                return .isEmpty
            }
            return window.bytes(0..<size).isZero ? .isEmpty : .isForeign
        }
        let start = beginning(window.bytes(0..<FileHeader.byteCount), file.path)
        if case .header(let header) = start {
            if header.id != id { return .isForeign }
            if let storeID, header.storeID != storeID { return .isForeign }
        }
        let rest = try rest(of: file, size, &window)
        if rest == .hasFrames { return .hasFrames }
        return switch start {
        case .header: .isEmpty  // What follows is at most a copy that did not finish.
        case .unfinished: rest
        case .foreign: .isForeign
        }
    }

    private enum Beginning {
        case header(FileHeader)
        /// Zeros, or a header of which not all sectors were written.
        case unfinished
        case foreign
    }

    private static func beginning(_ block: RawSpan, _ path: String) -> Beginning {
        if let header = try? FileHeader.decode(block, as: .segment, of: path) {
            return .header(header)
        }
        let isUnfinished =
            block.extracting(0..<(FileHeader.byteCount - 4)).isZero
            || block.readInteger(as: UInt64.self, at: 0) == FrameFileKind.segment.magic
        return isUnfinished ? .unfinished : .foreign
    }

    /// Looks for frames behind the header; without any, whether all is zero.
    private static func rest(
        of file: File, _ size: Int, _ window: inout FrameWindow
    ) throws(SystemFailure) -> StraySegment {
        var isZero = true
        var offset = FileHeader.byteCount
        while offset < size {
            let piece = offset..<min(size, offset + LogLimits.blockBytes)
            guard try window.load(piece, of: file, limit: size) else { break }
            let bytes = window.bytes(piece)
            if !bytes.isZero { isZero = false }
            if piece.count == LogLimits.blockBytes {
                let header = bytes.extracting(0..<FrameHeader.byteCount)
                if (try? FrameHeader.decode(header, salt: nil)) != nil { return .hasFrames }
            }
            offset = piece.upperBound
        }
        return isZero ? .isEmpty : .isForeign
    }
}

/// A table for people: columns as wide as they must be, numbers to the right.
struct Table {
    /// One column.
    struct Column {
        let title: String
        let isRight: Bool

        static func left(_ title: String) -> Column { Column(title: title, isRight: false) }
        static func right(_ title: String) -> Column { Column(title: title, isRight: true) }
    }

    private let columns: [Column]
    private var rows: [[String]] = []
    private var totals: [[String]] = []

    init(_ columns: [Column]) { self.columns = columns }

    mutating func add(_ row: [String]) {
        precondition(row.count == columns.count, "one text for each column")
        rows.append(row)
    }

    /// A row under a line at the end.
    mutating func total(_ row: [String]) {
        precondition(row.count == columns.count, "one text for each column")
        totals.append(row)
    }

    var isEmpty: Bool { rows.isEmpty }

    /// The lines of the table.
    var lines: [String] {
        let titles = columns.map(\.title)
        var widths = titles.map(\.count)
        for row in rows + totals {
            for (index, text) in row.enumerated() {
                widths[index] = max(widths[index], text.count)
            }
        }
        let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")
        var lines = [line(titles, widths), rule]
        lines += rows.map { line($0, widths) }
        if !totals.isEmpty { lines.append(rule) }
        lines += totals.map { line($0, widths) }
        return lines
    }

    private func line(_ texts: [String], _ widths: [Int]) -> String {
        var line = ""
        for (index, text) in texts.enumerated() {
            let space = String(repeating: " ", count: widths[index] - text.count)
            line += columns[index].isRight ? space + text : text + space
            if index < texts.count - 1 { line += "  " }
        }
        while line.last == " " { line.removeLast() }
        return line
    }
}

/// Numbers as people read them.
enum Digits {
    /// `22361870.5` as `22,361,870.5`; anything that is no decimal text stays as it is.
    static func grouped(_ text: String) -> String {
        let sign = text.hasPrefix("-") ? "-" : ""
        let parts = text.dropFirst(sign.count).split(
            separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, !whole.isEmpty,
            whole.utf8.allSatisfy({ (48...57).contains($0) })
        else { return text }
        var grouped = ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (whole.count - index) % 3 == 0 { grouped += "," }
            grouped.append(digit)
        }
        return sign + grouped + (parts.count == 2 ? "." + parts[1] : "")
    }

    static func grouped(_ number: Int) -> String { grouped("\(number)") }
}

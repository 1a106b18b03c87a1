import Money

/// Reads prices by dimension.
enum MatrixReader {
    private static let dimensionsMax = 8

    static func read(_ reader: inout CatalogReader) -> Matrix? {
        let by = dimensions(&reader)
        let other = reader.quantity("other")
        var rows: [Matrix.Row] = []
        for member in reader.entries("rows") {
            guard let row = row(member, by, &reader) else { continue }
            if let tie = rows.first(where: { isTie($0, row) }) {
                reader.add(
                    "rows.\(row.key)",
                    "an event can belong to this row as well as to \"\(tie.key)\"; let rows of as "
                        + "many dimensions differ in the value of one that both name")
            }
            rows.append(row)
        }
        if reader["rows"] == nil { reader.add("rows", "is missing") }
        if rows.isEmpty, reader["rows"] != nil, reader.problems.isEmpty {
            reader.add("rows", "names no row")
        }
        if other != nil, rows.contains(where: { $0.key == "other" }) {
            reader.add("rows.other", "is the line of all other usage; choose another name")
        }
        return Matrix(by: by, rows: rows, other: other)
    }

    private static func dimensions(_ reader: inout CatalogReader) -> [[String]] {
        guard let value = reader["by"] else {
            reader.add("by", "is missing: which properties of data tell the prices apart?")
            return []
        }
        guard case .array(let list) = value, (1...dimensionsMax).contains(list.count) else {
            reader.add(
                "by", "a list of 1 to \(dimensionsMax) properties is needed, such as [region]")
            return []
        }
        for item in list where item.text == "amount" || item.text == "per" {
            reader.add(
                "by", "a dimension cannot have the name amount or per: it means the price in a row")
        }
        return reader.paths(list, at: "by")
    }

    private static func row(
        _ member: Value.Member, _ by: [[String]], _ parent: inout CatalogReader
    ) -> Matrix.Row? {
        let names = by.map(dotted)
        var reader = CatalogReader(
            member.value, path: "\(parent.path).rows.\(member.name)",
            // Without dimensions, none can be unknown: what is wrong has been said.
            known: by.isEmpty ? [] : names + ["amount", "per"])
        defer { parent.add(contentsOf: reader.problems) }
        guard case .object = member.value else { return nil }
        let values = names.map { name -> Value? in
            let value = reader[name]
            if let value, !value.isScalar {
                reader.add(name, "a text, a number, true or false is needed")
            }
            return value
        }
        if !by.isEmpty, values.allSatisfy({ $0 == nil }) {
            reader.add("", "names no dimension; the price of all other usage is other")
        }
        if reader["amount"] == nil { reader.add("amount", "is missing") }
        guard let unit = PriceModelReader.unitPrice(&reader) else { return nil }
        return Matrix.Row(key: member.name, values: values, rate: unit.rate, per: unit.per)
    }

    /// Whether some event matches both rows, and neither names more dimensions.
    private static func isTie(_ left: Matrix.Row, _ right: Matrix.Row) -> Bool {
        func size(_ row: Matrix.Row) -> Int { row.values.count { $0 != nil } }
        return size(left) == size(right)
            && zip(left.values, right.values).allSatisfy { left, right in
                left == nil || right == nil || left == right
            }
    }
}

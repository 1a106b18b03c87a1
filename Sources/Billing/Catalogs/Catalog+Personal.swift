extension Catalog {
    /// Properties that a catalog may mark personal.
    package static let personalMax = 64

    /// Reads `personal`: paths that lead neither into nor around each other or anything that is measured.
    static func personal(
        _ meters: [Meter], _ plans: [Plan], _ credits: [Credit], _ reader: inout CatalogReader
    ) -> [[String]] {
        guard let value = reader["personal"] else { return [] }
        guard case .array(let list) = value, list.count <= personalMax else {
            reader.add(
                "personal",
                "a list of at most \(personalMax) properties is needed, such as [user.email]")
            return []
        }
        var paths: [[String]] = []
        for item in list {
            guard let text = item.text, !text.isEmpty else {
                reader.add("personal", "each entry names a property of data")
                continue
            }
            guard let path = reader.path(text, at: "personal") else { continue }
            if let other = paths.first(where: { overlaps($0, path) }) {
                reader.add("personal", "\"\(text)\" is named already, by \"\(dotted(other))\"")
            } else {
                paths.append(path)
            }
        }
        paths.sort { dotted($0).utf8.lexicographicallyPrecedes(dotted($1).utf8) }
        reader.add(contentsOf: problems(of: paths, with: meters))
        reader.add(contentsOf: problems(of: paths, with: plans))
        reader.add(contentsOf: problems(of: paths, with: credits))
        return paths
    }

    /// What stands against the personal properties because of meters that are not in this catalog, but
    /// were in an earlier one, and of earlier plans: they go on counting and charging, for the
    /// subscriptions that were made then.
    package func personalProblems(with earlier: [Meter], plans: [Plan]) -> [CatalogProblem] {
        Self.problems(of: personal, with: earlier.filter { meter($0.key) == nil })
            + Self.problems(of: personal, with: plans)
    }

    /// What a bill depends on cannot be erased.
    private static func problems(of paths: [[String]], with meters: [Meter]) -> [CatalogProblem] {
        paths.flatMap { path in
            meters.compactMap { meter in
                guard let read = meter.paths.first(where: { overlaps($0, path) }) else {
                    return nil
                }
                return CatalogProblem(
                    path: "personal",
                    message: "\"\(dotted(path))\" cannot be personal: the meter \"\(meter.key)\" "
                        + "reads \"\(dotted(read))\", and quantities must survive an erasure")
            }
        }
    }

    /// Nor can what chooses the row of a price.
    private static func problems(of paths: [[String]], with plans: [Plan]) -> [CatalogProblem] {
        let prices = plans.flatMap { plan in plan.prices.map { (plan.key, $0) } }
        let limits = plans.flatMap { plan in plan.entitlements.map { (plan.key, $0) } }
        return paths.flatMap { path in
            prices.compactMap { plan, price in
                guard let read = price.matrix?.by.first(where: { overlaps($0, path) }) else {
                    return nil
                }
                return CatalogProblem(
                    path: "personal",
                    message:
                        "\"\(dotted(path))\" cannot be personal: the price \"\(price.key)\" of "
                        + "\(plan) depends on \"\(dotted(read))\", and bills must survive an erasure"
                )
            }
                + limits.compactMap { plan, entitlement in
                    guard case .limit(let limit) = entitlement.allowance, let read = limit.by,
                        overlaps(read, path)
                    else { return nil }
                    return CatalogProblem(
                        path: "personal",
                        message:
                            "\"\(dotted(path))\" cannot be personal: the limit of "
                            + "\"\(entitlement.feature)\" in \(plan) is by \"\(dotted(read))\"")
                }
        }
    }

    /// Nor what chooses the rate at which credits burn.
    private static func problems(of paths: [[String]], with credits: [Credit]) -> [CatalogProblem] {
        paths.flatMap { path in
            credits.flatMap(\.burn).compactMap { burn in
                guard let read = burn.matrix?.by.first(where: { overlaps($0, path) }) else {
                    return nil
                }
                return CatalogProblem(
                    path: "personal",
                    message:
                        "\"\(dotted(path))\" cannot be personal: the credits that \"\(burn.meter)\" "
                        + "burns depend on \"\(dotted(read))\"")
            }
        }
    }

    /// Whether a property, or a part or a whole of it, is marked personal.
    package func isPersonal(_ path: [String]) -> Bool {
        personal.contains { Self.overlaps($0, path) }
    }

    /// Whether one path leads to the other, or into it.
    private static func overlaps(_ left: [String], _ right: [String]) -> Bool {
        let count = min(left.count, right.count)
        return isSame(Array(left.prefix(count)), Array(right.prefix(count)))
    }
}

extension Meter {
    /// All properties that it reads.
    fileprivate var paths: [[String]] {
        filter.map(\.path) + groupBy + [valueProperty, terms.operationProperty].compactMap { $0 }
    }
}

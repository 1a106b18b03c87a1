import Billing

/// # The time zones of a catalog file
///
/// People write names; a published catalog holds tables, so that no bill depends on the zones of the
/// machine that reads it. The tables are added here.
struct CatalogZones {
    /// Gives a zone's table.
    typealias Tables = @Sendable (_ name: String) throws -> TimeZoneTable

    /// The catalog with a table for each zone that it names.
    private(set) var value = Value.null
    /// The names that lead to no table, with their paths.
    private(set) var problems: [(path: String, message: String)] = []

    private var tables: [(String, Value)] = []

    /// Adds the tables of all zones that `timezones` or a plan names and that have none yet. What is
    /// no list of names and no group of tables is left for the catalog's own reader to refuse.
    init(_ catalog: Value, _ table: Tables) {
        value = catalog
        let listed = catalog["timezones"]
        switch listed {
        case nil, .null?: break
        case .object(let members)?: tables = members.map { ($0.name, $0.value) }
        case .array(let list)? where list.allSatisfy({ $0.text != nil }):
            for (index, name) in list.compactMap(\.text).enumerated() {
                add(name, at: "timezones[\(index)]", table)
            }
        default: return
        }
        for (plan, name) in Self.zones(ofPlans: catalog["plans"]) {
            add(name, at: "plans.\(plan).billing.timezone", table)
        }
        guard case .object(let members) = catalog, listed != nil || !tables.isEmpty else { return }
        let zones = tables.isEmpty ? Value.null : .object(of: tables)
        value = .object(of: members.map { ($0.name, $0.value) } + [("timezones", zones)])
    }

    private mutating func add(_ name: String, at path: String, _ table: Tables) {
        guard name != TimeZoneTable.utc.name, !tables.contains(where: { $0.0 == name }) else {
            return
        }
        do {
            tables.append((name, try table(name).value))
        } catch let failure as CommandFailure {
            problems.append((path, failure.message))
        } catch {
            problems.append((path, "\(error)"))
        }
    }

    private static func zones(ofPlans plans: Value?) -> [(plan: String, zone: String)] {
        guard case .object(let members)? = plans else { return [] }
        return members.compactMap { member in
            member.value["billing"]?["timezone"]?.text.map { (member.name, $0) }
        }
    }
}

import Billing
import Client

/// # What Stripe's ids mean here
///
///     prices:                      # id of a price, a product or an old plan
///       price_123: {plan: pro}
///       prod_9: {plan: team}
///       price_seat: {addon: seats}
///     account: metadata.account    # where in the subscription the account's name stands
///     test: true                   # take events of Stripe's test mode too
///
/// `account` is `customer` by default: the customer's id.
struct StripeMapping: Equatable, Sendable {
    /// What an item of a subscription is for, by its key in the catalog.
    enum Target: Equatable, Sendable {
        case plan(String)
        case addon(String)
    }

    /// By the id of a price, a product or an old plan.
    private(set) var prices: [String: Target] = [:]
    /// Path to the account's name in the subscription, name by name.
    private(set) var account = ["customer"]
    /// Whether events of Stripe's test mode are taken.
    private(set) var test = false

    init(prices: [String: Target], account: [String] = ["customer"], test: Bool = false) {
        self.prices = prices
        self.account = account
        self.test = test
    }

    /// Reads a mapping file.
    /// - Throws: all problems at once, with their lines.
    init(file: String) throws {
        do {
            let document = try YAMLDocument(file: file)
            var problems: [Problem] = []
            self.init(reading: document.value, &problems)
            guard problems.isEmpty else { throw document.problems(problems, in: file) }
        } catch let problems as YAMLDocument.Problems {
            throw problems.failure
        }
    }

    /// Something wrong in a mapping file.
    typealias Problem = (path: String, message: String)

    /// Reads a mapping, and adds what is wrong with it to `problems`.
    init(reading root: Value, _ problems: inout [Problem]) {
        guard case .object(let members) = root else {
            problems.append(("", "a group of keys is needed: prices, and perhaps account, test"))
            return
        }
        for member in members where !["prices", "account", "test"].contains(member.name) {
            problems.append((member.name, "unknown key; known here: prices, account, test"))
        }
        if case .object(let entries)? = root["prices"], !entries.isEmpty {
            for entry in entries { prices[entry.name] = Self.target(entry, &problems) }
        } else {
            problems.append(("prices", "a group of ids is needed: price_123: {plan: pro}"))
        }
        if let value = root["account"] { readAccount(value, &problems) }
        if let value = root["test"] {
            test = value.flag ?? false
            if value.flag == nil { problems.append(("test", "true or false is needed")) }
        }
    }

    private mutating func readAccount(_ value: Value, _ problems: inout [Problem]) {
        let names = (value.text ?? "").split(separator: ".", omittingEmptySubsequences: false)
        guard !names.contains("") else {
            problems.append(
                ("account", "a path in the subscription is needed, such as metadata.account"))
            return
        }
        account = names.map(String.init)
    }

    private static func target(_ entry: Value.Member, _ problems: inout [Problem]) -> Target? {
        let path = "prices.\(entry.name)"
        guard case .object(let members) = entry.value, members.count == 1,
            let member = members.first, ["plan", "addon"].contains(member.name)
        else {
            problems.append((path, "{plan: KEY} or {addon: KEY} is needed"))
            return nil
        }
        guard let key = member.value.text, !key.isEmpty else {
            problems.append(
                ("\(path).\(member.name)", "the key of the catalog is needed, a text"))
            return nil
        }
        return member.name == "plan" ? .plan(key) : .addon(key)
    }
}
